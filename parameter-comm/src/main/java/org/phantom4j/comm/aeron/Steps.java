package org.phantom4j.comm.aeron;

/** An algorithm of collectives in steps: plans of a {@link SteppedExchange} for one rank. */
interface Steps {

    /** From how many ranks on {@link Algorithm#AUTO} takes steps. */
    int AUTO_RANKS = 8;

    /** And from what size of the whole array on. */
    long AUTO_BYTES = 8L << 20;

    /** The algorithm for a group of this size; null if data goes straight to where it is needed. */
    static Steps of(Algorithm algorithm, int size) {
        return switch (algorithm) {
            case AUTO -> size >= AUTO_RANKS ? of(Algorithm.HALVING, size) : null;
            case DIRECT -> null;
            case RING -> size > 1 ? new Ring() : null;
            case HALVING -> size > 1 && Integer.bitCount(size) == 1 ? new Halving() : null;
        };
    }

    /** Whether arrays of this size take steps, of a group that has them. */
    static boolean takes(AeronOptions options, long wholeBytes) {
        return wholeBytes > options.directAllReduceBytes()
                && (options.algorithm() != Algorithm.AUTO || wholeBytes >= AUTO_BYTES);
    }

    /** Each rank's block of {@code whole}, this one's from {@code part}, to all. */
    void allGather(SteppedExchange exchange, long part, Blocks whole);

    /** The sum of the ranks' {@code whole}, this rank's block of it to {@code part}. */
    void reduceScatter(SteppedExchange exchange, Blocks whole, long part);

    /** The sum of the ranks' {@code whole} in its place. */
    void allReduce(SteppedExchange exchange, Blocks whole);
}

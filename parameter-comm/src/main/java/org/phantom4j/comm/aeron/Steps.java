package org.phantom4j.comm.aeron;

/** An algorithm of collectives in steps: plans of a {@link SteppedExchange} for one rank. */
interface Steps {

    /** The algorithm for a group of this size; null if data goes straight to where it is needed. */
    static Steps of(Algorithm algorithm, int size) {
        return switch (algorithm) {
            case DIRECT -> null;
            case RING -> size > 1 ? new Ring() : null;
            case HALVING -> size > 1 && Integer.bitCount(size) == 1 ? new Halving() : null;
        };
    }

    /** Each rank's block of {@code whole}, this one's from {@code part}, to all. */
    void allGather(SteppedExchange exchange, long part, Blocks whole);

    /** The sum of the ranks' {@code whole}, this rank's block of it to {@code part}. */
    void reduceScatter(SteppedExchange exchange, Blocks whole, long part);

    /** The sum of the ranks' {@code whole} in its place. */
    void allReduce(SteppedExchange exchange, Blocks whole);
}

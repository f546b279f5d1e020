package org.phantom4j.comm.aeron;

/**
 * Plans in which each rank sends to the next and takes from the one before, so that blocks go around. Sums are added in the
 * order of the ring, which is another for each block: of more than two floating-point addends they differ from those of
 * other back ends.
 */
final class Ring implements Steps {

    // Each rank's block of {@code whole}, this one's from {@code part}, goes around to all.
    @Override
    public void allGather(SteppedExchange exchange, long part, Blocks whole) {
        int rank = exchange.rank;
        exchange.send(next(exchange), part, whole.bytes(rank));
        passAround(exchange, whole);
        exchange.copyLast(part, whole.address(rank), whole.bytes(rank));
    }

    private static void passAround(SteppedExchange exchange, Blocks whole) {
        int size = exchange.size;
        for (int step = 1; step < size; step++) {
            int block = (exchange.rank - step + size) % size;
            exchange.take(previous(exchange), whole.address(block), whole.bytes(block));
            if (step < size - 1) {
                exchange.passOn(next(exchange));
            }
        }
    }

    // Sums of blocks go around, and end with the block's owner.
    @Override
    public void reduceScatter(SteppedExchange exchange, Blocks whole, long part) {
        long scratch = exchange.scratch(whole.totalBytes());
        sumAround(exchange, whole, scratch, part);
    }

    // Sums of blocks go around, then blocks.
    @Override
    public void allReduce(SteppedExchange exchange, Blocks whole) {
        sumAround(exchange, whole, whole.address(0), whole.address(exchange.rank));
        exchange.passOn(next(exchange));
        passAround(exchange, whole);
    }

    /** @param sums where sums of other ranks' blocks lie, each at its block's place */
    private static void sumAround(SteppedExchange exchange, Blocks whole, long sums, long part) {
        int size = exchange.size;
        int first = (exchange.rank - 1 + size) % size;
        exchange.send(next(exchange), whole.address(first), whole.bytes(first));
        for (int step = 1; step < size; step++) {
            int block = (exchange.rank - step - 1 + size) % size;
            boolean last = block == exchange.rank;
            long sum = last ? part : sums + whole.address(block) - whole.address(0);
            exchange.takeSum(previous(exchange), whole.address(block), sum, whole.bytes(block));
            if (!last) {
                exchange.passOn(next(exchange));
            }
        }
    }

    private static int next(SteppedExchange exchange) {
        return (exchange.rank + 1) % exchange.size;
    }

    private static int previous(SteppedExchange exchange) {
        return (exchange.rank - 1 + exchange.size) % exchange.size;
    }
}

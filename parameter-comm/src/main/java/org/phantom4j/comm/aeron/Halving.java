package org.phantom4j.comm.aeron;

/**
 * Plans for a power of two of ranks: in each step a rank exchanges with one other, at twice the distance of the step before.
 * Partial sums are those of 2, 4, 8, … neighbouring ranks, so that the order of addition is that of all back ends.
 */
final class Halving implements Steps {

    // Twice as many blocks in each step.
    @Override
    public void allGather(SteppedExchange exchange, long part, Blocks whole) {
        int rank = exchange.rank;
        Copies.copy(part, whole.address(rank), part == whole.address(rank) ? 0 : whole.bytes(rank));
        for (int distance = 1; distance < exchange.size; distance *= 2) {
            int peer = rank ^ distance;
            int own = rank & -distance;
            int theirs = peer & -distance;
            exchange.send(peer, whole.address(own), whole.bytes(own, own + distance));
            exchange.take(peer, whole.address(theirs), whole.bytes(theirs, theirs + distance));
        }
    }

    // Half as many blocks in each step: each other one, then each other one of those, until the rank's own is left.
    @Override
    public void reduceScatter(SteppedExchange exchange, Blocks whole, long part) {
        int rank = exchange.rank;
        int size = exchange.size;
        long scratch = exchange.scratch(whole.totalBytes()) - whole.address(0);
        for (int distance = 1; distance < size; distance *= 2) {
            int peer = rank ^ distance;
            long sums = distance == 1 ? 0 : scratch;
            for (int block = peer % (2 * distance); block < size; block += 2 * distance) {
                exchange.send(peer, sums + whole.address(block), whole.bytes(block));
            }
            for (int block = rank % (2 * distance); block < size; block += 2 * distance) {
                boolean last = 2 * distance == size;
                exchange.takeSum(
                        peer,
                        sums + whole.address(block),
                        last ? part : scratch + whole.address(block),
                        whole.bytes(block));
            }
        }
    }

    // Half of the array in each step, then twice as much.
    @Override
    public void allReduce(SteppedExchange exchange, Blocks whole) {
        int rank = exchange.rank;
        int size = exchange.size;
        int from = 0;
        int length = size;
        for (int distance = 1; distance < size; distance *= 2) {
            length /= 2;
            int kept = (rank & distance) == 0 ? from : from + length;
            int given = 2 * from + length - kept;
            exchange.send(rank ^ distance, whole.address(given), whole.bytes(given, given + length));
            exchange.takeSum(
                    rank ^ distance, whole.address(kept), whole.address(kept), whole.bytes(kept, kept + length));
            from = kept;
        }
        for (int distance = size / 2; distance > 0; distance /= 2) {
            int theirs = (rank & distance) == 0 ? from + length : from - length;
            exchange.send(rank ^ distance, whole.address(from), whole.bytes(from, from + length));
            exchange.take(rank ^ distance, whole.address(theirs), whole.bytes(theirs, theirs + length));
            from = Math.min(from, theirs);
            length *= 2;
        }
    }
}

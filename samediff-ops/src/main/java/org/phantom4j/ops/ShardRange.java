package org.phantom4j.ops;

import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The shards that one rank owns: {@code first} to {@code end} − 1. Shards are the model, ranks are the hardware: p shards
 * run on any r ranks that divide p, p / r on each.
 */
public record ShardRange(int first, int end) {

    /**
     * The shards of rank {@code rank} of {@code ranks}.
     *
     * @throws IllegalArgumentException if {@code ranks} does not divide {@code shards}
     */
    public static ShardRange of(int rank, int ranks, int shards) {
        if (ranks < 1 || shards % ranks != 0) {
            throw new IllegalArgumentException(shards + " shards cannot be spread over " + ranks
                    + " ranks: the number of ranks must divide the shards (1 to " + shards + ": "
                    + IntStream.rangeClosed(1, shards)
                            .filter(r -> shards % r == 0)
                            .mapToObj(Integer::toString)
                            .collect(Collectors.joining(", "))
                    + ")");
        }
        int each = shards / ranks;
        return new ShardRange(rank * each, (rank + 1) * each);
    }

    /** The number of shards. */
    public int count() {
        return end - first;
    }

    /** The shards, in order. */
    public IntStream stream() {
        return IntStream.range(first, end);
    }
}

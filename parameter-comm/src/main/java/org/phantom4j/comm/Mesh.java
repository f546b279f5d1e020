package org.phantom4j.comm;

/**
 * The ranks of a group as a table: each row is one replica of the model, its ranks the phantom-parallel group that
 * shares the model's shards; each column holds the same shards in every replica, its ranks the data-parallel group that
 * sums their gradients. Rank r of the group is in row r / columns and column r mod columns, so that a row's ranks are
 * neighbours: on one host where that is possible.
 *
 * @param all the whole table
 * @param model the row of this rank: communicator of its replica of the model
 * @param data the column of this rank: communicator between the replicas
 */
public record Mesh(Communicator all, Communicator model, Communicator data) implements AutoCloseable {

    /**
     * Cuts a group into {@code replicas} rows. A collective: every rank calls it. A table of one row or one column uses the
     * group itself for it.
     *
     * @throws IllegalArgumentException if the replicas do not divide the ranks
     */
    public static Mesh of(Communicator all, int replicas) {
        if (replicas < 1 || all.size() % replicas != 0) {
            throw new IllegalArgumentException(replicas + " data-parallel replicas do not divide " + all.size()
                    + " ranks: use a divisor of the number of ranks");
        }
        int columns = all.size() / replicas;
        if (replicas == 1) {
            return new Mesh(all, all, SingleRank.INSTANCE);
        }
        if (columns == 1) {
            return new Mesh(all, SingleRank.INSTANCE, all);
        }
        Communicator model = all.split(all.rank() / columns, all.rank());
        Communicator data = all.split(all.rank() % columns, all.rank());
        return new Mesh(all, model, data);
    }

    /** Which replica this rank belongs to. */
    public int replica() {
        return data.rank();
    }

    /** Payload bytes that this rank has sent so far, to its row, its column and the whole table. */
    public long bytesSent() {
        long bytes = all.stats().bytesSent();
        bytes += model == all ? 0 : model.stats().bytesSent();
        return bytes + (data == all ? 0 : data.stats().bytesSent());
    }

    /** Closes the row's and the column's communicator, not the whole table's. */
    @Override
    public void close() {
        if (model != all) {
            model.close();
        }
        if (data != all) {
            data.close();
        }
    }
}

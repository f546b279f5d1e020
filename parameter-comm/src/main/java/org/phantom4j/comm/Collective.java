package org.phantom4j.comm;

/** The collectives of a {@link Communicator}. */
public enum Collective {
    ALL_GATHER,
    REDUCE_SCATTER,
    ALL_REDUCE,
    BROADCAST,
    BARRIER,
    SPLIT;

    /** The name of the field's literature: {@code all-gather}. */
    @Override
    public String toString() {
        return name().toLowerCase(java.util.Locale.ROOT).replace('_', '-');
    }
}

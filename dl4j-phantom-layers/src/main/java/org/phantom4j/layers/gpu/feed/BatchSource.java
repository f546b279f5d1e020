package org.phantom4j.layers.gpu.feed;

/** Where a stream's batches come from. Belongs to the thread that prepares them. */
interface BatchSource extends AutoCloseable {

    void startEpoch(long epoch);

    /** Whether the epoch has another batch. */
    boolean hasNext();

    /** The next batch, valid until the next call. */
    HostBatch next();

    /** In words, for {@link Feed#describe}. */
    String describe();

    @Override
    void close();
}

package org.phantom4j.layers.gpu.feed;

/** Batches of samples in host memory. */
final class SampleSource implements BatchSource {

    private final HostSamples samples;
    private final SourceRows features;
    private final SourceRows labels;
    private final EpochOrders orders;
    private int[] order;
    private int next;

    SampleSource(HostSamples samples, RankColumns columns) {
        columns.require(samples.features(), samples.labels(), "the data set");
        this.samples = samples;
        this.next = samples.rows();
        this.features = SourceRows.of(samples.features());
        this.labels = columns.targetWidth() == 0 ? null : SourceRows.of(samples.labels());
        this.orders = samples.seed().isPresent()
                ? new EpochOrders(samples.rows(), samples.seed().getAsLong())
                : null;
    }

    @Override
    public void startEpoch(long epoch) {
        if (orders != null) {
            order = orders.take(epoch);
            orders.prepare(epoch + 1);
        }
        next = 0;
    }

    @Override
    public boolean hasNext() {
        return next < samples.rows();
    }

    @Override
    public HostBatch next() {
        int rows = Math.min(samples.batch(), samples.rows() - next);
        HostBatch batch = new HostBatch(features, labels, order, next, rows);
        next += rows;
        return batch;
    }

    @Override
    public String describe() {
        return String.format("%,d samples in batches of %d", samples.rows(), samples.batch());
    }

    @Override
    public void close() {
        if (orders != null) {
            orders.close();
        }
    }
}

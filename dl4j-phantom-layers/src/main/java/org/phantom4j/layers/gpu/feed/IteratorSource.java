package org.phantom4j.layers.gpu.feed;

import org.nd4j.linalg.dataset.api.DataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;

/** Batches of an iterator, which is asked by the thread that prepares batches. Starts an epoch as {@code network.fit} does. */
final class IteratorSource implements BatchSource {

    private final DataSetIterator iterator;
    private final RankColumns columns;
    private long epoch;
    private long batch;

    IteratorSource(DataSetIterator iterator, RankColumns columns) {
        this.iterator = iterator;
        this.columns = columns;
    }

    @Override
    public void startEpoch(long number) {
        epoch = number;
        batch = 0;
        if (!iterator.hasNext() && iterator.resetSupported()) {
            iterator.reset();
        }
    }

    @Override
    public boolean hasNext() {
        return iterator.hasNext();
    }

    @Override
    public HostBatch next() {
        DataSet data = iterator.next();
        String what = "batch " + batch + " of epoch " + epoch;
        if (data == null) {
            throw new IllegalArgumentException(what + " is null: the iterator said that it had another");
        }
        if (data.getFeaturesMaskArray() != null || data.getLabelsMaskArray() != null) {
            throw new IllegalArgumentException(what + " has a mask of its "
                    + (data.getFeaturesMaskArray() != null ? "features" : "labels")
                    + ": compiled steps do not apply masks; train this network with Deeplearning4j's layers");
        }
        columns.require(data.getFeatures(), data.getLabels(), what);
        batch++;
        return new HostBatch(
                SourceRows.of(data.getFeatures()),
                columns.targetWidth() == 0 ? null : SourceRows.of(data.getLabels()),
                null,
                0,
                Math.toIntExact(data.getFeatures().size(0)));
    }

    @Override
    public String describe() {
        return "an iterator (" + iterator.getClass().getSimpleName() + ")";
    }

    @Override
    public void close() {
        // the iterator is its owner's
    }
}

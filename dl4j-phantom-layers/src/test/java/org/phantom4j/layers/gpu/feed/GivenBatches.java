package org.phantom4j.layers.gpu.feed;

import java.util.List;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.DataSetPreProcessor;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;

/** An iterator over batches that are there, and what may go wrong with it. */
class GivenBatches implements DataSetIterator {

    private static final long serialVersionUID = 1L;

    private final transient List<DataSet> batches;
    private transient DataSetPreProcessor preProcessor;
    private int next;
    private int resets;

    GivenBatches(List<DataSet> batches) {
        this.batches = batches;
    }

    /** Called before a batch is given, with its number. */
    void before(int batch) {}

    int resets() {
        return resets;
    }

    @Override
    public boolean hasNext() {
        return next < batches.size();
    }

    @Override
    public DataSet next() {
        before(next);
        DataSet batch = batches.get(next++);
        if (preProcessor != null) {
            DataSet copy = batch.copy();
            preProcessor.preProcess(copy);
            return copy;
        }
        return batch;
    }

    @Override
    public DataSet next(int samples) {
        throw new UnsupportedOperationException();
    }

    @Override
    public int inputColumns() {
        return batches.get(0).numInputs();
    }

    @Override
    public int totalOutcomes() {
        return batches.get(0).numOutcomes();
    }

    @Override
    public boolean resetSupported() {
        return true;
    }

    @Override
    public boolean asyncSupported() {
        return true;
    }

    @Override
    public void reset() {
        resets++;
        next = 0;
    }

    @Override
    public int batch() {
        return batches.get(0).numExamples();
    }

    @Override
    public void setPreProcessor(DataSetPreProcessor wanted) {
        preProcessor = wanted;
    }

    @Override
    public DataSetPreProcessor getPreProcessor() {
        return preProcessor;
    }

    @Override
    public List<String> getLabels() {
        return null;
    }
}

package org.phantom4j.layers.train;

import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.phantom4j.comm.Communicator;

/**
 * Trains one rank's network step by step, wherever its parameters are meanwhile. All methods are collectives: every rank
 * calls them with the same samples. Belongs to the rank's thread.
 */
public interface StepTrainer extends AutoCloseable {

    /** Makes a step on a whole batch; returns the whole network's loss before it. */
    double step(DataSet batch);

    /**
     * A training on samples in host memory, whose steps need not wait for one another.
     *
     * @param features [samples, inputs]; neither they nor the labels change before it is closed
     * @param labels [samples, outputs]
     * @param batch samples of a step; the last of an epoch may have fewer
     * @param seed of the samples' order
     */
    default SampleTraining on(INDArray features, INDArray labels, int batch, long seed) {
        return new BatchTraining(this, features, labels, batch, seed);
    }

    /** Outputs of whole features, [rows, n], with the parameters as they are now: [rows, outputs]. */
    INDArray output(INDArray features);

    /** Takes parameters and updater state from the network. */
    void load();

    /** Brings parameters and updater state to the network. */
    void store();

    @Override
    void close();

    /**
     * Deeplearning4j's own layers.
     *
     * @param replicas the group of the same shards in all replicas
     */
    static StepTrainer ofLayers(MultiLayerNetwork network, Communicator replicas) {
        DataParallel parallel = DataParallel.join(network, replicas);
        return new StepTrainer() {
            @Override
            public double step(DataSet batch) {
                parallel.fit(batch);
                return network.score();
            }

            @Override
            public INDArray output(INDArray features) {
                return network.output(features);
            }

            @Override
            public void load() {
                // they are the network's
            }

            @Override
            public void store() {
                // they are the network's
            }

            @Override
            public void close() {
                // holds nothing
            }
        };
    }
}

package org.phantom4j.layers.train;

import java.util.List;
import java.util.function.Consumer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.api.OptimizationAlgorithm;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.CommStats;
import org.phantom4j.comm.Communicator;
import org.phantom4j.layers.ranks.BatchAgreement;
import org.phantom4j.layers.ranks.ConfigurationAgreement;
import org.phantom4j.layers.ranks.GroupGraph;

/**
 * Makes networks replicas of one another: each trains on its own share of every batch, and all take the same step. Each
 * replica may itself be spread over several ranks; the same shards of all replicas then form a group, the column of a
 * {@link org.phantom4j.comm.Mesh}.
 *
 * <pre>{@code
 * LocalRanks.run(4, Duration.ofSeconds(60), all -> {
 *     Mesh mesh = Mesh.of(all, 2);                             // 2 replicas of 2 ranks each
 *     return RankContext.call(mesh.model(), () -> {
 *         MultiLayerNetwork network = RankNetwork.create(configuration);
 *         DataParallel replicas = DataParallel.join(network, mesh.data());
 *         replicas.fit(batch);                                 // every rank: the same batch
 *         return network.score();                              // of the whole batch
 *     });
 * });
 * }</pre>
 *
 * <p>Gradients are summed over the samples of all replicas in one all-reduce of the flattened gradient, between the backward
 * pass and the updater, and then divided by the number of these samples: what comes out is the step that one process takes
 * on the whole batch, up to rounding, with any updater, regularisation and gradient normalisation. So is the score. Dropout
 * and weight noise draw other random numbers in each replica. {@code setLearningRate} and whatever else gives the network a
 * new updater keeps that; every rank calls it.
 *
 * <p>Belongs to the rank's thread.
 */
public final class DataParallel {

    private final Communicator replicas;
    private final ReplicaSum sum;
    private final Consumer<DataSet> fit;

    /** Makes the network's updater one that sums, if it is not; Deeplearning4j makes new ones for new learning rates. */
    private final Runnable sumGradients;

    /** Null where batches are not compared. */
    private final BatchAgreement batches;

    private int steps;

    private DataParallel(Communicator replicas, ReplicaSum sum, Consumer<DataSet> fit, Runnable sumGradients) {
        this.replicas = replicas;
        this.sum = sum;
        this.fit = fit;
        this.sumGradients = sumGradients;
        this.batches = BatchAgreement.isWanted(replicas) ? new BatchAgreement(replicas, "replica") : null;
    }

    /**
     * Makes an initialised network one of the replicas. A collective: every rank of the group calls it. All get the parameters
     * and the updater's state of the group's rank 0.
     *
     * @param replicas the group of the same shards in all replicas
     * @throws IllegalArgumentException if the network has layers or settings for which replicas differ from one process
     * @throws IllegalStateException if the replicas' configurations differ in more than the seed
     */
    public static DataParallel join(MultiLayerNetwork network, Communicator replicas) {
        for (NeuralNetConfiguration conf : network.getLayerWiseConfigurations().getConfs()) {
            requireSameSteps(conf);
        }
        ReplicaSum sum = new ReplicaSum(replicas, network::setScore);
        if (replicas.size() == 1) {
            return new DataParallel(replicas, sum, network::fit, () -> {});
        }
        MultiLayerConfiguration configuration = network.getLayerWiseConfigurations();
        ConfigurationAgreement.require(replicas, configuration.getConfs(), configuration::toJson);
        share(replicas, network.params(), network.getUpdater().getStateViewArray(), network.getDefaultConfiguration());
        Runnable sumGradients = () -> {
            if (!(network.getUpdater() instanceof ReplicaSum.OfNetwork)) {
                network.setUpdater(
                        new ReplicaSum.OfNetwork(network, network.getUpdater().getStateViewArray(), sum));
            }
        };
        sumGradients.run();
        network.addListeners(new BeforeUpdates(sumGradients));
        return new DataParallel(replicas, sum, network::fit, sumGradients);
    }

    /** As {@link #join(MultiLayerNetwork, Communicator)}, for a graph with one input and one output. */
    public static DataParallel join(ComputationGraph graph, Communicator replicas) {
        List<NeuralNetConfiguration> all = GroupGraph.configurations(graph.getConfiguration());
        all.forEach(DataParallel::requireSameSteps);
        ReplicaSum sum = new ReplicaSum(replicas, graph::setScore);
        if (replicas.size() == 1) {
            return new DataParallel(replicas, sum, graph::fit, () -> {});
        }
        ConfigurationAgreement.require(replicas, all, graph.getConfiguration()::toJson);
        share(
                replicas,
                graph.params(),
                graph.getUpdater().getStateViewArray(),
                graph.getConfiguration().getDefaultConfiguration());
        Runnable sumGradients = () -> {
            if (!(graph.getUpdater() instanceof ReplicaSum.OfGraph)) {
                graph.setUpdater(
                        new ReplicaSum.OfGraph(graph, graph.getUpdater().getStateViewArray(), sum));
            }
        };
        sumGradients.run();
        graph.addListeners(new BeforeUpdates(sumGradients));
        return new DataParallel(replicas, sum, graph::fit, sumGradients);
    }

    /** Runs before each step, whoever calls the network's fit. */
    private static final class BeforeUpdates extends BaseTrainingListener {

        private final Runnable action;

        BeforeUpdates(Runnable action) {
            this.action = action;
        }

        @Override
        public void onGradientCalculation(Model model) {
            action.run();
        }
    }

    private static void requireSameSteps(NeuralNetConfiguration conf) {
        if (!conf.isMiniBatch()) {
            throw new IllegalArgumentException(
                    "replicas need miniBatch(true): their scores and gradients are means over the samples");
        }
        if (conf.getOptimizationAlgo() != OptimizationAlgorithm.STOCHASTIC_GRADIENT_DESCENT) {
            throw new IllegalArgumentException(
                    "optimization algorithm " + conf.getOptimizationAlgo() + " searches along the"
                            + " gradient of all samples, which no replica has: use STOCHASTIC_GRADIENT_DESCENT, with any updater");
        }
        if (conf.getLayer() instanceof BatchNormalization) {
            throw new IllegalArgumentException("layer '" + conf.getLayer().getLayerName()
                    + "' normalises by the samples of its own replica, not of the whole batch: replicas would not train"
                    + " as one process does; use a network without BatchNormalization");
        }
    }

    private static void share(
            Communicator replicas, INDArray parameters, INDArray state, NeuralNetConfiguration configuration) {
        replicas.broadcast(parameters, 0);
        if (state != null) {
            replicas.broadcast(state, 0);
        }
        if (replicas.rank() > 0) {
            Nd4j.getRandom().setSeed(configuration.getSeed() + replicas.rank());
        }
    }

    /**
     * Trains on this replica's share of a batch: near-even rows, in rank order. A collective of all ranks of all replicas.
     *
     * @param batch the whole batch, the same on every rank; may have fewer samples than there are replicas
     * @throws IllegalStateException if replicas got different batches; they are compared as those of the ranks, see
     *     {@link RankNetwork}
     */
    public void fit(DataSet batch) {
        int samples = batch.numExamples();
        int size = replicas.size();
        if (size == 1) {
            fit.accept(batch);
            return;
        }
        if (batches != null) {
            batches.add(true, steps++, new INDArray[] {batch.getFeatures(), batch.getLabels()}, new INDArray[] {
                batch.getFeaturesMaskArray(), batch.getLabelsMaskArray()
            });
        }
        int from = (int) CommStats.nearEvenStart(samples, size, replicas.rank());
        int rows = (int) CommStats.nearEvenBlock(samples, size, replicas.rank());
        sumGradients.run();
        // a replica without a sample computes one as the others do, as its layers may be on several ranks, and counts
        // none
        sum.setCounts(rows > 0);
        try {
            fit.accept(rows > 0 ? (DataSet) batch.getRange(from, from + rows) : (DataSet) batch.getRange(0, 1));
        } finally {
            sum.setCounts(true);
        }
    }
}

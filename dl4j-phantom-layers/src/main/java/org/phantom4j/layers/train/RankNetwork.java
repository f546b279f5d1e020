package org.phantom4j.layers.train;

import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.phantom4j.comm.Communicator;
import org.phantom4j.comm.RankContext;
import org.phantom4j.layers.CommunicationPlan;
import org.phantom4j.layers.ranks.GroupGraph;
import org.phantom4j.layers.ranks.GroupNetwork;
import org.phantom4j.layers.ranks.NetworkShares;

/**
 * A network's share on the current rank, made from the whole and made whole again. A whole network is an ordinary one, as
 * {@code ModelSerializer} writes and reads it, and the same whatever the number of ranks. All methods are collectives: every
 * rank of the group calls them.
 *
 * <pre>{@code
 * LocalRanks.run(2, Duration.ofSeconds(60), group -> {
 *     MultiLayerNetwork network = RankNetwork.create(configuration);
 *     network.fit(batches.get());                                   // each rank: its own iterator over the same batches
 *     MultiLayerNetwork whole = RankNetwork.gather(network);        // on rank 0
 *     if (whole != null) {
 *         ModelSerializer.writeModel(whole, file, true);
 *     }
 *     return network.score();
 * });
 * }</pre>
 *
 * <p><b>What a rank's network gives.</b> Outputs, evaluations, scores, and the activations of {@code feedForward} are those of
 * the whole network, the same on every rank. Parameters, gradients, the updater's state, {@code summary} and what a single
 * {@code Layer} gives are this rank's; {@code getParam} of another rank's parameter is null.
 *
 * <p><b>What is refused.</b> A rank's network belongs to the rank's thread; other threads, those of {@code ParallelInference}
 * for example, may clone it, and are refused when they compute. It cannot be written to a file, neither by
 * {@code ModelSerializer} nor by a listener: {@link #gather} gives what can. Optimization algorithms other than
 * STOCHASTIC_GRADIENT_DESCENT are refused.
 *
 * <p><b>What is compared.</b> Every rank must have the same configuration, but for the seed, which is rank 0's, and must get
 * the same batches. A fingerprint of each batch, and every {@code 50} steps some elements of the parameters that all ranks
 * have, are compared; an {@link IllegalStateException} names the rank and the iteration that differ. Fingerprints of several
 * batches travel together, so that it costs at most about 1 % of the time. The system property {@code phantom4j.checks},
 * the same on all ranks, says {@code every} to compare each batch before it is used, {@code off} to compare none. Compiled steps on GPUs compare
 * none.
 */
public final class RankNetwork {

    private RankNetwork() {}

    /**
     * This rank's network, initialised from the configuration's seed, or rank 0's where they differ: the same values on any
     * number of ranks.
     *
     * @param configuration of the whole network; copied; the network is planned ({@link CommunicationPlan})
     * @throws IllegalStateException if the ranks' configurations differ in more than the seed
     */
    public static MultiLayerNetwork create(MultiLayerConfiguration configuration) {
        return GroupNetwork.create(configuration, RankContext.current());
    }

    /** As {@link #create(MultiLayerConfiguration)}, for a graph. */
    public static ComputationGraph create(ComputationGraphConfiguration configuration) {
        return GroupGraph.create(configuration, RankContext.current());
    }

    /**
     * This rank's network with the parameters of a whole one and, if it has one, its updater's state.
     *
     * @param whole may be shared by ranks of one process; not changed
     * @throws IllegalStateException if the ranks' whole networks differ
     */
    public static MultiLayerNetwork of(MultiLayerNetwork whole) {
        Communicator group = RankContext.current();
        MultiLayerNetwork network = create(whole.getLayerWiseConfigurations());
        NetworkShares.handOut(whole, network, group);
        return network;
    }

    /** As {@link #of(MultiLayerNetwork)}, for a graph. */
    public static ComputationGraph of(ComputationGraph whole) {
        Communicator group = RankContext.current();
        ComputationGraph graph = create(whole.getConfiguration());
        NetworkShares.handOut(whole, graph, group);
        return graph;
    }

    /**
     * The whole network on rank 0, null on the others, with parameters, updater state and the number of iterations. It belongs
     * to no group: any thread may use it.
     *
     * @throws IllegalStateException if the ranks did not train on the same batches
     */
    public static MultiLayerNetwork gather(MultiLayerNetwork network) {
        return RankContext.current().size() == 1 ? network : NetworkShares.gather(network);
    }

    /** As {@link #gather(MultiLayerNetwork)}, for a graph. */
    public static ComputationGraph gather(ComputationGraph graph) {
        return RankContext.current().size() == 1 ? graph : NetworkShares.gather(graph);
    }
}

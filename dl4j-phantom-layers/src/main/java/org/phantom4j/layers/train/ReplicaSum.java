package org.phantom4j.layers.train;

import java.util.function.DoubleConsumer;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.updater.MultiLayerUpdater;
import org.deeplearning4j.nn.updater.graph.ComputationGraphUpdater;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.Communicator;
import org.phantom4j.comm.Pending;

/**
 * Sums the gradients of a group of replicas where Deeplearning4j hands them to the updater: as sums over samples, before
 * division, normalisation and regularisation.
 */
final class ReplicaSum {

    private final Communicator replicas;
    private final DoubleConsumer setScore;

    /** Sum of the samples' scores, and the number of samples. */
    private final INDArray totals = Nd4j.createUninitializedDetached(DataType.DOUBLE, 2);

    private boolean counts = true;

    ReplicaSum(Communicator replicas, DoubleConsumer setScore) {
        this.replicas = replicas;
        this.setScore = setScore;
    }

    /** Whether this replica's samples count in the next steps. */
    void setCounts(boolean counts) {
        this.counts = counts;
    }

    /**
     * Replaces the gradient by the sum over the replicas, and the network's score by the mean over all samples.
     *
     * @return the samples of all replicas
     */
    private int over(INDArray gradient, double score, int samples) {
        if (!counts) {
            gradient.assign(0);
        }
        Pending gradients = gradient.isEmpty() ? () -> {} : replicas.startAllReduce(gradient);
        int own = counts ? samples : 0;
        // regularisation is the same in all replicas: a mean of scores has it once
        totals.putScalar(0, counts ? score * own : 0);
        totals.putScalar(1, own);
        Pending scores = replicas.startAllReduce(totals);
        gradients.await();
        scores.await();
        double all = totals.getDouble(1);
        setScore.accept(totals.getDouble(0) / all);
        return (int) all;
    }

    /** The updater of a network that is a replica. */
    static final class OfNetwork extends MultiLayerUpdater {

        private static final long serialVersionUID = 1L;

        private final transient ReplicaSum sum;

        OfNetwork(MultiLayerNetwork network, INDArray state, ReplicaSum sum) {
            super(network, state);
            this.sum = sum;
        }

        @Override
        public synchronized void update(
                Gradient gradient, int iteration, int epoch, int samples, LayerWorkspaceMgr workspaces) {
            int all = sum.over(getFlattenedGradientsView(), network.score(), samples);
            super.update(gradient, iteration, epoch, all, workspaces);
        }
    }

    /** The updater of a graph that is a replica. */
    static final class OfGraph extends ComputationGraphUpdater {

        private static final long serialVersionUID = 1L;

        private final transient ReplicaSum sum;

        OfGraph(ComputationGraph graph, INDArray state, ReplicaSum sum) {
            super(graph, state);
            this.sum = sum;
        }

        @Override
        public synchronized void update(
                Gradient gradient, int iteration, int epoch, int samples, LayerWorkspaceMgr workspaces) {
            int all = sum.over(getFlattenedGradientsView(), network.score(), samples);
            super.update(gradient, iteration, epoch, all, workspaces);
        }
    }
}

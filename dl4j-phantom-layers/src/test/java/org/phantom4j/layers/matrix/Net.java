package org.phantom4j.layers.matrix;

import java.util.Map;
import org.deeplearning4j.nn.api.NeuralNetwork;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.phantom4j.layers.train.RankNetwork;

/** A MultiLayerNetwork or a ComputationGraph of one path. */
interface Net {

    /** A network in this process. 0 shards make the dense equivalent. */
    static Net whole(Plan plan, int shards) {
        return plan.graph ? new OfGraph(init(plan.graph(shards))) : new OfList(init(plan.list(shards)));
    }

    private static MultiLayerNetwork init(MultiLayerConfiguration configuration) {
        MultiLayerNetwork network = new MultiLayerNetwork(configuration);
        network.init();
        return network;
    }

    private static ComputationGraph init(ComputationGraphConfiguration configuration) {
        ComputationGraph network = new ComputationGraph(configuration);
        network.init();
        return network;
    }

    /** The current rank's share of it. */
    Net share();

    NeuralNetwork network();

    double score();

    INDArray output(INDArray features);

    INDArray scoreExamples(DataSet data);

    /** By names as {@code 0_W}, the number that of the layer. */
    Map<String, INDArray> parameters();

    /** A list of layers. */
    record OfList(MultiLayerNetwork network) implements Net {
        @Override
        public Net share() {
            return new OfList(RankNetwork.of(network));
        }

        @Override
        public double score() {
            return network.score();
        }

        @Override
        public INDArray output(INDArray features) {
            return network.output(features);
        }

        @Override
        public INDArray scoreExamples(DataSet data) {
            return network.scoreExamples(data, true);
        }

        @Override
        public Map<String, INDArray> parameters() {
            return network.paramTable();
        }
    }

    /** A graph. */
    record OfGraph(ComputationGraph network) implements Net {
        @Override
        public Net share() {
            return new OfGraph(RankNetwork.of(network));
        }

        @Override
        public double score() {
            return network.score();
        }

        @Override
        public INDArray output(INDArray features) {
            return network.outputSingle(features);
        }

        @Override
        public INDArray scoreExamples(DataSet data) {
            return network.scoreExamples(data, true);
        }

        @Override
        public Map<String, INDArray> parameters() {
            return network.paramTable();
        }
    }
}

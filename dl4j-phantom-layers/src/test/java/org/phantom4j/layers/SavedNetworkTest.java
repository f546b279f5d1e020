package org.phantom4j.layers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.io.File;
import java.nio.file.Path;
import java.util.List;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.dropout.Dropout;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;

class SavedNetworkTest {

    @TempDir
    private Path folder;

    private static ShardedLossLayer loss() {
        return new ShardedLossLayer.Builder().shards(4).build();
    }

    private static DataSet classified() {
        return TrainingRun.data(5, Networks.FEATURES, Networks.CLASSES, true);
    }

    @Test
    void configurationsSurviveJson() {
        List<MultiLayerConfiguration> all = List.of(
                Networks.classifier(Networks.defaults().l2(1e-3).dropOut(new Dropout(0.9))),
                Networks.list(
                        Networks.defaults(),
                        Networks.tensor(5).hasLayerNorm(true).build(),
                        Networks.phantom(5, 1).hasBias(false).build(),
                        Networks.output().build()),
                Networks.regression(Networks.defaults(), loss()));
        for (MultiLayerConfiguration each : all) {
            MultiLayerConfiguration read = MultiLayerConfiguration.fromJson(each.toJson());
            assertEquals(each, read);
            for (int i = 0; i < each.getConfs().size(); i++) {
                assertEquals(each.getConf(i).getLayer(), read.getConf(i).getLayer());
                assertEquals(
                        each.getConf(i).getLayer().hashCode(),
                        read.getConf(i).getLayer().hashCode());
            }
            assertEquals(output(each), output(read));
            assertEquals(each, MultiLayerConfiguration.fromYaml(each.toYaml()));
        }
    }

    private static INDArray output(MultiLayerConfiguration configuration) {
        MultiLayerNetwork network = new MultiLayerNetwork(configuration.clone());
        network.init();
        return network.output(classified().getFeatures());
    }

    @Test
    void graphConfigurationsSurviveJson() {
        for (ComputationGraphConfiguration each :
                List.of(Networks.graph(Networks.defaults()), Networks.fanOut(Networks.defaults()))) {
            ComputationGraphConfiguration read = ComputationGraphConfiguration.fromJson(each.toJson());
            assertEquals(each, read);
            assertEquals(output(each), output(read));
        }
    }

    private static INDArray output(ComputationGraphConfiguration configuration) {
        ComputationGraph network = new ComputationGraph(configuration.clone());
        network.init();
        return network.outputSingle(classified().getFeatures());
    }

    @Test
    void layersDifferWhereTheirSettingsDo() {
        Layer phantom = Networks.phantom(8, 2).build();
        assertEquals(phantom, Networks.phantom(8, 2).build());
        assertEquals(phantom, phantom.clone());
        assertNotEquals(phantom, Networks.phantom(8, 3).build());
        assertNotEquals(phantom, Networks.phantom(8, 2).shards(2).build());
        assertNotEquals(phantom, Networks.tensor(8).build());
        assertNotEquals(phantom, Networks.phantom(8, 2).hasBias(false).build());
        assertNotEquals(phantom, Networks.phantom(8, 2).hasLayerNorm(true).build());
        assertNotEquals(Networks.output().build(), Networks.output().shards(2).build());
        assertNotEquals(loss(), new ShardedLossLayer.Builder().shards(2).build());
        assertNotEquals(
                loss(),
                new ShardedLossLayer.Builder()
                        .shards(4)
                        .activation(Activation.TANH)
                        .build());
    }

    @Test
    void aRestoredNetworkTrainsOn() throws Exception {
        MultiLayerNetwork network = new MultiLayerNetwork(Networks.classifier(Networks.defaults()));
        network.init();
        network.fit(classified());
        File file = folder.resolve("network.zip").toFile();
        ModelSerializer.writeModel(network, file, true);
        MultiLayerNetwork restored = ModelSerializer.restoreMultiLayerNetwork(file, true);
        assertEquals(network.params(), restored.params());
        network.fit(classified());
        restored.fit(classified());
        assertEquals(network.params(), restored.params());
        assertEquals(
                network.output(classified().getFeatures()),
                restored.output(classified().getFeatures()));
    }

    @Test
    void aRestoredGraphTrainsOn() throws Exception {
        ComputationGraph network = new ComputationGraph(Networks.graph(Networks.defaults()));
        network.init();
        network.fit(classified());
        File file = folder.resolve("graph.zip").toFile();
        ModelSerializer.writeModel(network, file, true);
        ComputationGraph restored = ModelSerializer.restoreComputationGraph(file, true);
        network.fit(classified());
        restored.fit(classified());
        assertEquals(network.params(), restored.params());
        assertEquals(
                network.outputSingle(classified().getFeatures()),
                restored.outputSingle(classified().getFeatures()));
    }
}

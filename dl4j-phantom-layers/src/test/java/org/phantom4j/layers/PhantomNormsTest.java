package org.phantom4j.layers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.constraint.MaxNormConstraint;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;

/** What constraints and gradient normalisation mean for the parameters of a phantom layer. */
class PhantomNormsTest {

    private static final DataSet DATA = TrainingRun.data(7, Networks.FEATURES, Networks.CLASSES, true);

    private static MultiLayerNetwork network(NeuralNetConfiguration.Builder defaults) {
        return Equivalent.init(Networks.list(
                defaults.updater(new Sgd(1)),
                Networks.phantom(9, 2).build(),
                Networks.output().build()));
    }

    @Test
    void incomingWeightsOfANeuronAreAColumnOfLWithDBelow() {
        MultiLayerNetwork network = network(Networks.defaults().constrainWeights(new MaxNormConstraint(0.3, 0)));
        network.fit(DATA.copy());
        for (int j = 0; j < 4; j++) {
            INDArray incoming = Nd4j.concat(0, network.getParam("0_L" + j), network.getParam("0_D" + j));
            for (double norm : incoming.norm2(0).toDoubleVector()) {
                assertEquals(0.3, norm, 1e-5, "all were larger");
            }
            assertTrue(network.getParam("0_C" + j).norm2(0).maxNumber().doubleValue() <= 0.3);
        }
    }

    @Test
    void aParameterTypeIsThatOfAllShards() {
        MultiLayerNetwork network =
                network(Networks.defaults().gradientNormalization(GradientNormalization.RenormalizeL2PerParamType));
        INDArray before = network.params().dup();
        MultiLayerNetwork start = network.clone();
        network.fit(DATA.copy());
        assertTrue(before.distance2(network.params()) > 0.1);
        double all = 0;
        for (String letter : new String[] {"L", "C", "D", "b"}) {
            double squares = 0;
            for (int j = 0; j < 4; j++) {
                String key = "0_" + letter + j;
                double change = network.getParam(key).distance2(start.getParam(key));
                squares += change * change;
            }
            assertEquals(1, squares, 1e-9, letter);
            all += squares;
        }
        assertEquals(4, all, 1e-9);
    }

    @Test
    void aLayerIsAllItsParameters() {
        MultiLayerNetwork network =
                network(Networks.defaults().gradientNormalization(GradientNormalization.RenormalizeL2PerLayer));
        MultiLayerNetwork start = network.clone();
        network.fit(DATA.copy());
        for (int layer = 0; layer < 2; layer++) {
            assertEquals(
                    1,
                    network.getLayer(layer)
                            .params()
                            .distance2(start.getLayer(layer).params()),
                    1e-9);
        }
    }
}

package org.phantom4j.layers.energy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.ViewIterator;
import org.nd4j.linalg.factory.Nd4j;

class EnergyListenerTest {

    /** Takes a joule between any two readings. */
    private static EnergyMeter meter(List<String> notMeasured, boolean measured) {
        Long[] values = new Long[100];
        for (int i = 0; i < values.length; i++) {
            values[i] = i * 1_000_000L;
        }
        List<EnergyCounter> counters =
                measured ? List.of(new FakeCounter(EnergySource.Kind.GPU, 0, values)) : List.of();
        return new EnergyMeter(counters, notMeasured, System::nanoTime, () -> {});
    }

    private static MultiLayerNetwork network() {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder()
                .seed(3)
                .list(new OutputLayer.Builder().nIn(4).nOut(2).build())
                .build());
        network.init();
        return network;
    }

    /** Three batches, the last one shorter. */
    private static DataSet data() {
        return new DataSet(Nd4j.rand(DataType.FLOAT, 10, 4), Nd4j.zeros(DataType.FLOAT, 10, 2));
    }

    @Test
    void stepsSamplesAndEpochsAreCounted() {
        try (EnergyMeter meter = meter(List.of(), true)) {
            EnergyListener listener = new EnergyListener(meter, 2);
            assertTrue(listener.total().isEmpty());
            MultiLayerNetwork network = network();
            network.setListeners(listener);
            network.fit(new ViewIterator(data(), 4), 2);
            EnergyListener.Report last = listener.last().orElseThrow();
            assertEquals(2, last.steps());
            assertEquals(8, last.samples());
            assertEquals(1.0, last.energy().joules().orElseThrow(), 1e-9);
            assertEquals(0.5, last.joulesPerStep().orElseThrow(), 1e-9);
            assertEquals(0.125, last.joulesPerSample().orElseThrow(), 1e-9);
            EnergyListener.Report epoch = listener.lastEpoch().orElseThrow();
            assertEquals(3, epoch.steps());
            assertEquals(10, epoch.samples());
            // from its start to the interval's end to its own
            assertEquals(2.0, epoch.energy().gpuJoules().orElseThrow(), 1e-9);
            EnergyListener.Report total = listener.total().orElseThrow();
            assertEquals(6, total.steps());
            assertEquals(20, total.samples());
            assertTrue(last.toString().contains("a step 0.5000 J, a sample 0.1250 J"), last.toString());
        }
    }

    @Test
    void withoutEpochsCountingStartsAfterTheFirstStep() {
        try (EnergyMeter meter = meter(List.of(), true)) {
            EnergyListener listener = new EnergyListener(meter, 100);
            MultiLayerNetwork network = network();
            network.setListeners(listener);
            DataSet data = data();
            for (int i = 0; i < 3; i++) {
                network.fit(data);
            }
            assertEquals(2, listener.total().orElseThrow().steps());
            assertTrue(listener.last().isEmpty());
            assertTrue(listener.lastEpoch().isEmpty());
        }
    }

    @Test
    void whatNothingMeasuresIsNotMeasured() {
        try (EnergyMeter meter = meter(List.of("GPUs: none"), false)) {
            EnergyListener listener = new EnergyListener(meter, 1);
            MultiLayerNetwork network = network();
            network.setListeners(listener);
            network.fit(new ViewIterator(data(), 5), 1);
            EnergyListener.Report report = listener.lastEpoch().orElseThrow();
            assertTrue(report.joulesPerSample().isEmpty());
            assertTrue(report.toString().contains("a sample not measured"), report.toString());
        }
    }

    @Test
    void anIntervalOfNoStepsIsRefused() {
        try (EnergyMeter meter = meter(List.of(), true)) {
            assertThrows(IllegalArgumentException.class, () -> new EnergyListener(meter, 0));
        }
    }
}

package org.phantom4j.layers.gpu.feed;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Outputs on their way to the host, over the stand-in. The network's outputs are its inputs. */
class StandInOutputLoopTest {

    private static void assertOutputs(int realBytes, int rows, int batch) {
        DataType type = realBytes == Double.BYTES ? DataType.DOUBLE : DataType.FLOAT;
        Nd4j.getRandom().setSeed(7);
        INDArray features = Nd4j.rand(type, rows, 5);
        try (FakeDevice device = new FakeDevice(realBytes)) {
            HostSamples samples = HostSamples.inOrder(features, null, batch);
            RankColumns columns = RankColumns.all(5, 0);
            try (Feed feed = new StreamedFeed(device.feedDevice(), columns, new SampleSource(samples, columns), "");
                    OutputLoop loop = loop(device, batch)) {
                INDArray outputs = loop.outputs(feed, rows);
                assertEquals(features, outputs);
                assertEquals('c', outputs.ordering());
                assertEquals(features, loop.outputs(feed, rows), "again, in the same memory");
            }
            assertEquals(0, device.takenBytes());
        }
        FeedThreads.assertNone();
    }

    private static OutputLoop loop(FakeDevice device, int batch) {
        FeedDevice feedDevice = device.feedDevice();
        return new OutputLoop(
                feedDevice,
                (given, to) -> device.main.copy(
                        to,
                        given.inputs() + given.first() * given.inputPitch() * feedDevice.realBytes(),
                        given.rows() * given.inputPitch() * feedDevice.realBytes()),
                5,
                batch);
    }

    @Test
    void outputsComeInTheOrderOfTheSamples() {
        assertOutputs(Float.BYTES, 103, 10);
        assertOutputs(Double.BYTES, 40, 10);
        assertOutputs(Float.BYTES, 3, 10);
    }

    @Test
    void moreOrFewerSamplesThanExpectedAreRefused() {
        for (int expected : new int[] {100, 106}) {
            try (FakeDevice device = new FakeDevice(Float.BYTES)) {
                HostSamples samples = HostSamples.inOrder(Nd4j.rand(DataType.FLOAT, 103, 5), null, 10);
                try (Feed feed = new ResidentFeed(device.feedDevice(), RankColumns.all(5, 0), samples, "");
                        OutputLoop loop = loop(device, 10)) {
                    IllegalArgumentException e =
                            assertThrows(IllegalArgumentException.class, () -> loop.outputs(feed, expected));
                    assertTrue(e.getMessage().contains(expected + ""), e.getMessage());
                }
                assertEquals(0, device.takenBytes());
            }
        }
    }
}

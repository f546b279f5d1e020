package org.phantom4j.layers.gpu.feed;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.phantom4j.layers.train.ShuffledRows;
import org.phantom4j.ops.gpu.StepControls;

/** Samples in host memory on their way to a device, over the stand-in. */
class StandInFeedTest {

    private static final int ROWS = 103;
    private static final int BATCH = 10;
    private static final long SEED = 42;
    private static final RankColumns SOME = new RankColumns(7, 2, 4, 3, 1, 2);

    private final FakeDevice device = new FakeDevice(Float.BYTES);

    @BeforeEach
    void seed() {
        Nd4j.getRandom().setSeed(7);
    }

    @AfterEach
    void nothingIsLeft() {
        assertEquals(0, device.takenBytes(), "bytes that are not freed");
        device.close();
        FeedThreads.assertNone();
    }

    private static HostSamples samples(DataType type) {
        return HostSamples.shuffled(
                Nd4j.rand(DataType.DOUBLE, ROWS, 7).castTo(type),
                Nd4j.rand(DataType.DOUBLE, ROWS, 3).castTo(type),
                BATCH,
                SEED);
    }

    private static Feed feed(FakeDevice device, boolean resident, RankColumns columns, HostSamples samples) {
        return resident
                ? new ResidentFeed(device.feedDevice(), columns, samples, "")
                : new StreamedFeed(device.feedDevice(), columns, new SampleSource(samples, columns), "");
    }

    /** Has the device read the batches of an epoch. */
    private static void train(FakeDevice device, Feed feed, long epoch) {
        feed.startEpoch(epoch);
        while (feed.hasNext()) {
            device.read(feed.next());
            feed.used();
        }
    }

    /** Both feeds give the batches of these epochs. */
    private static void assertBatches(
            int realBytes, RankColumns columns, HostSamples samples, HostSamples as, long... epochs) {
        List<double[][]> expected = new ArrayList<>();
        for (long epoch : epochs) {
            expected.addAll(expected(columns, as, epoch));
        }
        for (boolean resident : new boolean[] {true, false}) {
            try (FakeDevice device = new FakeDevice(realBytes);
                    Feed feed = feed(device, resident, columns, samples)) {
                for (long epoch : epochs) {
                    train(device, feed, epoch);
                }
                assertSame(expected, device.batches());
            }
        }
    }

    /** A rank's columns of an epoch's batches, by the arrays' own values. */
    private static List<double[][]> expected(RankColumns columns, HostSamples samples, long epoch) {
        double[][] features = samples.features().toDoubleMatrix();
        double[][] labels = samples.labels() == null ? null : samples.labels().toDoubleMatrix();
        int in = (int) columns.inputWidth();
        int out = (int) columns.targetWidth();
        int[] order = samples.seed().isEmpty()
                ? IntStream.range(0, samples.rows()).toArray()
                : ShuffledRows.order(samples.rows(), samples.seed().getAsLong() + epoch);
        List<double[][]> batches = new ArrayList<>();
        for (int first = 0; first < order.length; first += samples.batch()) {
            double[][] batch = new double[Math.min(samples.batch(), order.length - first)][in + out];
            for (int i = 0; i < batch.length; i++) {
                int row = order[first + i];
                System.arraycopy(features[row], (int) columns.firstInput(), batch[i], 0, in);
                if (out > 0) {
                    System.arraycopy(labels[row], (int) columns.firstTarget(), batch[i], in, out);
                }
            }
            batches.add(batch);
        }
        return batches;
    }

    private static void assertSame(List<double[][]> expected, List<double[][]> actual) {
        assertEquals(expected.size(), actual.size());
        for (int i = 0; i < expected.size(); i++) {
            assertArrayEquals(expected.get(i), actual.get(i), "batch " + i);
        }
    }

    @Test
    void batchesComeInTheOrderOfTheSeed() {
        HostSamples samples = samples(DataType.FLOAT);
        assertEquals(3, expected(SOME, samples, 0).get(10).length, "the last batch of an epoch");
        assertBatches(Float.BYTES, SOME, samples, samples, 0, 1, 2, 3);
    }

    @Test
    void epochsMayBeTakenInAnyOrder() {
        HostSamples samples = samples(DataType.FLOAT);
        assertBatches(Float.BYTES, SOME, samples, samples, 5, 0, 1, 0);
    }

    @Test
    void withoutASeedRowsComeAsTheyLie() {
        HostSamples shuffled = samples(DataType.FLOAT);
        HostSamples samples = HostSamples.inOrder(shuffled.features(), shuffled.labels(), 100);
        assertBatches(Float.BYTES, SOME, samples, samples, 0, 1);
    }

    @Test
    void doubleSamplesStayDouble() {
        HostSamples samples = samples(DataType.DOUBLE);
        assertBatches(Double.BYTES, SOME, samples, samples, 0);
    }

    @Test
    void samplesOfOtherTypesBecomeTheRealsThatNd4jMakes() {
        INDArray values = Nd4j.rand(DataType.DOUBLE, ROWS, 7).muli(100);
        INDArray labels = Nd4j.rand(DataType.FLOAT, ROWS, 3);
        for (DataType type : List.of(DataType.DOUBLE, DataType.FLOAT, DataType.INT32, DataType.UINT8, DataType.INT64)) {
            INDArray typed = values.castTo(type);
            HostSamples samples = HostSamples.shuffled(typed, labels, BATCH, SEED);
            for (DataType real : List.of(DataType.FLOAT, DataType.DOUBLE)) {
                HostSamples cast = HostSamples.shuffled(typed.castTo(real), labels, BATCH, SEED);
                assertBatches(real.width(), RankColumns.all(7, 3), samples, cast, 0);
            }
        }
    }

    @Test
    void arraysMayLieInAnyOrderAndBeViews() {
        INDArray features = Nd4j.rand(DataType.FLOAT, ROWS, 7).dup('f');
        INDArray labels = Nd4j.rand(DataType.FLOAT, ROWS, 9).get(NDArrayIndex.all(), NDArrayIndex.interval(4, 7));
        HostSamples samples = HostSamples.shuffled(features, labels, BATCH, SEED);
        assertBatches(Float.BYTES, SOME, samples, samples, 0);
    }

    @Test
    void samplesWithoutLabelsAreFedWhereNoneAreNeeded() {
        HostSamples samples = HostSamples.inOrder(Nd4j.rand(DataType.FLOAT, ROWS, 7), null, 50);
        assertBatches(Float.BYTES, SOME.withoutTargets(), samples, samples, 0);
    }

    @Test
    void largeBatchesAreGatheredByAllThreads() {
        HostSamples samples = HostSamples.shuffled(
                Nd4j.rand(DataType.FLOAT, 700, 1000), Nd4j.rand(DataType.FLOAT, 700, 500), 300, SEED);
        assertBatches(Float.BYTES, new RankColumns(1000, 100, 800, 500, 0, 500), samples, samples, 0);
    }

    @Test
    void theRingsSlotsAreFilledAgainOnlyWhenTheDeviceHasReadThem() {
        HostSamples samples = samples(DataType.FLOAT);
        try (Feed feed = feed(device, false, SOME, samples)) {
            device.hold();
            feed.startEpoch(0);
            // each slot twice: its second batch is prepared while the step of the first has not begun
            for (int i = 0; i < 2 * StreamedFeed.SLOTS; i++) {
                device.read(feed.next());
                feed.used();
            }
            device.release();
            while (feed.hasNext()) {
                device.read(feed.next());
                feed.used();
            }
            assertSame(expected(SOME, samples, 0), device.batches());
        }
    }

    @Test
    void anEpochsOrderIsReplacedOnlyWhenTheDeviceHasReadIt() {
        HostSamples samples = samples(DataType.FLOAT);
        try (Feed feed = feed(device, true, SOME, samples)) {
            device.hold();
            // the orders of epochs 2 and 3 take the places of 0 and 1, of which no step has begun
            List<double[][]> expected = new ArrayList<>();
            for (int epoch = 0; epoch < 4; epoch++) {
                train(device, feed, epoch);
                expected.addAll(expected(SOME, samples, epoch));
            }
            device.release();
            assertSame(expected, device.batches());
        }
    }

    @Test
    void aFeedThatIsClosedInTheMiddleLeavesNothing() {
        for (boolean resident : new boolean[] {true, false}) {
            Feed feed = feed(device, resident, SOME, samples(DataType.FLOAT));
            feed.startEpoch(0);
            device.read(feed.next());
            feed.used();
            device.read(feed.next());
            feed.close();
            feed.close();
            assertEquals(0, device.takenBytes());
            FeedThreads.assertNone();
        }
        feed(device, false, SOME, samples(DataType.FLOAT)).close();
    }

    @Test
    void misuseIsRefused() {
        for (boolean resident : new boolean[] {true, false}) {
            try (Feed feed = feed(device, resident, SOME, samples(DataType.FLOAT))) {
                assertFalse(feed.hasNext());
                assertThrows(NoSuchElementException.class, feed::next);
                assertThrows(IllegalStateException.class, feed::used);
                feed.startEpoch(0);
                StepControls.Batch unused = feed.next();
                assertThrows(IllegalStateException.class, feed::next);
                feed.used();
                IllegalStateException e = assertThrows(IllegalStateException.class, () -> feed.startEpoch(1));
                assertTrue(e.getMessage().contains("epoch 1 cannot start"), e.getMessage());
            }
        }
    }

    @Test
    void samplesThatDoNotFitAreRefused() {
        INDArray features = Nd4j.rand(DataType.FLOAT, 5, 7);
        assertRefused("labels of shape [5, 2]: expected [batch, 3]", features, Nd4j.rand(DataType.FLOAT, 5, 2));
        assertRefused("5 rows of features and 4 rows of labels", features, Nd4j.rand(DataType.FLOAT, 4, 3));
        assertRefused("has no labels", features, null);
        assertRefused(
                "features of shape [5, 8]: expected [batch, 7]",
                Nd4j.rand(DataType.FLOAT, 5, 8),
                Nd4j.rand(DataType.FLOAT, 5, 3));
    }

    private void assertRefused(String what, INDArray features, INDArray labels) {
        HostSamples samples = HostSamples.shuffled(features, labels, 2, SEED);
        for (boolean resident : new boolean[] {true, false}) {
            IllegalArgumentException e =
                    assertThrows(IllegalArgumentException.class, () -> feed(device, resident, SOME, samples));
            assertTrue(e.getMessage().contains(what), e.getMessage());
        }
    }

    @Test
    void samplesStayOnTheDeviceWhereTheyFit() {
        HostSamples samples = samples(DataType.FLOAT);
        try (Feed feed = Feeds.of(device.feedDevice(), SOME, samples, 0)) {
            assertTrue(feed.describe().startsWith("resident: 103 samples in batches of 10"), feed.describe());
        }
        try (Feed feed = Feeds.of(device.feedDevice(), SOME, samples, device.device.freeBytes())) {
            assertTrue(
                    feed.describe()
                            .startsWith("streamed from 103 samples in batches of 10 with 2 threads; they take 3,840"
                                    + " bytes, and 0 of"),
                    feed.describe());
        }
    }
}

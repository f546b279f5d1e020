package org.phantom4j.layers.gpu.feed;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.deeplearning4j.datasets.iterator.ExistingDataSetIterator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.AsyncDataSetIterator;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.preprocessor.NormalizerStandardize;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.ops.gpu.StepControls;

/** Iterators of all kinds on their way to a device, over the stand-in. */
class StandInIteratorFeedTest {

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

    private static List<DataSet> batches(int... rows) {
        List<DataSet> batches = new ArrayList<>();
        for (int count : rows) {
            batches.add(new DataSet(Nd4j.rand(DataType.FLOAT, count, 7), Nd4j.rand(DataType.FLOAT, count, 3)));
        }
        return batches;
    }

    private Feed feed(DataSetIterator iterator) {
        return Feeds.of(device.feedDevice(), SOME, iterator);
    }

    private void train(Feed feed, long epoch) {
        feed.startEpoch(epoch);
        while (feed.hasNext()) {
            device.read(feed.next());
            feed.used();
        }
    }

    private void assertRead(List<DataSet> expected) {
        List<double[][]> actual = device.batches();
        assertEquals(expected.size(), actual.size());
        for (int i = 0; i < actual.size(); i++) {
            double[][] features = expected.get(i).getFeatures().toDoubleMatrix();
            double[][] labels = expected.get(i).getLabels().toDoubleMatrix();
            assertEquals(features.length, actual.get(i).length);
            for (int row = 0; row < features.length; row++) {
                double[] f = features[row];
                double[] wanted = {f[2], f[3], f[4], f[5], labels[row][1], labels[row][2]};
                assertArrayEquals(wanted, actual.get(i)[row], "batch " + i + ", row " + row);
            }
        }
    }

    @Test
    void batchesComeAsTheIteratorGivesThem() {
        List<DataSet> batches = batches(10, 10, 10, 10, 10, 10, 3);
        GivenBatches iterator = new GivenBatches(batches);
        try (Feed feed = feed(iterator)) {
            assertEquals("streamed from an iterator (GivenBatches) with 2 threads", feed.describe());
            train(feed, 0);
            assertEquals(0, iterator.resets(), "the first epoch begins where the iterator is");
            train(feed, 1);
            assertEquals(1, iterator.resets());
            List<DataSet> twice = new ArrayList<>(batches);
            twice.addAll(batches);
            assertRead(twice);
        }
    }

    @Test
    void asynchronousIteratorsAndNormalizersWork() {
        List<DataSet> batches = batches(8, 8, 8, 8, 8, 5);
        NormalizerStandardize normalizer = new NormalizerStandardize();
        normalizer.fit(DataSet.merge(batches));
        List<DataSet> normalized = new ArrayList<>();
        for (DataSet batch : batches) {
            DataSet copy = batch.copy();
            normalizer.preProcess(copy);
            normalized.add(copy);
        }
        GivenBatches given = new GivenBatches(batches);
        given.setPreProcessor(normalizer);
        AsyncDataSetIterator iterator = new AsyncDataSetIterator(given, 3);
        try (Feed feed = feed(iterator)) {
            train(feed, 0);
            train(feed, 1);
            List<DataSet> twice = new ArrayList<>(normalized);
            twice.addAll(normalized);
            assertRead(twice);
        } finally {
            iterator.shutdown();
        }
    }

    @Test
    void deeplearning4jsOwnIteratorsWork() {
        List<DataSet> batches = batches(6, 6, 2);
        try (Feed feed = feed(new ExistingDataSetIterator(batches))) {
            train(feed, 0);
            assertRead(batches);
        }
    }

    @Test
    void batchesOfAllSizesTakeBoundedMemory() {
        int[] sizes = new int[60];
        for (int i = 0; i < sizes.length; i++) {
            sizes[i] = i + 1;
        }
        List<DataSet> batches = batches(sizes);
        try (Feed feed = feed(new GivenBatches(batches))) {
            train(feed, 0);
            // on the device and page-locked; a slot that grows makes room for half as much again
            long most = 2 * StreamedFeed.SLOTS * StreamSlot.bytes(SOME, 90, Float.BYTES);
            assertTrue(device.takenBytes() <= most, device.takenBytes() + " bytes are taken: at most " + most);
            assertRead(batches);
        }
    }

    @Test
    void whatTheIteratorThrowsComesInPlaceOfItsBatch() {
        List<DataSet> batches = batches(4, 4, 4, 4, 4, 4);
        IllegalStateException thrown = new IllegalStateException("the file is gone");
        try (Feed feed = feed(new GivenBatches(batches) {
            private static final long serialVersionUID = 1L;

            @Override
            void before(int batch) {
                if (batch == 3) {
                    throw thrown;
                }
            }
        })) {
            feed.startEpoch(0);
            for (int i = 0; i < 3; i++) {
                device.read(feed.next());
                feed.used();
            }
            assertSame(thrown, assertThrows(IllegalStateException.class, feed::next));
            assertEquals("batch 3 of epoch 0 was to be prepared", thrown.getSuppressed()[0].getMessage());
            assertSame(thrown, assertThrows(IllegalStateException.class, feed::next), "and stays");
            assertRead(batches.subList(0, 3));
        }
    }

    @Test
    void anErrorOfTheIteratorStaysAnError() {
        AssertionError thrown = new AssertionError("out of cheese");
        try (Feed feed = feed(new GivenBatches(batches(4)) {
            private static final long serialVersionUID = 1L;

            @Override
            public boolean hasNext() {
                throw thrown;
            }
        })) {
            feed.startEpoch(0);
            assertTrue(feed.hasNext(), "there is something to hear of");
            assertSame(thrown, assertThrows(AssertionError.class, feed::next));
        }
    }

    @Test
    void aSlowIteratorIsWaitedFor() {
        List<DataSet> batches = batches(4, 4, 4, 4);
        try (Feed feed = feed(new GivenBatches(batches) {
            private static final long serialVersionUID = 1L;

            @Override
            void before(int batch) {
                try {
                    Thread.sleep(20);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
        })) {
            train(feed, 0);
            assertRead(batches);
        }
    }

    /** An iterator that never gives its first batch, until it is interrupted. */
    private static GivenBatches stuck(CountDownLatch asked) {
        return new GivenBatches(batches(4)) {
            private static final long serialVersionUID = 1L;

            @Override
            void before(int batch) {
                asked.countDown();
                try {
                    Thread.sleep(Duration.ofHours(1).toMillis());
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }
        };
    }

    @Test
    void anIteratorThatIsStuckEndsAtTheDeadline() {
        FeedDevice impatient = device.feedDevice(Duration.ofMillis(300), 1);
        try (Feed feed = Feeds.of(impatient, SOME, stuck(new CountDownLatch(1)))) {
            feed.startEpoch(0);
            IllegalStateException e = assertThrows(IllegalStateException.class, feed::next);
            assertTrue(e.getMessage().contains("the next batch is not there after 300 ms"), e.getMessage());
        }
    }

    @Test
    void aFeedThatIsClosedInterruptsItsIterator() throws InterruptedException {
        CountDownLatch asked = new CountDownLatch(1);
        Feed feed = feed(stuck(asked));
        feed.startEpoch(0);
        asked.await();
        feed.close();
        FeedThreads.assertNone();
    }

    @Test
    void anotherRanksFailureEndsTheWait() {
        IllegalStateException failed = new IllegalStateException("rank 1 failed");
        FeedDevice group = new FeedDevice(
                device.device,
                device.main,
                Float.BYTES,
                Duration.ofMinutes(2),
                () -> {
                    throw failed;
                },
                1);
        try (Feed feed = Feeds.of(group, SOME, stuck(new CountDownLatch(1)))) {
            feed.startEpoch(0);
            assertSame(failed, assertThrows(IllegalStateException.class, feed::next));
        }
    }

    @Test
    void batchesThatDoNotFitAreNamed() {
        INDArray labels = Nd4j.rand(DataType.FLOAT, 4, 3);
        INDArray mask = Nd4j.ones(DataType.FLOAT, 4, 1);
        INDArray features = Nd4j.rand(DataType.FLOAT, 4, 7);
        assertRefused(
                "batch 1 of epoch 0 has a mask of its labels: compiled steps do not apply masks",
                new DataSet(features, labels, null, mask));
        assertRefused(
                "batch 1 of epoch 0 has a mask of its features: compiled steps do not apply masks",
                new DataSet(features, labels, mask, null));
        assertRefused(
                "batch 1 of epoch 0 has features of shape [4, 6]: expected [batch, 7]",
                new DataSet(Nd4j.rand(DataType.FLOAT, 4, 6), labels));
        assertRefused(
                "batch 1 of epoch 0 has labels of shape [4, 5]: expected [batch, 3]",
                new DataSet(features, Nd4j.rand(DataType.FLOAT, 4, 5)));
        assertRefused(
                "batch 1 of epoch 0 has 4 rows of features and 3 rows of labels",
                new DataSet(features, Nd4j.rand(DataType.FLOAT, 3, 3)));
        assertRefused("batch 1 of epoch 0 has no labels", new DataSet(features, null));
        assertRefused("batch 1 of epoch 0 has no features", new DataSet(null, labels));
        assertRefused("batch 1 of epoch 0 is null", null);
    }

    private void assertRefused(String what, DataSet second) {
        List<DataSet> batches = batches(4);
        batches.add(second);
        try (Feed feed = feed(new GivenBatches(batches))) {
            feed.startEpoch(0);
            StepControls.Batch unused = feed.next();
            feed.used();
            IllegalArgumentException e = assertThrows(IllegalArgumentException.class, feed::next);
            assertTrue(e.getMessage().startsWith(what), e.getMessage());
        }
    }
}

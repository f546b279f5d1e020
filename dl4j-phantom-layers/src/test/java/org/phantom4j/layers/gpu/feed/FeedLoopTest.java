package org.phantom4j.layers.gpu.feed;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.phantom4j.ops.gpu.StepControls;

/** What the host does between steps; needs no device. */
class FeedLoopTest {

    private static final int WINDOW = 8;

    /** Steps that are done only when somebody waits for them: the slowest device. The loss of a step is its number. */
    private static final class SlowRunner implements StepRunner {
        private final List<Integer> rows = new ArrayList<>();
        private long given;
        private long done;
        private long mostInFlight;
        private long diverges = Long.MAX_VALUE;

        @Override
        public int window() {
            return WINDOW;
        }

        @Override
        public void step(StepControls.Batch batch) {
            rows.add(batch.rows());
            given++;
            mostInFlight = Math.max(mostInFlight, given - done);
        }

        @Override
        public long stepsGiven() {
            return given;
        }

        @Override
        public void awaitDone(long steps) {
            assertTrue(steps <= given, "waits for a step that has not been given");
            done = Math.max(done, steps);
        }

        @Override
        public double lossOf(long step) {
            assertTrue(step < done, "asks for the loss of a step that is not done");
            assertTrue(step >= done - WINDOW, "asks for a loss that is forgotten");
            return step >= diverges ? Double.NaN : step;
        }
    }

    /** Epochs of that many batches. */
    private static final class CountingFeed implements Feed {
        private final int batches;
        private final List<Long> epochs = new ArrayList<>();
        private int next;
        private boolean used = true;
        private RuntimeException failure;
        private int failsAt = -1;

        private CountingFeed(int batches) {
            this.batches = batches;
            this.next = batches;
        }

        @Override
        public void startEpoch(long epoch) {
            assertEquals(batches, next);
            epochs.add(epoch);
            next = 0;
        }

        @Override
        public boolean hasNext() {
            return next < batches;
        }

        @Override
        public StepControls.Batch next() {
            assertTrue(used);
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            if (next == failsAt) {
                throw failure;
            }
            used = false;
            return new StepControls.Batch(1, 1, 1, 1, 0, 0, ++next == batches ? 1 : 5);
        }

        @Override
        public void used() {
            used = true;
        }

        @Override
        public long deviceBytes() {
            return 0;
        }

        @Override
        public String describe() {
            return "counted";
        }

        @Override
        public void close() {}
    }

    private final SlowRunner runner = new SlowRunner();
    private final List<Long> heard = new ArrayList<>();

    private FeedLoop loop(Feed feed) {
        return new FeedLoop(runner, feed);
    }

    private void hear(long step, double loss) {
        assertEquals((double) step, loss);
        heard.add(step);
    }

    private static List<Long> numbers(int count) {
        return LongStream.range(0, count).boxed().toList();
    }

    @Test
    void epochsAreMadeOfTheirBatches() {
        CountingFeed feed = new CountingFeed(3);
        FeedLoop loop = loop(feed);
        loop.epochs(2, this::hear);
        assertEquals(List.of(5, 5, 1, 5, 5, 1), runner.rows);
        loop.epochs(1, this::hear);
        assertEquals(List.of(0L, 1L, 2L), feed.epochs);
        assertEquals(numbers(9), heard);
        assertEquals(8, loop.loss());
        assertEquals(9, runner.done, "all steps are done");
    }

    @Test
    void stepsGoOnWhereTheyEnded() {
        CountingFeed feed = new CountingFeed(3);
        FeedLoop loop = loop(feed);
        assertTrue(Double.isNaN(loop.loss()));
        loop.steps(1, this::hear);
        assertEquals(numbers(1), heard, "a step is heard of before the call returns");
        loop.steps(4, this::hear);
        assertEquals(List.of(0L, 1L), feed.epochs);
        assertEquals(List.of(5, 5, 1, 5, 5), runner.rows);
        loop.epochs(1, this::hear);
        assertEquals(List.of(5, 5, 1, 5, 5, 1, 5, 5, 1), runner.rows, "the rest of an epoch, and a whole one");
        assertEquals(numbers(9), heard);
    }

    @Test
    void theHostRunsAheadByTheWindowAndNoMore() {
        loop(new CountingFeed(50)).epochs(2, this::hear);
        assertEquals(WINDOW, runner.mostInFlight);
        assertEquals(numbers(100), heard);
    }

    @Test
    void aLossThatIsNoNumberEndsTheTrainingAWindowLater() {
        runner.diverges = 37;
        ArithmeticException e = assertThrows(
                ArithmeticException.class, () -> loop(new CountingFeed(50)).epochs(3, this::hear));
        assertTrue(e.getMessage().startsWith("the loss of step 37 is NaN: the training diverged"), e.getMessage());
        assertEquals(37 + WINDOW, runner.given, "the same number on every rank");
        assertEquals(numbers(37), heard);
    }

    @Test
    void aLossThatIsNoNumberIsFoundAtTheEndToo() {
        runner.diverges = 48;
        assertThrows(ArithmeticException.class, () -> loop(new CountingFeed(50)).epochs(1, this::hear));
        assertEquals(50, runner.given);
    }

    @Test
    void stepsBeforeABatchThatFailsAreDone() {
        CountingFeed feed = new CountingFeed(50);
        feed.failure = new IllegalStateException("the file is gone");
        feed.failsAt = 20;
        assertSame(feed.failure, assertThrows(IllegalStateException.class, () -> loop(feed)
                .epochs(1, this::hear)));
        assertEquals(20, runner.done);
        assertEquals(numbers(20), heard);
    }

    @Test
    void aLaterTrainingCountsFromZero() {
        loop(new CountingFeed(3)).epochs(1, this::hear);
        heard.clear();
        FeedLoop later = new FeedLoop(runner, new CountingFeed(3));
        later.epochs(1, (step, loss) -> heard.add(step));
        assertEquals(numbers(3), heard);
    }

    @Test
    void anEpochWithoutBatchesIsRefused() {
        IllegalArgumentException e = assertThrows(
                IllegalArgumentException.class, () -> loop(new CountingFeed(0)).epochs(1, this::hear));
        assertTrue(e.getMessage().startsWith("epoch 0 has no batches"), e.getMessage());
        assertThrows(
                IllegalArgumentException.class, () -> loop(new CountingFeed(0)).steps(1, this::hear));
    }
}

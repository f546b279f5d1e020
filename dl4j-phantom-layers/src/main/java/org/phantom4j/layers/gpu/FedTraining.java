package org.phantom4j.layers.gpu;

import java.util.Optional;
import java.util.function.Consumer;
import org.phantom4j.layers.gpu.feed.Feed;
import org.phantom4j.layers.gpu.feed.FeedLoop;
import org.phantom4j.layers.gpu.feed.StepRunner;
import org.phantom4j.layers.train.SampleTraining;
import org.phantom4j.layers.train.StepListener;

/** Steps on what a feed brings to the device. */
final class FedTraining implements SampleTraining {

    private final Feed feed;
    private final FeedLoop loop;
    private final Consumer<Feed> close;

    /**
     * From epoch 0 on.
     *
     * @param close closes the feed
     */
    FedTraining(StepRunner runner, Feed feed, Consumer<Feed> close) {
        this.feed = feed;
        this.loop = new FeedLoop(runner, feed);
        this.close = close;
    }

    @Override
    public double steps(long count, StepListener listener) {
        loop.steps(count, listener);
        return loop.loss();
    }

    @Override
    public Optional<String> feed() {
        return Optional.of(feed.describe());
    }

    @Override
    public void close() {
        close.accept(feed);
    }
}

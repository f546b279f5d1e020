package org.phantom4j.layers.gpu.feed;

import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Chooses how batches get to the device: samples that fit beside the network stay there, others and iterators are streamed. Both
 * give the same batches.
 */
public final class Feeds {

    private static final Logger LOG = LoggerFactory.getLogger(Feeds.class);

    /** What stays free: a share of the device, for what others allocate and for what allocations lose. */
    private static final long MARGIN_SHARE = 32;

    private static final long MARGIN_BYTES = 512L << 20;

    private Feeds() {}

    /**
     * Of samples in host memory.
     *
     * @param reservedBytes what will yet be taken of the device's free memory
     * @throws IllegalArgumentException if the samples do not fit the columns
     */
    public static Feed of(FeedDevice device, RankColumns columns, HostSamples samples, long reservedBytes) {
        long need = ResidentFeed.bytes(columns, samples, device.realBytes());
        long free = device.device().freeBytes();
        long margin = Math.max(MARGIN_BYTES, device.device().totalBytes() / MARGIN_SHARE);
        String why = String.format(
                "; they take %,d bytes, and %,d of the %,d that are free are for samples",
                need, Math.max(0, free - reservedBytes - margin), free);
        return logged(
                need <= free - reservedBytes - margin
                        ? new ResidentFeed(device, columns, samples, why)
                        : new StreamedFeed(device, columns, new SampleSource(samples, columns), why));
    }

    /**
     * Of an iterator, whose batches a thread of the feed asks for: no other thread uses it meanwhile. An epoch starts as {@code
     * network.fit(iterator)} starts it: reset if it has no more batches. Whoever made the iterator closes it.
     */
    public static Feed of(FeedDevice device, RankColumns columns, DataSetIterator iterator) {
        return logged(new StreamedFeed(device, columns, new IteratorSource(iterator, columns), ""));
    }

    private static Feed logged(Feed feed) {
        LOG.info("batches are {}", feed.describe());
        return feed;
    }
}

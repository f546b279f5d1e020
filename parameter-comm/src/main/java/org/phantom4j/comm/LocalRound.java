package org.phantom4j.comm;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * One collective of one local group: what each rank brought, and who is done with it.
 *
 * <p>A rank posts once, then may read what others posted when {@link #everyonePosted()}, then marks itself finished and
 * leaves when {@link #everyoneFinished()}: until then others may still read its arrays. Between the two, ranks may hand
 * each other sums in the same way.
 */
final class LocalRound {

    /** What one rank calls: ranks of a round must agree on all of it. {@code detail} is a root, or the block lengths. */
    record Signature(Collective collective, long elements, String type, String detail) {
        @Override
        public String toString() {
            return collective + " of " + elements + " " + type + (detail.isEmpty() ? "" : " " + detail);
        }
    }

    /** What a rank brought: its signature and array, and for a split its colour and key. */
    record Post(Signature signature, INDArray array, int color, int key) {}

    final long sequence;
    private final Post[] posts;
    private final INDArray[] sums;
    private final AtomicInteger posted = new AtomicInteger();
    private final AtomicInteger summed = new AtomicInteger();
    private final AtomicInteger finished = new AtomicInteger();

    LocalRound(long sequence, int size) {
        this.sequence = sequence;
        this.posts = new Post[size];
        this.sums = new INDArray[size];
    }

    /**
     * @throws CommException if another rank of the round called something else
     */
    void post(int rank, Post post) {
        synchronized (posts) {
            posts[rank] = post;
            for (int other = 0; other < posts.length; other++) {
                if (posts[other] != null && !posts[other].signature.equals(post.signature)) {
                    throw new CommException(
                            CommException.Reason.MISMATCH,
                            "collective number " + sequence + ": rank " + rank + " called " + post.signature
                                    + " but rank " + other + " called " + posts[other].signature
                                    + ": all ranks must call the same collectives in the same order");
                }
            }
        }
        posted.incrementAndGet();
    }

    boolean everyonePosted() {
        return posted.get() == posts.length;
    }

    /** What {@code rank} posted; call it only when everyone has. */
    Post of(int rank) {
        return posts[rank];
    }

    /** Hands the others the sum of a rank's block, which stays as it is until everyone has finished. */
    void postSum(int rank, INDArray sum) {
        sums[rank] = sum;
        summed.incrementAndGet();
    }

    boolean everyoneSummed() {
        return summed.get() == sums.length;
    }

    /** The sum of {@code rank}'s block; call it only when everyone has summed. */
    INDArray sum(int rank) {
        return sums[rank];
    }

    /** Marks one more rank finished; true for the last one. */
    boolean finish() {
        return finished.incrementAndGet() == posts.length;
    }

    boolean everyoneFinished() {
        return finished.get() >= posts.length;
    }

    /** The ranks that have not posted, for messages. */
    String missing() {
        synchronized (posts) {
            return IntStream.range(0, posts.length)
                    .filter(rank -> posts[rank] == null)
                    .mapToObj(Integer::toString)
                    .collect(Collectors.joining(", "));
        }
    }

    static Signature signature(Collective collective, INDArray array, String detail) {
        return new Signature(collective, array.length(), array.dataType().name(), detail);
    }

    static String blocks(long[] counts) {
        return Arrays.stream(counts).distinct().count() <= 1 ? "" : "in blocks of " + Arrays.toString(counts);
    }
}

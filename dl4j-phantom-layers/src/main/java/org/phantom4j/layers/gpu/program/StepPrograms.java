package org.phantom4j.layers.gpu.program;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongFunction;
import org.phantom4j.ops.gpu.ShardWidths;

/**
 * The steps that are recorded: few of them, whatever sizes of batches come. A batch takes the smallest recorded step that it fits
 * into; only a size that keeps coming, and would waste much there, gets a step of its own. Ranks that ask for the same sizes in
 * the same order decide alike.
 */
final class StepPrograms implements AutoCloseable {

    /** Steps that are kept; of the others, the memory is freed. */
    static final int MOST = 4;

    /** How often a size comes before a step is recorded for it that is smaller than the one that it fits into. */
    static final int OFTEN = 3;

    /** A step this many times as large as the batch is taken for good. */
    private static final double CLOSE = 1.05;

    /** Sizes that are counted. */
    private static final int MOST_SIZES = 10_000;

    /** Steps after the first have a size that is a multiple of an eighth of the power of two below it. */
    private static final int EIGHTHS = 8;

    private final LongFunction<StepProgram> record;
    private final Runnable beforeClosing;

    /** The one that was used last is the last. */
    private final List<StepProgram> programs = new ArrayList<>();

    private final Map<Long, Integer> asked = new HashMap<>();

    /**
     * None yet.
     *
     * @param record makes a step for batches of at most some size
     * @param beforeClosing waits until the device is done with all steps
     */
    StepPrograms(LongFunction<StepProgram> record, Runnable beforeClosing) {
        this.record = record;
        this.beforeClosing = beforeClosing;
    }

    /** A step for a batch of so many rows. */
    StepProgram forRows(long rows) {
        long needed = ShardWidths.paddedBatch(rows);
        StepProgram best = null;
        for (StepProgram program : programs) {
            boolean fits = program.capacity() >= needed;
            if (fits && (best == null || program.capacity() < best.capacity())) {
                best = program;
            }
        }
        if (best == null || (best.capacity() > CLOSE * needed && comesOften(needed))) {
            best = recorded(capacity(needed, best != null));
        }
        programs.remove(best);
        programs.add(best);
        return best;
    }

    private boolean comesOften(long needed) {
        if (asked.size() >= MOST_SIZES) {
            asked.clear();
        }
        return asked.merge(needed, 1, Integer::sum) >= OFTEN;
    }

    private long capacity(long needed, boolean comesOften) {
        if (programs.isEmpty() || comesOften) {
            return needed;
        }
        long unit = Math.max(1, Long.highestOneBit(needed) / EIGHTHS);
        return ShardWidths.paddedBatch((needed + unit - 1) / unit * unit);
    }

    private StepProgram recorded(long capacity) {
        if (programs.size() >= MOST) {
            beforeClosing.run();
            programs.remove(0).close();
        }
        return record.apply(capacity);
    }

    /** All that are kept. */
    List<StepProgram> all() {
        return List.copyOf(programs);
    }

    /** Forgets all of them. */
    void clear() {
        programs.forEach(StepProgram::close);
        programs.clear();
        asked.clear();
    }

    @Override
    public void close() {
        clear();
    }
}

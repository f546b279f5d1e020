package org.phantom4j.cli.train;

import java.util.Locale;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/**
 * The progress of a training on standard error: a bar where the launcher found a terminal, else a line every tenth of the way. Shows
 * the loss, samples a second and the bytes sent by all ranks.
 */
final class StepProgress implements AutoCloseable {

    private final boolean shown;
    private final int steps;
    private final int batch;
    private final ProgressBar bar;
    private final long beganNs = System.nanoTime();
    private long bytesPerStep;
    private int done;

    private StepProgress(boolean shown, int steps, int batch) {
        this.shown = shown;
        this.steps = steps;
        this.batch = batch;
        this.bar = shown && Boolean.getBoolean("phantom.terminal")
                ? new ProgressBarBuilder()
                        .setTaskName("train")
                        .setInitialMax(steps)
                        .setStyle(ProgressBarStyle.ASCII)
                        .setUpdateIntervalMillis(200)
                        .build()
                : null;
    }

    /** A progress that is shown, or not. */
    static StepProgress on(boolean shown, int steps, int batch) {
        return new StepProgress(shown, steps, batch);
    }

    /** Tells what all ranks together send in a step. */
    void bytesPerStep(long bytes) {
        bytesPerStep = bytes;
    }

    void step(double loss) {
        done++;
        if (!shown) {
            return;
        }
        double seconds = (System.nanoTime() - beganNs) / 1e9;
        String message = String.format(
                Locale.ROOT,
                "loss %.4g, %.0f samples/s, %.1f MB sent",
                loss,
                (double) done * batch / seconds,
                (double) done * bytesPerStep / 1e6);
        if (bar != null) {
            bar.setExtraMessage(message);
            bar.step();
        } else if (done * 10L / steps > (done - 1) * 10L / steps) {
            System.err.printf("step %d of %d: %s%n", done, steps, message);
        }
    }

    @Override
    public void close() {
        if (bar != null) {
            bar.close();
        }
    }
}

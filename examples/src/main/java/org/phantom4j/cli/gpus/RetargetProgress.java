package org.phantom4j.cli.gpus;

import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.phantom4j.ops.cuda.retarget.RetargetListener;

/**
 * The progress of a translation on standard error, with the time left: a bar where the launcher found a terminal, else
 * a line every tenth of the way.
 */
final class RetargetProgress implements RetargetListener, AutoCloseable {

    private static final int BYTES_PER_MB = 1_000_000;

    private ProgressBar bar;
    private long beganNs;
    private int modules;
    private int modulesDone;
    private long bytes;
    private long bytesDone;
    private long bytesCompiled;

    @Override
    public void started(String compiler, int moduleCount, long ptxBytes) {
        beganNs = System.nanoTime();
        modules = moduleCount;
        bytes = Math.max(1, ptxBytes);
        if (Boolean.getBoolean("phantom.terminal")) {
            bar = new ProgressBarBuilder()
                    .setTaskName(modules + " modules")
                    .setInitialMax(ptxBytes)
                    .setUnit(" MB", BYTES_PER_MB)
                    .setStyle(ProgressBarStyle.ASCII)
                    .setUpdateIntervalMillis(1000)
                    .build();
        }
    }

    @Override
    public void translated(long ptxBytes, int level, boolean resumed) {
        long before = bytesDone;
        bytesDone += ptxBytes;
        bytesCompiled += resumed ? 0 : ptxBytes;
        modulesDone++;
        if (bar != null) {
            bar.stepTo(bytesDone);
        } else if (10 * bytesDone / bytes > 10 * before / bytes) {
            System.err.printf(
                    "%d of %d modules, %d %%%s%n", modulesDone, modules, 100 * bytesDone / bytes, secondsLeft());
        }
    }

    /** What an earlier run had compiled took no time: only the rest tells how fast it goes. */
    private String secondsLeft() {
        if (bytesCompiled == 0 || bytesDone == bytes) {
            return "";
        }
        double seconds = (System.nanoTime() - beganNs) / 1e9;
        return String.format(", about %.0f s left", seconds * (bytes - bytesDone) / bytesCompiled);
    }

    @Override
    public void close() {
        if (bar != null) {
            bar.close();
        }
    }
}

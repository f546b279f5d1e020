package org.phantom4j.cli.train;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.phantom4j.cli.frame.Report;
import org.phantom4j.cli.launch.RankEnergy;
import org.phantom4j.cli.launch.RankResults;
import org.phantom4j.comm.Mesh;
import org.phantom4j.data.Corpus;
import org.phantom4j.layers.train.RankNetwork;
import org.phantom4j.ops.LayerCost;

/**
 * One rank's part of {@code train}: steps, then the model is saved, then it is tested and reported. What fails after the steps
 * does not lose the model. Belongs to the rank's thread; all ranks run one.
 */
final class TrainingRun {

    private final Mesh mesh;
    private final TrainingOptions options;
    private final RankTraining training;
    private final int steps;
    private final Unsaved unsaved;

    private double loss = Double.NaN;
    /** All of the steps' time, with what is between them. */
    private long ns;

    /** How rank 0's batches got to its GPU; null without one. */
    private String feed;

    private long bytes;
    private long multiplyAdds;
    /** Why rank 0 could not save the model where it should; null if it could. */
    private IOException notSaved;

    TrainingRun(Mesh mesh, TrainingOptions options, RankTraining training, int steps, Unsaved unsaved) {
        this.mesh = mesh;
        this.options = options;
        this.training = training;
        this.steps = steps;
        this.unsaved = unsaved;
    }

    private boolean isFirst() {
        return mesh.all().rank() == 0;
    }

    /**
     * Trains, saves, tests and reports.
     *
     * @param save null on ranks that do not save
     * @param json null on ranks that do not write
     */
    void run(Path save, Path json, LayerCost cost) throws Exception {
        try {
            OptionalDouble joules = steps();
            save(save);
            Map<String, Object> results = TrainReport.results(options, steps, cost, measure(joules));
            RankResults.onFirstRank(mesh.all(), () -> {
                report(results, json);
                return null;
            });
        } catch (Exception | Error e) {
            unsaved.failed();
            throw e;
        }
    }

    private OptionalDouble steps() {
        try (RankEnergy energy = RankEnergy.start(mesh.all(), options.device);
                StepProgress progress = StepProgress.on(isFirst(), steps, options.model.batch())) {
            long began = System.nanoTime();
            loss = training.step();
            ns = System.nanoTime() - began;
            // the last batch of an epoch may be smaller: the first is what the formula speaks of
            bytes = RankResults.sum(mesh.all(), training.lastBytes());
            multiplyAdds = RankResults.sum(mesh.all(), training.lastMultiplyAdds());
            progress.bytesPerStep(bytes);
            unsaved.step();
            progress.step(loss);
            began = System.nanoTime();
            loss = training.steps(steps - 1, (step, each) -> {
                unsaved.step();
                progress.step(each);
            });
            ns += System.nanoTime() - began;
            feed = training.feed().orElse(null);
            return energy.joules();
        }
    }

    /** Saves the whole model on rank 0. A collective. */
    private void save(Path save) throws Exception {
        if (RankResults.sum(mesh.all(), save == null ? 0 : 1) == 0) {
            return;
        }
        MultiLayerNetwork whole = null;
        if (mesh.replica() == 0) {
            training.requireFinite();
            whole = RankNetwork.gather(training.network());
        }
        MultiLayerNetwork gathered = whole;
        RankResults.onFirstRank(mesh.all(), () -> {
            saveOnThisRank(save, gathered);
            return null;
        });
    }

    /** Saves; if that fails, says so at once and goes on to what the training learnt. */
    private void saveOnThisRank(Path save, MultiLayerNetwork whole) {
        try {
            ModelFile.save(save, whole, options.corpus().layout());
            unsaved.saved("the model is saved in " + save);
            System.out.println("saved " + save);
        } catch (IOException e) {
            notSaved = e;
            unsaved.saved(e.getMessage());
            System.err.println("phantom: " + e.getMessage());
        }
    }

    private TrainReport.Measured measure(OptionalDouble joules) {
        Corpus corpus = options.corpus();
        RankTraining.Score test = training.score(corpus.test(), corpus.classes());
        long[] parameters = RankResults.gather(mesh.all(), training.network().numParams());
        RankTraining.GpuUse gpu = training.release();
        OptionalLong peak =
                RankResults.peakBytes(mesh.all(), options.comm.backend().ranksAreProcesses());
        return new TrainReport.Measured(
                ns / 1e6 / steps, feed, loss, test, bytes, multiplyAdds, parameters, peak, joules, gpu);
    }

    private void report(Map<String, Object> results, Path json) throws IOException {
        TrainReport.print(results);
        if (json != null) {
            Report.write(json, results);
        }
        if (notSaved != null) {
            throw notSaved;
        }
    }
}

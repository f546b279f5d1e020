package org.phantom4j.cli.train;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import org.phantom4j.cli.frame.Arguments;
import org.phantom4j.cli.train.ModelOptions.Model;
import org.phantom4j.data.Batches;
import org.phantom4j.data.Corpus;
import org.phantom4j.layers.energy.Energy;
import org.phantom4j.ops.LayerCost;

/** What a training learnt and cost: as values, and as text. */
final class TrainReport {

    private TrainReport() {}

    /**
     * What the ranks did.
     *
     * @param msPerStep all of the steps' time, with what is between them, over their number
     * @param feed how rank 0's batches got to its GPU; null without one
     * @param bytes of the first step, of all ranks
     * @param multiplyAdds of the first step, of all ranks
     * @param parameters of each rank
     */
    record Measured(
            double msPerStep,
            String feed,
            double finalLoss,
            RankTraining.Score test,
            long bytes,
            long multiplyAdds,
            long[] parameters,
            OptionalLong peakBytes,
            OptionalDouble joules,
            RankTraining.GpuUse gpu) {}

    /** Samples of that many steps: the last step of an epoch may have fewer. */
    private static double samples(Corpus corpus, int batch, int steps) {
        int perEpoch = Batches.perEpoch(corpus.train(), batch);
        double size = corpus.train().size();
        return Math.floorDiv(steps, perEpoch) * size + Math.min(size, steps % perEpoch * (double) batch);
    }

    static Map<String, Object> results(TrainingOptions options, int steps, LayerCost cost, Measured measured) {
        ModelOptions model = options.model;
        double samples = samples(options.corpus(), model.batch(), steps);
        boolean dense = model.model() == Model.DENSE;
        Map<String, Object> results = new LinkedHashMap<>();
        results.put("model", Arguments.lower(model.model()));
        results.put("shards", dense ? 1 : model.shards());
        results.put("phantomWidth", model.model() == Model.PHANTOM ? model.phantomWidth() : null);
        results.put("ranks", options.ranks());
        results.put("dataParallel", options.replicas);
        results.put("comm", options.comm.name());
        results.put("precision", Arguments.lower(model.precision()));
        results.put("width", model.width());
        results.put("layers", model.layers());
        results.put("batch", model.batch());
        results.put("updater", Arguments.lower(model.updater()));
        results.put("learningRate", model.learningRate());
        results.put("seed", model.seed());
        results.put("steps", steps);
        results.put("parameters", cost.parameters());
        results.put("parametersByRank", measured.parameters());
        // Deeplearning4j's dense layers do not count their products
        results.put("multiplyAdds", dense ? cost.multiplyAdds() : measured.multiplyAdds());
        results.put("bytesSent", measured.bytes());
        results.put("msPerStep", measured.msPerStep());
        results.put("samplesPerSecond", 1000 * samples / steps / measured.msPerStep());
        results.put("finalLoss", measured.finalLoss());
        results.put("testLoss", measured.test().loss());
        results.put("testAccuracy", measured.test().accuracy());
        results.put(
                "peakBytes",
                measured.peakBytes().isPresent() ? measured.peakBytes().getAsLong() : null);
        results.put(
                "joulesPerSample",
                measured.joules().isPresent() ? measured.joules().getAsDouble() / samples : null);
        results.put("device", options.device.cuda() ? "cuda" : "cpu");
        results.put("feed", measured.feed());
        RankTraining.GpuUse gpu = measured.gpu();
        // of rank 0: the ranks' shares differ by a neuron's at most
        results.put("gpuBytesComputed", gpu == null ? null : gpu.need().total());
        results.put("gpuBytesMeasured", gpu == null ? null : gpu.measured().peakBytes());
        results.put("gpuBytesBeside", gpu == null ? null : gpu.measured().restBytes());
        results.put("joules", measured.joules().isPresent() ? measured.joules().getAsDouble() : null);
        return results;
    }

    static void print(Map<String, Object> results) {
        System.out.printf("final loss     %.6g%n", (Double) results.get("finalLoss"));
        System.out.printf("test loss      %.6g%n", (Double) results.get("testLoss"));
        if (results.get("testAccuracy") instanceof Double accuracy) {
            System.out.printf("test accuracy  %.2f %%%n", 100 * accuracy);
        }
        System.out.printf(
                "a step         %.3f ms, %,d multiply-adds, %,d bytes between ranks%n",
                (Double) results.get("msPerStep"), (Long) results.get("multiplyAdds"), (Long) results.get("bytesSent"));
        System.out.printf("samples/s      %.0f%n", (Double) results.get("samplesPerSecond"));
        System.out.printf(
                "parameters     %,d, by rank %s%n",
                (Long) results.get("parameters"), Arrays.toString((long[]) results.get("parametersByRank")));
        if (results.get("feed") != null) {
            System.out.println("batches        " + results.get("feed"));
        }
        if (results.get("gpuBytesMeasured") instanceof Long bytes) {
            long computed = (Long) results.get("gpuBytesComputed");
            System.out.printf(
                    "GPU memory     %,d MiB measured, %.3f of %,d MiB computed; %,d MiB beside it (CUDA, its libraries)%n",
                    bytes >> 20, (double) bytes / computed, computed >> 20, (Long) results.get("gpuBytesBeside") >> 20);
        }
        System.out.println("energy         "
                + (results.get("joules") instanceof Double joules
                        ? Energy.text(OptionalDouble.of(joules)) + ", "
                                + Energy.text(OptionalDouble.of((Double) results.get("joulesPerSample"))) + " a sample"
                        : Energy.text(OptionalDouble.empty())));
    }
}

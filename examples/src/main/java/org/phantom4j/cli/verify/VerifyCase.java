package org.phantom4j.cli.verify;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.shade.jackson.databind.JsonNode;
import org.phantom4j.comm.Communicator;
import org.phantom4j.layers.train.GoldenTraining;
import org.phantom4j.layers.train.RandomTraining;
import org.phantom4j.ops.golden.GoldenCase;
import org.phantom4j.ops.golden.GoldenLayer;

/**
 * What {@code phantom verify} verifies.
 *
 * @param samples of a batch, or 1 for what has no replicas
 * @param bound of the largest relative error
 * @param errors what computes the errors
 */
record VerifyCase(String name, int shards, int samples, double bound, Errors errors) {

    private static final double LAYER_BOUND = 1e-10;
    private static final double TRAINING_BOUND = 1e-8;

    /** Something that computes errors, by name, on the current group of ranks. */
    interface Errors {
        Map<String, Double> of(Communicator replicas) throws Exception;
    }

    /** What came out of a case. */
    record Row(String name, int shards, int ranks, int replicas, double error, double bound) {

        boolean passed() {
            return error <= bound;
        }

        @Override
        public String toString() {
            return String.format(
                    "%-24s shards %2d  ranks %2d  replicas %2d  largest relative error %.2e of %.1e  %s",
                    name, shards, ranks, replicas, error, bound, passed() ? "passed" : "FAILED");
        }

        Map<String, Object> json() {
            Map<String, Object> values = new LinkedHashMap<>();
            values.put("name", name);
            values.put("shards", shards);
            values.put("ranks", ranks);
            values.put("replicas", replicas);
            values.put("error", error);
            values.put("bound", bound);
            values.put("passed", passed());
            return values;
        }

        static Row of(JsonNode json) {
            return new Row(
                    json.get("name").asText(),
                    json.get("shards").asInt(),
                    json.get("ranks").asInt(),
                    json.get("replicas").asInt(),
                    json.get("error").asDouble(),
                    json.get("bound").asDouble());
        }
    }

    /** Golden cases through Deeplearning4j's layers, in double precision, and a random training. */
    static List<VerifyCase> ofLayers(List<GoldenCase> golden) {
        List<VerifyCase> cases = new ArrayList<>();
        golden.forEach(each -> cases.add(of(each)));
        cases.add(new VerifyCase(
                "random-training",
                RandomTraining.SHARDS,
                RandomTraining.BATCH,
                TRAINING_BOUND,
                replicas -> RandomTraining.errors(replicas)));
        return cases;
    }

    private static VerifyCase of(GoldenCase golden) {
        return golden.isTraining()
                ? new VerifyCase(
                        golden.name(),
                        golden.shards(),
                        Integer.parseInt(golden.text("batch")),
                        TRAINING_BOUND,
                        replicas -> new GoldenTraining(golden).errors(replicas))
                : new VerifyCase(golden.name(), golden.shards(), 1, LAYER_BOUND, replicas -> new GoldenLayer(
                                golden, DataType.DOUBLE)
                        .errors());
    }

    /** The fewest replicas with which it runs on so many ranks; 0 if it does not. */
    int replicas(int ranks) {
        return IntStream.rangeClosed(1, Math.min(samples, ranks))
                .filter(replicas -> ranks % replicas == 0 && shards % (ranks / replicas) == 0)
                .findFirst()
                .orElse(0);
    }
}

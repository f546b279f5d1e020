package org.phantom4j.layers.matrix;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.phantom4j.comm.LocalRanks;

/**
 * A case's trainings: the dense equivalent, then 1 shard, 2 or 4 in one process and on ranks. Refusals are kept by
 * where they were made.
 */
final class Comparison {

    private final Case which;

    /** Of the dense equivalent before training. */
    private Map<String, INDArray> initial;

    /** What differed. */
    final List<String> faults = new ArrayList<>();

    /** Failures of ours, by shards and ranks. */
    final Map<String, Exception> refusals = new TreeMap<>();

    /** Whether the dense equivalent's numbers are not finite, so that nothing can be compared. */
    boolean diverges;

    /** What the dense equivalent failed with; null if it did not. */
    Exception denseFailure;

    private Comparison(Case which) {
        this.which = which;
    }

    static Comparison of(Case which) {
        Comparison comparison = new Comparison(which);
        Run dense = comparison.dense();
        comparison.oneProcess(1, dense);
        Run four = comparison.oneProcess(4, dense);
        comparison.onRanks(4, 4, four);
        // two ranks have two shards each in every other case, else one
        if (which.hashCode() % 2 == 0) {
            comparison.onRanks(4, 2, four);
        } else {
            comparison.onRanks(2, 2, comparison.oneProcess(2, dense));
        }
        return comparison;
    }

    private Run dense() {
        try {
            Plan plan = which.plan();
            Net net = Net.whole(plan, 0);
            initial = new TreeMap<>();
            net.parameters().forEach((key, value) -> initial.put(key, value.dup()));
            Run run = Run.of(plan, net);
            diverges = !run.isFinite();
            return run;
        } catch (Exception e) {
            denseFailure = e;
            return null;
        }
    }

    /** The sharded network with the dense equivalent's initial weights. */
    private Net sharded(Plan plan, int shards) {
        Net net = Net.whole(plan, shards);
        if (initial != null && plan.kind.isDense(shards)) {
            Map<String, INDArray> own = net.parameters();
            Weights.cut(initial, own, shards)
                    .forEach((key, value) -> own.get(key).assign(value));
        }
        return net;
    }

    private Run oneProcess(int shards, Run dense) {
        try {
            Plan plan = which.plan();
            Run run = Run.of(plan, sharded(plan, shards));
            if (dense != null && plan.kind.isDense(shards) && !plan.random) {
                Map<String, INDArray> cut = Weights.cut(dense.parameters(), run.parameters(), shards);
                // no dense layer has one, and constraints may change it
                cut.keySet().removeIf(Weights::isCompressor);
                Run expected = new Run(dense.scores(), dense.output(), dense.examples(), cut);
                for (String fault : expected.differences(run, tolerance(plan))) {
                    faults.add(shards + " shards, beside the dense equivalent: " + fault);
                }
            }
            return run;
        } catch (Exception e) {
            refusals.put(shards + " shards", e);
            return null;
        }
    }

    private void onRanks(int shards, int ranks, Run one) {
        String where = shards + " shards on " + ranks + " ranks";
        if (one == null) {
            return;
        }
        try {
            Plan plan = which.plan();
            Net whole = sharded(plan, shards);
            List<Run> runs =
                    LocalRanks.run(ranks, Duration.ofSeconds(60), group -> Run.of(which.plan(), whole.share()));
            for (Run run : runs) {
                for (String fault : one.differences(run, tolerance(plan))) {
                    faults.add(where + ", beside one process: " + fault);
                }
            }
        } catch (Exception e) {
            refusals.put(where, e);
        }
    }

    private static double tolerance(Plan plan) {
        return switch (plan.type) {
            case DOUBLE -> 1e-9;
            case FLOAT -> 5e-4;
            default -> 0.1;
        };
    }
}

package org.phantom4j.layers.ranks;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.conf.layers.wrapper.BaseWrapperLayer;
import org.deeplearning4j.util.ModelSerializer;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.Communicator;
import org.phantom4j.comm.RankContext;
import org.phantom4j.layers.ShardedDenseLayer;
import org.phantom4j.layers.ShardedLayer;
import org.phantom4j.ops.Split;

/** What a network and a graph that belong to a rank have in common. Belongs to the rank's thread. */
final class GroupGuard {

    /** Steps between two comparisons of the parameters that every rank has. */
    static final int STEPS = 50;

    private final Communicator group;
    private final String what;
    private final BatchAgreement batches;
    private final Map<String, INDArray> replicated = new LinkedHashMap<>();
    private ParameterAgreement parameters;
    private int steps;

    /** @param what the object that belongs to the rank, for messages */
    GroupGuard(Communicator group, String what) {
        this.group = group;
        this.what = what;
        this.batches = BatchAgreement.isWanted(group) ? new BatchAgreement(group, "rank") : null;
    }

    Communicator group() {
        return group;
    }

    boolean isAlone() {
        return group.size() == 1;
    }

    /** Computes something as the rank's own thread, on whichever thread this is. */
    <T> T inGroup(Supplier<T> body) {
        return RankContext.run(group, body);
    }

    /** Adds a layer's parameters, as far as every rank has them. */
    void addReplicated(Layer layer, String prefix, Map<String, INDArray> table) {
        boolean sharded = inner(layer) instanceof ShardedLayer;
        table.forEach((key, value) -> {
            if (!sharded || !Character.isDigit(key.charAt(key.length() - 1))) {
                replicated.put(prefix + "_" + key, value);
            }
        });
    }

    /** What a layer wraps. */
    private static Layer inner(Layer layer) {
        if (layer instanceof FrozenLayer frozen) {
            return inner(frozen.getLayer());
        }
        return layer instanceof BaseWrapperLayer wrapper ? inner(wrapper.getUnderlying()) : layer;
    }

    /** Compares the parameters that every rank has. A collective. */
    void requireSameParameters(String when) {
        if (batches == null) {
            return;
        }
        if (parameters == null) {
            parameters = new ParameterAgreement(group, replicated);
        }
        parameters.require(when);
    }

    void beforeStep(int iteration, INDArray[]... arrays) {
        RankContext.require(group, what);
        if (batches == null) {
            return;
        }
        batches.add(true, iteration, arrays);
        if (++steps % STEPS == 0) {
            // batches first: they are the cause, parameters that differ the effect
            batches.finish();
            requireSameParameters("at iteration " + iteration);
        }
    }

    void beforeOutput(int iteration, INDArray[]... arrays) {
        RankContext.require(group, what);
        if (batches != null) {
            batches.add(false, iteration, arrays);
        }
    }

    /** Compares what was not compared yet. A collective. */
    void finish(int iteration) {
        if (batches != null) {
            batches.finish();
            requireSameParameters("after iteration " + iteration);
        }
    }

    /** Refuses to be written: a file would look like a whole network's. */
    void refuseSaving(Class<?> caller) {
        if (!isAlone() && caller == ModelSerializer.class) {
            throw new IllegalStateException(what + " has the shards of rank " + group.rank() + " of " + group.size()
                    + " only, and its file would look like the whole network's: call RankNetwork.gather on every rank,"
                    + " and write what rank 0 gets");
        }
    }

    /** Whole activations of a layer, of which each rank may have its own part. */
    INDArray whole(Layer layer, INDArray activations) {
        if (isAlone() || !(inner(layer) instanceof ShardedDenseLayer dense) || dense.getNOut() == activations.size(1)) {
            return activations;
        }
        Split split = new Split(dense.getNOut(), dense.getShards());
        long batch = activations.size(0);
        INDArray part = activations.dup('f');
        INDArray whole = Nd4j.createUninitialized(part.dataType(), new long[] {batch, dense.getNOut()}, 'f');
        group.allGather(part, whole, split.counts(group.size(), batch));
        return whole;
    }

    /** One line above a summary. */
    String summary(String summary) {
        return isAlone()
                ? summary
                : "Rank " + group.rank() + " of " + group.size() + ": parameters of this rank's shards\n" + summary;
    }
}

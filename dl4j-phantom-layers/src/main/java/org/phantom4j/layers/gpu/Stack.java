package org.phantom4j.layers.gpu;

import java.util.List;
import org.phantom4j.ops.PhantomGeometry;
import org.phantom4j.ops.gpu.ElementwiseActivation;

/**
 * A network as the compiled step sees it: dense layers, one after the other, and an end.
 *
 * @param layers from the inputs on
 * @param end what comes after the last of them
 * @param update how parameters are updated
 */
public record Stack(List<Layer> layers, End end, Update update) {

    /** A dense layer. */
    public record Layer(boolean phantom, PhantomGeometry geometry, ElementwiseActivation activation) {}

    /**
     * The end of a network.
     *
     * @param kind what it computes
     * @param width outputs
     * @param hasBias of an output layer
     */
    public record End(Kind kind, long width, boolean hasBias) {
        /** Kinds of ends. */
        public enum Kind {
            /** Squared errors of sharded outputs. */
            SQUARED,
            /** A row-parallel output layer, softmax and cross-entropy. */
            SOFTMAX,
            /** A row-parallel output layer, squared errors. */
            OUTPUT_SQUARED
        }

        boolean isOutputLayer() {
            return kind != Kind.SQUARED;
        }
    }

    /** How parameters are updated. */
    public sealed interface Update {
        /** w −= rate · g. */
        record Sgd(double rate) implements Update {}

        /** Nesterov's momentum. */
        record Nesterovs(double rate, double momentum) implements Update {}

        /** Adam. */
        record Adam(double rate, double beta1, double beta2, double epsilon) implements Update {}
    }

    /** The number of shards, of every layer. */
    public int shards() {
        return layers.get(0).geometry().shards();
    }

    /** The widest that a shard's activations get. */
    long widestShard() {
        return layers.stream()
                .mapToLong(layer -> Math.max(
                        layer.geometry().in().width(0), layer.geometry().out().width(0)))
                .max()
                .orElseThrow();
    }
}

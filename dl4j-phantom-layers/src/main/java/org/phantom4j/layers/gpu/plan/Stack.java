package org.phantom4j.layers.gpu.plan;

import java.util.List;
import org.phantom4j.ops.PhantomGeometry;
import org.phantom4j.ops.ShardRange;
import org.phantom4j.ops.gpu.ElementwiseActivation;
import org.phantom4j.ops.gpu.ShardWidths;

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
     * @param shards of an output layer: into how many its inputs are cut
     * @param hasBias of an output layer
     */
    public record End(Kind kind, long width, int shards, boolean hasBias) {
        /** Kinds of ends. */
        public enum Kind {
            /** Squared errors of sharded outputs. */
            SQUARED,
            /** A row-parallel output layer, softmax and cross-entropy. */
            SOFTMAX,
            /** A row-parallel output layer, squared errors. */
            OUTPUT_SQUARED
        }

        /** Whether it has parameters. */
        public boolean isOutputLayer() {
            return kind != Kind.SQUARED;
        }

        /** An output layer's shards on the rank that has {@code layers} of the dense layers' {@code all}. */
        public ShardRange own(ShardRange layers, int all) {
            return ShardRange.of(layers.first() / layers.count(), all / layers.count(), shards);
        }
    }

    /** How parameters are updated. */
    public sealed interface Update {
        /** The learning rate. */
        double rate();

        /** The same but for the rate, which recorded steps read anew. */
        default boolean differsInRateOnly(Update other) {
            return getClass() == other.getClass() && withRate(0).equals(other.withRate(0));
        }

        /** With another rate. */
        Update withRate(double rate);

        /** w −= rate · g. */
        record Sgd(double rate) implements Update {
            @Override
            public Sgd withRate(double other) {
                return new Sgd(other);
            }
        }

        /** Nesterov's momentum. */
        record Nesterovs(double rate, double momentum) implements Update {
            @Override
            public Nesterovs withRate(double other) {
                return new Nesterovs(other, momentum);
            }
        }

        /** Adam. */
        record Adam(double rate, double beta1, double beta2, double epsilon) implements Update {
            @Override
            public Adam withRate(double other) {
                return new Adam(other, beta1, beta2, epsilon);
            }
        }
    }

    /** The number of shards, of every layer. */
    public int shards() {
        return layers.get(0).geometry().shards();
    }

    /** Places for the widest activations of a rank's shards. */
    public long widest(ShardRange own) {
        return layers.stream()
                .mapToLong(layer -> Math.max(
                        ShardWidths.of(layer.geometry().in(), own).length(),
                        ShardWidths.of(layer.geometry().out(), own).length()))
                .max()
                .orElseThrow();
    }
}

package org.phantom4j.layers;

import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.deeplearning4j.nn.api.ParamInitializer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.nd4j.linalg.api.buffer.DataType;
import org.phantom4j.ops.PhantomGeometry;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A phantom-parallel dense layer: each of p shards has its own block of weights and sees a k-wide compressed image of
 * every other shard's inputs. See {@link org.phantom4j.ops.PhantomDense} for the equations.
 *
 * <p>Parameters of shard j: {@code L<j>} [nIn_j, nOut_j], {@code C<j>} [nIn_j, k], {@code D<j>} [(p − 1)·k, nOut_j]
 * (absent where p = 1), {@code b<j>} [1, nOut_j] (absent without bias), {@code g<j>} [1, nOut_j] (with layer normalisation).
 * A rank has those of its own shards.
 *
 * <p>Initial values: L and D as {@code weightInit} says, each for half of the outputs' variance; C is linear and always
 * normal with variance 1 / nIn_j. They depend on the seed and not on the number of ranks. {@code WeightInit.IDENTITY} makes
 * L the identity and D zero: the layer begins as the function that an IDENTITY dense layer begins as.
 *
 * <p>What Deeplearning4j does to a layer's matrix W, it does to these matrices: constraints see, for each shard, L with D
 * below it (a column is what one neuron weighs its inputs and the others' phantom activations with) and C, and all shards'
 * biases, and gains, as one; gradient normalisation per parameter type takes the norm of all shards' L, of all C, of all D,
 * of all biases and of all gains; per layer, that of everything. All are the same on every number of ranks.
 *
 * <pre>{@code
 * new PhantomDenseLayer.Builder().nOut(4096).shards(4).phantomWidth(64).activation(Activation.RELU).build()
 * }</pre>
 */
public final class PhantomDenseLayer extends ShardedDenseLayer {

    private static final long serialVersionUID = 2L;

    private static final Logger LOG = LoggerFactory.getLogger(PhantomDenseLayer.class);

    /** What has been warned of: networks are made anew for each rank, copy and gathering. */
    private static final Set<PhantomGeometry> WARNED = ConcurrentHashMap.newKeySet();

    private long phantomWidth;

    /** For JSON. */
    PhantomDenseLayer() {}

    private PhantomDenseLayer(Builder builder) {
        super(builder);
        if (builder.phantomWidth == null && getShards() > 1) {
            throw new IllegalArgumentException("PhantomDenseLayer: phantomWidth is not set: give the builder"
                    + " phantomWidth(k), the number of values that stand for a shard's inputs in the other shards");
        }
        this.phantomWidth = builder.phantomWidth == null ? 1 : builder.phantomWidth;
        if (phantomWidth < 1) {
            throw new IllegalArgumentException("phantom width must be at least 1, not " + phantomWidth);
        }
        initializeConstraints(builder);
    }

    /** The phantom width, k. */
    public long getPhantomWidth() {
        return phantomWidth;
    }

    /** The layer's shapes and costs; nIn and nOut must be known. */
    public PhantomGeometry geometry() {
        return new PhantomGeometry(getNIn(), getNOut(), getShards(), phantomWidth);
    }

    @Override
    DenseRuntime<?> newRuntime(NeuralNetConfiguration conf, DataType type) {
        long largest = geometry().largestUsefulPhantomWidth();
        if (getShards() > 1 && phantomWidth > largest && WARNED.add(geometry())) {
            LOG.warn(
                    "{}: with phantomWidth {} it has more parameters than a DenseLayer of {} inputs and {} outputs; with {}"
                            + " shards it is smaller up to phantomWidth {}",
                    LayerSettings.name(this),
                    phantomWidth,
                    getNIn(),
                    getNOut(),
                    getShards(),
                    largest);
        }
        return new PhantomDenseRuntime(conf, type);
    }

    @Override
    public ParamInitializer initializer() {
        return PhantomInitializer.INSTANCE;
    }

    @Override
    public PhantomDenseLayer clone() {
        return (PhantomDenseLayer) super.clone();
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof PhantomDenseLayer other && super.equals(o) && phantomWidth == other.phantomWidth;
    }

    @Override
    public int hashCode() {
        return Objects.hash(super.hashCode(), phantomWidth);
    }

    @Override
    public String toString() {
        return "PhantomDenseLayer(phantomWidth=" + phantomWidth + ", super=" + super.toString() + ")";
    }

    /** Builds the configuration; nIn may be left to the layer before, or to the network's input type. */
    @SuppressWarnings("unchecked") // Deeplearning4j declares <E extends Layer> E build()
    public static final class Builder extends ShardedDenseLayer.Builder<Builder> {

        private Long phantomWidth;

        /**
         * The phantom width, k: how many values stand for a shard's inputs in the other shards. Required where there are
         * several shards; without effect where there is one.
         */
        public Builder phantomWidth(long phantomWidth) {
            this.phantomWidth = phantomWidth;
            return this;
        }

        @Override
        public PhantomDenseLayer build() {
            return new PhantomDenseLayer(this);
        }
    }
}

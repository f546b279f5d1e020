package org.phantom4j.layers;

import org.deeplearning4j.nn.api.ParamInitializer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.nd4j.linalg.api.buffer.DataType;
import org.phantom4j.ops.PhantomGeometry;

/**
 * A column-parallel dense layer: each shard has some columns of an ordinary dense layer's weights and sees all inputs.
 * The same function as a {@code DenseLayer}; the baseline that phantom parallelism is compared with.
 *
 * <p>Parameters of shard j: {@code W<j>} [nIn, nOut_j], {@code b<j>} [1, nOut_j] (absent without bias), {@code g<j>}
 * [1, nOut_j] (with layer normalisation); first the W of all shards, then the b, then the g. What Deeplearning4j does to a
 * layer's W, b or g as a whole (constraints, gradient normalisation, IDENTITY weights) it does to all shards' together.
 */
public final class TensorParallelDenseLayer extends ShardedDenseLayer {

    private static final long serialVersionUID = 2L;

    /** For JSON. */
    TensorParallelDenseLayer() {}

    private TensorParallelDenseLayer(Builder builder) {
        super(builder);
        initializeConstraints(builder);
    }

    /** The layer's shapes and costs; nIn and nOut must be known. The phantom width in it has no effect. */
    public PhantomGeometry geometry() {
        return new PhantomGeometry(getNIn(), getNOut(), getShards(), 1);
    }

    @Override
    DenseRuntime<?> newRuntime(NeuralNetConfiguration conf, DataType type) {
        return new TensorParallelDenseRuntime(conf, type);
    }

    @Override
    public ParamInitializer initializer() {
        return TensorParallelInitializer.INSTANCE;
    }

    @Override
    public TensorParallelDenseLayer clone() {
        return (TensorParallelDenseLayer) super.clone();
    }

    /** Builds the configuration; nIn may be left to the layer before, or to the network's input type. */
    @SuppressWarnings("unchecked") // Deeplearning4j declares <E extends Layer> E build()
    public static final class Builder extends ShardedDenseLayer.Builder<Builder> {

        @Override
        public TensorParallelDenseLayer build() {
            return new TensorParallelDenseLayer(this);
        }
    }
}

package org.phantom4j.data;

import java.util.List;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.rng.Random;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/** A regression that is known to be learnable: the outputs of a random teacher network with one hidden layer. */
public final class SyntheticData {

    private static final int TRAIN = 4096;
    private static final int TEST = 1024;
    private static final int HIDDEN = 64;

    private SyntheticData() {}

    /** Normal inputs of this width, and a teacher's outputs of the same width, of about unit variance. */
    public static Corpus create(int width, DataType type, long seed) {
        Random random = Nd4j.getRandom();
        random.setSeed(seed);
        INDArray x = Nd4j.randn(type, TRAIN + TEST, width);
        INDArray in = Nd4j.randn(type, width, HIDDEN).divi(Math.sqrt(width));
        INDArray out = Nd4j.randn(type, HIDDEN, width).muli(1.6 / Math.sqrt(HIDDEN));
        INDArray y = Transforms.tanh(x.mmul(in), false).mmul(out);
        Samples all = new Samples(x, y);
        return new Corpus(
                all.range(0, TRAIN), all.range(TRAIN, TRAIN + TEST), new SyntheticLayout(width, seed), List.of(), 0);
    }
}

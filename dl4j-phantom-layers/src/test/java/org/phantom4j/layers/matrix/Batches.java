package org.phantom4j.layers.matrix;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Seeded samples and labels as a plan wants them. */
@SuppressWarnings("deprecation") // types have other names in one of ND4J's versions
final class Batches {

    static final int STEPS = 3;

    private static final int EXAMPLES = 5;
    private static final int TIME = 2;

    private final Plan plan;
    private final Random random = new Random(5);

    private Batches(Plan plan) {
        this.plan = plan;
    }

    static List<DataSet> of(Plan plan) {
        Batches batches = new Batches(plan);
        List<DataSet> all = new ArrayList<>();
        for (int step = 0; step < STEPS; step++) {
            all.add(batches.next());
        }
        return all;
    }

    private DataSet next() {
        int rows = plan.input == Plan.Input.SERIES ? EXAMPLES * TIME : EXAMPLES;
        INDArray features = features();
        INDArray labels = labels(rows).castTo(plan.type);
        INDArray labelsMask =
                switch (plan.mask) {
                    case EXAMPLES -> mask(rows, 1);
                    case OUTPUTS -> mask(rows, plan.outputs());
                    default -> null;
                };
        INDArray featuresMask = plan.mask != Plan.Mask.FEATURES
                ? null
                : plan.input == Plan.Input.SERIES ? mask(EXAMPLES, TIME) : mask(EXAMPLES, 1);
        return new DataSet(features, labels, featuresMask, labelsMask);
    }

    private INDArray features() {
        INDArray vectors = normal(EXAMPLES, Plan.FEATURES * (plan.input == Plan.Input.SERIES ? TIME : 1));
        INDArray shaped =
                switch (plan.input) {
                    case VECTORS, FLAT_IMAGES -> vectors;
                    case IMAGES -> vectors.reshape('c', EXAMPLES, 1, 2, 3);
                    case SERIES -> vectors.reshape('c', EXAMPLES, Plan.FEATURES, TIME);
                };
        if (plan.features == null) {
            return shaped.castTo(plan.type);
        }
        if (plan.features == DataType.BOOL) {
            return shaped.gt(0);
        }
        return (plan.features == DataType.INT32 ? shaped.mul(3) : shaped).castTo(plan.features);
    }

    private INDArray labels(int rows) {
        int width = plan.outputs();
        INDArray numbers = normal(rows, width);
        return switch (plan.labels) {
            case NUMBERS -> numbers;
            case BITS -> numbers.gt(0).castTo(DataType.DOUBLE);
            case SIGNS -> numbers.gt(0).castTo(DataType.DOUBLE).muli(2).subi(1);
            case COUNTS -> Transforms.floor(Transforms.abs(numbers, true).muli(2), false);
            case SHARES -> Transforms.softmax(numbers, true);
            case CLASSES -> {
                INDArray classes = Nd4j.zeros(DataType.DOUBLE, rows, width);
                for (int row = 0; row < rows; row++) {
                    classes.putScalar(row, random.nextInt(width), 1);
                }
                yield classes;
            }
        };
    }

    /** Random zeros and ones, the first a one. */
    private INDArray mask(int rows, int columns) {
        INDArray mask = Nd4j.ones(plan.type, rows, columns);
        for (long i = 1; i < mask.length(); i++) {
            mask.putScalar(i, random.nextInt(3) == 0 ? 0 : 1);
        }
        return mask;
    }

    private INDArray normal(int rows, int columns) {
        INDArray values = Nd4j.create(DataType.DOUBLE, rows, columns);
        for (long i = 0; i < values.length(); i++) {
            values.putScalar(i, random.nextGaussian());
        }
        return values;
    }
}

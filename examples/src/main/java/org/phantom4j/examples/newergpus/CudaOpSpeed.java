package org.phantom4j.examples.newergpus;

import static org.bytedeco.cuda.global.cudart.cudaDeviceSynchronize;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * The time of some of ND4J's ops on large arrays, a line each, to lay beside those of a library that was translated
 * otherwise: by another compiler, or at another optimisation level.
 */
public final class CudaOpSpeed {
    private static final int SIZE = 4096;
    private static final int TURNS = 15;
    private static final int CALLS_PER_TURN = 5;

    private CudaOpSpeed() {}

    /** No arguments. Prints the median time of each op in microseconds. */
    public static void main(String[] arguments) {
        ops().forEach((name, op) -> System.out.printf("speed %s %.1f%n", name, microseconds(op)));
    }

    private static Map<String, Runnable> ops() {
        INDArray a = Inputs.fractions(1, SIZE, SIZE);
        INDArray b = Inputs.fractions(2, SIZE, SIZE);
        INDArray row = Inputs.fractions(3, 1, SIZE);
        INDArray images = Inputs.fractions(4, 64, 32, 64, 64);
        INDArray result = Nd4j.createUninitialized(a.dataType(), SIZE, SIZE);
        Map<String, Runnable> ops = new LinkedHashMap<>();
        ops.put("add", () -> a.addi(b, result));
        ops.put("add-scalar", () -> a.addi(1e-3, result));
        ops.put("add-row", () -> a.addi(row, result));
        ops.put("greater", () -> a.gt(b));
        ops.put("exp", () -> Transforms.exp(a, true));
        ops.put("tanh", () -> Transforms.tanh(a, true));
        ops.put("pow", () -> Transforms.pow(a, 1.7, true));
        ops.put("transpose-copy", () -> a.transpose().dup('c'));
        ops.put("sum-rows", () -> a.sum(0));
        ops.put("sum-columns", () -> a.sum(1));
        ops.put("sum-all", a::sumNumber);
        ops.put("norm2-columns", () -> a.norm2(1));
        ops.put("deviation-columns", () -> a.std(1));
        ops.put("argmax-columns", () -> a.argMax(1));
        ops.put("cosine-all", () -> Transforms.cosineSim(a, b));
        ops.put("euclidean-all", () -> a.distance2(b));
        ops.put("softmax", () -> named("softmax", result, a));
        ops.put("uniform", () -> Nd4j.rand(result));
        ops.put("normal", () -> Nd4j.randn(result));
        INDArray pooled = Nd4j.createUninitialized(a.dataType(), 64, 32, 32, 32);
        ops.put("maxpool2d", () -> named("maxpool2d", pooled, images, 2, 2, 2, 2, 0, 0, 1, 1, 0, 1, 0));
        INDArray columns = Nd4j.createUninitialized(a.dataType(), 64, 32, 3, 3, 62, 62);
        ops.put("im2col", () -> named("im2col", columns, images, 3, 3, 1, 1, 0, 0, 1, 1, 0));
        return ops;
    }

    private static void named(String name, INDArray output, INDArray input, int... arguments) {
        Nd4j.exec(DynamicCustomOp.builder(name)
                .addInputs(input)
                .addOutputs(output)
                .addIntegerArguments(arguments)
                .build());
    }

    private static double microseconds(Runnable op) {
        double[] turns = new double[TURNS];
        // the first turn warms up
        for (int turn = -1; turn < TURNS; turn++) {
            synchronize();
            long startNs = System.nanoTime();
            for (int call = 0; call < CALLS_PER_TURN; call++) {
                op.run();
            }
            synchronize();
            if (turn >= 0) {
                turns[turn] = (System.nanoTime() - startNs) / 1e3 / CALLS_PER_TURN;
            }
        }
        Arrays.sort(turns);
        return turns[TURNS / 2];
    }

    private static void synchronize() {
        Nd4j.getExecutioner().commit();
        int status = cudaDeviceSynchronize();
        if (status != 0) {
            throw new IllegalStateException("cudaDeviceSynchronize: status " + status);
        }
    }
}

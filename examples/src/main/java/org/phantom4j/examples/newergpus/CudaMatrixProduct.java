package org.phantom4j.examples.newergpus;

import static org.bytedeco.cuda.global.cublas.CUBLAS_OP_N;
import static org.bytedeco.cuda.global.cublas.cublasCreate_v2;
import static org.bytedeco.cuda.global.cublas.cublasDestroy_v2;
import static org.bytedeco.cuda.global.cublas.cublasSgemm_v2;
import static org.bytedeco.cuda.global.cudart.cudaDeviceSynchronize;
import static org.bytedeco.cuda.global.cudart.cudaFree;
import static org.bytedeco.cuda.global.cudart.cudaMalloc;
import static org.bytedeco.cuda.global.cudart.cudaMemcpy;
import static org.bytedeco.cuda.global.cudart.cudaMemcpyHostToDevice;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.bytedeco.cuda.cublas.cublasContext;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** The speed of ND4J's float matrix product beside that of a bare call of cuBLAS, on the same GPU in turns. */
public final class CudaMatrixProduct {
    private static final int SIZE = 8192;
    private static final int PRODUCTS_PER_TURN = 10;
    private static final int TURNS = 7;

    private CudaMatrixProduct() {}

    /** No arguments. Prints the median of the turns of each. */
    public static void main(String[] arguments) {
        // column-major, as cuBLAS wants them
        INDArray a = Inputs.floats(1, SIZE, SIZE).dup('f');
        INDArray b = Inputs.floats(2, SIZE, SIZE).dup('f');
        INDArray c = Nd4j.create(new int[] {SIZE, SIZE}, 'f');
        float[] values = random();
        cublasContext handle = new cublasContext();
        check(cublasCreate_v2(handle));
        Pointer[] device = {upload(values), upload(values), upload(values)};
        FloatPointer one = new FloatPointer(1f);
        FloatPointer zero = new FloatPointer(0f);
        double[] nd4j = new double[TURNS];
        double[] bare = new double[TURNS];
        for (int turn = -1; turn < TURNS; turn++) {
            double nd4jS = seconds(() -> a.mmuli(b, c));
            double bareS = seconds(() -> check(cublasSgemm_v2(
                    handle,
                    CUBLAS_OP_N,
                    CUBLAS_OP_N,
                    SIZE,
                    SIZE,
                    SIZE,
                    one,
                    new FloatPointer(device[0]),
                    SIZE,
                    new FloatPointer(device[1]),
                    SIZE,
                    zero,
                    new FloatPointer(device[2]),
                    SIZE)));
            // the first turn warms up
            if (turn >= 0) {
                nd4j[turn] = nd4jS;
                bare[turn] = bareS;
            }
        }
        System.out.printf(
                "float matrix product %d: ND4J %.2f TFLOP/s, cuBLAS %.2f TFLOP/s, ratio %.3f%n",
                SIZE, teraflops(nd4j), teraflops(bare), teraflops(nd4j) / teraflops(bare));
        for (Pointer pointer : device) {
            check(cudaFree(pointer));
        }
        check(cublasDestroy_v2(handle));
    }

    private static double seconds(Runnable product) {
        check(cudaDeviceSynchronize());
        long startNs = System.nanoTime();
        for (int i = 0; i < PRODUCTS_PER_TURN; i++) {
            product.run();
        }
        check(cudaDeviceSynchronize());
        return (System.nanoTime() - startNs) / 1e9 / PRODUCTS_PER_TURN;
    }

    private static double teraflops(double[] seconds) {
        double[] sorted = seconds.clone();
        Arrays.sort(sorted);
        return 2.0 * SIZE * SIZE * SIZE / sorted[TURNS / 2] / 1e12;
    }

    private static float[] random() {
        SplittableRandom random = new SplittableRandom(3);
        float[] values = new float[SIZE * SIZE];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextDouble(-2, 2);
        }
        return values;
    }

    private static Pointer upload(float[] values) {
        Pointer pointer = new Pointer();
        check(cudaMalloc(pointer, 4L * values.length));
        try (FloatPointer host = new FloatPointer(values)) {
            check(cudaMemcpy(pointer, host, 4L * values.length, cudaMemcpyHostToDevice));
        }
        return pointer;
    }

    private static void check(int status) {
        if (status != 0) {
            throw new IllegalStateException("CUDA or cuBLAS status " + status);
        }
    }
}

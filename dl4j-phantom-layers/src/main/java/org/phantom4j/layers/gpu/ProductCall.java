package org.phantom4j.layers.gpu;

import org.phantom4j.comm.cuda.CudaStream;
import org.phantom4j.ops.gpu.MatrixProduct;

/** A product of matrices that stay where they are, c = op(a) op(b). */
record ProductCall(MatrixProduct product, long a, long b, long c) {

    void run(CudaStream stream) {
        product.run(stream, a, b, c);
    }
}

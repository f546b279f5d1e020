package org.phantom4j.layers.gpu.device;

import org.phantom4j.comm.cuda.CudaStream;
import org.phantom4j.ops.gpu.Product;
import org.phantom4j.ops.gpu.ProductShape;

/** A product of matrices that stay where they are, c = op(a) op(b), on the stream that it was prepared for. */
public record ProductCall(
        GpuMachine machine, Product product, ProductShape shape, CudaStream stream, long a, long b, long c)
        implements Work {

    @Override
    public void run() {
        product.run(stream, a, b, c);
        machine.count(shape.multiplyAdds());
    }
}

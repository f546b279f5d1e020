package org.phantom4j.ops.backend;

import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.CustomOp;
import org.nd4j.linalg.api.ops.CustomOpDescriptor;
import org.nd4j.linalg.api.ops.OpContext;
import org.nd4j.linalg.api.shape.LongShapeDescriptor;
import org.nd4j.linalg.jcublas.ops.executioner.CudaExecutioner;
import org.phantom4j.ops.JavaOp;

/** ND4J's CUDA executioner, which also knows the ops of this library. Made by ND4J. */
public final class PhantomCudaOpExecutioner extends CudaExecutioner {

    private Map<String, CustomOpDescriptor> allOperations;

    @Override
    public synchronized Map<String, CustomOpDescriptor> getCustomOperations() {
        if (allOperations == null) {
            allOperations = JavaOps.addTo(super.getCustomOperations());
        }
        return allOperations;
    }

    @Override
    public INDArray[] exec(CustomOp op) {
        return op instanceof JavaOp javaOp ? javaOp.run() : super.exec(op);
    }

    @Override
    public INDArray[] exec(CustomOp op, OpContext context) {
        return op instanceof JavaOp javaOp ? javaOp.run(context) : super.exec(op, context);
    }

    @Override
    public List<LongShapeDescriptor> calculateOutputShape(CustomOp op) {
        return op instanceof JavaOp ? op.calculateOutputShape() : super.calculateOutputShape(op);
    }
}

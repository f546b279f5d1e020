package org.phantom4j.ops;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.common.util.ArrayUtil;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.OpContext;
import org.nd4j.linalg.api.shape.LongShapeDescriptor;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.Communicator;
import org.phantom4j.comm.DenseArrays;
import org.phantom4j.comm.RankContext;

/**
 * A custom op that runs in Java, on ND4J's arrays. All that defines one is in its i and b arguments and its inputs, so
 * that SameDiff can save it, load it and copy it; its communicator is the one it was given, else that of the thread which
 * runs it.
 *
 * <p>Thread-safe once made, as far as its arrays are.
 */
public abstract class JavaOp extends DynamicCustomOp {

    private final String name;
    private Communicator communicator;

    /** For ND4J, which makes ops by reflection and sets their arguments afterwards. */
    protected JavaOp(String name) {
        super(name);
        this.name = name;
    }

    /** For a graph. */
    protected JavaOp(String name, SameDiff sameDiff, SDVariable[] inputs) {
        super(name, sameDiff, inputs);
        this.name = name;
    }

    /** For execution on arrays. Without outputs, they are made when the op runs. */
    protected JavaOp(String name, INDArray[] inputs, INDArray[] outputs) {
        super(name, inputs, outputs);
        this.name = name;
    }

    /** Runs the op in this group instead of the thread's; returns this op. */
    public JavaOp in(Communicator group) {
        this.communicator = group;
        return this;
    }

    /** The group that the op computes in. */
    protected Communicator communicator() {
        return communicator != null ? communicator : RankContext.current();
    }

    /** The shapes of the outputs for these inputs, after checking the inputs. */
    protected abstract List<long[]> outputShapes(List<INDArray> inputs);

    /** Computes the outputs, which have the shapes that {@link #outputShapes} gave; their order may be 'c' or 'f'. */
    protected abstract void execute(List<INDArray> inputs, List<INDArray> outputs);

    /** Called by ND4J's executioner with the arrays of one execution. */
    public final INDArray[] run(OpContext context) {
        List<INDArray> inputs = context.getInputArrays();
        List<INDArray> outputs = context.getOutputArrays();
        List<long[]> shapes = outputShapes(inputs);
        if (outputs.size() != shapes.size()) {
            throw new IllegalArgumentException(
                    name + " has " + shapes.size() + " outputs but was given " + outputs.size());
        }
        for (int i = 0; i < shapes.size(); i++) {
            requireShape("output " + i, outputs.get(i), shapes.get(i));
        }
        execute(inputs, outputs);
        return outputs.toArray(new INDArray[0]);
    }

    @Override
    public String opName() {
        return name;
    }

    @Override
    public List<LongShapeDescriptor> calculateOutputShape() {
        return describe(inputArguments());
    }

    @Override
    public List<LongShapeDescriptor> calculateOutputShape(OpContext context) {
        return describe(context == null ? inputArguments() : context.getInputArrays());
    }

    private List<LongShapeDescriptor> describe(List<INDArray> inputs) {
        List<LongShapeDescriptor> descriptors = new ArrayList<>();
        for (long[] shape : outputShapes(inputs)) {
            descriptors.add(LongShapeDescriptor.fromShape(
                    shape,
                    ArrayUtil.calcStridesFortran(shape),
                    1,
                    'f',
                    inputs.get(0).dataType(),
                    false));
        }
        return descriptors;
    }

    @Override
    public List<DataType> calculateOutputDataTypes(List<DataType> inputTypes) {
        return Collections.nCopies(getNumOutputs(), inputTypes.get(0));
    }

    /** The outputs are a function of the arguments alone. */
    @Override
    public abstract int getNumOutputs();

    /** The arguments say it all; without this, SameDiff asks for a descriptor that only native ops have. */
    @Override
    public Map<String, Object> propertiesForFunction() {
        return Collections.emptyMap();
    }

    /** Refuses an array of another shape or a type that is not the first input's. */
    protected final void requireShape(String what, INDArray array, long... shape) {
        if (!Arrays.equals(array.shape(), shape)) {
            throw new IllegalArgumentException(name + ": " + what + " must have shape " + Arrays.toString(shape)
                    + ", not " + Arrays.toString(array.shape()));
        }
    }

    /** Refuses inputs that are too few or of different or unsupported types. */
    protected final void requireInputs(List<INDArray> inputs, int count) {
        if (inputs.size() != count) {
            throw new IllegalArgumentException(name + " takes " + count + " inputs on this rank, not " + inputs.size());
        }
        DataType type = inputs.get(0).dataType();
        if (type != DataType.FLOAT && type != DataType.DOUBLE) {
            throw new IllegalArgumentException(name + " computes in FLOAT or DOUBLE, not " + type);
        }
        for (int i = 1; i < count; i++) {
            if (inputs.get(i).dataType() != type) {
                throw new IllegalArgumentException(name + ": input " + i + " is "
                        + inputs.get(i).dataType() + " but input 0 is " + type + ": all inputs must be of one type");
            }
        }
    }

    /** The array itself if it is dense in 'f' order, as collectives between ranks need it, else a new one like it. */
    protected static INDArray featureMajor(INDArray array) {
        return DenseArrays.isDense(array, 'f') ? array : Nd4j.createUninitialized(array.dataType(), array.shape(), 'f');
    }
}

package org.phantom4j.ops;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
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
 * that SameDiff can save it, load it and copy it; its communicator is the one it was given ({@link #in}), else that of the
 * thread which runs it.
 *
 * <p>Thread-safe once made, as far as its arrays are.
 */
public abstract class JavaOp extends DynamicCustomOp {

    /** For ND4J, which makes ops by reflection and sets their arguments afterwards. */
    protected JavaOp() {}

    /** For a graph. */
    protected JavaOp(SameDiff sameDiff, SDVariable[] inputs) {
        super(sameDiff, inputs);
    }

    /** For execution on arrays. Without outputs, they are made when the op runs. */
    protected JavaOp(INDArray[] inputs, INDArray[] outputs) {
        super(inputs, outputs);
    }

    /**
     * Runs the op in this group instead of the thread's, in the copies that SameDiff makes of it for gradients, too; returns
     * this op. The caller keeps the communicator as long as it uses the op. A graph that another process loads computes in the
     * group of the thread that runs it.
     */
    public JavaOp in(Communicator group) {
        while (iArguments.size() > ownArguments()) {
            iArguments.remove(iArguments.size() - 1);
        }
        addIArgument(Groups.number(group));
        return this;
    }

    /** The number of i arguments that say what the op computes. One more says where, if it was told. */
    protected abstract int ownArguments();

    /** The group that the op was given, null if it was given none that is of this process. */
    private Communicator given() {
        return iArguments.size() > ownArguments() ? Groups.group(iArguments.get(ownArguments())) : null;
    }

    /** The group that the op computes in. */
    protected Communicator communicator() {
        Communicator given = given();
        return given != null ? given : RankContext.current();
    }

    /** An op of this op's gradient: in the group that this op was given. */
    protected final <T extends JavaOp> T alongside(T gradient) {
        Communicator given = given();
        if (given != null) {
            gradient.in(given);
        }
        return gradient;
    }

    /** The shapes of the outputs for these inputs, after checking the inputs. */
    protected abstract List<long[]> outputShapes(List<INDArray> inputs);

    /** Computes the outputs, which have the shapes that {@link #outputShapes} gave; their order may be 'c' or 'f'. */
    protected abstract void execute(List<INDArray> inputs, List<INDArray> outputs);

    /** Runs the op on its own arrays; makes the outputs if it was given none. Called by ND4J's executioner. */
    public final INDArray[] run() {
        List<INDArray> inputs = inputArguments();
        List<long[]> shapes = outputShapes(inputs);
        if (outputArguments().isEmpty()) {
            shapes.forEach(shape ->
                    addOutputArgument(Nd4j.createUninitialized(inputs.get(0).dataType(), shape, 'f')));
        }
        return run(inputs, outputArguments(), shapes);
    }

    /** Runs the op on the arrays of one execution of a graph. Called by ND4J's executioner. */
    public final INDArray[] run(OpContext context) {
        List<INDArray> inputs = context.getInputArrays();
        return run(inputs, context.getOutputArrays(), outputShapes(inputs));
    }

    private INDArray[] run(List<INDArray> inputs, List<INDArray> outputs, List<long[]> shapes) {
        if (outputs.size() != shapes.size()) {
            throw new IllegalArgumentException(
                    opName() + " has " + shapes.size() + " outputs but was given " + outputs.size());
        }
        for (int i = 0; i < shapes.size(); i++) {
            requireShape("output " + i, outputs.get(i), shapes.get(i));
        }
        execute(inputs, outputs);
        return outputs.toArray(new INDArray[0]);
    }

    /** The op's name: a constant, since ND4J's constructors ask for it already. */
    @Override
    public abstract String opName();

    @Override
    public List<LongShapeDescriptor> calculateOutputShape() {
        return describe(inputArguments());
    }

    @Override
    public List<LongShapeDescriptor> calculateOutputShape(OpContext context) {
        return describe(context == null ? inputArguments() : context.getInputArrays());
    }

    /**
     * The outputs in a graph. In 'c' order: where SameDiff's array cache has a 'c' array and is asked for an 'f' one, or the
     * other way round, it changes the order and leaves the strides.
     */
    private List<LongShapeDescriptor> describe(List<INDArray> inputs) {
        DataType type = inputs.get(0).dataType();
        return outputShapes(inputs).stream()
                .map(shape -> LongShapeDescriptor.fromShape(shape, type))
                .toList();
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
            throw new IllegalArgumentException(opName() + ": " + what + " must have shape " + Arrays.toString(shape)
                    + ", not " + Arrays.toString(array.shape()));
        }
    }

    /** Refuses inputs that are too few or of different or unsupported types. */
    protected final void requireInputs(List<INDArray> inputs, int count) {
        if (inputs.size() != count) {
            throw new IllegalArgumentException(
                    opName() + " takes " + count + " inputs on this rank, not " + inputs.size());
        }
        DataType type = inputs.get(0).dataType();
        if (type != DataType.FLOAT && type != DataType.DOUBLE) {
            throw new IllegalArgumentException(opName() + " computes in FLOAT or DOUBLE, not " + type);
        }
        for (int i = 1; i < count; i++) {
            if (inputs.get(i).dataType() != type) {
                throw new IllegalArgumentException(opName() + ": input " + i + " is "
                        + inputs.get(i).dataType() + " but input 0 is " + type + ": all inputs must be of one type");
            }
        }
    }

    /** The array itself if it is dense in 'f' order, as collectives between ranks need it, else a new one like it. */
    protected static INDArray featureMajor(INDArray array) {
        return DenseArrays.isDense(array, 'f') ? array : Nd4j.createUninitialized(array.dataType(), array.shape(), 'f');
    }
}

package org.phantom4j.layers.gpu;

import java.util.LinkedHashMap;
import java.util.Map;
import org.phantom4j.comm.cuda.CudaStream;
import org.phantom4j.ops.PhantomGeometry;
import org.phantom4j.ops.ShardRange;
import org.phantom4j.ops.Split;
import org.phantom4j.ops.gpu.Parameter;
import org.phantom4j.ops.gpu.ProductShape;
import org.phantom4j.ops.gpu.UpdateKernels;

/**
 * One rank's parameters on its device, each aligned, in the order in which the network's parameter vector has them; and how
 * a gradient becomes a step.
 */
final class DeviceParameters {

    /** Elements: 256 bytes of bfloat16. */
    private static final long ALIGNMENT = 128;

    /** How a gradient becomes a step. */
    private enum Mode {
        /** The product that makes the gradient adds the step to the weights: w += −rate · xᵀδ. */
        FOLDED,
        /** One gradient at a time, made into a step at once, in one pass over the weights where a kernel can. */
        AT_ONCE,
        /** All gradients first, then one step over all parameters. */
        TOGETHER
    }

    /** Where a parameter is: in the network's vector and here. */
    record Place(long networkOffset, long offset, long length) {}

    private final GpuMachine machine;
    private final Stack.Update update;
    private final Mode mode;
    private final Map<String, Place> places = new LinkedHashMap<>();

    private long networkLength;
    private long length;

    private long upper;
    private long lower;
    private long gradient;
    private long firstState;
    private long secondState;
    private long step;
    private long stepRate;

    DeviceParameters(GpuMachine machine, Stack stack, ShardRange own, boolean training) {
        this.machine = machine;
        this.update = stack.update();
        this.mode = !(update instanceof Stack.Update.Sgd)
                ? Mode.TOGETHER
                : machine.precision.isNarrow() ? Mode.AT_ONCE : Mode.FOLDED;
        for (int i = 0; i < stack.layers().size(); i++) {
            place(i, stack.layers().get(i), own);
        }
        if (stack.end().isOutputLayer()) {
            placeOutput(stack, own);
        }
        allocate(training);
    }

    private void place(int layer, Stack.Layer dense, ShardRange own) {
        PhantomGeometry geometry = dense.geometry();
        if (!dense.phantom()) {
            own.stream()
                    .forEach(j ->
                            add(layer, "W" + j, geometry.nIn() * geometry.out().width(j)));
            own.stream().forEach(j -> add(layer, "b" + j, geometry.out().width(j)));
            return;
        }
        for (int j = own.first(); j < own.end(); j++) {
            long in = geometry.in().width(j);
            long out = geometry.out().width(j);
            add(layer, "L" + j, in * out);
            add(layer, "C" + j, in * geometry.phantomWidth());
            if (geometry.shards() > 1) {
                add(layer, "D" + j, geometry.decompressorRows() * out);
            }
            add(layer, "b" + j, out);
        }
    }

    private void placeOutput(Stack stack, ShardRange own) {
        int layer = stack.layers().size();
        Split in = stack.layers().get(layer - 1).geometry().out();
        own.stream().forEach(j -> add(layer, "W" + j, in.width(j) * stack.end().width()));
        if (stack.end().hasBias()) {
            add(layer, "b", stack.end().width());
        }
    }

    private void add(int layer, String name, long count) {
        places.put(layer + "_" + name, new Place(networkLength, length, count));
        networkLength += count;
        length += (count + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    private void allocate(boolean training) {
        upper = machine.allocateFactors(length);
        lower = machine.precision.isSplit() ? machine.allocate(length * machine.precision.lowerBytes()) : 0;
        if (!training) {
            return;
        }
        if (mode == Mode.TOGETHER) {
            gradient = machine.allocateReals(length);
            firstState = machine.allocateReals(length);
        }
        if (update instanceof Stack.Update.Adam) {
            secondState = machine.allocateReals(length);
            step = machine.allocate(8);
            stepRate = machine.allocate(8);
        }
    }

    /** All parameters by name, "layer_name", in the order of the network's vector. */
    Map<String, Place> places() {
        return places;
    }

    /** The length of the network's parameter vector on this rank. */
    long networkLength() {
        return networkLength;
    }

    /** The length of the longest parameter. */
    long longest() {
        return places.values().stream().mapToLong(Place::length).max().orElse(0);
    }

    /** All of them, with what is between them. */
    Parameter all() {
        return new Parameter(upper, lower, mode == Mode.TOGETHER ? gradient : 0, length);
    }

    /** One parameter: "0_L1". */
    Parameter get(String key) {
        Place place = places.get(key);
        return all().part(place.offset(), place.length(), machine.precision);
    }

    /** The rate of steps that are taken at once; 0 where they are taken together. */
    double rate() {
        return update instanceof Stack.Update.Sgd sgd ? sgd.rate() : 0;
    }

    /**
     * What makes a weight's gradient, and its step if steps are not taken together: c = xᵀ δ.
     *
     * @param stream that it is for; where gradients share memory, it is for the stream for weights instead
     * @param shape of the product, transposed on its first side only
     * @param offset of the first weight that it makes, in elements of the parameter
     */
    Work gradient(CudaStream stream, ProductShape shape, Parameter parameter, long offset, long x, long delta) {
        if (mode == Mode.FOLDED) {
            long target = parameter.address() + offset * machine.precision.factorBytes();
            return machine.prepare(stream, shape.times(-rate()).added(), x, delta, target);
        }
        if (mode == Mode.TOGETHER) {
            long target = parameter.gradient() + offset * machine.precision.resultBytes();
            return machine.prepare(stream, shape, x, delta, target);
        }
        UpdateKernels.ProductStep step = new UpdateKernels.ProductStep(
                x,
                delta,
                parameter,
                offset,
                shape.rows(),
                shape.columns(),
                shape.c().stride());
        if (machine.kernels.updates().canUpdate(step, shape.inner())) {
            return new StepCall(machine, stream, step, null, shape.inner(), rate());
        }
        if (gradient == 0) {
            gradient = machine.allocateReals(longest());
        }
        long target = gradient + offset * machine.precision.resultBytes();
        return machine.prepare(machine.weights, shape, x, delta, target);
    }

    /**
     * When all of a parameter's gradients are on their way.
     *
     * @param by one of what {@link #gradient} gave for it
     */
    void made(Parameter parameter, Work by) {
        if (mode == Mode.AT_ONCE && by instanceof ProductCall) {
            Parameter withGradient =
                    new Parameter(parameter.address(), parameter.lower(), gradient, parameter.length());
            machine.kernels.updates().sgd(machine.weights, withGradient, rate());
        }
    }

    /** When all gradients of the step are there. */
    void allMade() {
        if (update instanceof Stack.Update.Nesterovs nesterovs) {
            machine.kernels
                    .updates()
                    .nesterovs(machine.main, all(), firstState, nesterovs.rate(), nesterovs.momentum());
        } else if (update instanceof Stack.Update.Adam adam) {
            machine.kernels
                    .updates()
                    .adam(
                            machine.main,
                            all(),
                            firstState,
                            secondState,
                            step,
                            stepRate,
                            adam.rate(),
                            adam.beta1(),
                            adam.beta2(),
                            adam.epsilon());
        }
    }

    /** The updater's state: Nesterovs' velocity or Adam's first moment; 0 if there is none. */
    long firstState() {
        return firstState;
    }

    /** Adam's second moment; 0 if there is none. */
    long secondState() {
        return secondState;
    }

    /** Where Adam counts its steps; 0 if nothing counts. */
    long step() {
        return step;
    }
}

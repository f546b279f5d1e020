package org.phantom4j.layers.gpu.parameters;

import org.phantom4j.comm.cuda.CudaStream;
import org.phantom4j.layers.gpu.device.DeviceArena;
import org.phantom4j.layers.gpu.device.GpuMachine;
import org.phantom4j.layers.gpu.device.ProductCall;
import org.phantom4j.layers.gpu.plan.Stack;
import org.phantom4j.ops.ShardRange;
import org.phantom4j.ops.gpu.MatrixBlock;
import org.phantom4j.ops.gpu.Parameter;
import org.phantom4j.ops.gpu.ProductShape;
import org.phantom4j.ops.gpu.ProductStep;
import org.phantom4j.ops.gpu.StepControls;
import org.phantom4j.ops.gpu.UpdateKernels;

/**
 * One rank's parameters on its device, their updater's state, and how gradients become steps. Their memory is the machine's.
 */
public final class DeviceParameters {

    /** How a gradient becomes a step. */
    private enum Mode {
        /** The product that makes the gradient adds the step to the weights: w += −rate · xᵀδ. */
        FOLDED,
        /** One gradient at a time, made into a step at once, in one pass over the weights where a kernel can. */
        AT_ONCE,
        /** All gradients first, then one step over all parameters. */
        TOGETHER
    }

    private final GpuMachine machine;
    private final ParameterLayout layout;
    private final Stack.Update update;
    private final Mode mode;
    private final StepControls controls;
    private final Parameter all;
    private final UpdaterState state;

    /** Room for one array's gradient, where steps are taken one at a time but not in one pass. */
    private long gradient;

    /** Zeros. */
    public DeviceParameters(GpuMachine machine, Stack stack, ShardRange own, boolean training) {
        this.machine = machine;
        this.layout = new ParameterLayout(stack, own);
        this.update = stack.update();
        this.mode = !(update instanceof Stack.Update.Sgd)
                ? Mode.TOGETHER
                : machine.precision.isNarrow() ? Mode.AT_ONCE : Mode.FOLDED;
        DeviceArena memory = machine.memory;
        long length = layout.length();
        this.controls = new StepControls(memory.allocate(StepControls.BYTES));
        boolean together = training && mode == Mode.TOGETHER;
        this.all = new Parameter(
                memory.allocate(length * machine.precision.factorBytes()),
                machine.precision.isSplit() ? memory.allocate(length * machine.precision.lowerBytes()) : 0,
                together ? memory.allocateReals(length) : 0,
                length);
        this.state = new UpdaterState(
                together ? memory.allocateReals(length) : 0,
                together && update instanceof Stack.Update.Adam ? memory.allocateReals(length) : 0);
    }

    /**
     * An updater's state on the device, laid out as the parameters are.
     *
     * @param first Nesterovs' velocity or Adam's first moment; 0 if there is none
     * @param second Adam's second moment; 0 if there is none
     */
    record UpdaterState(long first, long second) {}

    /** Where they are. */
    public ParameterLayout layout() {
        return layout;
    }

    /** What changes from step to step. */
    public StepControls controls() {
        return controls;
    }

    /** All of them, with what is between them. */
    Parameter all() {
        return all;
    }

    UpdaterState state() {
        return state;
    }

    /** One array of a layer's, of all shards of the rank. */
    public Parameter get(int layer, String letter) {
        ParameterLayout.Region region = layout.region(layer, letter);
        return all.part(region.offset(), region.length(), machine.precision);
    }

    /** Fills weights with random numbers of a variance of 1 / inputs of what they multiply, for benchmarks. */
    public void fillRandom() {
        int seed = 0;
        for (ParameterLayout.Place place : layout.places()) {
            MatrixBlock block = place.block();
            seed++;
            if (block.columns() > 1) {
                // uniform; the phantom part and the local part bring half of the variance each
                double scale = Math.sqrt(12.0 / (2 * block.rows()));
                machine.kernels.layout().fill(machine.main, all, block, seed, scale);
            }
        }
    }

    /**
     * What makes weights' gradients and their steps; not the steps that are taken together: see {@link #allMade}.
     *
     * @param stream that it is for; where steps share memory, it is for the stream for weights instead
     * @param arena what it needs lives as long
     */
    public WeightStep step(CudaStream stream, DeviceArena arena, ProductStep step, long batch) {
        return switch (mode) {
            case FOLDED -> {
                ProductCall call = arena.prepare(
                        stream,
                        shape(step, batch).timesValueAt(controls.minusRate()).added(),
                        step.x(),
                        step.delta(),
                        step.weights().address());
                yield new WeightStep(stream, then(call, clearOwn(stream, step, step.weights())), null, batch);
            }
            case TOGETHER -> {
                ProductCall call = arena.prepare(
                        stream,
                        shape(step, batch),
                        step.x(),
                        step.delta(),
                        step.weights().gradient());
                yield new WeightStep(stream, then(call, clearOwn(stream, step, step.weights())), null, batch);
            }
            case AT_ONCE -> atOnce(stream, arena, step, batch);
        };
    }

    private static ProductShape shape(ProductStep step, long batch) {
        ProductShape shape = ProductShape.of(true, false, step.rows(), step.columns(), batch);
        return step.shards() == 1 ? shape : shape.batched(step.shards(), step.xGap(), step.deltaGap(), step.gap());
    }

    private WeightStep atOnce(CudaStream stream, DeviceArena arena, ProductStep step, long batch) {
        UpdateKernels updates = machine.kernels.updates();
        UpdateKernels.Way best = null;
        for (UpdateKernels.Way way : updates.ways(step, batch)) {
            if (best == null || isFaster(way, best, step, batch)) {
                best = way;
            }
        }
        return best == null ? inTwoPasses(arena, step, batch) : onePass(best, stream, step, batch);
    }

    private boolean isFaster(UpdateKernels.Way one, UpdateKernels.Way other, ProductStep step, long batch) {
        UpdateKernels updates = machine.kernels.updates();
        String question = one + " or " + other + ", step of " + step.shards() + " x " + step.rows() + " x "
                + step.columns() + ", " + step.own().count() + " own rows, batch " + batch;
        return machine.products.isPreferred(
                machine.main,
                question,
                () -> updates.update(machine.main, one, step, batch, controls.address()),
                () -> updates.update(machine.main, other, step, batch, controls.address()),
                1);
    }

    private WeightStep onePass(UpdateKernels.Way way, CudaStream stream, ProductStep step, long batch) {
        Runnable run = () -> {
            machine.kernels.updates().update(stream, way, step, batch, controls.address());
            machine.count(step.multiplyAdds(batch));
        };
        return new WeightStep(stream, run, way == UpdateKernels.Way.ROWS_KEPT ? step : null, batch);
    }

    /** Where no kernel can do it in one: the gradient, for which all arrays share room, and then the step. */
    private WeightStep inTwoPasses(DeviceArena arena, ProductStep step, long batch) {
        if (gradient == 0) {
            gradient = machine.memory.allocateReals(layout.longest());
        }
        Parameter target = step.weights().withGradient(gradient);
        ProductCall call = arena.prepare(machine.weights, shape(step, batch), step.x(), step.delta(), gradient);
        Runnable clear = clearOwn(machine.weights, step, target);
        return new WeightStep(
                machine.weights,
                () -> {
                    call.run();
                    clear.run();
                    machine.kernels.updates().sgd(machine.weights, target, controls.address());
                },
                null,
                batch);
    }

    private static Runnable then(ProductCall call, Runnable after) {
        return () -> {
            call.run();
            after.run();
        };
    }

    /** A shard's own rows of decompressors are zero, which a product does not know. */
    private Runnable clearOwn(CudaStream stream, ProductStep step, Parameter weights) {
        ProductStep.OwnRows own = step.own();
        return own.count() == 0
                ? () -> {}
                : () -> machine.kernels.updates().clearOwn(stream, weights, step.stride(), own, (int)
                        (step.columns() / own.columns()));
    }

    /** Both in one launch, on the first's stream, if that can be; else null. */
    public WeightStep joined(WeightStep large, WeightStep small) {
        boolean possible = large.onePass() != null
                && small.onePass() != null
                && large.onePass().isOfSameRows(small.onePass());
        if (!possible) {
            return null;
        }
        return new WeightStep(
                large.stream(),
                () -> {
                    machine.kernels
                            .updates()
                            .update(
                                    large.stream(),
                                    large.onePass(),
                                    small.onePass(),
                                    large.batch(),
                                    controls.address());
                    machine.count(large.onePass().multiplyAdds(large.batch())
                            + small.onePass().multiplyAdds(small.batch()));
                },
                null,
                large.batch());
    }

    /** When all gradients of the step are there: the steps that are taken together. */
    public void allMade() {
        UpdateKernels updates = machine.kernels.updates();
        if (update instanceof Stack.Update.Nesterovs nesterovs) {
            updates.nesterovs(machine.main, all, state.first(), controls.address(), nesterovs.momentum());
        } else if (update instanceof Stack.Update.Adam adam) {
            updates.adam(
                    machine.main,
                    all,
                    state.first(),
                    state.second(),
                    controls.address(),
                    0,
                    adam.beta1(),
                    adam.beta2(),
                    adam.epsilon());
        }
    }
}

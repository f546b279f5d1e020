package org.phantom4j.layers.gpu;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.phantom4j.comm.cuda.CudaEvent;
import org.phantom4j.comm.cuda.DeviceGroup;
import org.phantom4j.layers.gpu.device.GpuMachine;
import org.phantom4j.layers.gpu.parameters.DeviceParameters;
import org.phantom4j.layers.gpu.plan.Stack;
import org.phantom4j.layers.gpu.program.StepProgram;
import org.phantom4j.layers.gpu.program.Training;
import org.phantom4j.ops.LayerCost;
import org.phantom4j.ops.PhantomGeometry;
import org.phantom4j.ops.ShardRange;
import org.phantom4j.ops.Split;
import org.phantom4j.ops.gpu.ElementwiseActivation;
import org.phantom4j.ops.gpu.Precision;
import org.phantom4j.ops.gpu.ShardWidths;
import org.phantom4j.ops.gpu.StepControls;

/**
 * Times a compiled step on random parameters and data that stay on the device, without a network in host memory.
 *
 * <p>Threads: the rank's own.
 */
public final class StepBenchmark implements AutoCloseable {

    private static final Duration LIMIT = Duration.ofMinutes(5);
    private static final int WARM_UPS = 5;
    private static final double RATE = 1e-4;

    private final GpuMachine machine;
    private final MemoryNeed need;
    private final Training training;

    /** Null where steps are trained. */
    private final StepProgram forward;

    private final StepControls.Batch batch;

    /**
     * What is timed: a stack of equal layers with ReLU between them, squared errors, SGD.
     *
     * @param phantom whether layers are phantom- or tensor-parallel
     * @param training a whole step, or forward alone
     */
    public record Setup(
            boolean phantom,
            long width,
            int layers,
            int shards,
            long phantomWidth,
            long batch,
            Precision precision,
            boolean training) {

        /** Multiply-adds of a rank's step: the floor of arithmetic. */
        public long multiplyAdds(int ranks) {
            LayerCost all = LayerCost.ZERO;
            PhantomGeometry geometry = geometry();
            for (int i = 0; i < layers; i++) {
                all = all.plus(
                        phantom
                                ? geometry.phantomCost(0, ranks, batch, i > 0, 1)
                                : geometry.tensorCost(0, ranks, batch, i > 0, 1));
            }
            return training ? all.multiplyAdds() : all.forwardMultiplyAdds();
        }

        /**
         * Bytes of weights that a rank's step must move: read forward, read for the gradient of the inputs, read and
         * written by the update. The floor of memory traffic; activations, which are small beside them, are left out.
         */
        public long weightBytes(int ranks) {
            PhantomGeometry geometry = geometry();
            long weights = (phantom
                            ? geometry.phantomCost(0, ranks, batch, true, 1)
                            : geometry.tensorCost(0, ranks, batch, true, 1))
                    .parameters();
            long factor = precision.factorBytes();
            if (!training) {
                return layers * weights * factor;
            }
            int kept = precision.factorBytes() + precision.lowerBytes();
            return weights * (layers * factor + (layers - 1) * factor + layers * 2L * kept);
        }

        private PhantomGeometry geometry() {
            return new PhantomGeometry(width, width, shards, phantomWidth);
        }

        Stack stack() {
            List<Stack.Layer> all = new ArrayList<>();
            PhantomGeometry geometry = geometry();
            for (int i = 0; i < layers; i++) {
                all.add(new Stack.Layer(phantom, geometry, new ElementwiseActivation(1, 0)));
            }
            return new Stack(
                    all, new Stack.End(Stack.End.Kind.SQUARED, width, shards, false), new Stack.Update.Sgd(RATE));
        }
    }

    /** Prepares the step. A collective: every rank calls it. */
    public StepBenchmark(Setup setup, int device, DeviceGroup group) {
        Stack stack = setup.stack();
        ShardRange own = ShardRange.of(group.rank(), group.size(), stack.shards());
        this.machine = new GpuMachine(device, group, setup.precision());
        try {
            this.need = MemoryNeed.ofRank(machine, stack, own, setup.training())
                    .plus(MemoryNeed.ofBatch(machine, stack, own, setup.training(), setup.batch()));
        } catch (RuntimeException e) {
            machine.close();
            throw e;
        }
        try {
            DeviceParameters parameters = new DeviceParameters(machine, stack, own, setup.training());
            parameters.fillRandom();
            this.training = new Training(machine, stack, own, parameters, LIMIT);
            long width = ShardWidths.of(new Split(setup.width(), setup.shards()), own)
                    .neurons();
            long inputs = randomRows(setup.batch() * width, 1);
            long targets = randomRows(setup.batch() * width, 2);
            this.batch = new StepControls.Batch(inputs, width, targets, width, 0, 0, (int) setup.batch());
            this.forward = setup.training()
                    ? null
                    : machine.memory.own(new StepProgram(machine, stack, parameters, own, setup.batch(), null));
            if (forward == null) {
                StepProgram unused = training.program(setup.batch());
            }
            await();
        } catch (RuntimeException e) {
            machine.close();
            throw need.explain(e);
        }
    }

    private long randomRows(long count, int seed) {
        long address = machine.memory.allocateReals(count);
        machine.kernels.fillReals(machine.main, address, count, seed);
        return address;
    }

    private void start() {
        if (forward == null) {
            training.start(training.program(batch.rows()), batch, RATE);
        } else {
            forward.start(batch, 0);
        }
    }

    /** Runs steps and waits for them; returns the milliseconds between the first's start and the last's end, each. */
    public double millisecondsPerStep(int steps) {
        try (CudaEvent start = CudaEvent.timed();
                CudaEvent end = CudaEvent.timed()) {
            start.record(machine.main);
            for (int i = 0; i < steps; i++) {
                start();
            }
            end.record(machine.main);
            await();
            return start.millisecondsTo(end) / steps;
        }
    }

    /**
     * What the host costs.
     *
     * @param startMs milliseconds of the host to start a step, with its waits where the device has enough to do already
     * @param idleShare part of the time in which the device has ended one step and not begun the next
     */
    public record HostOverhead(double startMs, double idleShare) {}

    /** Starts steps one after the other, without waiting, and looks at the host and at the gaps between them. */
    public HostOverhead hostOverhead(int steps) {
        List<CudaEvent> begins = new ArrayList<>();
        List<CudaEvent> ends = new ArrayList<>();
        try {
            for (int i = 0; i < steps; i++) {
                begins.add(CudaEvent.timed());
                ends.add(CudaEvent.timed());
            }
            long hostNs = 0;
            for (int i = 0; i < steps; i++) {
                begins.get(i).record(machine.main);
                long beganNs = System.nanoTime();
                start();
                hostNs += System.nanoTime() - beganNs;
                ends.get(i).record(machine.main);
            }
            await();
            double gaps = 0;
            for (int i = 1; i < steps; i++) {
                gaps += ends.get(i - 1).millisecondsTo(begins.get(i));
            }
            double all = begins.get(0).millisecondsTo(ends.get(steps - 1));
            return new HostOverhead(hostNs / 1e6 / steps, gaps / all);
        } finally {
            begins.forEach(CudaEvent::close);
            ends.forEach(CudaEvent::close);
        }
    }

    /** Milliseconds from the start of each of some steps, on the host, to its end there. */
    public double[] latencies(int steps) {
        double[] latencies = new double[steps];
        for (int i = 0; i < steps; i++) {
            long began = System.nanoTime();
            start();
            await();
            latencies[i] = (System.nanoTime() - began) / 1e6;
        }
        return latencies;
    }

    /** Runs some steps that do not count. */
    public void warmUp() {
        millisecondsPerStep(WARM_UPS);
    }

    private void await() {
        machine.await(LIMIT);
    }

    /** What the step needs of device memory, by formula. */
    public MemoryNeed memoryNeed() {
        return need;
    }

    /** Bytes of device memory that the step holds. */
    public long deviceBytes() {
        return machine.memory.bytes()
                + machine.products.workspaceBytes()
                + training.deviceBytes()
                + (forward == null ? 0 : forward.deviceBytes());
    }

    /** Kernels, copies and collectives of a step. */
    public long nodes() {
        return (forward == null ? training.last() : forward).nodes();
    }

    /** The loss of the last step. */
    public double loss() {
        return training.loss();
    }

    @Override
    public void close() {
        training.close();
        machine.close();
    }
}

package org.phantom4j.layers.gpu.stages;

import org.phantom4j.comm.cuda.CudaEvent;
import org.phantom4j.layers.gpu.device.GpuMachine;
import org.phantom4j.ops.gpu.FewSamples;
import org.phantom4j.ops.gpu.TwoOrders;

/**
 * What a phantom layer of few samples does once its phantom activations are on their way: the local part on the stream of
 * local products, the phantom part on the main stream, and the activation at the end of whichever comes last.
 */
final class JointForward {

    private final PhantomStage stage;
    private final GpuMachine machine;
    private final FewSamples kernels;
    private final CudaEvent joined;

    private JointForward(PhantomStage stage) {
        this.stage = stage;
        this.machine = stage.machine;
        this.kernels = machine.kernels.fewSamples();
        this.joined = stage.arena.event();
    }

    /** For a layer of more shards than one; null if its batch is too large. */
    static JointForward of(PhantomStage stage) {
        return stage.machine.kernels.fewSamples().suits(stage.batch) ? new JointForward(stage) : null;
    }

    /** Activations, once the main stream has the phantom activations of all shards. */
    void activate(TwoOrders to, long exact) {
        FewSamples.End end = new FewSamples.End(stage.scratch.parts(), stage.in, stage.neurons(), to, exact);
        kernels.localPart(
                machine.local, stage.inputs().samples(), stage.parameter("L").address(), end);
        kernels.phantomPart(machine.main, stage.images(), stage.parameter("D").address(), end);
        joined.record(machine.local);
        machine.main.await(joined);
        machine.count(stage.batch * stage.in.stride() * stage.out.length());
        machine.count(stage.batch * stage.out.length() * (stage.images - stage.k));
    }
}

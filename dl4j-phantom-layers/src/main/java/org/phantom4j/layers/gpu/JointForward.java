package org.phantom4j.layers.gpu;

import org.phantom4j.comm.cuda.CudaEvent;
import org.phantom4j.ops.gpu.FewSamples;
import org.phantom4j.ops.gpu.ProductShape;
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
        this.joined = machine.event();
    }

    /** For a layer of more shards than one; null if its batch is too large, or its widths are not aligned. */
    static JointForward of(PhantomStage stage) {
        FewSamples kernels = stage.machine.kernels.fewSamples();
        boolean suits = kernels != null;
        for (int i = 0; i < stage.own.count(); i++) {
            suits = suits && kernels.suits(stage.localShape(i));
        }
        return suits ? new JointForward(stage) : null;
    }

    /** One shard's activations, once the main stream has the phantom activations of all shards. */
    void activate(int ownShard, TwoOrders to, long exact) {
        ProductShape local = stage.localShape(ownShard);
        FewSamples.End end =
                new FewSamples.End(stage.scratch.parts(ownShard), local, stage.neurons(ownShard), to, exact);
        kernels.localPart(
                machine.local,
                stage.inputs().get(ownShard).samples(),
                stage.parameter("L", ownShard).address(),
                end);
        kernels.phantomPart(
                machine.main,
                stage.images(ownShard),
                stage.parameter("D", ownShard).address(),
                end);
        joined.record(machine.local);
        machine.main.await(joined);
        machine.count(local.multiplyAdds());
        machine.count(stage.batch * stage.outWidth(ownShard) * stage.geometry.decompressorRows());
    }
}

package org.phantom4j.layers.gpu.stages;

import org.phantom4j.comm.cuda.CudaEvent;
import org.phantom4j.layers.gpu.device.Exchange;
import org.phantom4j.layers.gpu.device.ProductCall;
import org.phantom4j.layers.gpu.device.Work;
import org.phantom4j.ops.gpu.PhantomKernels;
import org.phantom4j.ops.gpu.ProductShape;
import org.phantom4j.ops.gpu.ShardWidths;
import org.phantom4j.ops.gpu.TwoOrders;

/**
 * A phantom layer: the equations of {@link org.phantom4j.ops.PhantomDense} and {@link org.phantom4j.ops.PhantomDenseBp} on
 * device memory, in the order of work that hides the collectives behind the local products. A rank's shards are one problem:
 * local products and compression are batched, decompression of all shards is one product with the matrix of all D, in which a
 * shard's own rows are zero.
 *
 * <p>Memory: phantom activations G and their gradients H are [B, p·K], feature-major, so that a rank's shards are one block
 * of them. Products that sum over features read sample-major factors and weights as they lie; those that sum over samples
 * read feature-major ones: on Hopper, tf32 products whose two factors both have another dimension contiguous take up to 1.6
 * times as long.
 */
final class PhantomStage extends DenseStage {

    /**
     * What is measured lacks the collective, which is less in a joint pass's way: one sample on two H200 takes 0.278 ms then, and 0.316
     * otherwise, where both take as long without.
     */
    private static final double JOINT_HANDICAP = 1.1;

    /** Whether there are other shards. */
    final boolean several;

    /** Places for a shard's phantom activations, and for those of all shards. */
    final long k;

    final long images;

    private final TwoOrders inputs;
    private final long gathered;
    private final long gradients;
    private final long ownGradients;

    /** Null where there are no other shards. */
    private final Work compress;

    private final Work local;

    /** Null where a kernel decompresses and activates at once. */
    private final Work decompress;

    /** How the forward pass of few samples is done; null: it is done as that of many. */
    private final JointForward joint;

    /** Null where there are no other shards, or without training. */
    private final Work phantomGradients;

    /** Null in the first layer, or without training. */
    private final Work inputGradients;

    /** Null where a kernel adds that part on the way. */
    private final Work compressedInputGradients;

    /** Null without training. */
    private final PhantomSteps steps;

    private final Exchange gather;
    private final Exchange scatter;
    private final CudaEvent given;
    private final CudaEvent passed;

    PhantomStage(StageContext context, int index) {
        super(context, index);
        this.several = geometry.shards() > 1;
        this.k = ShardWidths.padded(geometry.phantomWidth());
        this.images = geometry.shards() * k;
        this.inputs = new TwoOrders(
                context.training() ? arena.allocateFactors(batch * in.length()) : 0, scratch.samples(index));
        this.gathered = several ? arena.allocateFactors(batch * images) : 0;
        boolean backward = several && context.training();
        this.gradients = backward ? arena.allocateFactors(batch * images) : 0;
        // on several ranks, the sum of all ranks' goes elsewhere
        this.ownGradients =
                !backward ? 0 : machine.group.size() == 1 ? gradients : arena.allocateFactors(batch * k * own.count());
        this.gather = arena.exchange();
        this.scatter = arena.exchange();
        this.given = arena.event();
        this.passed = arena.event();
        this.compress = several ? compress() : null;
        this.local = local();
        this.decompress = several && !decompressesInKernel() ? decompress() : null;
        this.phantomGradients = backward ? phantomGradients() : null;
        this.inputGradients = context.training() && index > 0 ? inputGradients() : null;
        this.compressedInputGradients = inputGradients != null && several && machine.kernels.phantom() == null
                ? compressedInputGradients()
                : null;
        this.steps = context.training() ? new PhantomSteps(this) : null;
        JointForward possible = several && machine.kernels.fewSamples() != null ? JointForward.of(this) : null;
        this.joint = possible != null && isPreferred(possible) ? possible : null;
    }

    /** A product of each shard, [batch, columns] = [batch, inner] · [inner, columns]. */
    private ProductShape each(ProductShape shape, long gapA, long gapB, long gapC) {
        return own.count() == 1 ? shape : shape.batched(own.count(), gapA, gapB, gapC);
    }

    private ProductCall compress() {
        ProductShape shape = ProductShape.of(true, false, batch, k, in.stride())
                .withStrideA(in.length())
                .asFactor();
        return arena.prepare(
                machine.main,
                each(shape, in.stride(), in.stride() * k, batch * k),
                inputs.samples(),
                parameter("C").address(),
                ownImages());
    }

    private ProductCall local() {
        ProductShape shape =
                ProductShape.of(true, false, batch, out.stride(), in.stride()).withStrideA(in.length());
        return arena.prepare(
                machine.local,
                each(shape, in.stride(), (long) in.stride() * out.stride(), batch * out.stride()),
                inputs.samples(),
                parameter("L").address(),
                scratch.reals());
    }

    private ProductCall decompress() {
        return arena.prepare(
                machine.main,
                ProductShape.of(false, false, batch, out.length(), images).added(),
                gathered,
                parameter("D").address(),
                scratch.reals());
    }

    private ProductCall phantomGradients() {
        return arena.prepare(
                machine.main,
                ProductShape.of(true, true, batch, images, out.length()).asFactor(),
                deltas().samples(),
                parameter("D").address(),
                gradients);
    }

    private ProductCall inputGradients() {
        ProductShape shape =
                ProductShape.of(true, true, batch, in.stride(), out.stride()).withStrideA(out.length());
        return arena.prepare(
                machine.local,
                each(shape, out.stride(), (long) in.stride() * out.stride(), batch * in.stride()),
                deltas().samples(),
                parameter("L").address(),
                scratch.reals());
    }

    private ProductCall compressedInputGradients() {
        ProductShape shape = ProductShape.of(false, true, batch, in.stride(), k).added();
        return arena.prepare(
                machine.main,
                each(shape, batch * k, in.stride() * k, batch * in.stride()),
                ownGradients(),
                parameter("C").address(),
                scratch.reals());
    }

    /** Whether one kernel adds the phantom part and computes the activation, rather than a product and another kernel. */
    private boolean decompressesInKernel() {
        if (machine.kernels.phantom() == null) {
            return false;
        }
        String question = "phantom part of " + images + " images, " + k + " own, in a kernel: " + batch + " x " + out;
        ProductCall product = decompress();
        TwoOrders to = new TwoOrders(scratch.deltas(index).features(), scratch.samples(index + 1));
        return machine.products.isPreferred(
                machine.main,
                question,
                () -> decompressAndActivate(to, 0),
                () -> {
                    product.run();
                    super.activate(to, 0);
                },
                1);
    }

    private void decompressAndActivate(TwoOrders to, long exact) {
        machine.kernels
                .phantom()
                .forward(machine.main, scratch.reals(), images(), parameter("D").address(), neurons(), to, exact);
    }

    private boolean isPreferred(JointForward possible) {
        String question = "joint forward pass of " + batch + " x " + in + " to " + out + ", " + images + " images";
        return machine.products.isPreferred(
                machine.main,
                question,
                () -> {
                    giveToLocal();
                    compress.run();
                    possible.activate(TwoOrders.NOWHERE, 0);
                },
                () -> {
                    giveToLocal();
                    compress.run();
                    local.run();
                    awaitLocal();
                    separate(TwoOrders.NOWHERE, 0);
                },
                JOINT_HANDICAP);
    }

    private void giveToLocal() {
        given.record(machine.main);
        machine.local.await(given);
    }

    private void awaitLocal() {
        passed.record(machine.local);
        machine.main.await(passed);
    }

    /** Where the rank's own phantom activations belong. */
    private long ownImages() {
        return column(gathered, own.first() * k);
    }

    /** Phantom activations of all shards. */
    PhantomKernels.Images images() {
        return new PhantomKernels.Images(gathered, images, own.first(), k);
    }

    /** The rank's block of the sum of all ranks' h. */
    long ownGradients() {
        return ownGradients;
    }

    @Override
    public TwoOrders inputs() {
        return inputs;
    }

    @Override
    public void forward() {
        giveToLocal();
        if (several) {
            compress.run();
            gather.startAllGather(machine.main, ownImages(), gathered, batch * k * own.count(), machine.factorType());
        }
        if (joint == null) {
            local.run();
            awaitLocal();
        }
        if (several) {
            gather.await(machine.main);
        }
    }

    @Override
    public void activate(TwoOrders to, long exact) {
        if (joint != null) {
            joint.activate(to, exact);
        } else {
            separate(to, exact);
        }
    }

    /** From the local part. */
    private void separate(TwoOrders to, long exact) {
        if (decompress != null) {
            decompress.run();
        }
        if (decompress != null || !several) {
            super.activate(to, exact);
            return;
        }
        decompressAndActivate(to, exact);
        machine.count(batch * out.length() * (images - k));
    }

    @Override
    public void beginBackward() {
        giveToLocal();
        if (several) {
            phantomGradients.run();
            startScatter();
            steps.decompressorsRead();
        }
    }

    @Override
    public void backward(DenseStage below, DenseStage free) {
        if (inputGradients != null) {
            inputGradients.run();
        }
        awaitLocal();
        steps.localsRead(passed);
        if (several) {
            scatter.await(machine.main);
        }
        if (compressedInputGradients != null) {
            compressedInputGradients.run();
        }
        if (below != null) {
            handDown(below, free);
        }
        steps.compressorsRead();
    }

    @Override
    void startLastSteps() {
        steps.finish();
    }

    @Override
    void handDown(DenseStage below) {
        if (!several || compressedInputGradients != null) {
            below.takeDelta(scratch.reals(), false, inputs.features());
            return;
        }
        machine.kernels
                .phantom()
                .backward(
                        machine.main,
                        controls,
                        scratch.reals(),
                        ownGradients,
                        parameter("C").address(),
                        k,
                        inputs.features(),
                        below.neurons(),
                        below.deltas());
        machine.count(batch * in.length() * k);
    }

    private void startScatter() {
        scatter.startReduceScatter(
                machine.main, gradients, ownGradients, batch * k * own.count(), machine.factorType());
    }

    @Override
    public void connect() {
        if (several) {
            startScatter();
            scatter.await(machine.main);
        }
    }
}

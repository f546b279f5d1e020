package org.phantom4j.layers.gpu;

import java.util.ArrayList;
import java.util.List;
import org.phantom4j.comm.cuda.CudaEvent;
import org.phantom4j.ops.OtherShards;
import org.phantom4j.ops.gpu.PhantomKernels;
import org.phantom4j.ops.gpu.ProductShape;
import org.phantom4j.ops.gpu.TwoOrders;

/**
 * A phantom layer: the equations of {@link org.phantom4j.ops.PhantomDense} and {@link org.phantom4j.ops.PhantomDenseBp} on
 * device memory, in the order of work that hides the collectives behind the local products.
 *
 * <p>Memory: phantom activations G and their gradients H are [B, p·k], feature-major, so that a rank's shards are one block
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

    private final List<Activations> inputs;
    private final long ownGradients;
    private final long gathered;
    private final long gradients;

    /** Whether there are other shards. */
    final boolean several;

    /** Whether one kernel adds the phantom part and computes the activation; so for the way back. */
    private final boolean fused;

    /** How the forward pass of few samples is done; null: it is done as that of many. */
    private final JointForward joint;

    private final List<Work> compress = new ArrayList<>();
    private final List<Work> local = new ArrayList<>();
    private final List<Work> decompress = new ArrayList<>();
    private final List<Work> phantomGradients = new ArrayList<>();
    private final List<Work> inputGradients = new ArrayList<>();
    private final List<Work> compressedInputGradients = new ArrayList<>();

    /** Null without training. */
    private final PhantomSteps steps;

    private final GpuMachine.Exchange gather;
    private final GpuMachine.Exchange scatter;
    private final CudaEvent given;
    private final CudaEvent passed;

    PhantomStage(StepLayout layout, int index) {
        super(layout, index);
        this.several = geometry.shards() > 1;
        this.fused = several && machine.kernels.phantom() != null && PhantomKernels.suits(batch);
        this.inputs = forOwnShards(i -> new Activations(
                layout.training() ? machine.allocateFactors(batch * inWidth(i)) : 0,
                scratch.samples(index, i),
                inWidth(i)));
        long phantoms = batch * geometry.gatheredWidth();
        this.gathered = several ? machine.allocateFactors(phantoms) : 0;
        boolean backward = several && layout.training();
        this.gradients = backward ? machine.allocate(phantoms * machine.precision.factorBytes()) : 0;
        // where the rank's own block of h stays zero, the sum goes elsewhere
        this.ownGradients = backward ? machine.allocateFactors(batch * geometry.phantomWidth() * own.count()) : 0;
        this.gather = machine.exchange();
        this.scatter = machine.exchange();
        this.given = machine.event();
        this.passed = machine.event();
        for (int i = 0; i < own.count(); i++) {
            prepareForward(i);
            if (layout.training()) {
                prepareBackward(i);
            }
        }
        this.steps = layout.training() ? new PhantomSteps(this) : null;
        JointForward possible = several ? JointForward.of(this) : null;
        this.joint = possible != null && isPreferred(possible) ? possible : null;
    }

    private boolean isPreferred(JointForward possible) {
        String question = localShape(0) + " and " + geometry.phantomWidth() + " of " + geometry.shards()
                + " shards, joint or not";
        return machine.products.isPreferred(
                machine.main,
                question,
                () -> {
                    giveToLocal();
                    compress.get(0).run();
                    possible.activate(0, TwoOrders.NOWHERE, 0);
                },
                () -> {
                    giveToLocal();
                    compress.get(0).run();
                    local.get(0).run();
                    awaitLocal();
                    Work.run(decompress);
                    separate(0, TwoOrders.NOWHERE, 0);
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

    /** Of a shard's local product. */
    ProductShape localShape(int i) {
        return ProductShape.of(true, false, batch, outWidth(i), inWidth(i));
    }

    private long phantom(long all, long firstColumn) {
        return all + firstColumn * batch * machine.precision.factorBytes();
    }

    /** Where an own shard's phantom activations belong. */
    private long phantomActivations(int ownShard) {
        return phantom(gathered, (own.first() + ownShard) * geometry.phantomWidth());
    }

    /** Phantom activations of some other shards. */
    long images(OtherShards others) {
        return phantom(gathered, others.firstColumn());
    }

    List<OtherShards> others(int ownShard) {
        return OtherShards.of(geometry, own.first() + ownShard);
    }

    private void prepareForward(int i) {
        long samples = inputs.get(i).samples();
        if (several) {
            compress.add(machine.prepare(
                    machine.main,
                    ProductShape.of(true, false, batch, geometry.phantomWidth(), inWidth(i))
                            .asFactor(),
                    samples,
                    parameter("C", i).address(),
                    phantomActivations(i)));
        }
        local.add(machine.prepare(
                machine.local, localShape(i), samples, parameter("L", i).address(), scratch.reals(i)));
        for (OtherShards others : several && !fused ? others(i) : List.<OtherShards>of()) {
            decompress.add(machine.prepare(
                    machine.main,
                    ProductShape.of(false, false, batch, outWidth(i), others.count())
                            .withStrideB(geometry.decompressorRows())
                            .added(),
                    images(others),
                    decompressors(i, others),
                    scratch.reals(i)));
        }
    }

    private long decompressors(int ownShard, OtherShards others) {
        return parameter("D", ownShard).address() + others.firstRow() * machine.precision.factorBytes();
    }

    private void prepareBackward(int i) {
        long delta = deltaSamples(i);
        if (index > 0) {
            inputGradients.add(machine.prepare(
                    machine.local,
                    ProductShape.of(true, true, batch, inWidth(i), outWidth(i)),
                    delta,
                    parameter("L", i).address(),
                    scratch.reals(i)));
        }
        for (OtherShards others : several ? others(i) : List.<OtherShards>of()) {
            ProductShape share = ProductShape.of(true, true, batch, others.count(), outWidth(i))
                    .withStrideB(geometry.decompressorRows())
                    .asFactor();
            phantomGradients.add(machine.prepare(
                    machine.main,
                    own.count() == 1 ? share : share.added(),
                    delta,
                    decompressors(i, others),
                    phantom(gradients, others.firstColumn())));
        }
        if (several && index > 0 && !fused) {
            compressedInputGradients.add(machine.prepare(
                    machine.main,
                    ProductShape.of(false, true, batch, inWidth(i), geometry.phantomWidth())
                            .added(),
                    summedGradients(i),
                    parameter("C", i).address(),
                    scratch.reals(i)));
        }
    }

    /** A shard's block of the sum of all ranks' h. */
    long summedGradients(int ownShard) {
        long first = machine.group.size() > 1 ? 0 : own.first();
        return phantom(
                machine.group.size() > 1 ? ownGradients : gradients, (first + ownShard) * geometry.phantomWidth());
    }

    @Override
    List<Activations> inputs() {
        return inputs;
    }

    @Override
    void forward() {
        giveToLocal();
        if (several) {
            Work.run(compress);
            long block = batch * geometry.phantomWidth() * own.count();
            gather.startAllGather(machine.main, phantomActivations(0), gathered, block, machine.factorType());
        }
        if (joint != null) {
            gather.await(machine.main);
            return;
        }
        Work.run(local);
        awaitLocal();
        if (several) {
            gather.await(machine.main);
            Work.run(decompress);
        }
    }

    @Override
    void activate(int ownShard, TwoOrders to, long exact) {
        if (joint != null) {
            joint.activate(ownShard, to, exact);
        } else {
            separate(ownShard, to, exact);
        }
    }

    /** Phantom activations of the other shards. */
    PhantomKernels.Images images(int ownShard) {
        long k = geometry.phantomWidth();
        return new PhantomKernels.Images(gathered, geometry.decompressorRows(), (own.first() + ownShard) * k, k);
    }

    /** From pre-activations. */
    private void separate(int ownShard, TwoOrders to, long exact) {
        if (!fused) {
            super.activate(ownShard, to, exact);
            return;
        }
        machine.kernels
                .phantom()
                .forward(
                        machine.main,
                        scratch.reals(ownShard),
                        images(ownShard),
                        parameter("D", ownShard).address(),
                        neurons(ownShard),
                        to,
                        exact);
        machine.count(batch * outWidth(ownShard) * geometry.decompressorRows());
    }

    @Override
    void beginBackward() {
        giveToLocal();
        if (!several) {
            return;
        }
        if (own.count() > 1) {
            machine.main.clear(gradients, batch * geometry.gatheredWidth() * machine.precision.factorBytes());
        }
        Work.run(phantomGradients);
        startScatter();
        steps.decompressorsRead();
    }

    @Override
    void backward(DenseStage below, CudaEvent free) {
        Work.run(inputGradients);
        awaitLocal();
        steps.localsRead(passed);
        if (several) {
            scatter.await(machine.main);
            Work.run(compressedInputGradients);
        }
        if (below != null) {
            handDown(below, free);
        }
        steps.compressorsRead();
    }

    @Override
    void finishBackward() {
        steps.finish();
        updated.record(machine.weights);
    }

    @Override
    void handDown(DenseStage below, int ownShard) {
        long gradient = scratch.reals(ownShard);
        long features = inputs.get(ownShard).features();
        if (!fused) {
            below.takeDelta(ownShard, gradient, false, features);
            return;
        }
        machine.kernels
                .phantom()
                .backward(
                        machine.main,
                        gradient,
                        summedGradients(ownShard),
                        parameter("C", ownShard).address(),
                        geometry.phantomWidth(),
                        features,
                        below.neurons(ownShard),
                        below.delta(ownShard),
                        parameters.rate());
        machine.count(batch * inWidth(ownShard) * geometry.phantomWidth());
    }

    private void startScatter() {
        long block = batch * geometry.phantomWidth() * own.count();
        scatter.startReduceScatter(machine.main, gradients, ownGradients, block, machine.factorType());
    }

    @Override
    void connect() {
        if (several) {
            startScatter();
            scatter.await(machine.main);
        }
    }
}

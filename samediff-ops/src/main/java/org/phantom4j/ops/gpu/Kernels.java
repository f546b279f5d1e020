package org.phantom4j.ops.gpu;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.phantom4j.comm.cuda.CudaDevice;
import org.phantom4j.comm.cuda.CudaException;
import org.phantom4j.comm.cuda.CudaKernel;
import org.phantom4j.comm.cuda.CudaModule;
import org.phantom4j.comm.cuda.CudaStream;
import org.phantom4j.ops.cache.UserCache;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The kernels of a training step (the .cu files beside this class), compiled for one device and precision, and kept in the user's cache.
 *
 * <p>Threads: one at a time, which has bound the device. Everything runs in the order of the stream it is given.
 */
public final class Kernels implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Kernels.class);

    /** In this order one program. */
    private static final List<String> SOURCES = List.of(
            "factors",
            "layout",
            "activations",
            "losses",
            "updates",
            "update_product",
            "update_tiles",
            "phantom",
            "few_samples");

    /** As in activations.cu: features and samples that a block works on at a time. */
    static final int FEATURES = 64;

    private static final int SAMPLES = 64;
    private static final int BLOCK = 256;

    /** Blocks for each multiprocessor, of kernels that go over long arrays. */
    static final int BLOCKS_EACH = 8;

    /** What differs where kernels do. */
    final String version;

    private final boolean doubles;
    private final int blocks;
    private final CudaModule module;
    private final CudaKernel forwardActivation;
    private final CudaKernel backwardActivation;
    private final CudaKernel outputLoss;
    private final CudaKernel biasStep;
    private final CudaKernel loadRows;
    private final CudaKernel storeRows;
    private final CudaKernel sumLoss;
    private final CudaKernel beginStep;
    private final CudaKernel reportLoss;
    private final CudaKernel fill;
    private final CudaKernel fillReals;
    private final LayoutKernels layout;
    private final UpdateKernels updates;
    private final PhantomKernels phantom;
    private final FewSamples fewSamples;

    /** For the calling thread's device; compiles for some seconds, the first time. */
    public Kernels(CudaDevice device, Precision precision) {
        this.doubles = precision == Precision.FP64;
        this.blocks = BLOCKS_EACH * device.multiprocessors();
        String source = source();
        List<String> options = options(device.computeCapability(), precision);
        this.version = UserCache.key(source, options.toString(), Nvrtc.version());
        this.module = load(source, options);
        this.forwardActivation = module.kernel("forward_activation");
        this.backwardActivation = module.kernel("backward_activation");
        this.outputLoss = module.kernel("output_loss");
        this.biasStep = module.kernel("bias_step");
        this.loadRows = module.kernel("load_rows");
        this.storeRows = module.kernel("store_rows");
        this.sumLoss = module.kernel("sum_loss");
        this.beginStep = module.kernel("begin_step");
        this.reportLoss = module.kernel("report_loss");
        this.fill = module.kernel("fill_random");
        this.fillReals = module.kernel("fill_reals");
        this.layout = new LayoutKernels(module, precision, device);
        this.updates = new UpdateKernels(module, precision, device);
        boolean matrixUnits = precision.usesMatrixUnits();
        this.phantom = matrixUnits ? new PhantomKernels(module, device) : null;
        this.fewSamples =
                matrixUnits ? new FewSamples(module, precision, device.multiprocessors(), device.sharedBytes()) : null;
    }

    private static List<String> options(int computeCapability, Precision precision) {
        List<String> options = new ArrayList<>(List.of(
                "--gpu-architecture=sm_" + Nvrtc.architecture(computeCapability),
                "--std=c++17",
                "--device-as-default-execution-space",
                "-DREAL=" + (precision == Precision.FP64 ? "double" : "float")));
        if (precision.isNarrow()) {
            options.add("-DBF16");
        }
        if (precision == Precision.BF16_PURE) {
            options.add("-DROUNDED");
        }
        if (precision == Precision.TF32) {
            options.add("-DTF32");
        }
        if (precision.usesMatrixUnits()) {
            options.add("-DMATRIX_UNITS");
        }
        return options;
    }

    private CudaModule load(String source, List<String> options) {
        UserCache cache = UserCache.of("kernels");
        String name = version + ".cubin";
        Optional<byte[]> known = cache.read(name);
        if (known.isPresent()) {
            try {
                return CudaModule.load(known.get());
            } catch (CudaException e) {
                if (e.isOutOfMemory()) {
                    throw e;
                }
                LOG.warn("{} is compiled anew: what was kept of it cannot be loaded: {}", name, e.getMessage());
            }
        }
        byte[] image = Nvrtc.compile(source, options);
        cache.write(name, image);
        return CudaModule.load(image);
    }

    private static String source() {
        StringBuilder source = new StringBuilder();
        for (String name : SOURCES) {
            try (InputStream in = Kernels.class.getResourceAsStream(name + ".cu")) {
                source.append(new String(in.readAllBytes(), StandardCharsets.UTF_8))
                        .append('\n');
            } catch (IOException e) {
                throw new UncheckedIOException("cannot read " + name + ".cu from the jar", e);
            }
        }
        return source.toString();
    }

    private Object real(double value) {
        return doubles ? (Object) value : (Object) (float) value;
    }

    static int blocks(long count, int each) {
        return Math.toIntExact((count + each - 1) / each);
    }

    /**
     * y = activation(z + bias): z feature-major.
     *
     * @param exact where y goes as reals, feature-major; 0: nowhere
     */
    public void forwardActivation(CudaStream stream, long z, Neurons neurons, TwoOrders to, long exact) {
        forwardActivation.launch(
                stream,
                blocks(neurons.batch(), SAMPLES),
                neurons.widths().blocks(FEATURES),
                BLOCK,
                0,
                z,
                neurons.bias().address(),
                neurons.bias().lower(),
                to.features(),
                to.samples(),
                exact,
                (int) neurons.batch(),
                neurons.widths().bytes(),
                neurons.activation().kind(),
                real(neurons.activation().slope()));
    }

    /**
     * delta = dy · activation'(y) in both orders, and the bias's gradient or step.
     *
     * @param narrow whether dy is stored as factors are
     * @param features y, feature-major
     */
    public void backwardActivation(
            CudaStream stream,
            StepControls controls,
            BiasParts parts,
            long dy,
            boolean narrow,
            long features,
            Neurons neurons,
            TwoOrders delta) {
        backward(
                stream,
                controls,
                parts,
                narrow ? 0 : dy,
                narrow ? dy : 0,
                features,
                SquaredErrors.NONE,
                neurons,
                delta);
    }

    /**
     * Squared errors at the network's end: their mean over the batch's rows and the outputs.
     *
     * @param exact y as reals, feature-major
     * @param target what y should be, the same
     * @param outputs of all ranks
     * @param lossParts where the mean goes, in {@link #lossParts} parts
     */
    public record SquaredErrors(long exact, long target, long outputs, long lossParts) {
        private static final SquaredErrors NONE = new SquaredErrors(0, 0, 1, 0);
    }

    /** As {@link #backwardActivation}, from the errors' gradient. */
    public void squaredLoss(
            CudaStream stream,
            StepControls controls,
            BiasParts parts,
            SquaredErrors errors,
            Neurons neurons,
            TwoOrders delta) {
        backward(stream, controls, parts, 0, 0, 0, errors, neurons, delta);
    }

    /** How many parts {@link #squaredLoss} adds its loss up in. */
    public int lossParts(ShardWidths widths, long batch) {
        return widths.blocks(FEATURES) * parts(widths, batch);
    }

    private int parts(ShardWidths widths, long batch) {
        return BiasParts.count(widths.blocks(FEATURES), batch, SAMPLES, blocks);
    }

    private void backward(
            CudaStream stream,
            StepControls controls,
            BiasParts room,
            long dy,
            long narrowDy,
            long features,
            SquaredErrors errors,
            Neurons neurons,
            TwoOrders delta) {
        int parts = parts(neurons.widths(), neurons.batch());
        backwardActivation.launch(
                stream,
                parts,
                neurons.widths().blocks(FEATURES),
                BLOCK,
                0,
                dy,
                narrowDy,
                features,
                errors.exact(),
                errors.target(),
                real(1.0 / errors.outputs()),
                errors.lossParts(),
                delta.features(),
                delta.samples(),
                neurons.bias().address(),
                neurons.bias().lower(),
                neurons.bias().gradient(),
                controls.address(),
                room.bytes(),
                blocks(blocks(neurons.batch(), SAMPLES), parts) * SAMPLES,
                (int) neurons.batch(),
                neurons.widths().bytes(),
                neurons.activation().kind(),
                real(neurons.activation().slope()));
    }

    /**
     * What an output layer's loss reads and writes.
     *
     * @param logits [batch, padded width], sample-major
     * @param outputs where they go, [batch, width] without gaps; 0: nowhere
     * @param delta where their gradients go; the loss is computed if {@code lossParts} is not 0
     * @param lossParts a double for each row
     */
    public record OutputLoss(
            long logits, Parameter bias, long outputs, TwoOrders delta, long lossParts, long width, boolean softmax) {}

    /** Softmax and cross-entropy, or squared errors: means over the batch's rows. The bias may be null. */
    public void outputLoss(CudaStream stream, StepControls controls, OutputLoss loss, long batch) {
        outputLoss.launch(
                stream,
                (int) batch,
                1,
                128,
                0,
                loss.logits(),
                loss.bias() == null ? 0L : loss.bias().address(),
                loss.bias() == null ? 0L : loss.bias().lower(),
                controls.address(),
                loss.outputs(),
                loss.delta().features(),
                loss.delta().samples(),
                loss.lossParts(),
                (int) batch,
                (int) loss.width(),
                (int) ShardWidths.padded(loss.width()),
                loss.softmax() ? 0 : 1);
    }

    /** The bias's gradient, or its step, from delta [batch, width], feature-major. */
    public void biasStep(
            CudaStream stream, StepControls controls, long deltaFeatures, Parameter bias, long batch, long width) {
        biasStep.launch(
                stream,
                (int) ((width + 3) / 4),
                1,
                128,
                0,
                deltaFeatures,
                bias.address(),
                bias.lower(),
                bias.gradient(),
                controls.address(),
                (int) batch,
                (int) width);
    }

    /**
     * The step's inputs, or its targets, to where they belong.
     *
     * @param exact where they go as reals, feature-major; 0: nowhere
     */
    public void loadRows(
            CudaStream stream,
            StepControls controls,
            boolean targets,
            TwoOrders to,
            long exact,
            long batch,
            ShardWidths widths) {
        loadRows.launch(
                stream,
                blocks(batch, SAMPLES),
                widths.blocks(FEATURES),
                BLOCK,
                0,
                controls.address(),
                targets ? 1 : 0,
                to.features(),
                to.samples(),
                exact,
                (int) batch,
                widths.bytes());
    }

    /**
     * Feature-major reals as sample-major rows without gaps.
     *
     * @param to address of the first shard's first element
     * @param width elements from row to row there
     */
    public void storeRows(CudaStream stream, long from, long to, long batch, long width, ShardWidths widths) {
        storeRows.launch(
                stream,
                blocks(batch, SAMPLES),
                widths.blocks(FEATURES),
                BLOCK,
                0,
                from,
                to,
                (int) batch,
                width,
                widths.bytes());
    }

    void beginStep(CudaStream stream, StepControls controls, StepControls.Batch batch, double rate, boolean counts) {
        beginStep.launch(
                stream,
                1,
                1,
                1,
                0,
                controls.address(),
                batch.inputs(),
                batch.targets(),
                batch.order(),
                batch.inputPitch(),
                batch.targetPitch(),
                batch.first(),
                batch.rows(),
                rate,
                counts ? 1 : 0);
    }

    /** Writes the step's loss, a double on the device, to a log of the host's; see {@link StepLog}. */
    void reportLoss(CudaStream stream, StepControls controls, long loss, long log, int slots) {
        reportLoss.launch(stream, 1, 1, 1, 0, controls.address(), loss, log, slots);
    }

    /** The sum of doubles. */
    public void sumLoss(CudaStream stream, long parts, int count, long loss) {
        sumLoss.launch(stream, 1, 1, BLOCK, 0, parts, count, loss);
    }

    /** The kernels that bring parameters to where products read them. */
    public LayoutKernels layout() {
        return layout;
    }

    /** The kernels of parameters and their updates. */
    public UpdateKernels updates() {
        return updates;
    }

    /** The kernels of phantom layers; null in precisions that matrix units do not compute. */
    public PhantomKernels phantom() {
        return phantom;
    }

    /** The kernels of phantom layers of few samples; null in precisions that matrix units do not compute. */
    public FewSamples fewSamples() {
        return fewSamples;
    }

    /** Pseudo-random factors, between −1/2 and 1/2 times {@code scale}. */
    public void fill(CudaStream stream, long to, long count, int seed, double scale) {
        fill.launch(stream, blocks, 1, BLOCK, 0, to, count, seed, real(scale));
    }

    /** Pseudo-random reals between −1/2 and 1/2. */
    public void fillReals(CudaStream stream, long to, long count, int seed) {
        fillReals.launch(stream, blocks, 1, BLOCK, 0, to, count, seed);
    }

    @Override
    public void close() {
        module.close();
    }
}

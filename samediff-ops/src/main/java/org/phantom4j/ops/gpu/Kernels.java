package org.phantom4j.ops.gpu;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.phantom4j.comm.cuda.CudaDevice;
import org.phantom4j.comm.cuda.CudaKernel;
import org.phantom4j.comm.cuda.CudaModule;
import org.phantom4j.comm.cuda.CudaStream;

/**
 * The kernels of a training step (kernels.cu), compiled for one device and precision, and kept in the user's cache.
 *
 * <p>Threads: one at a time, which has bound the device. Everything runs in the order of the stream it is given.
 */
public final class Kernels implements AutoCloseable {

    private static final int TILE = 32;
    private static final int FEATURES = 16;
    private static final int SAMPLES = 256;
    private static final int BLOCK = 256;

    /** Blocks for each multiprocessor, of kernels that go over long arrays. */
    static final int BLOCKS_EACH = 8;

    private final boolean doubles;
    private final int blocks;
    private final CudaModule module;
    private final CudaKernel forwardActivation;
    private final CudaKernel backwardActivation;
    private final CudaKernel outputLoss;
    private final CudaKernel biasStep;
    private final CudaKernel loadColumns;
    private final CudaKernel sumLoss;
    private final CudaKernel fill;
    private final UpdateKernels updates;

    /** For the calling thread's device; compiles in about two seconds, the first time. */
    public Kernels(CudaDevice device, Precision precision) {
        this.doubles = precision == Precision.FP64;
        int multiprocessors = device.multiprocessors();
        this.blocks = BLOCKS_EACH * multiprocessors;
        this.module = CudaModule.load(image(device.computeCapability(), precision));
        this.forwardActivation = module.kernel("forward_activation");
        this.backwardActivation = module.kernel("backward_activation");
        this.outputLoss = module.kernel("output_loss");
        this.biasStep = module.kernel("bias_step");
        this.loadColumns = module.kernel("load_columns");
        this.sumLoss = module.kernel("sum_loss");
        this.fill = module.kernel("fill_random");
        this.updates = new UpdateKernels(module, precision, multiprocessors);
    }

    private static byte[] image(int computeCapability, Precision precision) {
        String source = source();
        List<String> options = new ArrayList<>(List.of(
                "--gpu-architecture=sm_" + computeCapability,
                "-DREAL=" + (precision == Precision.FP64 ? "double" : "float")));
        if (precision.isSplit()) {
            options.add("-DBF16");
        }
        UserCache cache = new UserCache("kernels");
        String name = UserCache.key(source, options.toString(), Nvrtc.version()) + ".cubin";
        byte[] known = cache.read(name);
        if (known != null) {
            return known;
        }
        byte[] image = Nvrtc.compile(source, options);
        cache.write(name, image);
        return image;
    }

    private static String source() {
        try (InputStream in = Kernels.class.getResourceAsStream("kernels.cu")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read kernels.cu from the jar", e);
        }
    }

    private Object real(double value) {
        return doubles ? (Object) value : (Object) (float) value;
    }

    private static int tiles(long count) {
        return blocks(count, TILE);
    }

    static int blocks(long count, int each) {
        return Math.toIntExact((count + each - 1) / each);
    }

    /** y = activation(z + bias): z [batch, width] feature-major; outputs with address 0 are left out. */
    public void forwardActivation(
            CudaStream stream,
            long z,
            Parameter bias,
            long features,
            long samples,
            long exact,
            long batch,
            long width,
            ElementwiseActivation activation) {
        forwardActivation.launch(
                stream,
                blocks(batch, SAMPLES),
                blocks(width, FEATURES),
                BLOCK,
                0,
                z,
                bias.address(),
                bias.lower(),
                features,
                samples,
                exact,
                (int) batch,
                (int) width,
                activation.kind(),
                real(activation.slope()));
    }

    /**
     * delta = dy · activation'(y) in both orders, and the bias's gradient or step.
     *
     * @param narrow whether dy is stored as factors are
     */
    public void backwardActivation(
            CudaStream stream,
            long dy,
            boolean narrow,
            long features,
            long deltaFeatures,
            long deltaSamples,
            Parameter bias,
            double rate,
            long batch,
            long width,
            ElementwiseActivation activation) {
        backward(
                stream,
                narrow ? 0 : dy,
                narrow ? dy : 0,
                features,
                0,
                0,
                0,
                0,
                0,
                deltaFeatures,
                deltaSamples,
                bias,
                rate,
                batch,
                width,
                activation);
    }

    /** The same at the network's end: squared errors of {@code exact} against {@code target}, and their sum in parts. */
    public void squaredLoss(
            CudaStream stream,
            long exact,
            long target,
            double lossScale,
            double gradientScale,
            long lossParts,
            long deltaFeatures,
            long deltaSamples,
            Parameter bias,
            double rate,
            long batch,
            long width,
            ElementwiseActivation activation) {
        backward(
                stream,
                0,
                0,
                0,
                exact,
                target,
                lossScale,
                gradientScale,
                lossParts,
                deltaFeatures,
                deltaSamples,
                bias,
                rate,
                batch,
                width,
                activation);
    }

    /** How many parts {@link #squaredLoss} adds its loss up in. */
    public static int lossParts(long width) {
        return blocks(width, FEATURES);
    }

    private void backward(
            CudaStream stream,
            long dy,
            long narrowDy,
            long features,
            long exact,
            long target,
            double lossScale,
            double gradientScale,
            long lossParts,
            long deltaFeatures,
            long deltaSamples,
            Parameter bias,
            double rate,
            long batch,
            long width,
            ElementwiseActivation activation) {
        backwardActivation.launch(
                stream,
                blocks(width, FEATURES),
                1,
                BLOCK,
                0,
                dy,
                narrowDy,
                features,
                exact,
                target,
                real(lossScale),
                real(gradientScale),
                lossParts,
                deltaFeatures,
                deltaSamples,
                bias.address(),
                bias.lower(),
                bias.gradient(),
                real(rate),
                (int) batch,
                (int) width,
                activation.kind(),
                real(activation.slope()));
    }

    /** Softmax and cross-entropy, or squared errors, of logits [batch, width], sample-major. Bias may be null. */
    public void outputLoss(
            CudaStream stream,
            long logits,
            Parameter bias,
            long target,
            long outputs,
            long deltaFeatures,
            long deltaSamples,
            long lossParts,
            long batch,
            long width,
            boolean softmax) {
        outputLoss.launch(
                stream,
                (int) batch,
                1,
                128,
                0,
                logits,
                bias == null ? 0L : bias.address(),
                bias == null ? 0L : bias.lower(),
                target,
                outputs,
                deltaFeatures,
                deltaSamples,
                lossParts,
                real(1.0 / batch),
                (int) batch,
                (int) width,
                softmax ? 0 : 1);
    }

    /** The bias's gradient, or its step, from delta [batch, width], feature-major. */
    public void biasStep(CudaStream stream, long deltaFeatures, Parameter bias, double rate, long batch, long width) {
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
                real(rate),
                (int) batch,
                (int) width);
    }

    /** Reals, sample-major with rows {@code pitch} apart, into both orders; outputs with address 0 are left out. */
    public void loadColumns(
            CudaStream stream, long from, long pitch, long features, long samples, long exact, long batch, long width) {
        loadColumns.launch(
                stream,
                tiles(batch),
                tiles(width),
                BLOCK,
                0,
                from,
                (int) pitch,
                features,
                samples,
                exact,
                (int) batch,
                (int) width);
    }

    /** The sum of doubles. */
    public void sumLoss(CudaStream stream, long parts, int count, long loss) {
        sumLoss.launch(stream, 1, 1, BLOCK, 0, parts, count, loss);
    }

    /** The kernels of parameters and their updates. */
    public UpdateKernels updates() {
        return updates;
    }

    /** Pseudo-random factors, between −1/2 and 1/2 times {@code scale}. */
    public void fill(CudaStream stream, long to, long count, int seed, double scale) {
        fill.launch(stream, blocks, 1, BLOCK, 0, to, count, seed, real(scale));
    }

    @Override
    public void close() {
        module.close();
    }
}

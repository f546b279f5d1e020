package org.phantom4j.cli.verify;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.Sgd;
import org.phantom4j.cli.frame.UsageException;
import org.phantom4j.cli.gpus.DeviceOptions;
import org.phantom4j.cli.gpus.Precision;
import org.phantom4j.comm.Communicator;
import org.phantom4j.comm.RankContext;
import org.phantom4j.layers.gpu.GpuTrainer;
import org.phantom4j.layers.train.FiniteDifferences;
import org.phantom4j.layers.train.GoldenStep;
import org.phantom4j.layers.train.GoldenTraining;
import org.phantom4j.layers.train.RandomTraining;
import org.phantom4j.layers.train.StepTrainer;
import org.phantom4j.ops.golden.GoldenCase;

/**
 * What {@code verify --device cuda} verifies: the compiled step against golden values, in double precision all of them, against
 * Deeplearning4j's layers on the CPU, and against finite differences. Outputs, losses and every gradient of golden layers are
 * taken from one step, with the two ways in which a gradient becomes one: folded into its product (SGD), and through memory
 * (momentum).
 */
final class CompiledCases {

    private static final int STEPS = 200;
    private static final double FP64_BOUND = 1e-10;
    private static final double FP32_BOUND = 1e-5;

    /** The most that a factor is off: 10 bits of mantissa, behind which matrix units may cut off, and 7 bits, rounded. */
    private static final double TF32_ROUNDING = 0x1p-10;

    private static final double BF16_ROUNDING = 0x1p-8;

    private final Precision precision;
    private final Function<MultiLayerNetwork, StepTrainer> trainers;
    private final List<VerifyCase> cases = new ArrayList<>();

    private CompiledCases(DeviceOptions device, Precision precision, Duration timeout) {
        this.precision = precision;
        this.trainers = network -> {
            Communicator group = RankContext.current();
            return new GpuTrainer(network, DeviceOptions.devices(group), device.gpuOptions(group, precision, timeout));
        };
    }

    static List<VerifyCase> of(List<GoldenCase> golden, DeviceOptions device, Precision precision, Duration timeout) {
        CompiledCases all = new CompiledCases(device, precision, timeout);
        golden.forEach(each -> {
            if (each.isTraining()) {
                all.training(each);
            } else {
                all.layer(each);
            }
        });
        all.random();
        return all.cases;
    }

    /**
     * The bound of relative errors, of the largest value that is compared.
     *
     * <p>In tf32 and bf16 both factors of a product are off by up to u, so a product by up to 2u of what it sums up; in a chain
     * of products, forward and back, these add up: 2u for each of them. Sums, parameters and updates are floats, whose own
     * errors are far below that. What a training adds to parameters is off by as much as a gradient is.
     *
     * @param products between the inputs and what is compared, the longest chain
     */
    static double bound(Precision precision, int products) {
        return switch (precision) {
            case FP64 -> FP64_BOUND;
            case FP32 -> FP32_BOUND;
            case TF32 -> 2 * TF32_ROUNDING * products;
            case BF16 -> 2 * BF16_ROUNDING * products;
            case BF16_PURE ->
                throw new UsageException(
                        "--precision bf16_pure rounds parameters at random, so that one step says little:"
                                + " verify bf16, which has the same products");
        };
    }

    private DataType type() {
        return precision.type();
    }

    private void add(String name, int shards, double bound, VerifyCase.Errors errors) {
        cases.add(new VerifyCase(name, shards, 1, bound, errors));
    }

    private void layer(GoldenCase golden) {
        // the layer before it, compress, decompress; h, through the compressor, weights
        double bound = bound(precision, 6);
        add(golden.name(), golden.shards(), bound, replicas -> new GoldenStep(golden)
                .errors(type(), new Sgd(GoldenStep.RATE), trainers));
        add(golden.name() + ", momentum", golden.shards(), bound, replicas -> new GoldenStep(golden)
                .errors(type(), new Nesterovs(GoldenStep.RATE, 0), trainers));
    }

    private void training(GoldenCase golden) {
        int layers = golden.text("widths").split(",", -1).length - 1;
        // two in each layer, forward and back; weights
        add(golden.name(), golden.shards(), bound(precision, 4 * layers + 1), replicas -> new GoldenTraining(golden)
                .errors(type(), trainers));
    }

    private void random() {
        // two phantom layers, one tensor-parallel, the output layer: six forward, six back; weights
        add(
                "random, " + STEPS + " steps",
                RandomTraining.SHARDS,
                bound(precision, 13),
                replicas -> RandomTraining.errors(type(), STEPS, trainers));
        if (precision == Precision.FP64) {
            add(
                    "finite differences",
                    FiniteDifferences.SHARDS,
                    FiniteDifferences.BOUND,
                    replicas -> FiniteDifferences.errors(trainers));
        }
    }
}

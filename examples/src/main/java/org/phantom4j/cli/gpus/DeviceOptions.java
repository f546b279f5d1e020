package org.phantom4j.cli.gpus;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.IntStream;
import org.apache.commons.cli.Options;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.cli.frame.Arguments;
import org.phantom4j.cli.frame.UsageException;
import org.phantom4j.comm.Communicator;
import org.phantom4j.comm.cuda.CudaDevice;
import org.phantom4j.comm.cuda.DeviceGroup;
import org.phantom4j.comm.nccl.NcclDevices;
import org.phantom4j.comm.nccl.NcclGroup;
import org.phantom4j.data.NearName;
import org.phantom4j.layers.gpu.GpuOptions;
import org.phantom4j.layers.gpu.GpuPredictor;
import org.phantom4j.layers.gpu.GpuTrainer;

/**
 * The options that say what a rank computes on.
 *
 * @param cuda whether each rank has a GPU
 * @param first number of the GPU of a rank alone
 * @param engine what makes a step there
 */
public record DeviceOptions(boolean cuda, int first, Engine engine) {

    /** Compute capability of the first GPUs that multiply in tf32 and bf16. */
    private static final int FIRST_WITH_TF32 = 80;

    /** What makes a training step on a GPU. */
    public enum Engine {
        /** Compiled where the network allows it, else layers. */
        AUTO,
        COMPILED,
        LAYERS
    }

    public static void addTo(Options options) {
        Arguments.option(
                options, "device", "NAME", "cpu (default), or cuda: a GPU for each rank; cuda:N for a rank alone");
        Arguments.option(
                options,
                "engine",
                "NAME",
                "on cuda: compiled (the whole step in a CUDA graph; default where the network allows it) or layers"
                        + " (Deeplearning4j's, on ND4J's CUDA backend)");
    }

    public static DeviceOptions parse(Arguments arguments) {
        String name = arguments.text("device", "cpu").toLowerCase(Locale.ROOT);
        Engine engine = arguments.choice("engine", Engine.class, Engine.AUTO);
        if (name.equals("cpu")) {
            if (arguments.has("engine")) {
                throw new UsageException("--engine is for --device cuda");
            }
            return new DeviceOptions(false, 0, engine);
        }
        if (!name.matches("cuda(:\\d{1,3})?")) {
            throw new UsageException("--device " + name + ": expected cpu, cuda or cuda:N"
                    + NearName.hint(name, List.of("cpu", "cuda")));
        }
        return new DeviceOptions(true, name.equals("cuda") ? 0 : Integer.parseInt(name.substring(5)), engine);
    }

    /** How many ranks there are if nothing says so: as many as there are GPUs, as far as they divide the shards. */
    public int defaultRanks(int otherwise, int shards) {
        if (!cuda) {
            return otherwise;
        }
        int devices = CudaDevice.count();
        return IntStream.rangeClosed(1, Math.max(1, devices))
                .filter(ranks -> shards % ranks == 0)
                .max()
                .orElse(1);
    }

    /** How ranks communicate if nothing says so. */
    public String defaultComm(int ranks) {
        return cuda && ranks > 1 ? "nccl" : "local";
    }

    /** Refuses what does not go together. Called by the thread that runs a rank alone. */
    public void check(String comm, int ranks, int replicas, Precision precision) {
        if (!cuda && precision.isForGpu()) {
            throw new UsageException("--precision " + Arguments.lower(precision) + " is for --device cuda");
        }
        if (cuda && ranks > 1 && !comm.equals("nccl")) {
            throw new UsageException("--comm " + comm + ": ranks on GPUs communicate over nccl");
        }
        if (cuda && ranks > 1 && first != 0) {
            throw new UsageException("--device cuda:" + first + " is for one rank: " + ranks + " ranks use GPUs 0 to "
                    + (ranks - 1) + "; choose with CUDA_VISIBLE_DEVICES");
        }
        if (cuda && replicas > 1) {
            throw new UsageException("--data-parallel is for --device cpu, for now");
        }
        if (cuda) {
            requireDevices(ranks);
            requirePrecision(precision, CudaDevice.computeCapability(first));
            if (first > 0) {
                // on ND4J's CUDA backend, what this thread computes on; nothing on another
                Nd4j.getAffinityManager().unsafeSetDevice(first);
            }
        }
    }

    /** Refuses what a GPU's tensor cores do not have. */
    static void requirePrecision(Precision precision, int computeCapability) {
        if (precision.isForGpu() && computeCapability < FIRST_WITH_TF32) {
            throw new UsageException(
                    "--precision " + Arguments.lower(precision) + " needs a GPU of compute capability 8.0"
                            + " or newer; this one has " + computeCapability / 10 + "." + computeCapability % 10
                            + ": use --precision fp32");
        }
    }

    private void requireDevices(int ranks) {
        int devices = CudaDevice.count();
        if (devices == 0) {
            throw new UsageException("--device cuda: there is no CUDA device here: "
                    + CudaDevice.obstacle().orElse("the driver lists none")
                    + "; phantom doctor says what this machine has");
        }
        if (ranks == 1 && first >= devices) {
            throw new UsageException("--device cuda:" + first + ": this process sees "
                    + (devices == 1 ? "one CUDA device, number 0" : devices + " CUDA devices, 0 to " + (devices - 1))
                    + "; CUDA_VISIBLE_DEVICES may hide others");
        }
    }

    /** The number of a rank's GPU; -1 without one. */
    public int ordinal(Communicator group) {
        return !cuda
                ? -1
                : group.size() == 1 ? first : NcclGroup.of(group).device().ordinal();
    }

    /**
     * What trains a rank's network on its GPU; empty if Deeplearning4j's layers do.
     *
     * @throws UsageException if neither can
     */
    public Optional<GpuTrainer> trainer(
            MultiLayerNetwork network, Communicator group, Precision precision, Duration timeout) {
        return isCompiled(network.getLayerWiseConfigurations(), group, precision)
                ? Optional.of(new GpuTrainer(network, devices(group), gpuOptions(group, precision, timeout)))
                : Optional.empty();
    }

    /** The same for a network's outputs. */
    public Optional<GpuPredictor> predictor(
            MultiLayerNetwork network, Communicator group, Precision precision, Duration timeout, int batch) {
        return isCompiled(network.getLayerWiseConfigurations(), group, precision)
                ? Optional.of(new GpuPredictor(network, devices(group), gpuOptions(group, precision, timeout), batch))
                : Optional.empty();
    }

    /** A rank's GPU, as a compiled step sees it. */
    public static DeviceGroup devices(Communicator group) {
        return group.size() == 1 ? DeviceGroup.single() : NcclDevices.of(group);
    }

    public GpuOptions gpuOptions(Communicator group, Precision precision, Duration timeout) {
        return new GpuOptions(ordinal(group), precision.gpu(), timeout);
    }

    /** Whether a compiled step runs the network; else Deeplearning4j's layers do. */
    private boolean isCompiled(MultiLayerConfiguration configuration, Communicator group, Precision precision) {
        if (!cuda) {
            return false;
        }
        Optional<String> obstacle = GpuTrainer.obstacle(configuration, group.size(), precision.gpu());
        if (engine != Engine.LAYERS && obstacle.isEmpty()) {
            return true;
        }
        if (engine == Engine.COMPILED) {
            throw new UsageException("--engine compiled does not do this network: " + obstacle.orElseThrow());
        }
        requireLayers(
                engine == Engine.LAYERS ? "--engine layers" : "this network (" + obstacle.orElseThrow() + ")",
                precision);
        return false;
    }

    /**
     * Refuses layers where they do not run on GPUs.
     *
     * @param what asks for them
     */
    public static void requireLayers(String what, Precision precision) {
        if (precision.isForGpu()) {
            throw new UsageException("--engine layers computes in fp32 or fp64, not in " + Arguments.lower(precision));
        }
        if (!Nd4j.getBackend().getNDArrayClass().getName().contains("jcublas")) {
            throw new UsageException(what + " needs ND4J's CUDA backend on PHANTOM_CLASSPATH; ND4J has started "
                    + Nd4j.getBackend().getClass().getSimpleName());
        }
    }
}

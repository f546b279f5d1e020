package org.phantom4j.examples.cli;

import java.util.Locale;
import java.util.Optional;
import java.util.stream.IntStream;
import org.apache.commons.cli.Options;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.Communicator;
import org.phantom4j.comm.cuda.CudaDevice;
import org.phantom4j.comm.cuda.DeviceGroup;
import org.phantom4j.comm.nccl.NcclDevices;
import org.phantom4j.comm.nccl.NcclGroup;
import org.phantom4j.examples.cli.ModelOptions.Precision;
import org.phantom4j.layers.gpu.GpuOptions;
import org.phantom4j.layers.gpu.GpuTrainer;

/**
 * The options that say what a rank computes on.
 *
 * @param cuda whether each rank has a GPU
 * @param first number of the GPU of a rank alone
 * @param engine what makes a step there
 */
record DeviceOptions(boolean cuda, int first, Engine engine) {

    /** What makes a training step on a GPU. */
    enum Engine {
        /** Compiled where the network allows it, else layers. */
        AUTO,
        COMPILED,
        LAYERS
    }

    static void addTo(Options options) {
        Arguments.option(
                options, "device", "NAME", "cpu (default), or cuda: a GPU for each rank; cuda:N for a rank alone");
        Arguments.option(
                options,
                "engine",
                "NAME",
                "on cuda: compiled (the whole step in a CUDA graph; default where the network allows it) or layers"
                        + " (Deeplearning4j's, on ND4J's CUDA backend)");
    }

    static DeviceOptions parse(Arguments arguments) {
        String name = arguments.text("device", "cpu").toLowerCase(Locale.ROOT);
        Engine engine = arguments.choice("engine", Engine.class, Engine.AUTO);
        if (name.equals("cpu")) {
            if (arguments.has("engine")) {
                throw new UsageException("--engine is for --device cuda");
            }
            return new DeviceOptions(false, 0, engine);
        }
        if (!name.matches("cuda(:\\d{1,3})?")) {
            throw new UsageException("--device " + name + ": expected cpu, cuda or cuda:N");
        }
        return new DeviceOptions(true, name.equals("cuda") ? 0 : Integer.parseInt(name.substring(5)), engine);
    }

    /** How many ranks there are if nothing says so: as many as there are GPUs, as far as they divide the shards. */
    int defaultRanks(int otherwise, int shards) {
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
    String defaultComm(int ranks) {
        return cuda && ranks > 1 ? "nccl" : "local";
    }

    /** Refuses what does not go together. */
    void check(String comm, int ranks, int replicas, Precision precision) {
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
        if (cuda && CudaDevice.count() == 0) {
            throw new UsageException(
                    "--device cuda: there is no CUDA device here; phantom doctor says what this machine has");
        }
    }

    /** The number of a rank's GPU; -1 without one. */
    int ordinal(Communicator group) {
        return !cuda
                ? -1
                : group.size() == 1 ? first : NcclGroup.of(group).device().ordinal();
    }

    /**
     * What trains a rank's network on its GPU; empty if Deeplearning4j's layers do.
     *
     * @throws UsageException if neither can
     */
    Optional<GpuTrainer> trainer(MultiLayerNetwork network, Communicator group, TrainingOptions options) {
        if (!cuda) {
            return Optional.empty();
        }
        org.phantom4j.ops.gpu.Precision precision = options.model.precision().gpu();
        MultiLayerConfiguration configuration = network.getLayerWiseConfigurations();
        Optional<String> obstacle = GpuTrainer.obstacle(configuration, group.size(), precision);
        if (engine != Engine.LAYERS && obstacle.isEmpty()) {
            DeviceGroup devices = group.size() == 1 ? DeviceGroup.single() : NcclDevices.of(group);
            return Optional.of(new GpuTrainer(
                    network, devices, new GpuOptions(ordinal(group), precision, options.comm.timeout())));
        }
        if (engine == Engine.COMPILED) {
            throw new UsageException("--engine compiled does not do this network: " + obstacle.orElseThrow());
        }
        if (options.model.precision().isForGpu()) {
            throw new UsageException(
                    "--engine layers computes in fp32 or fp64, not in " + Arguments.lower(options.model.precision()));
        }
        boolean onCuda = Nd4j.getBackend().getNDArrayClass().getName().contains("jcublas");
        if (!onCuda) {
            throw new UsageException(
                    (engine == Engine.LAYERS ? "--engine layers" : "this network (" + obstacle.orElseThrow() + ")")
                            + " needs ND4J's CUDA backend on PHANTOM_CLASSPATH; ND4J has started "
                            + Nd4j.getBackend().getClass().getSimpleName());
        }
        return Optional.empty();
    }
}

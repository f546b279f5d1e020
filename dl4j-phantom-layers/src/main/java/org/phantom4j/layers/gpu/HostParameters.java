package org.phantom4j.layers.gpu;

import com.sun.jna.Memory;
import java.time.Duration;
import java.util.Map;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.concurrency.AffinityManager.Location;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.DenseArrays;
import org.phantom4j.comm.cuda.DeviceMemory;

/** A network's parameters and updater state, to the device and back. */
final class HostParameters {

    private static final Duration LIMIT = Duration.ofMinutes(1);

    private HostParameters() {}

    /** Copies parameters and updater state to the device. */
    static void load(GpuMachine machine, DeviceParameters parameters, MultiLayerNetwork network) {
        INDArray values = network.params();
        require(parameters, values.length());
        int bytes = machine.precision.resultBytes();
        long address = DenseArrays.hostAddress(values);
        try (DeviceMemory staging = staging(machine, parameters)) {
            for (Map.Entry<String, DeviceParameters.Place> entry :
                    parameters.places().entrySet()) {
                DeviceParameters.Place place = entry.getValue();
                machine.main.copy(staging.address(), address + place.networkOffset() * bytes, place.length() * bytes);
                machine.kernels.updates().store(machine.main, staging.address(), parameters.get(entry.getKey()));
                await(machine);
            }
        }
        INDArray state = updaterState(network);
        if (parameters.firstState() == 0 || state == null) {
            return;
        }
        copyState(machine, parameters, state, true);
        if (parameters.step() != 0) {
            try (Memory count = new Memory(8)) {
                count.setLong(0, network.getIterationCount());
                machine.main.copy(parameters.step(), DeviceMemory.addressOf(count), 8);
                await(machine);
            }
        }
    }

    /** Copies parameters and updater state back. */
    static void store(GpuMachine machine, DeviceParameters parameters, MultiLayerNetwork network) {
        INDArray values = network.params();
        int bytes = machine.precision.resultBytes();
        long address = DenseArrays.hostAddress(values);
        try (DeviceMemory staging = staging(machine, parameters)) {
            for (Map.Entry<String, DeviceParameters.Place> entry :
                    parameters.places().entrySet()) {
                DeviceParameters.Place place = entry.getValue();
                machine.kernels.updates().fetch(machine.main, parameters.get(entry.getKey()), staging.address());
                machine.main.copy(address + place.networkOffset() * bytes, staging.address(), place.length() * bytes);
                await(machine);
            }
        }
        written(values);
        INDArray state = updaterState(network);
        if (parameters.firstState() != 0 && state != null) {
            copyState(machine, parameters, state, false);
            written(state);
        }
    }

    /** Device memory for the longest parameter. */
    private static DeviceMemory staging(GpuMachine machine, DeviceParameters parameters) {
        return DeviceMemory.allocate(parameters.longest() * machine.precision.resultBytes());
    }

    /** Deeplearning4j keeps the state of equal updaters as one block: first moments of all parameters, then second ones. */
    private static void copyState(GpuMachine machine, DeviceParameters parameters, INDArray state, boolean toDevice) {
        int bytes = machine.precision.resultBytes();
        long[] moments = {parameters.firstState(), parameters.secondState()};
        long blocks = parameters.secondState() == 0 ? 1 : 2;
        if (state.length() != blocks * parameters.networkLength()) {
            throw new IllegalStateException("the updater's state has " + state.length() + " values, not " + blocks
                    + " · " + parameters.networkLength());
        }
        long host = DenseArrays.hostAddress(state);
        for (int block = 0; block < blocks; block++) {
            for (DeviceParameters.Place place : parameters.places().values()) {
                long device = moments[block] + place.offset() * bytes;
                long there = host + (block * parameters.networkLength() + place.networkOffset()) * bytes;
                machine.main.copy(toDevice ? device : there, toDevice ? there : device, place.length() * bytes);
            }
        }
        await(machine);
    }

    private static void await(GpuMachine machine) {
        machine.await(LIMIT);
    }

    private static INDArray updaterState(MultiLayerNetwork network) {
        return network.getUpdater() == null ? null : network.getUpdater().getStateViewArray();
    }

    private static void require(DeviceParameters parameters, long length) {
        if (parameters.networkLength() != length) {
            throw new IllegalArgumentException("the network has " + length + " parameters on this rank, not "
                    + parameters.networkLength() + ": was it made for another number of ranks?");
        }
    }

    /** Tells a CUDA backend of ND4J that the host's memory is newer than the device's. */
    private static void written(INDArray array) {
        Nd4j.getAffinityManager().tagLocation(array, Location.HOST);
    }
}

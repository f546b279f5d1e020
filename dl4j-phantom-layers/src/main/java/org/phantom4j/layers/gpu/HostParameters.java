package org.phantom4j.layers.gpu;

import com.sun.jna.Memory;
import java.time.Duration;
import java.util.Map;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.phantom4j.comm.DenseArrays;
import org.phantom4j.comm.cuda.DeviceMemory;
import org.phantom4j.ops.gpu.Parameter;

/** A network's parameters and updater state, to the device and back. */
final class HostParameters {

    private static final Duration LIMIT = Duration.ofMinutes(1);

    private HostParameters() {}

    /** Copies parameters and updater state to the device. */
    static void load(GpuMachine machine, DeviceParameters parameters, MultiLayerNetwork network) {
        INDArray values = network.params();
        require(parameters, values.length());
        inPieces(machine, parameters, DenseArrays.hostAddress(values), (host, staging, piece) -> {
            machine.main.copy(staging, host, piece.length() * machine.precision.resultBytes());
            machine.kernels.updates().store(machine.main, staging, piece);
        });
        INDArray state = updaterState(parameters, network);
        if (state == null) {
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
        inPieces(machine, parameters, DenseArrays.hostAddress(values), (host, staging, piece) -> {
            machine.kernels.updates().fetch(machine.main, piece, staging);
            machine.main.copy(host, staging, piece.length() * machine.precision.resultBytes());
        });
        written(values);
        INDArray state = updaterState(parameters, network);
        if (state != null) {
            copyState(machine, parameters, state, false);
            written(state);
        }
    }

    /** Copies a piece of a parameter between an address in host memory and one on the device. */
    private interface Piece {
        void copy(long host, long staging, Parameter piece);
    }

    /** Goes over all parameters in pieces that take little memory on the device. */
    private static void inPieces(GpuMachine machine, DeviceParameters parameters, long host, Piece each) {
        int bytes = machine.precision.resultBytes();
        long most = GpuMachine.TRANSFER_BYTES / bytes;
        for (Map.Entry<String, DeviceParameters.Place> entry :
                parameters.places().entrySet()) {
            Parameter whole = parameters.get(entry.getKey());
            long from = host + entry.getValue().networkOffset() * bytes;
            for (long done = 0; done < whole.length(); done += most) {
                long count = Math.min(most, whole.length() - done);
                each.copy(from + done * bytes, machine.transferBuffer(), whole.part(done, count, machine.precision));
                await(machine);
            }
        }
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

    /** Null where there is none on the device. */
    private static INDArray updaterState(DeviceParameters parameters, MultiLayerNetwork network) {
        return parameters.firstState() == 0 || network.getUpdater() == null
                ? null
                : network.getUpdater().getStateViewArray();
    }

    private static void require(DeviceParameters parameters, long length) {
        if (parameters.networkLength() != length) {
            throw new IllegalArgumentException("the network has " + length + " parameters on this rank, not "
                    + parameters.networkLength() + ": was it made for another number of ranks?");
        }
    }

    /** Tells a CUDA backend of ND4J that the host's memory is newer than the device's. */
    static void written(INDArray array) {
        array.putScalar(0, array.getDouble(0));
    }
}

package org.phantom4j.layers.gpu.parameters;

import com.sun.jna.Memory;
import java.time.Duration;
import java.util.List;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.phantom4j.comm.DenseArrays;
import org.phantom4j.comm.cuda.DeviceMemory;
import org.phantom4j.layers.gpu.device.GpuMachine;
import org.phantom4j.ops.gpu.MatrixBlock;

/** A network's parameters and updater state, to the device and back. */
public final class HostParameters {

    private static final Duration LIMIT = Duration.ofMinutes(1);

    private HostParameters() {}

    /** Copies parameters and updater state to the device, and the number of steps that have been made. */
    public static void load(GpuMachine machine, DeviceParameters parameters, MultiLayerNetwork network) {
        INDArray values = network.params();
        require(parameters, values.length());
        copy(machine, parameters, DenseArrays.hostAddress(values), true, (block, staging) -> machine.kernels
                .layout()
                .store(machine.main, staging, parameters.all(), block));
        copyState(machine, parameters, network, true);
        try (Memory count = new Memory(Long.BYTES)) {
            count.setLong(0, network.getIterationCount());
            machine.main.copy(parameters.controls().step(), DeviceMemory.addressOf(count), count.size());
            machine.await(LIMIT);
        }
    }

    /** Copies parameters and updater state back. */
    public static void store(GpuMachine machine, DeviceParameters parameters, MultiLayerNetwork network) {
        INDArray values = network.params();
        copy(machine, parameters, DenseArrays.hostAddress(values), false, (block, staging) -> machine.kernels
                .layout()
                .fetch(machine.main, parameters.all(), staging, block));
        written(values);
        copyState(machine, parameters, network, false);
    }

    /** Deeplearning4j keeps the state of equal updaters as one block: first moments of all parameters, then second ones. */
    private static void copyState(
            GpuMachine machine, DeviceParameters parameters, MultiLayerNetwork network, boolean toDevice) {
        DeviceParameters.UpdaterState there = parameters.state();
        INDArray state = there.first() == 0 || network.getUpdater() == null
                ? null
                : network.getUpdater().getStateViewArray();
        if (state == null) {
            return;
        }
        List<Long> moments = there.second() == 0 ? List.of(there.first()) : List.of(there.first(), there.second());
        long each = parameters.layout().networkLength();
        if (state.length() != moments.size() * each) {
            throw new IllegalStateException(
                    "the updater's state has " + state.length() + " values, not " + moments.size() + " · " + each);
        }
        long host = DenseArrays.hostAddress(state);
        for (int i = 0; i < moments.size(); i++) {
            long moment = moments.get(i);
            copy(
                    machine,
                    parameters,
                    host + i * each * machine.precision.resultBytes(),
                    toDevice,
                    toDevice
                            ? (block, staging) ->
                                    machine.kernels.layout().storeReals(machine.main, staging, moment, block)
                            : (block, staging) ->
                                    machine.kernels.layout().fetchReals(machine.main, moment, staging, block));
        }
        if (!toDevice) {
            written(state);
        }
    }

    /** Brings a part of a matrix from the staging memory to where it lies on the device, or back. */
    private interface Transfer {
        void run(MatrixBlock block, long staging);
    }

    /** Goes over all of the network's vector in pieces that take little memory on the device. */
    private static void copy(
            GpuMachine machine, DeviceParameters parameters, long host, boolean toDevice, Transfer transfer) {
        long bytes = machine.precision.resultBytes();
        long staging = machine.transferBuffer();
        for (ParameterLayout.Place place : parameters.layout().places()) {
            MatrixBlock block = place.block();
            long columns = Math.max(1, GpuMachine.TRANSFER_BYTES / (block.rows() * bytes));
            for (long from = 0; from < block.columns(); from += columns) {
                MatrixBlock piece = block.columns(from, Math.min(columns, block.columns() - from));
                long there = host + (place.networkOffset() + from * place.networkStride()) * bytes;
                if (!toDevice) {
                    transfer.run(piece, staging);
                }
                long row = block.rows() * bytes;
                long pitch = place.networkStride() * bytes;
                machine.main.copyRows(
                        toDevice ? staging : there,
                        toDevice ? row : pitch,
                        toDevice ? there : staging,
                        toDevice ? pitch : row,
                        row,
                        piece.columns());
                if (toDevice) {
                    transfer.run(piece, staging);
                }
            }
        }
        machine.await(LIMIT);
    }

    private static void require(DeviceParameters parameters, long length) {
        if (parameters.layout().networkLength() != length) {
            throw new IllegalArgumentException("the network has " + length + " parameters on this rank, not "
                    + parameters.layout().networkLength() + ": was it made for another number of ranks?");
        }
    }

    /** Tells a CUDA backend of ND4J that the host's memory is newer than the device's. */
    public static void written(INDArray array) {
        array.putScalar(0, array.getDouble(0));
    }
}

package org.phantom4j.layers.gpu;

import java.lang.ref.Reference;
import java.time.Duration;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.DenseArrays;
import org.phantom4j.ops.Products;
import org.phantom4j.ops.ShardRange;
import org.phantom4j.ops.gpu.Precision;

/** A network's outputs of any number of rows, computed in batches of one size. Its memory is the machine's. */
final class ForwardPass implements AutoCloseable {

    private final GpuMachine machine;
    private final StepProgram program;
    private final long inputs;
    private final long outputs;
    private final Duration timeout;

    /** Records the pass. A collective: every rank calls it. */
    ForwardPass(
            GpuMachine machine,
            Stack stack,
            DeviceParameters parameters,
            ShardRange own,
            long batch,
            Duration timeout) {
        this.machine = machine;
        this.program = new StepProgram(machine, stack, parameters, own, batch, false);
        this.inputs = stack.layers().get(0).geometry().nIn();
        this.outputs = stack.end().width();
        this.timeout = timeout;
    }

    /** Outputs of whole features, [rows, nIn], on every rank: [rows, nOut]. A collective. */
    INDArray outputs(INDArray features) {
        HostRows from = HostRows.of(features, machine.precision, inputs);
        long rows = features.size(0);
        DataType type = machine.precision == Precision.FP64 ? DataType.DOUBLE : DataType.FLOAT;
        INDArray all = Nd4j.createUninitialized(type, new long[] {rows, outputs}, 'c');
        INDArray some = Nd4j.createUninitialized(
                type, new long[] {program.batch(), outputs}, program.end().outputOrder());
        long rowBytes = from.pitch() * machine.precision.resultBytes();
        try {
            long address = from.address();
            for (long first = 0; first < rows; first += program.batch()) {
                long count = Math.min(program.batch(), rows - first);
                program.loadInputs(address + first * rowBytes, from.pitch(), count);
                program.start();
                program.end().gatherOutputs();
                program.end().copyOutputs(DenseArrays.hostAddress(some));
                machine.await(timeout);
                HostParameters.written(some);
                Products.rows(all, first, count).assign(Products.rows(some, 0, count));
            }
        } finally {
            // the device copies from the host's array until here
            Reference.reachabilityFence(from);
        }
        return all;
    }

    @Override
    public void close() {
        program.close();
    }
}

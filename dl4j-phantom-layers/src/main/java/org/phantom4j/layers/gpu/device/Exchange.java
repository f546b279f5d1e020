package org.phantom4j.layers.gpu.device;

import org.phantom4j.comm.cuda.CudaEvent;
import org.phantom4j.comm.cuda.CudaStream;
import org.phantom4j.comm.cuda.DeviceGroup;

/** A collective of data that one stream makes, and what other streams wait for. A rank alone waits for the data. */
public final class Exchange {

    private final GpuMachine machine;
    private final CudaEvent ready;
    private final CudaEvent done;

    Exchange(GpuMachine machine, CudaEvent ready, CudaEvent done) {
        this.machine = machine;
        this.ready = ready;
        this.done = done;
    }

    /** Gathers parts of {@code count} elements, behind what a stream has been given. */
    public void startAllGather(CudaStream from, long part, long whole, long count, DeviceGroup.Type type) {
        start(from, () -> machine.group.allGather(part, whole, count, type, machine.comm));
    }

    /** Sums wholes and leaves each rank its part of {@code count} elements, behind what a stream has been given. */
    public void startReduceScatter(CudaStream from, long whole, long part, long count, DeviceGroup.Type type) {
        start(from, () -> machine.group.reduceScatter(whole, part, count, type, machine.comm));
    }

    /** Sums arrays, behind what a stream has been given. */
    public void startAllReduce(CudaStream from, long array, long count, DeviceGroup.Type type) {
        start(from, () -> machine.group.allReduce(array, count, type, machine.comm));
    }

    private void start(CudaStream from, Runnable collective) {
        ready.record(from);
        if (machine.group.size() > 1) {
            machine.comm.await(ready);
            collective.run();
            done.record(machine.comm);
        }
    }

    /** A stream waits for its end. */
    public void await(CudaStream stream) {
        stream.await(machine.group.size() > 1 ? done : ready);
    }
}

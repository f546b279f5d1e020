package org.phantom4j.comm.nccl;

import org.phantom4j.comm.CommException;
import org.phantom4j.comm.CommException.Reason;
import org.phantom4j.comm.CommStats;
import org.phantom4j.comm.Communicator;
import org.phantom4j.comm.cuda.CudaStream;
import org.phantom4j.comm.cuda.DeviceGroup;

/** The devices of an {@link NcclGroup}, as a compiled step sees them. Does not own the group. */
public final class NcclDevices implements DeviceGroup {

    private final NcclGroup group;
    private long bytesSent;

    private NcclDevices(NcclGroup group) {
        this.group = group;
    }

    /**
     * The devices of a communicator's ranks.
     *
     * @throws IllegalArgumentException if the ranks do not communicate over NCCL
     */
    public static DeviceGroup of(Communicator communicator) {
        return new NcclDevices(NcclGroup.of(communicator));
    }

    @Override
    public int rank() {
        return group.rank();
    }

    @Override
    public int size() {
        return group.size();
    }

    @Override
    public void allGather(long part, long whole, long count, Type type, CudaStream stream) {
        group.allGather(part, whole, count, nccl(type), stream.handle());
        bytesSent += count * nccl(type).width() * (size() - 1);
    }

    @Override
    public void reduceScatter(long whole, long part, long count, Type type, CudaStream stream) {
        group.reduceScatter(whole, part, count, nccl(type), stream.handle());
        bytesSent += count * nccl(type).width() * (size() - 1);
    }

    @Override
    public void allReduce(long array, long count, Type type, CudaStream stream) {
        group.allReduce(array, array, count, nccl(type), stream.handle());
        bytesSent +=
                CommStats.allReduceElements(count, rank(), size()) * nccl(type).width();
    }

    private static NcclType nccl(Type type) {
        return switch (type) {
            case FLOAT -> NcclType.FLOAT;
            case DOUBLE -> NcclType.DOUBLE;
            case BFLOAT16 -> NcclType.BFLOAT16;
            case INT64 -> NcclType.INT64;
        };
    }

    /** {@inheritDoc} What is recorded into a graph counts once, when it is recorded. */
    @Override
    public void startStep(long rows) {
        group.startStep(rows);
    }

    @Override
    public long bytesSent() {
        return bytesSent;
    }

    @Override
    public void check() {
        group.check();
    }

    @Override
    public void abort() {
        group.abort(new CommException(Reason.TIMEOUT, "rank " + rank() + " did not end its step in time"));
    }

    @Override
    public void close() {
        // the group is its communicator's
    }
}

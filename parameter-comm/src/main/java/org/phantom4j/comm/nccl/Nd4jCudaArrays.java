package org.phantom4j.comm.nccl;

import org.nd4j.jita.allocator.impl.AllocationPoint;
import org.nd4j.jita.allocator.impl.AtomicAllocator;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.jcublas.context.CudaContext;
import org.phantom4j.comm.CommException;
import org.phantom4j.comm.CommException.Reason;
import org.phantom4j.comm.cuda.CudaDevice;
import org.phantom4j.comm.cuda.CudaEvent;
import org.phantom4j.comm.cuda.CudaStream;

/**
 * Arrays of ND4J's CUDA backend: NCCL reads and writes them where they are, ordered by events with ND4J's own stream; the host
 * waits for nothing. Loaded by name, where that backend computes.
 */
final class Nd4jCudaArrays implements ArrayMemory {

    private final CudaDevice device;
    private final CudaEvent ready;
    private CudaContext context;
    private long computeStream;

    Nd4jCudaArrays(CudaDevice device) {
        this.device = device;
        this.ready = CudaEvent.create();
    }

    /** The stream that ND4J's operations of this thread run in. */
    @SuppressWarnings("ReferenceEquality") // a context's equals looks at native handles
    private long computeStream() {
        CudaContext current = AtomicAllocator.getInstance().getDeviceContext();
        if (current != context) {
            context = current;
            computeStream = current.getCublasStream().address();
        }
        return computeStream;
    }

    @Override
    public Loan borrow() {
        return new CudaLoan();
    }

    @Override
    public void close() {
        ready.close();
    }

    private final class CudaLoan implements Loan {
        private AllocationPoint first;
        private AllocationPoint second;

        @Override
        public long address(INDArray array, boolean read, boolean written) {
            if (array.isEmpty() || array.length() == 0) {
                return 0;
            }
            AtomicAllocator allocator = AtomicAllocator.getInstance();
            AllocationPoint point = allocator.getAllocationPoint(array);
            if (point.getDeviceId() != device.ordinal()) {
                throw new CommException(
                        Reason.REFUSED,
                        "an array is on device " + point.getDeviceId() + " but this rank's is " + device.ordinal()
                                + ": make it on this rank's thread");
            }
            // copies what the host has written since; else nothing
            allocator.getFlowController().synchronizeToDevice(point);
            if (written) {
                if (first == null) {
                    first = point;
                } else {
                    second = point;
                }
            }
            // a view's own point knows its offset
            return point.getDevicePointer().address();
        }

        @Override
        public void begin(CudaStream stream) {
            ready.record(computeStream());
            stream.await(ready);
        }

        @Override
        public void end() {
            // ND4J must fetch them from the device before it reads them on the host
            if (first != null) {
                first.tickDeviceWrite();
            }
            if (second != null) {
                second.tickDeviceWrite();
            }
        }

        @Override
        public void await(NcclGroup group, CudaStream stream, CudaEvent done) {
            group.check();
            done.awaitIn(computeStream());
        }
    }
}

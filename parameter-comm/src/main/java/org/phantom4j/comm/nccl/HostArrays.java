package org.phantom4j.comm.nccl;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.phantom4j.comm.DenseArrays;
import org.phantom4j.comm.cuda.CudaEvent;
import org.phantom4j.comm.cuda.CudaStream;
import org.phantom4j.comm.cuda.DeviceMemory;

/**
 * Arrays of ND4J's CPU backend, beside which code of its own computes on the device: they are copied there and back, and the
 * host waits. For what is gathered or agreed upon before and after the work; not for each step.
 */
final class HostArrays implements ArrayMemory {

    private final CudaStream stream;
    private final Set<HostLoan> lent = new HashSet<>();

    /** Copies in this stream, which is the collectives' own. */
    HostArrays(CudaStream stream) {
        this.stream = stream;
    }

    /** An array and its image on the device. */
    private record Image(INDArray array, DeviceMemory memory, boolean written) {

        private long hostAddress() {
            return DenseArrays.hostAddress(array);
        }

        private long bytes() {
            return array.length() * array.dataType().width();
        }
    }

    @Override
    public Loan borrow() {
        HostLoan loan = new HostLoan();
        lent.add(loan);
        return loan;
    }

    @Override
    public void close() {
        List.copyOf(lent).forEach(HostLoan::free);
    }

    private final class HostLoan implements Loan {
        private final List<Image> images = new ArrayList<>();

        @Override
        public long address(INDArray array, boolean read, boolean written) {
            if (array.isEmpty() || array.length() == 0) {
                return 0;
            }
            Image image = new Image(
                    array,
                    DeviceMemory.allocate(array.length() * array.dataType().width()),
                    written);
            images.add(image);
            if (read) {
                stream.copy(image.memory().address(), image.hostAddress(), image.bytes());
            }
            return image.memory().address();
        }

        @Override
        public void begin(CudaStream own) {
            // the copies come before the collective in the same stream
        }

        @Override
        public void end() {
            // nobody may look at the arrays before await
        }

        @Override
        public void await(NcclGroup group, CudaStream own, CudaEvent done) {
            try {
                // first the collective, with its deadline: a copy to ordinary memory makes the host wait without one
                group.await(own);
                for (Image image : images) {
                    if (image.written()) {
                        own.copy(image.hostAddress(), image.memory().address(), image.bytes());
                    }
                }
                group.await(own);
            } finally {
                free();
            }
        }

        private void free() {
            images.forEach(image -> image.memory().close());
            images.clear();
            lent.remove(this);
        }
    }
}

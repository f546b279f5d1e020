package org.phantom4j.comm.nccl;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.phantom4j.comm.cuda.CudaEvent;
import org.phantom4j.comm.cuda.CudaStream;

/**
 * Where the elements of ND4J's arrays are on the device. One for each kind of ND4J backend. Belongs to the rank's thread, and
 * to its device.
 */
interface ArrayMemory {

    /** The arrays of one collective. */
    interface Loan {

        /**
         * The device address of a dense array's first element, 0 if it has none.
         *
         * @param read whether the collective reads what is in it
         * @param written whether it writes to it
         */
        long address(INDArray array, boolean read, boolean written);

        /** Called when all addresses are known: what the arrays' own streams were given so far is done before the stream goes on. */
        void begin(CudaStream stream);

        /** Called when the collective was given to the stream, and {@code done} marks its end there. */
        void end();

        /** Lets the arrays be used: their own streams, or the host, wait for the collective. */
        void await(NcclGroup group, CudaStream stream, CudaEvent done);
    }

    Loan borrow();

    /** Frees what loans hold that were not awaited: their collectives failed, or those who started them did. */
    void close();
}

package org.phantom4j.comm.aeron;

import io.aeron.driver.MediaDriver;
import io.aeron.driver.buffer.FileStoreLogFactory;
import io.aeron.driver.buffer.LogFactory;
import io.aeron.driver.buffer.RawLog;
import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.Method;
import org.agrona.CloseHelper;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Aeron's own log buffers, but cleared by {@link Copies}. The driver clears every byte of a stream before it opens the
 * window further, and finds it in the caches of the ranks that wrote and read it: that bounded large transfers between
 * processes. Belongs to the driver's conductor.
 */
final class ClearedLogs implements LogFactory {

    private final MediaDriver.Context context;
    private LogFactory logs;

    private ClearedLogs(MediaDriver.Context context) {
        this.context = context;
    }

    /** Gives the driver these logs; false if this Aeron has no place for them, and keeps its own. */
    static boolean installIn(MediaDriver.Context context) {
        try {
            Method setter = MediaDriver.Context.class.getDeclaredMethod("logFactory", LogFactory.class);
            setter.setAccessible(true);
            setter.invoke(context, new ClearedLogs(context));
            return true;
        } catch (ReflectiveOperationException | InaccessibleObjectException e) {
            return false;
        }
    }

    private static final class ClearedBuffer extends UnsafeBuffer {
        ClearedBuffer(DirectBuffer buffer) {
            super(buffer);
        }

        @Override
        public void setMemory(int index, int length, byte value) {
            if (value == 0) {
                boundsCheck(index, length);
                Copies.clear(addressOffset() + index, length);
            } else {
                super.setMemory(index, length, value);
            }
        }
    }

    @Override
    public RawLog newPublication(long correlationId, int termLength, boolean isSparse) {
        return cleared(logs().newPublication(correlationId, termLength, isSparse));
    }

    @Override
    public RawLog newImage(long correlationId, int termLength, boolean isSparse) {
        return cleared(logs().newImage(correlationId, termLength, isSparse));
    }

    /** Made late: the driver makes its directory after it has been configured. */
    private LogFactory logs() {
        if (logs == null) {
            logs = new FileStoreLogFactory(
                    context.aeronDirectoryName(),
                    context.filePageSize(),
                    context.performStorageChecks(),
                    context.lowStorageWarningThreshold(),
                    context.errorHandler());
        }
        return logs;
    }

    static RawLog cleared(RawLog log) {
        // the log's own array, by which it forgets the memory when it is unmapped
        UnsafeBuffer[] terms = log.termBuffers();
        for (int i = 0; i < terms.length; i++) {
            terms[i] = new ClearedBuffer(terms[i]);
        }
        return log;
    }

    @Override
    public void close() {
        CloseHelper.close(logs);
    }
}

package org.phantom4j.comm.cuda;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;

/** A kernel of a module. */
public final class CudaKernel {

    private static final int MAX_DYNAMIC_SHARED = 8;
    private static final int SLOT = 8;

    private final String name;
    private final long function;

    CudaKernel(String name, long function) {
        this.name = name;
        this.function = function;
    }

    /** Lets blocks of this kernel have that much dynamic shared memory, where it is more than 48 KiB. */
    public CudaKernel withSharedBytes(int bytes) {
        CudaDriver.check(
                "cuFuncSetAttribute of " + name, CudaDriver.cuFuncSetAttribute(function, MAX_DYNAMIC_SHARED, bytes));
        return this;
    }

    /** How many blocks there are in each direction. */
    public record Grid(int x, int y, int z) {}

    /** Launches it with a grid of two directions. */
    public void launch(CudaStream stream, int gridX, int gridY, int blockX, int sharedBytes, Object... arguments) {
        launch(stream, new Grid(gridX, gridY, 1), blockX, sharedBytes, arguments);
    }

    /**
     * Launches it, in the stream's order.
     *
     * @param arguments Long (pointers and 64-bit numbers), Integer, Float, Double, or byte[] for structures passed by value
     */
    public void launch(CudaStream stream, Grid grid, int blockX, int sharedBytes, Object... arguments) {
        int bytes = 0;
        for (Object argument : arguments) {
            bytes = align(bytes, argument) + size(argument);
        }
        try (Memory pointers = new Memory((long) SLOT * arguments.length + 64);
                Memory values = new Memory(bytes + 128L)) {
            // structures such as tensor maps are aligned to 64 bytes
            long skip = -Pointer.nativeValue(values) & 63;
            int offset = 0;
            for (int i = 0; i < arguments.length; i++) {
                offset = align(offset, arguments[i]);
                put(values, skip + offset, arguments[i]);
                pointers.setPointer((long) SLOT * i, values.share(skip + offset));
                offset += size(arguments[i]);
            }
            CudaDriver.check(
                    "launch of " + name,
                    CudaDriver.cuLaunchKernel(
                            function,
                            grid.x(),
                            grid.y(),
                            grid.z(),
                            blockX,
                            1,
                            1,
                            sharedBytes,
                            stream.handle(),
                            pointers,
                            Pointer.NULL));
        }
    }

    private static int align(int offset, Object argument) {
        int to = argument instanceof byte[] ? 64 : size(argument);
        return (offset + to - 1) / to * to;
    }

    private static int size(Object argument) {
        return argument instanceof byte[] bytes
                ? (bytes.length + 63) / 64 * 64
                : argument instanceof Long || argument instanceof Double ? 8 : 4;
    }

    private static void put(Memory values, long offset, Object argument) {
        if (argument instanceof Long value) {
            values.setLong(offset, value);
        } else if (argument instanceof Integer value) {
            values.setInt(offset, value);
        } else if (argument instanceof Float value) {
            values.setFloat(offset, value);
        } else if (argument instanceof Double value) {
            values.setDouble(offset, value);
        } else if (argument instanceof byte[] value) {
            values.write(offset, value, 0, value.length);
        } else {
            throw new IllegalArgumentException("a kernel takes no " + argument.getClass());
        }
    }
}

package org.phantom4j.ops.cuda.fatbin;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Writes containers. */
public final class FatBinaryWriter {
    private static final int ALIGNMENT_BYTES = 8;
    private static final short ENTRY_VERSION = 0x0101;
    /** Where a cubin, an ELF file, says the version of its binary interface: its minor version to a container. */
    private static final int CUBIN_VERSION_OFFSET = 8;

    private static final int CUBIN_MAJOR_VERSION = 1;
    /** 64-bit code for a Linux host. */
    private static final long FLAGS = 0x11;

    private FatBinaryWriter() {}

    /**
     * Makes a container that holds one cubin.
     *
     * @throws IllegalArgumentException if it is too short to be one
     * @return its bytes, a multiple of 8
     */
    public static byte[] container(GpuArchitecture architecture, byte[] cubin, Compression compression) {
        if (cubin.length <= CUBIN_VERSION_OFFSET) {
            throw new IllegalArgumentException("a cubin of " + cubin.length + " bytes");
        }
        int codeVersion = CUBIN_MAJOR_VERSION << 16 | Byte.toUnsignedInt(cubin[CUBIN_VERSION_OFFSET]);
        return container(ImageKind.CUBIN, codeVersion, architecture, cubin, compression);
    }

    static byte[] container(
            ImageKind kind, int codeVersion, GpuArchitecture architecture, byte[] image, Compression compression) {
        byte[] payload = compression.compress(image);
        int paddedBytes = (payload.length + ALIGNMENT_BYTES - 1) / ALIGNMENT_BYTES * ALIGNMENT_BYTES;
        int bodyBytes = FatBinary.ENTRY_HEADER_BYTES + paddedBytes;
        ByteBuffer out = ByteBuffer.allocate(FatBinary.HEADER_BYTES + bodyBytes).order(ByteOrder.LITTLE_ENDIAN);
        out.putInt(FatBinary.MAGIC)
                .putShort((short) FatBinary.VERSION)
                .putShort((short) FatBinary.HEADER_BYTES)
                .putLong(bodyBytes);
        boolean packed = compression != Compression.NONE;
        out.putShort((short) kind.code)
                .putShort(ENTRY_VERSION)
                .putInt(FatBinary.ENTRY_HEADER_BYTES)
                .putLong(paddedBytes)
                .putInt(packed ? payload.length : 0)
                .putInt(0)
                .putInt(codeVersion)
                .putInt(architecture.number())
                .putLong(0)
                .putLong(FLAGS | compression.flag)
                .putLong(0)
                .putLong(packed ? image.length : 0);
        out.put(payload);
        return out.array();
    }
}

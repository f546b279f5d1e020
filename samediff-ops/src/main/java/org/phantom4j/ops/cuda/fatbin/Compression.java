package org.phantom4j.ops.cuda.fatbin;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdException;
import net.jpountz.lz4.LZ4Exception;
import net.jpountz.lz4.LZ4Factory;

/** How a payload is packed. */
public enum Compression {
    /** As it is. */
    NONE(0, 1),
    /** One LZ4 block: every driver reads it. */
    LZ4(0x2000, 255),
    /** One Zstandard frame: tools of CUDA 12.4 and later write it, drivers of that age read it. */
    ZSTANDARD(0x8000, Long.MAX_VALUE);

    /** Larger payloads are refused, so that a hostile size cannot exhaust memory; ND4J's largest is 15 MB. */
    static final int MAX_UNCOMPRESSED_BYTES = 256 << 20;

    private static final int LZ4_LEVEL = 9;
    private static final int ZSTANDARD_LEVEL = 9;
    private static final long MASK = 0xa000;

    final long flag;
    /** What a byte can become at most. */
    private final long maxRatio;

    Compression(long flag, long maxRatio) {
        this.flag = flag;
        this.maxRatio = maxRatio;
    }

    static Compression ofFlags(long flags, long offset) throws BinaryFormatException {
        for (Compression compression : values()) {
            if ((flags & MASK) == compression.flag) {
                return compression;
            }
        }
        throw new BinaryFormatException(offset, String.format("flags 0x%x name two compressions at once", flags));
    }

    byte[] compress(byte[] plain) {
        return switch (this) {
            case NONE -> plain.clone();
            case LZ4 -> LZ4Factory.fastestInstance().highCompressor(LZ4_LEVEL).compress(plain);
            case ZSTANDARD -> Zstd.compress(plain, ZSTANDARD_LEVEL);
        };
    }

    /**
     * Unpacks a payload of {@code uncompressedBytes}.
     *
     * @param offset of the payload in its file, for the error
     */
    byte[] decompress(byte[] packed, long uncompressedBytes, long offset) throws BinaryFormatException {
        if (this == NONE) {
            return packed;
        }
        if (uncompressedBytes < 0
                || uncompressedBytes > MAX_UNCOMPRESSED_BYTES
                || uncompressedBytes / maxRatio > packed.length) {
            throw new BinaryFormatException(
                    offset,
                    String.format(
                            "%s bytes cannot come out of %d bytes of %s (at most %d MiB are unpacked)",
                            Long.toUnsignedString(uncompressedBytes),
                            packed.length,
                            this,
                            MAX_UNCOMPRESSED_BYTES >> 20));
        }
        try {
            byte[] plain = this == LZ4 ? lz4(packed, (int) uncompressedBytes) : zstandard(packed, uncompressedBytes);
            if (plain.length != uncompressedBytes) {
                throw new BinaryFormatException(
                        offset, plain.length + " bytes came out where the header says " + uncompressedBytes);
            }
            return plain;
        } catch (LZ4Exception | ZstdException e) {
            throw new BinaryFormatException(offset, "damaged " + this + " payload: " + e.getMessage());
        }
    }

    private static byte[] lz4(byte[] packed, int uncompressedBytes) {
        // the instance in pure Java: bounds-checked by the virtual machine as well
        return LZ4Factory.fastestJavaInstance().safeDecompressor().decompress(packed, uncompressedBytes);
    }

    private static byte[] zstandard(byte[] packed, long uncompressedBytes) {
        // the frame's own word first: nothing is allocated for a header that lies
        if (Zstd.getFrameContentSize(packed) != uncompressedBytes) {
            throw new ZstdException(Zstd.errCorruptionDetected(), "the frame is of another size than the header says");
        }
        return Zstd.decompress(packed, (int) uncompressedBytes);
    }
}

package org.phantom4j.ops.cuda.fatbin;

import java.io.IOException;

/**
 * One image of a container: the same kernels for one architecture.
 *
 * @param kind              what its payload holds
 * @param architecture      the architecture it was made for
 * @param offset            of its header in the file
 * @param payloadOffset     of its payload in the file
 * @param payloadBytes      of its payload as it lies there, without padding where it is compressed
 * @param uncompressedBytes of the image once unpacked
 * @param compression       how it is packed
 */
public record FatBinaryEntry(
        ImageKind kind,
        GpuArchitecture architecture,
        long offset,
        long payloadOffset,
        long payloadBytes,
        long uncompressedBytes,
        Compression compression) {

    /**
     * Reads and unpacks the image.
     *
     * @throws BinaryFormatException if the payload is damaged
     */
    public byte[] image(ByteSource source) throws IOException {
        return compression.decompress(source.bytes(payloadOffset, payloadBytes), uncompressedBytes, payloadOffset);
    }
}

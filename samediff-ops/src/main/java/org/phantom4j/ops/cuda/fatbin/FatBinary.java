package org.phantom4j.ops.cuda.fatbin;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/**
 * A container: the kernels of one translation unit, for several architectures.
 *
 * @param offset  of its header in the file
 * @param bytes   from its header to the end of its last entry
 * @param entries in the order of the file
 */
public record FatBinary(long offset, long bytes, List<FatBinaryEntry> entries) {
    static final int MAGIC = 0xba55ed50;
    static final int VERSION = 1;
    static final int HEADER_BYTES = 16;
    static final int ENTRY_HEADER_BYTES = 64;
    private static final int MAX_ENTRY_HEADER_BYTES = 1 << 16;
    private static final int SKIP_BYTES = 1 << 20;
    private static final List<String> SECTIONS = List.of(".nv_fatbin", "__nv_relfatbin");

    /** Makes the list of entries unmodifiable. */
    public FatBinary {
        entries = List.copyOf(entries);
    }

    /** {@return the sections of an ELF file that hold fat binaries; none, if it is no CUDA library} */
    public static List<ElfSection> sections(ByteSource source) throws IOException {
        return ElfFile.sections(source).stream()
                .filter(section -> SECTIONS.contains(section.name()))
                .toList();
    }

    /**
     * Reads every container of a section, with the headers of their entries.
     *
     * @throws BinaryFormatException if anything but containers and zero padding lies there
     */
    public static List<FatBinary> read(ByteSource source, ElfSection section) throws IOException {
        List<FatBinary> found = new ArrayList<>();
        long position = skipPadding(source, section.offset(), section.end());
        while (position < section.end()) {
            FatBinary container = readOne(source, position, section.end());
            found.add(container);
            position = skipPadding(source, position + container.bytes(), section.end());
        }
        return Collections.unmodifiableList(found);
    }

    /** {@return the PTX for the newest virtual architecture that {@code target} can run, if there is any} */
    public Optional<FatBinaryEntry> ptxFor(GpuArchitecture target) {
        return entries.stream()
                .filter(entry ->
                        entry.kind() == ImageKind.PTX && entry.architecture().compareTo(target) <= 0)
                .max((a, b) -> a.architecture().compareTo(b.architecture()));
    }

    private static FatBinary readOne(ByteSource source, long offset, long end) throws IOException {
        if (end - offset < HEADER_BYTES) {
            throw new BinaryFormatException(offset, "a fat binary's header does not fit in the rest of its section");
        }
        ByteBuffer header = source.read(offset, HEADER_BYTES);
        int magic = header.getInt(0);
        int version = Short.toUnsignedInt(header.getShort(4));
        int headerBytes = Short.toUnsignedInt(header.getShort(6));
        if (magic != MAGIC || version != VERSION || headerBytes != HEADER_BYTES) {
            throw new BinaryFormatException(
                    offset,
                    String.format(
                            "no fat binary: magic 0x%08x, version %d, header of %d bytes",
                            magic, version, headerBytes));
        }
        long bodyBytes = header.getLong(8);
        long start = offset + HEADER_BYTES;
        if (bodyBytes < 0 || bodyBytes > end - start) {
            throw new BinaryFormatException(
                    offset + 8,
                    Long.toUnsignedString(bodyBytes) + " bytes of entries, " + (end - start)
                            + " are left in the section");
        }
        List<FatBinaryEntry> entries = new ArrayList<>();
        long position = start;
        while (position < start + bodyBytes) {
            position = readEntry(source, position, start + bodyBytes, entries);
        }
        return new FatBinary(offset, HEADER_BYTES + bodyBytes, entries);
    }

    /** Adds the entry at {@code offset}; returns the offset of the next one, always further on. */
    private static long readEntry(ByteSource source, long offset, long end, List<FatBinaryEntry> entries)
            throws IOException {
        if (end - offset < ENTRY_HEADER_BYTES) {
            throw new BinaryFormatException(offset, "an entry's header does not fit in the rest of its fat binary");
        }
        ByteBuffer header = source.read(offset, ENTRY_HEADER_BYTES);
        long headerBytes = Integer.toUnsignedLong(header.getInt(4));
        long paddedBytes = header.getLong(8);
        if (headerBytes < ENTRY_HEADER_BYTES || headerBytes > MAX_ENTRY_HEADER_BYTES || headerBytes > end - offset) {
            throw new BinaryFormatException(offset + 4, "an entry's header of " + headerBytes + " bytes");
        }
        long payloadOffset = offset + headerBytes;
        if (paddedBytes < 0 || paddedBytes > end - payloadOffset) {
            throw new BinaryFormatException(
                    offset + 8,
                    Long.toUnsignedString(paddedBytes) + " bytes of payload, " + (end - payloadOffset)
                            + " are left in the fat binary");
        }
        Compression compression = Compression.ofFlags(header.getLong(40), offset + 40);
        boolean packed = compression != Compression.NONE;
        long payloadBytes = packed ? Integer.toUnsignedLong(header.getInt(16)) : paddedBytes;
        if (payloadBytes > paddedBytes) {
            throw new BinaryFormatException(
                    offset + 16, payloadBytes + " compressed bytes in a payload of " + paddedBytes);
        }
        int architecture = header.getInt(28);
        if (architecture < 0 || architecture > 999) {
            throw new BinaryFormatException(offset + 28, "architecture " + architecture);
        }
        entries.add(new FatBinaryEntry(
                ImageKind.ofCode(Short.toUnsignedInt(header.getShort(0))),
                new GpuArchitecture(architecture),
                offset,
                payloadOffset,
                payloadBytes,
                packed ? header.getLong(56) : payloadBytes,
                compression));
        return payloadOffset + paddedBytes;
    }

    /** Finds the first byte from {@code position} on that is not zero: where the next container must begin. */
    private static long skipPadding(ByteSource source, long position, long end) throws IOException {
        for (long at = position; at < end; at += SKIP_BYTES) {
            byte[] chunk = source.bytes(at, Math.min(SKIP_BYTES, end - at));
            for (int i = 0; i < chunk.length; i++) {
                if (chunk[i] != 0) {
                    return at + i;
                }
            }
        }
        return end;
    }
}

package org.phantom4j.ops.cuda.fatbin;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** The section table of a 64-bit little-endian ELF file; what the Linux libraries on CUDA's platforms are. */
public final class ElfFile {
    private static final int MAGIC = 0x464c457f;
    private static final int HEADER_BYTES = 64;
    private static final int SECTION_HEADER_BYTES = 64;
    private static final int CLASS_64_LITTLE_ENDIAN = 0x0102;
    private static final int TYPE_NOBITS = 8;
    /** More sections than this (an extension of ELF that shared libraries do not use) are refused. */
    private static final int MAX_SECTIONS = 0xff00;

    private ElfFile() {}

    /**
     * Reads the sections that have bytes in the file, in the order of their table.
     *
     * @throws BinaryFormatException if this is no such ELF file, or a section lies outside it
     */
    public static List<ElfSection> sections(ByteSource source) throws IOException {
        if (source.size() < HEADER_BYTES) {
            throw new BinaryFormatException(0, "no ELF file: " + source.size() + " bytes are less than its header");
        }
        ByteBuffer header = source.read(0, HEADER_BYTES);
        if (header.getInt(0) != MAGIC) {
            throw new BinaryFormatException(0, String.format("no ELF file: it begins with 0x%08x", header.getInt(0)));
        }
        if (header.getShort(4) != CLASS_64_LITTLE_ENDIAN) {
            throw new BinaryFormatException(4, "not a 64-bit little-endian ELF file");
        }
        long tableOffset = header.getLong(40);
        int entryBytes = Short.toUnsignedInt(header.getShort(58));
        int count = Short.toUnsignedInt(header.getShort(60));
        int namesIndex = Short.toUnsignedInt(header.getShort(62));
        if (count == 0 || count >= MAX_SECTIONS || entryBytes != SECTION_HEADER_BYTES || namesIndex >= count) {
            throw new BinaryFormatException(
                    58, count + " section headers of " + entryBytes + " bytes, names in section " + namesIndex);
        }
        ByteBuffer table = source.read(tableOffset, (long) count * SECTION_HEADER_BYTES);
        byte[] names = content(source, table, tableOffset, namesIndex);
        List<ElfSection> sections = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int at = i * SECTION_HEADER_BYTES;
            if (table.getInt(at + 4) != TYPE_NOBITS) {
                long offset = table.getLong(at + 24);
                long size = table.getLong(at + 32);
                source.check(offset, size);
                sections.add(new ElfSection(name(names, table.getInt(at), tableOffset + at), offset, size));
            }
        }
        return sections;
    }

    private static byte[] content(ByteSource source, ByteBuffer table, long tableOffset, int index) throws IOException {
        int at = index * SECTION_HEADER_BYTES;
        long size = table.getLong(at + 32);
        if (size < 0 || size > 1 << 20) {
            throw new BinaryFormatException(
                    tableOffset + at + 32, Long.toUnsignedString(size) + " bytes of section names: at most 1 MiB");
        }
        return source.bytes(table.getLong(at + 24), size);
    }

    private static String name(byte[] names, int start, long headerOffset) throws BinaryFormatException {
        if (start < 0 || start >= names.length) {
            throw new BinaryFormatException(headerOffset, "section name outside the table of names");
        }
        int end = start;
        while (end < names.length && names[end] != 0) {
            end++;
        }
        return new String(names, start, end - start, StandardCharsets.ISO_8859_1);
    }
}

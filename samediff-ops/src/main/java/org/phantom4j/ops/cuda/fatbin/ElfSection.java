package org.phantom4j.ops.cuda.fatbin;

/**
 * A section that lies in an ELF file.
 *
 * @param name   as the file gives it, such as {@code .nv_fatbin}
 * @param offset of its first byte in the file
 * @param size   in bytes
 */
public record ElfSection(String name, long offset, long size) {
    /** {@return one past the offset of its last byte} */
    public long end() {
        return offset + size;
    }
}

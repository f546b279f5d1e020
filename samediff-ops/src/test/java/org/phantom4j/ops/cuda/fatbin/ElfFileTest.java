package org.phantom4j.ops.cuda.fatbin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

class ElfFileTest {
    private static final byte[] LIBRARY = TestLibrary.elf(List.of(TestLibrary.likeNd4j(0, Compression.LZ4)), 5);

    @Test
    void findsSections() throws IOException {
        List<ElfSection> sections = ElfFile.sections(ByteSource.of(LIBRARY));
        assertEquals(
                List.of("", ".text", ".nv_fatbin", ".data", ".shstrtab"),
                sections.stream().map(ElfSection::name).toList());
        assertEquals(new ElfSection(".text", 64, 1000), sections.get(1));
        assertEquals(sections.get(1).end(), sections.get(2).offset());
    }

    @Test
    void readsThePlatformsOwnLibraries() throws IOException {
        Path library = Path.of(System.getProperty("java.home"), "lib", "libjava.so");
        Assumptions.assumeTrue(Files.exists(library), "no Linux: " + library + " is missing");
        try (ByteSource source = ByteSource.open(library)) {
            List<String> names =
                    ElfFile.sections(source).stream().map(ElfSection::name).toList();
            assertTrue(names.containsAll(List.of(".text", ".dynsym", ".dynstr", ".rodata")), names.toString());
            assertEquals(List.of(), FatBinary.sections(source));
        }
    }

    @Test
    void errorsNameTheirOffset() {
        assertFails(new byte[0], 0, "less than its header");
        assertFails("#!/bin/sh".repeat(10).getBytes(StandardCharsets.US_ASCII), 0, "no ELF file");
        assertFails(TestLibrary.with(LIBRARY, 4, (byte) 1), 4, "64-bit");
        assertFails(TestLibrary.with(LIBRARY, 58, (byte) 63), 58, "63 bytes");
        assertFails(TestLibrary.with(LIBRARY, 62, (byte) 9), 58, "section 9");
        assertFails(Arrays.copyOf(LIBRARY, LIBRARY.length - 1), LIBRARY.length - 5 * 64, "the file ends at");
        byte[] beyond = TestLibrary.with(LIBRARY, 47, (byte) 0x7f);
        assertThrows(BinaryFormatException.class, () -> ElfFile.sections(ByteSource.of(beyond)));
    }

    private static void assertFails(byte[] file, long offset, String words) {
        BinaryFormatException e =
                assertThrows(BinaryFormatException.class, () -> ElfFile.sections(ByteSource.of(file)));
        assertEquals(offset, e.offset(), e.getMessage());
        assertTrue(e.getMessage().contains(words), e.getMessage());
    }
}

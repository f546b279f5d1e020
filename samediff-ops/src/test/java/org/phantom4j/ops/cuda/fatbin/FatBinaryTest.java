package org.phantom4j.ops.cuda.fatbin;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class FatBinaryTest {
    private static final GpuArchitecture HOPPER = new GpuArchitecture(90);

    @ParameterizedTest
    @EnumSource(Compression.class)
    void readsEveryImageOfEveryContainer(Compression compression) throws IOException {
        List<List<TestLibrary.Image>> containers =
                List.of(TestLibrary.likeNd4j(0, compression), TestLibrary.likeNd4j(1, compression));
        ByteSource source = ByteSource.of(TestLibrary.elf(containers, 1));
        List<FatBinary> read = read(source);
        assertEquals(2, read.size());
        for (int c = 0; c < containers.size(); c++) {
            List<FatBinaryEntry> entries = read.get(c).entries();
            assertEquals(2, entries.size());
            for (int e = 0; e < entries.size(); e++) {
                TestLibrary.Image expected = containers.get(c).get(e);
                FatBinaryEntry entry = entries.get(e);
                assertEquals(expected.kind(), entry.kind());
                assertEquals(expected.architecture(), entry.architecture().number());
                assertEquals(compression, entry.compression());
                // what is not compressed has no length but that of its padded payload
                byte[] image = Arrays.copyOf(entry.image(source), expected.bytes());
                assertArrayEquals(expected.content(), image);
            }
        }
    }

    @Test
    void choosesTheNewestPtxThatTheTargetRuns() throws IOException {
        List<TestLibrary.Image> images = List.of(
                new TestLibrary.Image(ImageKind.PTX, 70, "a", 100, Compression.NONE),
                new TestLibrary.Image(ImageKind.PTX, 86, "b", 100, Compression.NONE),
                new TestLibrary.Image(ImageKind.PTX, 100, "c", 100, Compression.NONE));
        FatBinary container =
                read(ByteSource.of(TestLibrary.elf(List.of(images), 1))).get(0);
        assertEquals(86, container.ptxFor(HOPPER).orElseThrow().architecture().number());
        assertTrue(container.ptxFor(new GpuArchitecture(60)).isEmpty());
    }

    @Test
    void writtenContainerReadsBack() throws IOException {
        byte[] cubin = new TestLibrary.Image(ImageKind.CUBIN, 90, "\177ELF....\10", 5001, Compression.NONE).content();
        byte[] container = FatBinaryWriter.container(HOPPER, cubin, Compression.LZ4);
        assertEquals(0, container.length % 8);
        ByteSource source = ByteSource.of(container);
        FatBinary read = FatBinary.read(source, new ElfSection(".nv_fatbin", 0, container.length))
                .get(0);
        assertEquals(container.length, read.bytes());
        assertArrayEquals(cubin, read.entries().get(0).image(source));
        int codeVersion =
                ByteBuffer.wrap(container).order(ByteOrder.LITTLE_ENDIAN).getInt(16 + 24);
        assertEquals(1 << 16 | 8, codeVersion, "1.8, from the cubin's own header");
    }

    @Test
    void paddingBetweenContainersIsSkipped() throws IOException {
        byte[] one = TestLibrary.container(TestLibrary.likeNd4j(0, Compression.LZ4));
        int gap = 3 << 20;
        byte[] section = ByteBuffer.allocate(2 * one.length + 2 * gap)
                .put(one)
                .position(one.length + gap)
                .put(one)
                .array();
        List<FatBinary> read = FatBinary.read(ByteSource.of(section), new ElfSection(".nv_fatbin", 0, section.length));
        assertEquals(
                List.of(0L, (long) one.length + gap),
                read.stream().map(FatBinary::offset).toList());
    }

    @Test
    void errorsNameTheirOffset() {
        byte[] one = TestLibrary.container(TestLibrary.likeNd4j(0, Compression.LZ4));
        assertFails(TestLibrary.with(one, 0, (byte) 7), 0, "magic 0xba55ed07");
        assertFails(TestLibrary.with(one, 4, (byte) 2), 0, "version 2");
        assertFails(TestLibrary.with(one, 15, (byte) 0x7f), 8, "bytes of entries");
        assertFails(TestLibrary.with(one, 15, (byte) 0xff), 8, "bytes of entries");
        assertFails(TestLibrary.with(one, 20, (byte) 0), 20, "header of 0 bytes");
        assertFails(TestLibrary.with(one, 31, (byte) 0x40), 24, "bytes of payload");
        assertFails(TestLibrary.with(one, 35, (byte) 0x7f), 32, "compressed bytes in a payload");
        assertFails(TestLibrary.with(one, 16 + 41, (byte) 0xa0), 56, "two compressions");
        assertFails(Arrays.copyOf(one, one.length - 8), 8, "are left in the section");
        assertFails(Arrays.copyOf(one, 10), 0, "does not fit");
    }

    @ParameterizedTest
    @EnumSource(
            value = Compression.class,
            names = {"LZ4", "ZSTANDARD"})
    void sizesThatCannotBeAreRefusedBeforeMemoryIsTaken(Compression compression) throws IOException {
        byte[] one = TestLibrary.container(TestLibrary.likeNd4j(0, compression));
        for (int high : new int[] {0x01, 0x7f, 0xff}) {
            byte[] hostile = TestLibrary.with(one, 16 + 60, (byte) high);
            ByteSource source = ByteSource.of(hostile);
            FatBinaryEntry entry = FatBinary.read(source, new ElfSection("", 0, hostile.length))
                    .get(0)
                    .entries()
                    .get(0);
            BinaryFormatException e = assertThrows(BinaryFormatException.class, () -> entry.image(source));
            assertEquals(80, e.offset());
            assertTrue(e.getMessage().contains("cannot come out of"), e.getMessage());
        }
    }

    private static void assertFails(byte[] section, long offset, String words) {
        BinaryFormatException e = assertThrows(
                BinaryFormatException.class,
                () -> FatBinary.read(ByteSource.of(section), new ElfSection(".nv_fatbin", 0, section.length)));
        assertEquals(offset, e.offset(), e.getMessage());
        assertTrue(e.getMessage().contains(words), e.getMessage());
        assertTrue(e.getMessage().startsWith(String.format("at offset 0x%x: ", offset)), e.getMessage());
    }

    private static List<FatBinary> read(ByteSource source) throws IOException {
        return FatBinary.read(source, FatBinary.sections(source).get(0));
    }
}

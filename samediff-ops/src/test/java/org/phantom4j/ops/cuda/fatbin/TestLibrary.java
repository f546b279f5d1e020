package org.phantom4j.ops.cuda.fatbin;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Makes small ELF files that hold fat binaries as NVIDIA's tools write them, with code before and after. */
public final class TestLibrary {
    private static final int SECTION_HEADER_BYTES = 64;
    private static final int PTX_VERSION = 7 << 16 | 2;

    private TestLibrary() {}

    /** An image of a container. */
    public record Image(ImageKind kind, int architecture, String text, int bytes, Compression compression) {
        /** {@return the text, repeated until it has the wanted length} */
        public byte[] content() {
            byte[] unit = text.getBytes(StandardCharsets.UTF_8);
            byte[] content = new byte[bytes];
            for (int i = 0; i < bytes; i++) {
                content[i] = unit[i % unit.length];
            }
            return content;
        }
    }

    /** {@return a container as ND4J's: a cubin of sm_80, and PTX of compute_86} */
    public static List<Image> likeNd4j(int number, Compression compression) {
        return List.of(
                new Image(ImageKind.CUBIN, 80, "\177ELF kernels of sm_80, module " + number, 3000, compression),
                new Image(
                        ImageKind.PTX,
                        86,
                        ".version 7.2\n// module " + number + "\n",
                        2000 + 100 * number,
                        compression));
    }

    /** {@return the bytes of one container} */
    static byte[] container(List<Image> images) {
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        for (Image image : images) {
            byte[] one = FatBinaryWriter.container(
                    image.kind(),
                    PTX_VERSION,
                    new GpuArchitecture(image.architecture()),
                    image.content(),
                    image.compression());
            body.write(one, FatBinary.HEADER_BYTES, one.length - FatBinary.HEADER_BYTES);
        }
        byte[] container = new byte[FatBinary.HEADER_BYTES + body.size()];
        littleEndian(container)
                .putInt(FatBinary.MAGIC)
                .putShort((short) 1)
                .putShort((short) FatBinary.HEADER_BYTES)
                .putLong(body.size())
                .put(body.toByteArray());
        return container;
    }

    /** {@return an ELF file with a section of these containers, and random bytes for code and data} */
    public static byte[] elf(List<List<Image>> containers, long seed) {
        ByteArrayOutputStream fatBinaries = new ByteArrayOutputStream();
        containers.forEach(images -> fatBinaries.writeBytes(container(images)));
        Random random = new Random(seed);
        byte[] code = new byte[1000];
        byte[] data = new byte[504];
        random.nextBytes(code);
        random.nextBytes(data);
        return elf(
                List.of("", ".text", ".nv_fatbin", ".data", ".shstrtab"),
                List.of(new byte[0], code, fatBinaries.toByteArray(), data, new byte[0]));
    }

    private static byte[] elf(List<String> names, List<byte[]> contents) {
        byte[] nameTable = (String.join("\0", names) + "\0").getBytes(StandardCharsets.US_ASCII);
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        byte[] headers = new byte[names.size() * SECTION_HEADER_BYTES];
        ByteBuffer table = littleEndian(headers);
        int nameOffset = 0;
        for (int i = 0; i < names.size(); i++) {
            byte[] content = i == names.size() - 1 ? nameTable : contents.get(i);
            int at = i * SECTION_HEADER_BYTES;
            table.putInt(at, nameOffset)
                    .putInt(at + 4, i == 0 ? 0 : 1)
                    .putLong(at + 24, 64 + body.size())
                    .putLong(at + 32, content.length);
            nameOffset += names.get(i).length() + 1;
            body.writeBytes(content);
        }
        byte[] bytes = new byte[64 + body.size() + headers.length];
        ByteBuffer file = littleEndian(bytes);
        file.putInt(0, 0x464c457f).put(4, (byte) 2).put(5, (byte) 1).put(6, (byte) 1);
        file.putLong(40, 64 + body.size())
                .putShort(58, (short) SECTION_HEADER_BYTES)
                .putShort(60, (short) names.size())
                .putShort(62, (short) (names.size() - 1));
        file.position(64).put(body.toByteArray()).put(headers);
        return bytes;
    }

    /** {@return a fresh copy with the bytes from {@code at} on replaced} */
    static byte[] with(byte[] original, int at, byte... replacement) {
        byte[] copy = Arrays.copyOf(original, original.length);
        System.arraycopy(replacement, 0, copy, at, replacement.length);
        return copy;
    }

    private static ByteBuffer littleEndian(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}

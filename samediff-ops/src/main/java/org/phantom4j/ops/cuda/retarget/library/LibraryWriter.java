package org.phantom4j.ops.cuda.retarget.library;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.phantom4j.ops.cuda.fatbin.ByteSource;
import org.phantom4j.ops.cuda.fatbin.ElfSection;
import org.phantom4j.ops.cuda.fatbin.FatBinary;
import org.phantom4j.ops.files.PartialFile;

/**
 * Writes a copy of a library with other fat binaries, each in the place of the old one and followed by zeros, so
 * that no address changes. The copy is written beside its destination and appears there when it is complete.
 *
 * <p>Not for use by several threads at once.
 */
public final class LibraryWriter implements Closeable {
    private static final int CHUNK_BYTES = 1 << 20;

    private final PartialFile part;
    private final FileChannel out;

    private LibraryWriter(PartialFile part, FileChannel out) {
        this.part = part;
        this.out = out;
    }

    /** Starts a copy of {@code original} that has zeros where the sections are (holes, where the disk has them). */
    public static LibraryWriter create(ByteSource original, List<ElfSection> sections, Path folder) throws IOException {
        PartialFile part = PartialFile.in(
                folder, "library", PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
        LibraryWriter writer = new LibraryWriter(part, FileChannel.open(part.path(), StandardOpenOption.WRITE));
        try {
            for (ElfSection kept : gaps(sections, original.size())) {
                for (long at = kept.offset(); at < kept.end(); at += CHUNK_BYTES) {
                    writer.writeAt(at, original.read(at, Math.min(CHUNK_BYTES, kept.end() - at)));
                }
            }
            if (writer.out.size() < original.size()) {
                writer.writeAt(original.size() - 1, ByteBuffer.allocate(1));
            }
            return writer;
        } catch (IOException e) {
            writer.close();
            throw e;
        }
    }

    /**
     * Puts a container in the place of another.
     *
     * @throws RetargetException if it does not fit
     */
    public void replace(FatBinary old, byte[] container) throws IOException {
        if (container.length > old.bytes()) {
            throw new RetargetException(String.format(
                    "the fat binary at offset 0x%x has room for %d bytes, its translation needs %d",
                    old.offset(), old.bytes(), container.length));
        }
        writeAt(old.offset(), ByteBuffer.wrap(container));
    }

    /**
     * Checks the copy against the original and moves it to its destination.
     *
     * @throws RetargetException if they differ outside the sections
     */
    public void finish(ByteSource original, List<ElfSection> sections, Path destination) throws IOException {
        out.force(true);
        try (ByteSource copy = ByteSource.open(part.path())) {
            if (copy.size() != original.size()) {
                throw new RetargetException("the copy has " + copy.size() + " bytes, not " + original.size());
            }
            for (ElfSection kept : gaps(sections, original.size())) {
                checkSame(original, copy, kept);
            }
        }
        part.moveTo(destination);
    }

    private static void checkSame(ByteSource original, ByteSource copy, ElfSection kept) throws IOException {
        for (long at = kept.offset(); at < kept.end(); at += CHUNK_BYTES) {
            long bytes = Math.min(CHUNK_BYTES, kept.end() - at);
            int difference = original.read(at, bytes).mismatch(copy.read(at, bytes));
            if (difference >= 0) {
                throw new RetargetException(String.format(
                        "the copy differs from the original at offset 0x%x, outside its fat binaries",
                        at + difference));
            }
        }
    }

    /** {@return what lies outside the sections, as unnamed sections} */
    private static List<ElfSection> gaps(List<ElfSection> sections, long size) {
        ElfSection[] ordered = sections.toArray(new ElfSection[0]);
        Arrays.sort(ordered, (a, b) -> Long.compare(a.offset(), b.offset()));
        List<ElfSection> gaps = new ArrayList<>();
        long position = 0;
        for (ElfSection section : ordered) {
            if (section.offset() > position) {
                gaps.add(new ElfSection("", position, section.offset() - position));
            }
            position = Math.max(position, section.end());
        }
        if (size > position) {
            gaps.add(new ElfSection("", position, size - position));
        }
        return gaps;
    }

    private void writeAt(long offset, ByteBuffer bytes) throws IOException {
        long position = offset;
        while (bytes.hasRemaining()) {
            position += out.write(bytes, position);
        }
    }

    /** Ends the copy; what was not finished is gone. */
    @Override
    public void close() throws IOException {
        out.close();
        part.close();
    }
}

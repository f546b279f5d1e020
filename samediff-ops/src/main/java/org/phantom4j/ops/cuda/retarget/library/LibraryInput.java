package org.phantom4j.ops.cuda.retarget.library;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import org.phantom4j.ops.cuda.fatbin.BinaryFormatException;
import org.phantom4j.ops.cuda.fatbin.ByteSource;
import org.phantom4j.ops.cuda.fatbin.FatBinary;

/**
 * The library to translate: a file, or an entry of a jar, which is unpacked and deleted again at the end.
 *
 * <p>Identified by its SHA-256; size and CRC-32, which a jar's directory states, find it again without reading it.
 */
public final class LibraryInput implements Closeable {
    /** Where the jar of ND4J 1.0.0-M1.1 for Linux keeps the library. */
    public static final String M1_ENTRY = "org/nd4j/nativeblas/linux-x86_64/libnd4jcuda.so";

    /** Where the jar of ND4J 1.0.0-M2.1 does. */
    public static final String M2_ENTRY = "org/nd4j/linalg/jcublas/bindings/linux-x86_64/libnd4jcuda.so";

    private static final int BUFFER_BYTES = 1 << 20;

    private final Path file;
    private final String name;
    private final boolean unpacked;
    private final LibraryId id;

    private LibraryInput(Path file, String name, boolean unpacked, LibraryId id) {
        this.file = file;
        this.name = name;
        this.unpacked = unpacked;
        this.id = id;
    }

    /**
     * Opens a library, or a jar that holds ND4J's.
     *
     * @param source  a file whose name ends in .jar, or any other
     * @param scratch a folder to unpack a jar's library in
     * @throws RetargetException if the file is missing, or the jar holds no such library
     */
    public static LibraryInput open(Path source, Path scratch) throws IOException {
        requireFile(source);
        if (!isJar(source)) {
            try (InputStream in = Files.newInputStream(source)) {
                LibraryId id = copy(in, OutputStream.nullOutputStream());
                return new LibraryInput(source, source.getFileName().toString(), false, id);
            }
        }
        try (ZipFile jar = openJar(source)) {
            ZipEntry entry = entry(jar);
            Path file = Files.createTempFile(scratch, "unpacked", ".so");
            file.toFile().deleteOnExit();
            try (InputStream in = jar.getInputStream(entry);
                    OutputStream out = Files.newOutputStream(file)) {
                LibraryId id = copy(in, out);
                return new LibraryInput(
                        file, Path.of(entry.getName()).getFileName().toString(), true, id);
            } catch (IOException e) {
                Files.deleteIfExists(file);
                throw e;
            }
        }
    }

    /**
     * Looks, without reading it all, whether a file is a library with CUDA kernels, or a jar that holds ND4J's.
     *
     * @throws IOException if it is not; the message names the file
     */
    public static void check(Path source) throws IOException {
        requireFile(source);
        if (isJar(source)) {
            try (ZipFile jar = openJar(source)) {
                entry(jar);
            }
            return;
        }
        try (ByteSource bytes = ByteSource.open(source)) {
            if (FatBinary.sections(bytes).isEmpty()) {
                throw new RetargetException(source + " holds no CUDA kernels: is it ND4J's CUDA library?");
            }
        } catch (BinaryFormatException e) {
            throw e.in(source);
        }
    }

    private static void requireFile(Path source) throws RetargetException {
        if (!Files.isRegularFile(source)) {
            throw new RetargetException(source + " is no file");
        }
    }

    private static boolean isJar(Path source) {
        return source.toString().endsWith(".jar");
    }

    private static ZipFile openJar(Path source) throws IOException {
        try {
            return new ZipFile(source.toFile());
        } catch (ZipException e) {
            throw new RetargetException(source + " is no jar, or is truncated: " + e.getMessage());
        }
    }

    private static ZipEntry entry(ZipFile jar) throws RetargetException {
        for (String name : new String[] {M1_ENTRY, M2_ENTRY}) {
            ZipEntry entry = jar.getEntry(name);
            if (entry != null) {
                return entry;
            }
        }
        throw new RetargetException(jar.getName() + " holds no " + M1_ENTRY
                + ": the jar with the classifier linux-x86_64 of nd4j-cuda-11.2 does");
    }

    /** {@return the library as a file, not to be changed} */
    public Path file() {
        return file;
    }

    /** {@return the name that a translated library must bear} */
    public String name() {
        return name;
    }

    /** {@return which library it is} */
    public LibraryId id() {
        return id;
    }

    private static LibraryId copy(InputStream in, OutputStream out) throws IOException {
        MessageDigest digest = sha256();
        CheckedInputStream checked = new CheckedInputStream(in, new CRC32());
        byte[] buffer = new byte[BUFFER_BYTES];
        long bytes = 0;
        for (int n = checked.read(buffer); n >= 0; n = checked.read(buffer)) {
            digest.update(buffer, 0, n);
            out.write(buffer, 0, n);
            bytes += n;
        }
        return new LibraryId(
                HexFormat.of().formatHex(digest.digest()),
                bytes,
                checked.getChecksum().getValue());
    }

    /** {@return a new digest} */
    public static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    @Override
    public void close() throws IOException {
        if (unpacked) {
            Files.deleteIfExists(file);
        }
    }
}

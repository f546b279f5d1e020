package org.phantom4j.data;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.GZIPInputStream;

/** Opens data files: gzipped or not, whatever their names end with. */
final class InputFile {

    private static final int BUFFER_BYTES = 1 << 16;
    private static final int MAGIC_BYTES = 6;

    /** Containers by the bytes that they start with, and what to do about each. */
    private static final Map<String, String> CONTAINERS = Map.of(
            "504b0304", "a zip archive or an Excel workbook: unpack it, or save it as CSV",
            "d0cf11e0", "an Excel workbook: save it as CSV",
            "50415231", "a Parquet file: convert it to CSV",
            "425a68", "compressed by bzip2: use gzip, or unpack it",
            "fd377a585a", "compressed by xz: use gzip, or unpack it",
            "28b52ffd", "compressed by zstd: use gzip, or unpack it",
            "894844460d", "an HDF5 file: convert it to CSV or IDX",
            "934e554d5059", "a NumPy array: convert it to CSV or IDX");

    private InputFile() {}

    /**
     * Opens a file; the caller closes it.
     *
     * @param checksum is updated with the file's bytes as they are read
     * @throws DataException if it is empty, or a container that is not read
     */
    static InputStream open(Path file, CRC32 checksum) throws IOException {
        InputStream raw =
                new BufferedInputStream(new CheckedInputStream(Files.newInputStream(file), checksum), BUFFER_BYTES);
        try {
            String magic = magic(raw);
            if (magic.startsWith("1f8b")) {
                InputStream unpacked = new BufferedInputStream(new GZIPInputStream(raw, BUFFER_BYTES), BUFFER_BYTES);
                requireReadable(file, magic(unpacked));
                return unpacked;
            }
            requireReadable(file, magic);
            return raw;
        } catch (IOException | RuntimeException e) {
            raw.close();
            throw e;
        }
    }

    private static void requireReadable(Path file, String magic) {
        if (magic.isEmpty()) {
            throw new DataException(file + " is empty");
        }
        CONTAINERS.forEach((start, what) -> {
            if (magic.startsWith(start)) {
                throw new DataException(file + " is " + what);
            }
        });
    }

    /** The first bytes in hexadecimal digits; they are still to be read. */
    private static String magic(InputStream in) throws IOException {
        in.mark(MAGIC_BYTES);
        byte[] first = in.readNBytes(MAGIC_BYTES);
        in.reset();
        return HexFormat.of().formatHex(first);
    }
}

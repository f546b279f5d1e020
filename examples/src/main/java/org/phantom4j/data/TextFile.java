package org.phantom4j.data;

import java.io.BufferedReader;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.CRC32;
import java.util.zip.ZipException;

/**
 * A text file that is read once: in UTF-8, or in what its byte-order mark says. Its beginning can be looked at before.
 * Belongs to one thread.
 */
final class TextFile implements AutoCloseable {

    private static final int START_CHARS = 1 << 16;
    private static final int MARK_BYTES = 4;

    private final Path file;
    private final CRC32 checksum = new CRC32();
    private final BufferedReader reader;
    private final String start;
    private final boolean whole;

    /**
     * Opens a file.
     *
     * @throws DataException if it cannot be read, is empty or is no text
     */
    TextFile(Path file) {
        this.file = file;
        try {
            requireFile(file);
            InputStream in = InputFile.open(file, checksum);
            this.reader = new BufferedReader(decoder(in), START_CHARS);
            reader.mark(START_CHARS);
            char[] chars = new char[START_CHARS];
            int length = 0;
            for (int read = 0; read >= 0 && length < START_CHARS; length += Math.max(0, read)) {
                read = reader.read(chars, length, START_CHARS - length);
            }
            reader.reset();
            this.start = new String(chars, 0, length);
            this.whole = length < START_CHARS;
        } catch (IOException e) {
            throw failure(e);
        }
        requireText();
    }

    private static void requireFile(Path file) {
        if (Files.isDirectory(file)) {
            throw new DataException(file + " is a folder: csv: takes a file");
        }
        if (!Files.exists(file)) {
            throw new DataException("cannot read the CSV file " + file + ": there is no such file");
        }
        if (!Files.isReadable(file)) {
            throw new DataException("cannot read the CSV file " + file + ": permission denied");
        }
    }

    private void requireText() {
        if (start.isBlank() && whole) {
            throw new DataException(file + " is empty");
        }
        if (start.indexOf('\0') >= 0) {
            throw new DataException(file + " holds zero bytes: it is no text, or UTF-16 without a byte-order mark;"
                    + " save it as UTF-8");
        }
    }

    /** A reader behind the byte-order mark. */
    private static Reader decoder(InputStream in) throws IOException {
        in.mark(MARK_BYTES);
        byte[] first = in.readNBytes(MARK_BYTES);
        in.reset();
        Charset charset = StandardCharsets.UTF_8;
        int skipped = 0;
        if (startsWith(first, 0xEF, 0xBB, 0xBF)) {
            skipped = 3;
        } else if (startsWith(first, 0xFF, 0xFE)) {
            charset = StandardCharsets.UTF_16LE;
            skipped = 2;
        } else if (startsWith(first, 0xFE, 0xFF)) {
            charset = StandardCharsets.UTF_16BE;
            skipped = 2;
        }
        in.skipNBytes(skipped);
        return new InputStreamReader(
                in,
                charset.newDecoder()
                        .onMalformedInput(CodingErrorAction.REPORT)
                        .onUnmappableCharacter(CodingErrorAction.REPORT));
    }

    private static boolean startsWith(byte[] bytes, int... expected) {
        for (int i = 0; i < expected.length; i++) {
            if (i >= bytes.length || (bytes[i] & 0xFF) != expected[i]) {
                return false;
            }
        }
        return true;
    }

    /** The first characters: all, or some ten thousand. */
    String start() {
        return start;
    }

    /** Whether {@link #start} is the whole file. */
    boolean startIsWhole() {
        return whole;
    }

    /** Reads all of it; closed with this file. */
    Reader reader() {
        return reader;
    }

    /** Of the file's bytes as far as they have been read. */
    long checksum() {
        return checksum.getValue();
    }

    /** What a failed read means. */
    DataException failure(IOException e) {
        if (e instanceof CharacterCodingException) {
            return new DataException(
                    file + " is not in UTF-8: convert it, for example by iconv -f WINDOWS-1252 -t UTF-8", e);
        }
        if (e instanceof EOFException || e instanceof ZipException) {
            return new DataException(file + " is truncated or corrupt: " + e.getMessage(), e);
        }
        return new DataException("cannot read " + file + ": " + e.getMessage(), e);
    }

    @Override
    public void close() {
        try {
            reader.close();
        } catch (IOException e) {
            throw failure(e);
        }
    }
}

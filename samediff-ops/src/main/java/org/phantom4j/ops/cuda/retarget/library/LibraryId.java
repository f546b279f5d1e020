package org.phantom4j.ops.cuda.retarget.library;

/**
 * Which library it is.
 *
 * @param sha256 of its bytes, in hexadecimal
 * @param bytes  its size
 * @param crc32  of its bytes, as in the directory of a jar
 */
public record LibraryId(String sha256, long bytes, long crc32) {
    private static final int SHORT_DIGITS = 16;

    /** {@return the first digits, enough for a folder's name} */
    String shortName() {
        return sha256.substring(0, SHORT_DIGITS);
    }
}

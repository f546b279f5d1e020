package org.phantom4j.comm.world;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Map;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** What the ranks of a job know and others do not. Proves knowledge by HMAC-SHA256; never sent, never printed. */
public final class Secret {

    /** The environment variable that holds it. */
    public static final String VARIABLE = "PHANTOM_SECRET";

    static final int MAC_LENGTH = 32;

    private static final String ALGORITHM = "HmacSHA256";
    private static final int MIN_LENGTH = 16;
    private static final SecureRandom RANDOM = new SecureRandom();

    private final SecretKeySpec key;

    private Secret(byte[] key) {
        this.key = new SecretKeySpec(key, ALGORITHM);
    }

    /**
     * The secret of this text.
     *
     * @throws IllegalArgumentException if it is too short to be one
     */
    public static Secret of(String text) {
        if (text.length() < MIN_LENGTH) {
            throw new IllegalArgumentException(VARIABLE + " has " + text.length() + " characters: use at least "
                    + MIN_LENGTH + " that nobody can guess, such as the output of: openssl rand -hex 32");
        }
        return new Secret(text.getBytes(StandardCharsets.UTF_8));
    }

    /**
     * The secret of PHANTOM_SECRET.
     *
     * @throws IllegalArgumentException if it is not set
     */
    public static Secret fromEnvironment(Map<String, String> environment) {
        String text = environment.get(VARIABLE);
        if (text == null) {
            throw new IllegalArgumentException(
                    VARIABLE
                            + " is not set: give every rank of the job the same secret, such as one output of: openssl rand -hex 32");
        }
        return of(text);
    }

    /** A random secret, as text for PHANTOM_SECRET. */
    public static String random() {
        return HexFormat.of().formatHex(nonce());
    }

    static byte[] nonce() {
        byte[] nonce = new byte[MAC_LENGTH];
        RANDOM.nextBytes(nonce);
        return nonce;
    }

    static long randomToken() {
        return RANDOM.nextLong();
    }

    /** HMAC-SHA256 of a purpose and parts of fixed lengths. */
    byte[] mac(String purpose, byte[]... parts) {
        try {
            Mac mac = Mac.getInstance(ALGORITHM);
            mac.init(key);
            mac.update(purpose.getBytes(StandardCharsets.UTF_8));
            mac.update((byte) 0);
            for (byte[] part : parts) {
                mac.update(part);
            }
            return mac.doFinal();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this Java has no " + ALGORITHM, e);
        }
    }

    /** A secret of one session, made of this one. */
    Secret derive(String purpose, byte[]... parts) {
        return new Secret(mac(purpose, parts));
    }

    /** Compares in a time that says nothing about where the difference is. */
    static boolean same(byte[] a, byte[] b) {
        return MessageDigest.isEqual(a, b);
    }
}

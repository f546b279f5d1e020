package org.phantom4j.comm.nccl;

/** NCCL's versions, as numbers that it gives and as text. */
final class NcclVersion {

    /** The first version with all that is called here. */
    static final int OLDEST = 21800;

    /** Up to 2.8 a version's number had one digit less. */
    private static final int FIVE_DIGITS = 10_000;

    private NcclVersion() {}

    /** "2.28.9" for 22809. */
    static String text(int version) {
        int major = version < FIVE_DIGITS ? version / 1000 : version / FIVE_DIGITS;
        return major + "." + version / 100 % (version < FIVE_DIGITS ? 10 : 100) + "." + version % 100;
    }
}

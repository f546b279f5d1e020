package org.phantom4j.ops.gpu;

/** How BF16_PURE rounds parameters: factors.cu's set_parameter, in Java. */
final class Rounding {

    private Rounding() {}

    /** rounding_seed. */
    static int seed(long step, long place) {
        return (int) step * (int) 3266489917L + (int) place * (int) 2654435769L;
    }

    /** mix_bits. */
    static int mix(int bits) {
        int mixed = (bits ^ bits >>> 16) * (int) 2246822507L;
        mixed = (mixed ^ mixed >>> 13) * (int) 3266489909L;
        return mixed ^ mixed >>> 16;
    }

    /** What is kept of a parameter's value after a step. */
    static float rounded(float value, long step, long place) {
        int up = mix(seed(step, place)) >>> 16;
        return Float.intBitsToFloat(Float.floatToRawIntBits(value) + up & 0xffff0000);
    }
}

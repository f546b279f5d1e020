package org.phantom4j.ops.cuda.fatbin;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A GPU architecture by its compute capability: 9.0 is {@code sm_90}, Hopper.
 *
 * @param number ten times the major version plus the minor one, such as 90
 */
public record GpuArchitecture(int number) implements Comparable<GpuArchitecture> {
    private static final Pattern SM = Pattern.compile("sm_(\\d{2,3})");
    private static final Pattern CAPABILITY = Pattern.compile("(\\d{1,2})\\.(\\d)");

    /**
     * Reads {@code sm_90} or {@code 9.0}.
     *
     * @throws IllegalArgumentException if it is neither
     */
    public static GpuArchitecture parse(String text) {
        Matcher sm = SM.matcher(text);
        if (sm.matches()) {
            return new GpuArchitecture(Integer.parseInt(sm.group(1)));
        }
        Matcher capability = CAPABILITY.matcher(text);
        if (capability.matches()) {
            return new GpuArchitecture(
                    10 * Integer.parseInt(capability.group(1)) + Integer.parseInt(capability.group(2)));
        }
        throw new IllegalArgumentException("architecture \"" + text + "\" is neither like sm_90 nor like 9.0");
    }

    /** {@return the major version, the same for all architectures that run one another's older kernels} */
    public int major() {
        return number / 10;
    }

    /** {@return the minor version} */
    public int minor() {
        return number % 10;
    }

    /** {@return whether a GPU of this architecture runs a cubin made for {@code cubin}} */
    public boolean runs(GpuArchitecture cubin) {
        return major() == cubin.major() && minor() >= cubin.minor();
    }

    /** {@return its compute capability, such as 9.0} */
    public String capability() {
        return major() + "." + minor();
    }

    @Override
    public int compareTo(GpuArchitecture other) {
        return Integer.compare(number, other.number);
    }

    /** {@return its name to a compiler, such as sm_90} */
    @Override
    public String toString() {
        return "sm_" + number;
    }
}

package org.phantom4j.ops.gpu;

import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.phantom4j.comm.cuda.CudaException;
import org.phantom4j.comm.cuda.SystemLibrary;

/** CUDA's run-time compiler. */
final class Nvrtc {

    static {
        Native.register(
                Nvrtc.class,
                SystemLibrary.load(
                        "phantom4j.nvrtc.library",
                        "install CUDA's run-time compiler (it is part of the CUDA toolkit)",
                        "libnvrtc.so.13",
                        "libnvrtc.so.12",
                        "libnvrtc.so.11.2",
                        "libnvrtc.so"));
    }

    private Nvrtc() {}

    /** Such as "13.0". */
    static String version() {
        int[] version = versionNumbers();
        return version[0] + "." + version[1];
    }

    private static int[] versionNumbers() {
        int[] major = new int[1];
        int[] minor = new int[1];
        check("nvrtcVersion", nvrtcVersion(major, minor));
        return new int[] {major[0], minor[0]};
    }

    /** Such as "90a": with Hopper's own matrix instructions, where the compiler knows them. */
    static String architecture(int computeCapability) {
        return computeCapability == 90 && versionNumbers()[0] >= 12 ? "90a" : Integer.toString(computeCapability);
    }

    /**
     * Compiles to machine code.
     *
     * @param options such as --gpu-architecture=sm_90
     * @throws CudaException with the compiler's log
     */
    static byte[] compile(String source, List<String> options) {
        long[] program = new long[1];
        check("nvrtcCreateProgram", nvrtcCreateProgram(program, source, "phantom.cu", 0, Pointer.NULL, Pointer.NULL));
        try (Memory pointers = new Memory(8L * options.size() + 8);
                Memory texts =
                        new Memory(options.stream().mapToInt(String::length).sum() + options.size() + 1L)) {
            long offset = 0;
            for (int i = 0; i < options.size(); i++) {
                texts.setString(offset, options.get(i), StandardCharsets.US_ASCII.name());
                pointers.setPointer(8L * i, texts.share(offset));
                offset += options.get(i).length() + 1;
            }
            int status = nvrtcCompileProgram(program[0], options.size(), pointers);
            if (status != 0) {
                throw new CudaException(
                        "the CUDA compiler " + version() + " refuses the kernels (" + options + "): " + log(program[0]),
                        status);
            }
            long[] size = new long[1];
            check("nvrtcGetCUBINSize", nvrtcGetCUBINSize(program[0], size));
            byte[] image = new byte[Math.toIntExact(size[0])];
            check("nvrtcGetCUBIN", nvrtcGetCUBIN(program[0], image));
            return image;
        } finally {
            nvrtcDestroyProgram(program);
        }
    }

    private static String log(long program) {
        long[] size = new long[1];
        if (nvrtcGetProgramLogSize(program, size) != 0 || size[0] < 2) {
            return "no log";
        }
        byte[] log = new byte[Math.toIntExact(size[0])];
        nvrtcGetProgramLog(program, log);
        return new String(log, 0, log.length - 1, StandardCharsets.UTF_8);
    }

    private static void check(String call, int status) {
        if (status != 0) {
            throw new CudaException(call + " failed with status " + status, status);
        }
    }

    private static native int nvrtcVersion(int[] major, int[] minor);

    private static native int nvrtcCreateProgram(
            long[] program, String source, String name, int headers, Pointer contents, Pointer names);

    private static native int nvrtcCompileProgram(long program, int count, Pointer options);

    private static native int nvrtcGetCUBINSize(long program, long[] size);

    private static native int nvrtcGetCUBIN(long program, byte[] image);

    private static native int nvrtcGetProgramLogSize(long program, long[] size);

    private static native int nvrtcGetProgramLog(long program, byte[] log);

    private static native int nvrtcDestroyProgram(long[] program);
}

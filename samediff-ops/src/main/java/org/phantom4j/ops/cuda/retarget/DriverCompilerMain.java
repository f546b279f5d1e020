package org.phantom4j.ops.cuda.retarget;

import static org.bytedeco.cuda.global.cudart.CUDA_SUCCESS;
import static org.bytedeco.cuda.global.cudart.CU_JIT_ERROR_LOG_BUFFER;
import static org.bytedeco.cuda.global.cudart.CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES;
import static org.bytedeco.cuda.global.cudart.CU_JIT_INPUT_PTX;
import static org.bytedeco.cuda.global.cudart.CU_JIT_OPTIMIZATION_LEVEL;
import static org.bytedeco.cuda.global.cudart.CU_JIT_TARGET;
import static org.bytedeco.cuda.global.cudart.cuCtxSetCurrent;
import static org.bytedeco.cuda.global.cudart.cuDeviceGet;
import static org.bytedeco.cuda.global.cudart.cuDevicePrimaryCtxRetain;
import static org.bytedeco.cuda.global.cudart.cuDriverGetVersion;
import static org.bytedeco.cuda.global.cudart.cuGetErrorString;
import static org.bytedeco.cuda.global.cudart.cuInit;
import static org.bytedeco.cuda.global.cudart.cuLinkAddData;
import static org.bytedeco.cuda.global.cudart.cuLinkComplete;
import static org.bytedeco.cuda.global.cudart.cuLinkCreate;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.bytedeco.cuda.cudart.CUctx_st;
import org.bytedeco.cuda.cudart.CUlinkState_st;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.javacpp.SizeTPointer;

/** The child process of {@link DriverCompiler}: compiles one file, or says the driver's version. */
final class DriverCompilerMain {
    private static final int LOG_BYTES = 8 << 10;

    private DriverCompilerMain() {}

    /** Arguments: {@code --version}, or {@code ARCHITECTURE LEVEL PTX CUBIN}. */
    public static void main(String[] arguments) throws IOException {
        try {
            if (arguments.length == 1) {
                int[] version = new int[1];
                check("cuDriverGetVersion", cuDriverGetVersion(version));
                if (version[0] == 0) {
                    fail("no NVIDIA driver is loaded");
                }
                System.out.println("driver " + version[0] / 1000 + "." + version[0] % 1000 / 10);
            } else {
                compile(
                        Integer.parseInt(arguments[0]),
                        Integer.parseInt(arguments[1]),
                        Path.of(arguments[2]),
                        Path.of(arguments[3]));
            }
        } catch (LinkageError e) {
            fail("JavaCPP's CUDA presets do not load (" + e + "): nd4j-cuda, the CUDA runtime that it names and"
                    + " NVIDIA's driver are needed; or put ptxas of a CUDA toolkit on the PATH");
        }
    }

    private static void compile(int architecture, int level, Path ptxFile, Path cubinFile) throws IOException {
        check("cuInit", cuInit(0));
        int[] device = new int[1];
        check("cuDeviceGet", cuDeviceGet(device, 0));
        CUctx_st context = new CUctx_st();
        check("cuDevicePrimaryCtxRetain", cuDevicePrimaryCtxRetain(context, device[0]));
        check("cuCtxSetCurrent", cuCtxSetCurrent(context));

        byte[] text = Files.readAllBytes(ptxFile);
        try (BytePointer log = new BytePointer(LOG_BYTES);
                BytePointer ptx = new BytePointer(Arrays.copyOf(text, text.length + 1));
                IntPointer names = new IntPointer(
                        CU_JIT_OPTIMIZATION_LEVEL,
                        CU_JIT_TARGET,
                        CU_JIT_ERROR_LOG_BUFFER,
                        CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES);
                // each value is a void* that holds the number itself
                LongPointer values = new LongPointer(level, architecture, log.address(), LOG_BYTES);
                PointerPointer<BytePointer> cubin = new PointerPointer<>(1);
                SizeTPointer cubinBytes = new SizeTPointer(1)) {
            log.put(0, (byte) 0);
            CUlinkState_st state = new CUlinkState_st();
            check("cuLinkCreate", cuLinkCreate((int) names.limit(), names, new PointerPointer<>(values), state));
            checkLink(
                    "cuLinkAddData",
                    cuLinkAddData(
                            state,
                            CU_JIT_INPUT_PTX,
                            ptx,
                            ptx.limit(),
                            new BytePointer("module"),
                            0,
                            (IntPointer) null,
                            (Pointer) null),
                    log);
            checkLink("cuLinkComplete", cuLinkComplete(state, cubin, cubinBytes), log);
            byte[] made = new byte[Math.toIntExact(cubinBytes.get())];
            cubin.get(BytePointer.class).get(made);
            Files.write(cubinFile, made);
        }
        // the process ends here and takes the context, the linker and its output with it
    }

    private static void checkLink(String call, int status, BytePointer log) {
        if (status != CUDA_SUCCESS) {
            System.err.println(log.getString());
        }
        check(call, status);
    }

    private static void check(String call, int status) {
        if (status != CUDA_SUCCESS) {
            PointerPointer<BytePointer> text = new PointerPointer<>(1);
            boolean known = cuGetErrorString(status, text) == CUDA_SUCCESS;
            fail(call + ": error " + status
                    + (known ? ", " + text.get(BytePointer.class).getString() : ""));
        }
    }

    private static void fail(String message) {
        System.err.println(message);
        System.exit(1);
    }
}

package org.phantom4j.ops.cuda.retarget.compile;

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
import static org.bytedeco.cuda.global.cudart.cuLinkDestroy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.bytedeco.cuda.cudart.CUctx_st;
import org.bytedeco.cuda.cudart.CUlinkState_st;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.IntPointer;
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
        // the linker wants a current context, whatever it compiles for
        CUctx_st context = new CUctx_st();
        check("cuDevicePrimaryCtxRetain", cuDevicePrimaryCtxRetain(context, device[0]));
        check("cuCtxSetCurrent", cuCtxSetCurrent(context));

        byte[] text = Files.readAllBytes(ptxFile);
        try (BytePointer log = new BytePointer(LOG_BYTES);
                BytePointer ptx = new BytePointer(Arrays.copyOf(text, text.length + 1));
                LinkOptions options = new LinkOptions()) {
            log.put(0, (byte) 0);
            options.put(CU_JIT_TARGET, architecture);
            options.put(CU_JIT_OPTIMIZATION_LEVEL, level);
            options.put(CU_JIT_ERROR_LOG_BUFFER, log.address());
            options.put(CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES, LOG_BYTES);
            Files.write(cubinFile, link(options, ptx, log));
        }
    }

    /** {@return a copy of the linked cubin, which belongs to the linker and goes with it} */
    private static byte[] link(LinkOptions options, BytePointer ptx, BytePointer log) {
        CUlinkState_st linker = new CUlinkState_st();
        check("cuLinkCreate", cuLinkCreate(options.count(), options.names(), options.values(), linker));
        try (BytePointer name = new BytePointer("module");
                PointerPointer<BytePointer> cubin = new PointerPointer<>(1);
                SizeTPointer cubinBytes = new SizeTPointer(1)) {
            checkLink(
                    "cuLinkAddData",
                    // options of its own would take the place of the linker's
                    cuLinkAddData(
                            linker, CU_JIT_INPUT_PTX, ptx, ptx.limit(), name, 0, (IntPointer) null, (Pointer) null),
                    log);
            checkLink("cuLinkComplete", cuLinkComplete(linker, cubin, cubinBytes), log);
            byte[] made = new byte[Math.toIntExact(cubinBytes.get())];
            cubin.get(BytePointer.class).get(made);
            // before the log and the options are freed: the linker may write to them until then
            check("cuLinkDestroy", cuLinkDestroy(linker));
            return made;
        }
    }

    private static void checkLink(String call, int status, BytePointer log) {
        if (status != CUDA_SUCCESS) {
            // up to its zero: the pointer's own length is that of the buffer
            String text = log.getString();
            int end = text.indexOf(0);
            System.err.println(end < 0 ? text : text.substring(0, end));
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

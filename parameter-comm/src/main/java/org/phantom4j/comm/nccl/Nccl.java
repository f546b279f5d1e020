package org.phantom4j.comm.nccl;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import com.sun.jna.Structure;
import java.nio.file.Path;
import java.util.List;
import org.phantom4j.comm.cuda.CudaException;
import org.phantom4j.comm.cuda.SystemLibrary;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The functions of NCCL that are called here. Communicators, streams and device pointers are longs. */
final class Nccl {

    static final int SUCCESS = 0;
    static final int IN_PROGRESS = 7;
    static final int SUM = 0;
    static final int ID_BYTES = 128;

    private static final String LIBRARY = "phantom4j.nccl.library";
    private static final String MULTICAST = "NCCL_NVLS_ENABLE";

    static {
        forbidMulticast();
        keepOutOfResults();
        NativeLibrary library = SystemLibrary.load(
                LIBRARY,
                "install NVIDIA's NCCL 2.18 or newer (package libnccl2; the Python package nvidia-nccl has it in its folder"
                        + " nvidia/nccl/lib) and have LD_LIBRARY_PATH name its folder",
                "libnccl.so.2");
        requireVersion(library);
        Native.register(Nccl.class, library);
    }

    private Nccl() {}

    /**
     * NVLink multicast is off, whatever the user has set: a program that ends while it uses it can leave the GPUs of the whole
     * machine unusable. NCCL reads the process's own environment, which Java cannot change.
     */
    private static void forbidMulticast() {
        String set = System.getenv(MULTICAST);
        if (set != null && !set.equals("0")) {
            Logger log = LoggerFactory.getLogger(Nccl.class);
            log.warn("{}={} is ignored: NVLink multicast stays off", MULTICAST, set);
        }
        int status = NativeLibrary.getProcess().getFunction("setenv").invokeInt(new Object[] {MULTICAST, "0", 1});
        if (status != 0) {
            throw new CudaException("cannot set " + MULTICAST + "=0, without which NCCL is not used", 0);
        }
    }

    /** What NCCL says goes to standard output unless a variable names a file; results go there. */
    private static void keepOutOfResults() {
        if (System.getenv(NcclOutput.VARIABLE) == null) {
            String file = NcclOutput.file(Path.of("/proc/self/fd/2"), Path.of(System.getProperty("java.io.tmpdir")));
            if (System.getenv("NCCL_DEBUG") != null && !file.equals(NcclOutput.STANDARD_ERROR)) {
                LoggerFactory.getLogger(Nccl.class)
                        .warn("NCCL writes to {}; {} names another file", file, NcclOutput.VARIABLE);
            }
            NativeLibrary.getProcess().getFunction("setenv").invokeInt(new Object[] {NcclOutput.VARIABLE, file, 0});
        }
    }

    private static void requireVersion(NativeLibrary library) {
        int[] version = new int[1];
        library.getFunction("ncclGetVersion").invokeInt(new Object[] {version});
        if (version[0] < NcclVersion.OLDEST) {
            throw new CudaException(
                    "NCCL " + NcclVersion.text(version[0]) + " (" + library.getFile()
                            + ") is too old: install 2.18 or newer",
                    0);
        }
    }

    /** What ranks share to form a communicator; passed by value. */
    @Structure.FieldOrder("internal")
    public static final class UniqueId extends Structure implements Structure.ByValue {
        public byte[] internal = new byte[ID_BYTES];

        static UniqueId of(byte[] bytes) {
            UniqueId id = new UniqueId();
            System.arraycopy(bytes, 0, id.internal, 0, ID_BYTES);
            return id;
        }
    }

    /** ncclConfig_t as of 2.18, which newer versions take, too. */
    @Structure.FieldOrder({
        "size",
        "magic",
        "version",
        "blocking",
        "cgaClusterSize",
        "minCtas",
        "maxCtas",
        "netName",
        "splitShare"
    })
    public static final class Config extends Structure {
        static final int BYTES = 48;
        private static final int MAGIC = 0xcafebeef;
        private static final int UNDEFINED = Integer.MIN_VALUE;

        public long size = BYTES;
        public int magic = MAGIC;
        public int version = NcclVersion.OLDEST;
        public int blocking = 1;
        public int cgaClusterSize = UNDEFINED;
        public int minCtas = UNDEFINED;
        public int maxCtas = UNDEFINED;
        public Pointer netName;
        public int splitShare = UNDEFINED;

        @Override
        protected List<String> getFieldOrder() {
            return super.getFieldOrder();
        }
    }

    static native int ncclGetVersion(int[] version);

    static native int ncclGetUniqueId(byte[] id);

    static native Pointer ncclGetErrorString(int result);

    static native Pointer ncclGetLastError(long comm);

    static native int ncclCommInitRankConfig(long[] comm, int ranks, UniqueId id, int rank, Config config);

    static native int ncclCommSplit(long comm, int color, int key, long[] newComm, Config config);

    static native int ncclCommGetAsyncError(long comm, int[] error);

    static native int ncclCommAbort(long comm);

    static native int ncclCommFinalize(long comm);

    static native int ncclCommDestroy(long comm);

    static native int ncclAllGather(long send, long receive, long sendCount, int type, long comm, long stream);

    static native int ncclReduceScatter(
            long send, long receive, long receiveCount, int type, int operation, long comm, long stream);

    static native int ncclAllReduce(
            long send, long receive, long count, int type, int operation, long comm, long stream);

    static native int ncclReduce(
            long send, long receive, long count, int type, int operation, int root, long comm, long stream);

    static native int ncclBroadcast(long send, long receive, long count, int type, int root, long comm, long stream);

    static native int ncclSend(long send, long count, int type, int peer, long comm, long stream);

    static native int ncclRecv(long receive, long count, int type, int peer, long comm, long stream);

    static native int ncclGroupStart();

    static native int ncclGroupEnd();

    /** What a result means, with NCCL's own account of the last error where there is one. */
    static String message(int result, long comm) {
        Pointer text = ncclGetErrorString(result);
        Pointer last = ncclGetLastError(comm);
        String detail = last == null ? "" : last.getString(0).strip();
        return (text == null ? "error " + result : text.getString(0)) + (detail.isEmpty() ? "" : ": " + detail);
    }
}

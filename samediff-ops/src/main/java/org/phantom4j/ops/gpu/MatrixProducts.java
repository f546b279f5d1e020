package org.phantom4j.ops.gpu;

import com.sun.jna.Memory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.phantom4j.comm.cuda.CudaDevice;
import org.phantom4j.comm.cuda.CudaException;
import org.phantom4j.comm.cuda.CudaGraph;
import org.phantom4j.comm.cuda.CudaStream;
import org.phantom4j.comm.cuda.DeviceMemory;
import org.phantom4j.ops.cache.UserCache;

/**
 * Matrix products of one device, by cuBLASLt. Each product's algorithm is chosen by measuring those that cuBLAS suggests, once for
 * each kind of GPU and version of cuBLAS, and remembered in the user's cache.
 *
 * <p>Threads: one at a time, which has bound the device.
 */
public final class MatrixProducts implements AutoCloseable {

    /** What NVIDIA advises for Hopper. */
    private static final long WORKSPACE_BYTES = 32L << 20;

    private static final int CANDIDATES = 24;

    /** How often work is repeated that is timed as a whole. */
    private static final int RECORDED = 8;

    private final Precision precision;
    private final String kernels;
    private final long handle;
    private final String machine;
    private final UserCache cache = UserCache.of("products");
    private final Scalars scalars;
    private final List<DeviceMemory> workspaces = new ArrayList<>();
    private final Set<MatrixProduct> products = new HashSet<>();

    /**
     * For the calling thread's device.
     *
     * @param kernels the same device's and precision's
     * @param lanes how many streams run products at the same time: each needs a workspace
     */
    public MatrixProducts(CudaDevice device, Precision precision, Kernels kernels, int lanes) {
        this.precision = precision;
        this.kernels = kernels.version;
        long[] created = new long[1];
        CublasLt.check("cublasLtCreate", CublasLt.cublasLtCreate(created));
        this.handle = created[0];
        this.machine = device.name() + " cublas " + CublasLt.cublasLtGetVersion() + " " + precision;
        try {
            this.scalars = new Scalars(precision);
            for (int lane = 0; lane < lanes; lane++) {
                workspaces.add(DeviceMemory.allocate(WORKSPACE_BYTES));
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /** Bytes of device memory that are held for products. */
    public long workspaceBytes() {
        return WORKSPACE_BYTES * workspaces.size();
    }

    /**
     * Prepares a product, and chooses its algorithm: on data that are there, which a sum leaves as they are.
     *
     * @param stream where to measure
     * @param a address of A, whose alignment counts; so for b and c
     */
    public Product prepare(ProductShape shape, int lane, CudaStream stream, long a, long b, long c) {
        MatrixProduct product = new MatrixProduct(handle, precision, shape, scalars, workspaces.get(lane));
        products.add(product);
        long[] alignments = {
            alignment(a, shape.a(), precision.factorBytes()),
            alignment(b, shape.b(), precision.factorBytes()),
            alignment(c, shape.c(), shape.factorResult() ? precision.factorBytes() : precision.resultBytes())
        };
        String name = UserCache.key(machine, shape.key(), Arrays.toString(alignments));
        Optional<byte[]> known = cache.read(name);
        if (known.isPresent() && known.get().length == CublasLt.ALGORITHM_BYTES) {
            product.use(known.get());
            if (product.tryRun(stream, a, b, c, true)) {
                return product;
            }
        }
        product.use(fastest(product, candidates(product, alignments), shape, stream, a, b, c));
        cache.write(name, product.algorithm());
        return product;
    }

    /**
     * Measures which of two ways to compute the same is to be preferred, once for each kind of GPU and version of the kernels.
     *
     * @param question what the answer is remembered under
     * @param one what begins and ends on the stream, and can be repeated
     * @param handicap how many times as long it may take and still be preferred
     */
    public boolean isPreferred(CudaStream stream, String question, Runnable one, Runnable other, double handicap) {
        String name = UserCache.key(machine, kernels, question);
        Optional<byte[]> known = cache.read(name);
        if (known.isPresent() && known.get().length == 1) {
            return known.get()[0] != 0;
        }
        boolean preferred = measure(stream, one) < handicap * measure(stream, other);
        cache.write(name, new byte[] {(byte) (preferred ? 1 : 0)});
        return preferred;
    }

    /** Recorded, so that what it takes to start work from the host does not count. */
    private static double measure(CudaStream stream, Runnable work) {
        stream.beginCapture();
        try {
            for (int i = 0; i < RECORDED; i++) {
                work.run();
            }
        } catch (RuntimeException e) {
            stream.abandonCapture();
            throw e;
        }
        try (CudaGraph graph = stream.endCapture()) {
            return MatrixProduct.measure(stream, () -> graph.launch(stream));
        }
    }

    private byte[] fastest(
            MatrixProduct product,
            List<byte[]> candidates,
            ProductShape shape,
            CudaStream stream,
            long a,
            long b,
            long c) {
        byte[] best = null;
        double least = Double.POSITIVE_INFINITY;
        for (byte[] candidate : candidates) {
            product.use(candidate);
            double milliseconds = product.measure(stream, a, b, c);
            if (milliseconds < least) {
                least = milliseconds;
                best = candidate;
            }
        }
        if (best == null) {
            throw new CudaException(
                    "cuBLAS " + CublasLt.cublasLtGetVersion() + " has no way to compute the product " + shape.key()
                            + " in " + precision,
                    0);
        }
        return best;
    }

    private List<byte[]> candidates(MatrixProduct product, long[] alignments) {
        long[] preference = new long[1];
        CublasLt.check("cublasLtMatmulPreferenceCreate", CublasLt.cublasLtMatmulPreferenceCreate(preference));
        try (Memory results = new Memory((long) CANDIDATES * CublasLt.RESULT_BYTES)) {
            set(preference[0], CublasLt.PREF_WORKSPACE, WORKSPACE_BYTES, 8);
            set(preference[0], CublasLt.PREF_ALIGNMENT_A, alignments[0], 4);
            set(preference[0], CublasLt.PREF_ALIGNMENT_B, alignments[1], 4);
            set(preference[0], CublasLt.PREF_ALIGNMENT_C, alignments[2], 4);
            set(preference[0], CublasLt.PREF_ALIGNMENT_D, alignments[2], 4);
            int found = product.suggestions(preference[0], CANDIDATES, results);
            List<byte[]> candidates = new ArrayList<>();
            for (int i = 0; i < found; i++) {
                long at = (long) i * CublasLt.RESULT_BYTES;
                if (results.getInt(at + CublasLt.RESULT_STATE) == 0) {
                    candidates.add(results.getByteArray(at, CublasLt.ALGORITHM_BYTES));
                }
            }
            return candidates;
        } finally {
            CublasLt.cublasLtMatmulPreferenceDestroy(preference[0]);
        }
    }

    private static void set(long preference, int attribute, long value, int bytes) {
        CublasLt.check(
                "cublasLtMatmulPreferenceSetAttribute",
                CublasLt.cublasLtMatmulPreferenceSetAttribute(preference, attribute, new long[] {value}, bytes));
    }

    /** The largest power of two up to 256 that divides the addresses, in bytes, of a matrix and of those that follow it. */
    private static long alignment(long address, ProductShape.Matrix matrix, int elementBytes) {
        return Math.min(Long.lowestOneBit(address | matrix.gap() * elementBytes), 256);
    }

    /** Frees what a product holds; the product cannot be run any more. Graphs that it is recorded in can. */
    public void release(Product product) {
        if (product instanceof MatrixProduct made && products.remove(made)) {
            made.close();
        }
    }

    @Override
    public void close() {
        products.forEach(MatrixProduct::close);
        products.clear();
        workspaces.forEach(DeviceMemory::close);
        workspaces.clear();
        if (scalars != null) {
            scalars.close();
        }
        CublasLt.cublasLtDestroy(handle);
    }
}

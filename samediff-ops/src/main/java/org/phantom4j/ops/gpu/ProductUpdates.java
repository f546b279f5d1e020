package org.phantom4j.ops.gpu;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.EnumMap;
import java.util.Map;
import org.phantom4j.comm.cuda.CudaDevice;
import org.phantom4j.comm.cuda.CudaKernel;
import org.phantom4j.comm.cuda.CudaModule;
import org.phantom4j.comm.cuda.CudaStream;
import org.phantom4j.ops.gpu.UpdateKernels.Way;

/** The kernels that step weights by a product, in one pass over the weights: update_product.cu and update_tiles.cu. */
final class ProductUpdates {

    /** The largest batch of update_product. */
    private static final int MOST_SAMPLES = 256;

    /** As in update_product.cu: rows of a block, columns that it works on at a time. */
    private static final int UPDATE_ROWS = 256;

    private static final int UPDATE_COLUMNS = 32;

    private static final int MATRIX_BYTES = 72;

    /** Four stages of deltas and weights in two halves, or six of deltas and weights in one; and barriers. */
    private static final int UPDATE_SHARED_BYTES = 4 * UPDATE_COLUMNS * 2 * (MOST_SAMPLES + 2 * UPDATE_ROWS) + 128;

    private static final int TILE_ROWS = 128;
    private static final int TILES_BYTES = 64;
    private static final int TILES_THREADS = 256;

    /**
     * Tiles of update_tiles.cu.
     *
     * @param rows of a tile
     * @param columns of a tile
     * @param pieceRows rows of a tile that follow one another in shared memory
     * @param stages of 64 samples
     * @param cluster blocks that share rows of x
     */
    private record Tiling(CudaKernel kernel, int rows, int columns, int pieceRows, int stages, int cluster) {
        int sharedBytes() {
            return stages * (rows + columns) * 128 + 64;
        }

        int count(ProductStep step) {
            int clusters = Math.multiplyExact(
                    Kernels.blocks(step.rows(), rows), Kernels.blocks(step.columns(), columns * cluster));
            return Math.multiplyExact(clusters, cluster);
        }

        static Tiling of(CudaModule module, String name, int columns, int pieceRows, int stages, int cluster) {
            Tiling tiling = new Tiling(module.kernel(name), TILE_ROWS, columns, pieceRows, stages, cluster);
            tiling.kernel.withSharedBytes(tiling.sharedBytes());
            return tiling;
        }
    }

    private final int multiprocessors;
    private final CudaKernel product;
    private final Map<Way, Tiling> tilings = new EnumMap<>(Way.class);

    ProductUpdates(CudaModule module, Precision precision, CudaDevice device) {
        this.multiprocessors = device.multiprocessors();
        boolean narrow = precision.isNarrow();
        this.product = narrow && device.sharedBytes() >= UPDATE_SHARED_BYTES
                ? module.kernel("update_product").withSharedBytes(UPDATE_SHARED_BYTES)
                : null;
        boolean tiles = narrow && Nvrtc.architecture(device.computeCapability()).equals("90a");
        if (tiles) {
            tilings.put(Way.TILES, Tiling.of(module, "update_tiles", 128, 128, 3, 1));
            tilings.put(Way.PAIRED_TILES, Tiling.of(module, "update_paired_tiles", 128, 128, 3, 2));
            tilings.put(Way.THIN_TILES, Tiling.of(module, "update_thin_tiles", 64, 64, 4, 1));
        }
    }

    boolean can(Way way, ProductStep step, long batch) {
        boolean exists = way == Way.ROWS_KEPT ? product != null && batch <= MOST_SAMPLES : tilings.containsKey(way);
        return exists && step.isAligned(batch);
    }

    /** Half tiles only where large ones would leave multiprocessors with one, or none; pairs only where there are many. */
    boolean isWorthTrying(Way way, ProductStep step) {
        if (way == Way.ROWS_KEPT || !tilings.containsKey(way)) {
            return true;
        }
        boolean narrow = step.columns() <= tilings.get(Way.THIN_TILES).columns;
        long tiles = (long) tilings.get(Way.TILES).count(step) * step.shards();
        return switch (way) {
            case THIN_TILES -> narrow || tiles < 2L * multiprocessors;
            case PAIRED_TILES -> !narrow && tiles >= multiprocessors;
            default -> !narrow;
        };
    }

    private static int tiles(ProductStep step) {
        return Kernels.blocks(step.columns(), UPDATE_COLUMNS);
    }

    void keepRows(CudaStream stream, ProductStep step, ProductStep following, long batch, long controls) {
        if (following != null && !following.isOfSameRows(step)) {
            throw new IllegalArgumentException(following + " is not of the same x as " + step);
        }
        int tiles = tiles(step) + (following == null ? 0 : tiles(following));
        int rowBlocks = Kernels.blocks(step.rows(), UPDATE_ROWS);
        int tilesEach = Kernels.blocks(tiles, Math.max(1, multiprocessors / (rowBlocks * step.shards())));
        ByteBuffer matrices = ByteBuffer.allocate(2 * MATRIX_BYTES + 16).order(ByteOrder.nativeOrder());
        put(matrices, step);
        put(matrices, following == null ? step : following);
        matrices.putInt(tiles(step)).putInt(tiles).putInt(tilesEach);
        product.launch(
                stream,
                new CudaKernel.Grid(rowBlocks, Kernels.blocks(tiles, tilesEach), step.shards()),
                UPDATE_ROWS,
                UPDATE_SHARED_BYTES,
                step.x(),
                step.xGap(),
                matrices.array(),
                (int) step.rows(),
                (int) batch,
                controls);
    }

    private static void put(ByteBuffer matrices, ProductStep step) {
        Parameter weights = step.weights();
        matrices.putLong(step.delta())
                .putLong(weights.address())
                .putLong(weights.lower())
                .putLong(step.deltaGap())
                .putLong(step.gap())
                .putLong(step.stride())
                .putLong(weights.place())
                .putInt((int) step.columns());
        step.putOwn(matrices);
    }

    void tile(CudaStream stream, Way way, ProductStep step, long batch, long controls) {
        Tiling tiling = tilings.get(way);
        Parameter weights = step.weights();
        ByteBuffer matrix = ByteBuffer.allocate(TILES_BYTES).order(ByteOrder.nativeOrder());
        matrix.putLong(weights.address())
                .putLong(weights.lower())
                .putLong(step.stride())
                .putLong(step.gap())
                .putLong(weights.place())
                .putInt((int) step.rows())
                .putInt((int) step.columns())
                .putInt((int) batch);
        step.putOwn(matrix);
        tiling.kernel.launch(
                stream,
                tiling.count(step),
                step.shards(),
                TILES_THREADS,
                tiling.sharedBytes(),
                step.mapOfX(batch, tiling.pieceRows),
                step.mapOfDelta(batch, tiling.columns),
                matrix.array(),
                controls);
    }
}

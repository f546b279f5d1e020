#if defined(BF16) && defined(__CUDA_ARCH_FEAT_SM90_ALL)
// w[j] -= rate * x[j]' delta[j] of shards j, for any batch: a gradient and its step in one pass over the weight, by tiles.
//
// x [batch, rows] and delta [batch, columns] are feature-major: what is summed over is contiguous in both. w [rows, columns]
// has its columns `stride` apart. All are multiples of eight.
//
// A block makes one tile of the gradient. The copy engine brings 64 samples at a time; two warpgroups multiply them, with the sums
// in their registers, and then step the tile's weights. Two blocks share a multiprocessor, so that one steps weights while the other
// multiplies.
//
// A warpgroup's product has columns of w as its rows, and rows of w as its columns, of which the lane q of four holds those
// numbered 2q and 2q + 1 of each eight. So the rows of x come in such an order that a lane's are eight neighbours: first the rows 0
// and 1 of all eights, then 2 and 3, and so on. They are 16 bytes of a column of w, which are read and written at once, and four
// lanes' are whole sectors.
//
// Grid (tiles of a shard, shards); where two blocks share rows of x, tiles are counted in such pairs.
struct __align__(64) tensor_map {
    char bytes[128];
};

struct tiles_step {
    factor *upper;
    short *lower;
    long stride;
    long gap;
    // the first weight's, among the rank's parameters
    long place;
    int rows;
    int columns;
    int batch;
    own_rows own;
};

enum {
    TILE_SAMPLES = 64,
    // of 64 samples of a neuron
    TILE_PITCH = TILE_SAMPLES * 2,
    TILE_GROUPS = 2,
    TILE_THREADS = TILE_GROUPS * 128,
    // tiles that are worked on at the same time are of few rows and few columns: what they read is in the cache
    TILE_BAND = 8,
    // weights are fetched to the cache while these products are computed
    TILE_AHEAD = 12
};

// The two warpgroups have neighbouring columns (COLUMN_GROUPS 2) or rows (1); each 64 columns and ROWS rows. BLOCKS blocks, one or
// two, have the same rows and neighbouring columns, and each brings its part of x to both.
template <int ROWS, int COLUMN_GROUPS, int STAGE_COUNT, int BLOCKS>
struct update_tiling {
    enum {
        CLUSTER = BLOCKS,
        GROUP_ROWS = ROWS,
        ROW_GROUPS = TILE_GROUPS / COLUMN_GROUPS,
        BLOCK_ROWS = ROWS * ROW_GROUPS,
        BLOCK_COLUMNS = 64 * COLUMN_GROUPS,
        CLUSTER_COLUMNS = BLOCK_COLUMNS * CLUSTER,
        // in shared memory: stages of x and deltas, and two barriers for each: it is full, it is empty
        X_BYTES = ROWS * TILE_PITCH,
        DELTAS_AT = ROW_GROUPS * X_BYTES,
        STAGE = DELTAS_AT + BLOCK_COLUMNS * TILE_PITCH,
        STAGES = STAGE_COUNT,
        BARRIERS_AT = STAGES * STAGE
    };
};

// The rows 2 * pair and 2 * pair + 1 of each eight; to all blocks of a cluster, if there are two.
template <int CLUSTER>
static __device__ void fetch_rows(unsigned to, const tensor_map &map, unsigned barrier, int sample, int pair, int eight, int shard) {
    if (CLUSTER == 1) {
        asm volatile("cp.async.bulk.tensor.5d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], "
                     "[%1, {%3, 0, %4, %5, %6}], [%2];" ::"r"(to), "l"(&map), "r"(barrier), "r"(sample), "r"(pair), "r"(eight), "r"(shard)
                : "memory");
    } else {
        asm volatile("cp.async.bulk.tensor.5d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.multicast::cluster [%0], "
                     "[%1, {%3, 0, %4, %5, %6}], [%2], %7;" ::"r"(to), "l"(&map), "r"(barrier), "r"(sample), "r"(pair), "r"(eight),
                "r"(shard), "h"((unsigned short)((1 << CLUSTER) - 1))
                : "memory");
    }
}

static __device__ void fetch_columns(unsigned to, const tensor_map &map, unsigned barrier, int sample, int column, int shard) {
    asm volatile("cp.async.bulk.tensor.3d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4, %5}], "
                 "[%2];" ::"r"(to), "l"(&map), "r"(barrier), "r"(sample), "r"(column), "r"(shard)
            : "memory");
}

static __device__ void fetch_to_cache(const void *from, int bytes) {
    asm volatile("cp.async.bulk.prefetch.L2.global [%0], %1;" ::"l"(from), "r"(bytes) : "memory");
}

// Of a matrix whose rows are 128 bytes; bits 62: swizzled by as many, 32: eight rows are 1024 bytes.
static __device__ unsigned long long matrix_at(unsigned address) {
    return 1ull << 62 | 64ull << 32 | 1ull << 16 | address >> 4;
}

// d [64, 64 or 128] += a [64, 16] b [16, 64 or 128] of a warpgroup, or, if it does not add, =.
#define D8(i) "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]), "+f"(d[i + 6]), "+f"(d[i + 7])

static __device__ void multiply_tile(float (&d)[32], unsigned long long a, unsigned long long b, int adds) {
    asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %34, 0;\n"
                 "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, "
                 "%14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}, %32, %33, p, 1, 1, 0, "
                 "0;\n}"
            : D8(0), D8(8), D8(16), D8(24)
            : "l"(a), "l"(b), "r"(adds));
}

static __device__ void multiply_tile(float (&d)[64], unsigned long long a, unsigned long long b, int adds) {
    asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %66, 0;\n"
                 "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, "
                 "%13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, %32, %33, %34, "
                 "%35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, %50, %51, %52, %53, %54, %55, %56, "
                 "%57, %58, %59, %60, %61, %62, %63}, %64, %65, p, 1, 1, 0, 0;\n}"
            : D8(0), D8(8), D8(16), D8(24), D8(32), D8(40), D8(48), D8(56)
            : "l"(a), "l"(b), "r"(adds));
}

#undef D8

// A block's tile.
template <typename T>
struct tile_place {
    int r0;
    int c0;
    int row_group;
    int column_group;
    // among the blocks that share x
    int rank;

    __device__ tile_place(const tiles_step &w) {
        int row_tiles = (w.rows + T::BLOCK_ROWS - 1) / T::BLOCK_ROWS;
        int column_tiles = (w.columns + T::CLUSTER_COLUMNS - 1) / T::CLUSTER_COLUMNS;
        int place = blockIdx.x / T::CLUSTER, group = threadIdx.x >> 7;
        int band = place / (TILE_BAND * column_tiles) * TILE_BAND, height = min((int)TILE_BAND, row_tiles - band);
        int tile = place - band * column_tiles;
        rank = blockIdx.x % T::CLUSTER;
        r0 = (band + tile % height) * T::BLOCK_ROWS;
        c0 = tile / height * T::CLUSTER_COLUMNS + rank * T::BLOCK_COLUMNS;
        row_group = T::ROW_GROUPS == 1 ? 0 : group;
        column_group = T::ROW_GROUPS == 1 ? group : 0;
    }

    // Whether there is nothing to do for any of the blocks that share x.
    __device__ bool is_own(const tiles_step &w) const {
        if (!w.own.count) {
            return false;
        }
        int c = c0 - rank * T::BLOCK_COLUMNS, own = w.own.of(c), last = min(c + T::CLUSTER_COLUMNS, w.columns) - 1;
        return own == w.own.of(last) && own <= r0 && min(r0 + T::BLOCK_ROWS, w.rows) <= own + w.own.count;
    }
};

// At a barrier of the block of that rank.
template <int CLUSTER>
static __device__ void arrive_at(unsigned barrier, int rank) {
    if (CLUSTER == 1) {
        arrive(barrier);
    } else {
        asm volatile("{\n.reg .b32 there;\nmapa.shared::cluster.u32 there, %0, %1;\n"
                     "mbarrier.arrive.release.cluster.shared::cluster.b64 _, [there];\n}" ::"r"(barrier),
                "r"(rank)
                : "memory");
    }
}

// Has the samples from k * 64 on brought to their stage. One thread.
template <typename T>
static __device__ void fetch_samples(const tensor_map &x, const tensor_map &delta, unsigned base, const tile_place<T> &place, int k) {
    unsigned to = base + k % T::STAGES * T::STAGE, full = base + T::BARRIERS_AT + k % T::STAGES * 16;
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(full), "r"((int)T::STAGE) : "memory");
#pragma unroll
    for (int i = 0; i < T::ROW_GROUPS * 4 / T::CLUSTER; i++) {
        int part = place.rank * (T::ROW_GROUPS * 4 / T::CLUSTER) + i, eight = (place.r0 + part / 4 * T::GROUP_ROWS) / 8;
        fetch_rows<T::CLUSTER>(to + part * (T::X_BYTES / 4), x, full, k * TILE_SAMPLES, part % 4, eight, blockIdx.y);
    }
    fetch_columns(to + T::DELTAS_AT, delta, full, k * TILE_SAMPLES, place.c0, blockIdx.y);
}

template <typename T>
static __device__ void fetch_weights_to_cache(const tiles_step &w, const tile_place<T> &place) {
    int c = place.c0 + (threadIdx.x & 127), bytes = 2 * min((int)T::BLOCK_ROWS, w.rows - place.r0);
    if (c < min(place.c0 + T::BLOCK_COLUMNS, w.columns)) {
        long at = blockIdx.y * w.gap + c * w.stride + place.r0;
        if (threadIdx.x < 128) {
            fetch_to_cache(w.upper + at, bytes);
        } else if (UPDATE_HALVES == 2) {
            fetch_to_cache(w.lower + at, bytes);
        }
    }
}

// sums = delta' x of a warpgroup's part of the tile.
template <typename T, int SUMS>
static __device__ void multiply_tiles(float (&sums)[SUMS], const tensor_map &x, const tensor_map &delta, const tiles_step &w,
        unsigned base, const tile_place<T> &place) {
    int depth = (w.batch + TILE_SAMPLES - 1) / TILE_SAMPLES;
    if (threadIdx.x == 0) {
        for (int k = 0; k < min((int)T::STAGES, depth); k++) {
            fetch_samples(x, delta, base, place, k);
        }
    }
    __syncwarp();
    for (int k = 0; k < depth; k++) {
        unsigned at = base + k % T::STAGES * T::STAGE;
        if (k == max(0, depth - TILE_AHEAD)) {
            fetch_weights_to_cache(w, place);
        }
        wait_barrier(base + T::BARRIERS_AT + k % T::STAGES * 16, k / T::STAGES & 1);
        unsigned long long a = matrix_at(at + T::DELTAS_AT + place.column_group * 64 * TILE_PITCH);
        unsigned long long b = matrix_at(at + place.row_group * T::X_BYTES);
        asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#pragma unroll
        for (int i = 0; i < TILE_SAMPLES / 16; i++) {
            multiply_tile(sums, a + i * 2, b + i * 2, k + i);
        }
        commit_product();
        asm volatile("wgmma.wait_group.sync.aligned 1;" ::: "memory");
        // the products of the stage before are done: it can be filled anew when all warps say so
        int before = k - 1;
        if (k > 0 && before + T::STAGES < depth) {
            unsigned empty = base + T::BARRIERS_AT + before % T::STAGES * 16 + 8;
            if ((threadIdx.x & 31) < T::CLUSTER) {
                arrive_at<T::CLUSTER>(empty, threadIdx.x & 31);
            }
            if (threadIdx.x == 0) {
                wait_barrier(empty, before / T::STAGES & 1);
                fetch_samples(x, delta, base, place, before + T::STAGES);
            }
            __syncwarp();
        }
    }
    asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
#pragma unroll
    for (int i = 0; i < SUMS; i++) {
        // they change here
        asm volatile("" : "+f"(sums[i])::"memory");
    }
}

// Eight neighbouring weights.
struct weights_of_eight {
    uint4 upper;
    uint4 lower;
};

// Steps of the weights whose gradients a lane holds: of two columns, eight of every 32 rows.
template <int SUMS>
static __device__ void step_tile(const float (&sums)[SUMS], const tiles_step &w, int r0, int c0, const step_controls *controls) {
    enum { EIGHTS = SUMS / 16 };
    int lane = threadIdx.x & 31;
    int r = r0 + (lane & 3) * 8, c = c0 + (threadIdx.x >> 5 & 3) * 16 + (lane >> 2);
    float rate = (float)controls->rate;
    long first = blockIdx.y * w.gap + c * w.stride + r;
    unsigned random = mix_bits(rounding_seed(controls->step, w.place + first));
#pragma unroll
    for (int half = 0; half < 2; half++) {
        int column = c + half * 8;
        long at = first + half * 8 * w.stride;
        auto exists = [&](int i) {
            int row = r + i * 32;
            return column < w.columns && row < w.rows && !w.own.has(column, row);
        };
        weights_of_eight eights[EIGHTS];
#pragma unroll
        for (int i = 0; i < EIGHTS; i++) {
            if (exists(i)) {
                eights[i].upper = *(const uint4 *)(w.upper + at + i * 32);
                if (UPDATE_HALVES == 2) {
                    eights[i].lower = *(const uint4 *)(w.lower + at + i * 32);
                }
            }
        }
#pragma unroll
        for (int i = 0; i < EIGHTS; i++) {
            unsigned *upper = &eights[i].upper.x, *lower = &eights[i].lower.x;
#pragma unroll
            for (int t = 0; t < 4; t++) {
                const float *pair = sums + (i + t * EIGHTS) * 4 + half * 2;
                step_pair(upper[t], lower[t], pair[0], pair[1], rate, random);
            }
            if (exists(i)) {
                *(uint4 *)(w.upper + at + i * 32) = eights[i].upper;
                if (UPDATE_HALVES == 2) {
                    *(uint4 *)(w.lower + at + i * 32) = eights[i].lower;
                }
            }
        }
    }
}

static __device__ void arrive_at_cluster() {
    asm volatile("barrier.cluster.arrive.release.aligned;" ::: "memory");
}

static __device__ void wait_for_cluster() {
    asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory");
}

template <typename T>
static __device__ void update_tile(const tensor_map &x, const tensor_map &delta, const tiles_step &w, const step_controls *controls) {
    extern __shared__ __align__(1024) char tile_stages[];
    unsigned base = (unsigned)__cvta_generic_to_shared(tile_stages);
    tile_place<T> place(w);
    if (place.is_own(w)) {
        return;
    }
    if (threadIdx.x == 0) {
        for (int stage = 0; stage < T::STAGES; stage++) {
            unsigned full = base + T::BARRIERS_AT + stage * 16;
            asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(full));
            asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(full + 8), "r"(T::CLUSTER * TILE_THREADS / 32));
        }
        // the copy engine sees them, too
        asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
        asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
    }
    __syncthreads();
    if (T::CLUSTER > 1) {
        arrive_at_cluster();
        wait_for_cluster();
    }
    float sums[T::GROUP_ROWS / 2];
    multiply_tiles(sums, x, delta, w, base, place);
    if (T::CLUSTER > 1) {
        arrive_at_cluster();
    }
    step_tile(sums, w, place.r0 + place.row_group * T::GROUP_ROWS, place.c0 + place.column_group * 64, controls);
    if (T::CLUSTER > 1) {
        // nobody leaves while the other may still send to it
        __syncwarp();
        wait_for_cluster();
    }
}

// Tiles of 128 rows and 128 columns.
extern "C" __global__ void __launch_bounds__(TILE_THREADS, 2) update_tiles(const __grid_constant__ tensor_map x,
        const __grid_constant__ tensor_map delta, const __grid_constant__ tiles_step w, const step_controls *controls) {
    update_tile<update_tiling<128, 2, 3, 1>>(x, delta, w, controls);
}

// The same, two and two that share their rows of x: less is read from the cache.
extern "C" __global__ void __cluster_dims__(2, 1, 1) __launch_bounds__(TILE_THREADS, 2) update_paired_tiles(
        const __grid_constant__ tensor_map x, const __grid_constant__ tensor_map delta, const __grid_constant__ tiles_step w,
        const step_controls *controls) {
    update_tile<update_tiling<128, 2, 3, 2>>(x, delta, w, controls);
}

// Tiles of 128 rows and 64 columns: where there are few columns, or few tiles.
extern "C" __global__ void __launch_bounds__(TILE_THREADS, 2) update_thin_tiles(const __grid_constant__ tensor_map x,
        const __grid_constant__ tensor_map delta, const __grid_constant__ tiles_step w, const step_controls *controls) {
    update_tile<update_tiling<64, 1, 4, 1>>(x, delta, w, controls);
}
#endif

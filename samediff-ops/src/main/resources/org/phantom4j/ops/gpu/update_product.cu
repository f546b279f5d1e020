#if defined(BF16) && __CUDA_ARCH__ >= 900
// w[j] -= rate * x[j]' delta[j] of shards j, where w is split in halves, or rounded: the gradient of a weight and its step in one
// pass over the weight.
//
// x [batch, rows] and delta [batch, columns] are feature-major: what is summed over is contiguous in both. w [rows, columns]
// has its columns `stride` apart. A block keeps 256 rows of x in its registers, as matrix fragments, and goes over its
// share of the columns, 32 at a time; their deltas and weights arrive in shared memory while others are worked on, and
// weights take their steps while the matrix units compute the next ones' gradients. So a weight is read once and written once, and
// little else is read: what bounds this kernel is the memory's bandwidth.
//
// Pieces of 16 bytes in shared memory are at their place XOR their column's last three bits: eight columns are in
// different banks, and of deltas, this is what wgmma calls swizzled by 128 bytes.
//
// A second, small matrix of the same x may follow the first in the same blocks.
//
// batch at most 256 and a multiple of 8, as are rows, strides and gaps. Block 256, grid (rows / 256, shares of columns, shards).
enum {
    UPDATE_ROWS = 256,
    UPDATE_COLUMNS = 32,
    UPDATE_BATCH = 256,
#ifdef ROUNDED
    UPDATE_HALVES = 1,
    UPDATE_STAGES = 6,
#else
    UPDATE_HALVES = 2,
    UPDATE_STAGES = 4,
#endif
    // of 32 columns: deltas in four parts of 64 samples, [part][column][sample]; weights [column][row]
    DELTA_PART_BYTES = UPDATE_COLUMNS * 128,
    DELTA_BYTES = UPDATE_BATCH / 64 * DELTA_PART_BYTES,
    WEIGHT_PITCH = UPDATE_ROWS * 2,
    WEIGHT_BYTES = UPDATE_COLUMNS * WEIGHT_PITCH,
    STAGE_BYTES = DELTA_BYTES + UPDATE_HALVES * WEIGHT_BYTES
};

// Rows that are not stepped: column c has `count` of them, from (first + c / columns) * count on. None where count is zero.
struct own_rows {
    int count;
    int first;
    int columns;

    __device__ int of(int column) const {
        return (first + column / columns) * count;
    }

    __device__ bool has(int column, int row) const {
        return count && (unsigned)(row - of(column)) < (unsigned)count;
    }
};

// Shards' are `gap` apart.
struct update_matrix {
    const factor *delta;
    factor *upper;
    short *lower;
    long delta_gap;
    long gap;
    long stride;
    // the first weight's, among the rank's parameters
    long place;
    int columns;
    own_rows own;
};

// Their tiles of 32 columns are one behind the other.
struct update_matrices {
    update_matrix parts[2];
    // of the first, of both, and of a share
    int first_tiles;
    int tiles;
    int tiles_each;
};

struct update_tile {
    const update_matrix &w;
    int first_column;

    __device__ update_tile(const update_matrices &all, int tile)
        : w(all.parts[tile >= all.first_tiles]),
          first_column((tile < all.first_tiles ? tile : tile - all.first_tiles) * UPDATE_COLUMNS) {}
};

// Barriers in shared memory: two for each stage.
static __device__ void wait_barrier(unsigned barrier, int parity) {
    asm volatile("{\n.reg .pred p;\nagain:\nmbarrier.try_wait.parity.shared::cta.b64 p, [%0], %1;\n@!p bra again;\n}" ::"r"(barrier),
            "r"(parity)
            : "memory");
}

static __device__ void arrive(unsigned barrier) {
    asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier) : "memory");
}

static __device__ void load_stage(unsigned stage, const update_tile &tile, int r0, int rows, int batch) {
    const update_matrix &w = tile.w;
    int c0 = tile.first_column;
    // a warp's pieces are of one column
    int piece = threadIdx.x & 31, b = piece * 8, r = r0 + piece * 8;
#pragma unroll
    for (int c = threadIdx.x >> 5; c < UPDATE_COLUMNS; c += UPDATE_ROWS / 32) {
        bool column = c0 + c < w.columns, exists = column && b < batch;
        unsigned to = stage + (piece >> 3) * DELTA_PART_BYTES + c * 128 + ((piece ^ c) & 7) * 16;
        copy_16(to, exists ? w.delta + blockIdx.z * w.delta_gap + (long)(c0 + c) * batch + b : w.delta, exists);

        exists = column && r < rows;
        long at = exists ? blockIdx.z * w.gap + (c0 + c) * w.stride + r : 0;
        to = stage + DELTA_BYTES + c * WEIGHT_PITCH + (piece ^ (c & 7)) * 16;
        copy_16(to, w.upper + at, exists);
        if (UPDATE_HALVES == 2) {
            copy_16(to + WEIGHT_BYTES, w.lower + at, exists);
        }
    }
}

// A float's bits, to which less than 2^16 may be added: what is no number stays none, while of 0x7fffffff, which matrix units
// and additions make, a sum would be made.
static __device__ unsigned addable_bits(float value) {
    return min(__float_as_int(value), 0x7fff0000);
}

// Steps of two neighbouring columns' weights. `random` is the state of a thread's generator of pseudo-random numbers.
#ifdef ROUNDED
static __device__ unsigned next_random(unsigned &random) {
    random = random * 1664525u + 1013904223u;
    // its upper bits are the good ones
    return random >> 16;
}

static __device__ unsigned raised(float value, unsigned random) {
    return addable_bits(value) + random;
}

static __device__ void step_pair(unsigned &upper, unsigned &, float first, float second, float rate, unsigned &random) {
    unsigned a = raised(__uint_as_float(upper << 16) - rate * first, next_random(random));
    unsigned b = raised(__uint_as_float(upper & 0xffff0000u) - rate * second, next_random(random));
    upper = __byte_perm(a, b, 0x7632);
}
#else
static __device__ void step_pair(unsigned &upper, unsigned &lower, float first, float second, float rate, unsigned &) {
    float a = __uint_as_float((upper << 16) + (int)(short)lower);
    float b = __uint_as_float((upper & 0xffff0000u) + ((int)lower >> 16));
    unsigned x = addable_bits(a - rate * first), y = addable_bits(b - rate * second);
    // the upper halves after rounding, and the lower halves, which are what the rounded ones lack
    upper = __byte_perm(x + 0x8000u, y + 0x8000u, 0x7632);
    lower = __byte_perm(x, y, 0x5410);
}
#endif

// Four 8 x 8 matrices whose columns are contiguous in shared memory, as the accumulators of a product have them; a lane's
// address is that of eight rows of the matrix lane / 8's column lane % 8.
static __device__ void load_transposed(unsigned *m, unsigned address) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
            : "=r"(m[0]), "=r"(m[1]), "=r"(m[2]), "=r"(m[3])
            : "r"(address)
            : "memory");
}

static __device__ void store_transposed(unsigned address, const unsigned *m) {
    asm volatile("stmatrix.sync.aligned.m8n8.x4.trans.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(address), "r"(m[0]), "r"(m[1]),
            "r"(m[2]), "r"(m[3])
            : "memory");
}

typedef unsigned own_fragments[UPDATE_BATCH / 16][2][4];
typedef float gradients[2][UPDATE_COLUMNS / 2];

// A quarter of the samples of the product of a warp's 32 rows and a stage's 32 columns. wgmma only starts it; the warp may
// do other things meanwhile.
enum { QUARTERS = 4, QUARTER = UPDATE_BATCH / 16 / QUARTERS };

#ifdef __CUDA_ARCH_FEAT_SM90_ALL
static __device__ void multiply_rows(float *d, const unsigned *a, unsigned long long b, int adds) {
    asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %21, 0;\n"
                 "wgmma.mma_async.sync.aligned.m64n32k16.f32.bf16.bf16 {%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, "
                 "%13, %14, %15}, {%16, %17, %18, %19}, %20, p, 1, 1, 0;\n}"
            : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]), "+f"(d[8]),
            "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15])
            : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(adds));
}

static __device__ void multiply_quarter(gradients &sums, const own_fragments &own, unsigned deltas, int quarter) {
    if (quarter == 0) {
        asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
    }
    // bits 62: swizzled by 128 bytes, 32: eight columns are 1024 bytes
    unsigned long long matrix = 1ull << 62 | 64ull << 32 | 1ull << 16 | deltas >> 4;
#pragma unroll
    for (int i = 0; i < QUARTER; i++) {
        unsigned long long b = matrix + (quarter * DELTA_PART_BYTES + i * 32 >> 4);
        multiply_rows(sums[0], own[quarter * QUARTER + i][0], b, quarter + i > 0);
        multiply_rows(sums[1], own[quarter * QUARTER + i][1], b, quarter + i > 0);
    }
}

static __device__ void commit_product() {
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}

// Until all that has been started is there: `sums`.
static __device__ void wait_product(gradients &sums) {
    asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
#pragma unroll
    for (int i = 0; i < UPDATE_COLUMNS; i++) {
        // they change here
        asm volatile("" : "+f"(sums[i & 1][i >> 1])::"memory");
    }
}
#else
static __device__ void multiply_quarter(gradients &sums, const own_fragments &own, unsigned deltas, int quarter) {
    int lane = threadIdx.x & 31, n = (lane >> 4) * 8 + (lane & 7);
    if (quarter == 0) {
#pragma unroll
        for (int i = 0; i < UPDATE_COLUMNS; i++) {
            sums[i & 1][i >> 1] = 0;
        }
    }
#pragma unroll
    for (int i = 0; i < QUARTER; i++) {
        unsigned address = deltas + quarter * DELTA_PART_BYTES + n * 128 + ((i * 2 + (lane >> 3 & 1)) ^ (n & 7)) * 16;
#pragma unroll
        for (int j = 0; j < 2; j++) {
            unsigned b[4];
            asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                    : "=r"(b[0]), "=r"(b[1]), "=r"(b[2]), "=r"(b[3])
                    : "r"(address + j * 16 * 128));
#pragma unroll
            for (int t = 0; t < 2; t++) {
                multiply_bf16(sums[t] + j * 8, own[quarter * QUARTER + i][t], b[0], b[1]);
                multiply_bf16(sums[t] + j * 8 + 4, own[quarter * QUARTER + i][t], b[2], b[3]);
            }
        }
    }
}

static __device__ void commit_product() {}

static __device__ void wait_product(gradients &) {}
#endif

extern "C" __global__ void __launch_bounds__(UPDATE_ROWS, 1) update_product(const factor *x,
        long x_gap, const __grid_constant__ update_matrices all, int rows, int batch, const step_controls *controls) {
    extern __shared__ __align__(1024) char shared[];
    unsigned base = (unsigned)__cvta_generic_to_shared(shared);
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    int r0 = blockIdx.x * UPDATE_ROWS, first_tile = blockIdx.y * all.tiles_each;
    int tiles = min(all.tiles_each, all.tiles - first_tile);
    // A tile of 32 columns is in the stage that has its number modulo the stages. The two warpgroups wait for each other only
    // where one is a tile ahead: so one steps weights while the other multiplies.
    unsigned barriers = base + UPDATE_STAGES * STAGE_BYTES;
    auto loaded = [&](int tile) { return barriers + tile % UPDATE_STAGES * 16; };
    auto emptied = [&](int tile) { return loaded(tile) + 8; };
    if (threadIdx.x < UPDATE_STAGES) {
        asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(loaded(threadIdx.x)), "r"(UPDATE_ROWS));
        asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(emptied(threadIdx.x)), "r"(UPDATE_ROWS / 32));
    }
    __syncthreads();
    auto load = [&](int tile) {
        if (tile >= tiles) {
            return;
        }
        if (tile >= UPDATE_STAGES) {
            wait_barrier(emptied(tile), tile / UPDATE_STAGES - 1 & 1);
        }
        load_stage(base + tile % UPDATE_STAGES * STAGE_BYTES, {all, first_tile + tile}, r0, rows, batch);
        asm volatile("cp.async.mbarrier.arrive.noinc.shared::cta.b64 [%0];" ::"r"(loaded(tile)) : "memory");
    };
    for (int tile = 0; tile < UPDATE_STAGES - 2; tile++) {
        load(tile);
    }

    // a warp's 32 rows of x as two fragments for each 16 samples; zeros beyond the batch
    own_fragments own;
    int row = r0 + warp * 32 + (lane >> 2);
#pragma unroll
    for (int k = 0; k < UPDATE_BATCH / 16; k++) {
#pragma unroll
        for (int i = 0; i < 8; i++) {
            int r = row + i / 4 * 16 + i % 2 * 8, b = k * 16 + (lane & 3) * 2 + i / 2 % 2 * 8;
            own[k][i / 4][i % 4] = r < rows && b < batch ? *(const unsigned *)(x + blockIdx.z * x_gap + (long)r * batch + b) : 0;
        }
    }

    float rate = (float)controls->rate;
    const update_matrix &main = all.parts[0];
    long place = main.place + blockIdx.z * main.gap + first_tile * UPDATE_COLUMNS * main.stride + r0 + threadIdx.x;
    unsigned random = mix_bits(rounding_seed(controls->step, place));
    // eight columns of a tile take their steps
    auto step = [&](gradients &sums, int tile, int eight) {
        int piece = warp * 4 + (lane >> 3), c = eight * 8 + (lane & 7);
        unsigned address = base + tile % UPDATE_STAGES * STAGE_BYTES + DELTA_BYTES + c * WEIGHT_PITCH + (piece ^ (lane & 7)) * 16;
        unsigned u[4], l[4];
        load_transposed(u, address);
        if (UPDATE_HALVES == 2) {
            load_transposed(l, address + WEIGHT_BYTES);
        }
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const float *pair = sums[i / 2] + eight * 4 + i % 2 * 2;
            step_pair(u[i], l[i], pair[0], pair[1], rate, random);
        }
        store_transposed(address, u);
        if (UPDATE_HALVES == 2) {
            store_transposed(address + WEIGHT_BYTES, l);
        }
    };
    auto write = [&](int tile) {
        __syncwarp();
        const char *weights = shared + tile % UPDATE_STAGES * STAGE_BYTES + DELTA_BYTES;
        update_tile to(all, first_tile + tile);
        const update_matrix &w = to.w;
        int piece = warp * 4 + (lane & 3), r = r0 + piece * 8;
#pragma unroll
        for (int c = lane >> 2; c < UPDATE_COLUMNS; c += 8) {
            if (to.first_column + c < w.columns && r < rows && !w.own.has(to.first_column + c, r)) {
                long at = blockIdx.z * w.gap + (to.first_column + c) * w.stride + r;
                const char *from = weights + c * WEIGHT_PITCH + (piece ^ (c & 7)) * 16;
                *(uint4 *)(w.upper + at) = *(const uint4 *)from;
                if (UPDATE_HALVES == 2) {
                    *(uint4 *)(w.lower + at) = *(const uint4 *)(from + WEIGHT_BYTES);
                }
            }
        }
    };
    // multiplies a tile, and between its quarters finishes the one before
    auto work = [&](gradients &sums, int tile, gradients &before, bool has_before) {
        wait_barrier(loaded(tile), tile / UPDATE_STAGES & 1);
        // matrix units see what has been copied, too
        asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
        if (has_before) {
            wait_product(before);
        }
#pragma unroll
        for (int quarter = 0; quarter < QUARTERS; quarter++) {
            multiply_quarter(sums, own, base + tile % UPDATE_STAGES * STAGE_BYTES, quarter);
            if (quarter == 1) {
                // in place of the tile before the last
                load(tile + UPDATE_STAGES - 2);
            }
            if (has_before) {
                step(before, tile - 1, quarter);
            }
        }
        commit_product();
        if (has_before) {
            write(tile - 1);
            __syncwarp();
            if (lane == 0) {
                arrive(emptied(tile - 1));
            }
        }
    };
    auto finish = [&](gradients &sums, int tile) {
        wait_product(sums);
#pragma unroll
        for (int eight = 0; eight < UPDATE_COLUMNS / 8; eight++) {
            step(sums, tile, eight);
        }
        write(tile);
    };
    gradients even, odd;
    work(even, 0, odd, false);
    for (int tile = 1; tile < tiles; tile += 2) {
        work(odd, tile, even, true);
        if (tile + 1 == tiles) {
            finish(odd, tile);
            return;
        }
        work(even, tile + 1, odd, true);
    }
    finish(even, tiles - 1);
}
#endif

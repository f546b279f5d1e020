#ifdef BF16
// w -= rate * x' delta, where w is split in halves, or rounded: the gradient of a weight and its step in one pass over the weight.
//
// x [batch, rows] and delta [batch, columns] are feature-major: what is summed over is contiguous in both. w [rows, columns]
// has its columns `stride` apart. A block keeps 256 rows of x in its registers, as matrix fragments, and goes over its
// share of the columns, 32 at a time; their deltas and weights arrive in shared memory while others are worked on. So a
// weight is read once and written once, and little else is read: what bounds this kernel is the memory's bandwidth.
//
// batch at most 256 and a multiple of 8, rows and stride multiples of 8. Block 256, grid (rows / 256, shares of columns).
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
    // bytes from row to row in shared memory: 16 more than they need, so that eight rows are in different banks
    DELTA_PITCH = UPDATE_BATCH * 2 + 16,
    WEIGHT_PITCH = UPDATE_ROWS * 2 + 16,
    STAGE_BYTES = UPDATE_COLUMNS * (DELTA_PITCH + UPDATE_HALVES * WEIGHT_PITCH)
};

static __device__ void load_stage(unsigned stage, const factor *delta, const factor *upper, const short *lower, int r0,
        int c0, int columns_end, int rows, int batch, long stride) {
    for (int i = threadIdx.x; i < UPDATE_COLUMNS * (UPDATE_BATCH / 8); i += UPDATE_ROWS) {
        int c = i / (UPDATE_BATCH / 8), b = i % (UPDATE_BATCH / 8) * 8;
        bool exists = c0 + c < columns_end && b < batch;
        copy_16(stage + c * DELTA_PITCH + b * 2, exists ? delta + (long)(c0 + c) * batch + b : delta, exists);
    }
    unsigned weights = stage + UPDATE_COLUMNS * DELTA_PITCH;
    for (int i = threadIdx.x; i < UPDATE_COLUMNS * (UPDATE_ROWS / 8); i += UPDATE_ROWS) {
        int c = i / (UPDATE_ROWS / 8), r = i % (UPDATE_ROWS / 8) * 8;
        bool exists = c0 + c < columns_end && r0 + r < rows;
        long at = exists ? (c0 + c) * stride + r0 + r : 0;
        unsigned to = weights + c * WEIGHT_PITCH + r * 2;
        copy_16(to, upper + at, exists);
        if (UPDATE_HALVES == 2) {
            copy_16(to + UPDATE_COLUMNS * WEIGHT_PITCH, lower + at, exists);
        }
    }
}

// Steps of two neighbouring weights. `random` is the state of a thread's generator of pseudo-random numbers.
#ifdef ROUNDED
static __device__ unsigned next_random(unsigned &random) {
    random = random * 1664525u + 1013904223u;
    // its upper bits are the good ones
    return random >> 16;
}

static __device__ unsigned raised(float value, unsigned random) {
    return value != value ? 0x7fff0000u : __float_as_uint(value) + random;
}

static __device__ void step_pair(char *upper, char *, float first, float second, float rate, unsigned &random) {
    unsigned u = *(unsigned *)upper;
    unsigned a = raised(__uint_as_float(u << 16) - rate * first, next_random(random));
    unsigned b = raised(__uint_as_float(u & 0xffff0000u) - rate * second, next_random(random));
    *(unsigned *)upper = __byte_perm(a, b, 0x7632);
}
#else
static __device__ void step_pair(char *upper, char *lower, float first, float second, float rate, unsigned &) {
    unsigned u = *(unsigned *)upper, l = *(unsigned *)lower;
    float a = __uint_as_float((u << 16) + (int)(short)l);
    float b = __uint_as_float((u & 0xffff0000u) + ((int)l >> 16));
    unsigned x = __float_as_uint(a - rate * first), y = __float_as_uint(b - rate * second);
    // the upper halves after rounding, and the lower halves, which are what the rounded ones lack
    *(unsigned *)upper = __byte_perm(x + 0x8000u, y + 0x8000u, 0x7632);
    *(unsigned *)lower = __byte_perm(x, y, 0x5410);
}
#endif

// Deltas of 32 columns and 16 samples.
static __device__ void load_fragments(unsigned (*a)[4], unsigned address) {
#pragma unroll
    for (int m = 0; m < 2; m++) {
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                : "=r"(a[m][0]), "=r"(a[m][1]), "=r"(a[m][2]), "=r"(a[m][3])
                : "r"(address + m * 16 * DELTA_PITCH));
    }
}

extern "C" __global__ void __launch_bounds__(UPDATE_ROWS, 1) update_product(const factor *x, const factor *delta, factor *upper,
        short *lower, int rows, int columns, int batch, long stride, float rate, int columns_each) {
    extern __shared__ __align__(16) char shared[];
    unsigned base = (unsigned)__cvta_generic_to_shared(shared);
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    int r0 = blockIdx.x * UPDATE_ROWS;
    int begin = blockIdx.y * columns_each;
    int end = min(begin + columns_each, columns);
    if (begin >= end) {
        return;
    }
    for (int stage = 0; stage < UPDATE_STAGES - 1; stage++) {
        load_stage(base + stage * STAGE_BYTES, delta, upper, lower, r0, begin + stage * UPDATE_COLUMNS, end, rows, batch,
                stride);
        asm volatile("cp.async.commit_group;");
    }

    // fragments of x: 4 groups of 8 rows, 16 steps of 16 samples, 2 registers each; zeros beyond the batch
    unsigned own[16][4][2];
    int row = r0 + warp * 32 + (lane >> 2);
#pragma unroll
    for (int k = 0; k < 16; k++) {
#pragma unroll
        for (int n = 0; n < 4; n++) {
            int b = k * 16 + (lane & 3) * 2;
            const factor *from = x + (long)(row + n * 8) * batch + b;
            bool exists = row + n * 8 < rows;
            own[k][n][0] = exists && b < batch ? *(const unsigned *)from : 0;
            own[k][n][1] = exists && b + 8 < batch ? *(const unsigned *)(from + 8) : 0;
        }
    }

    // as random as the block's samples are
    unsigned random = (own[0][0][0] + own[7][1][1] + threadIdx.x) * 2654435761u ^ (blockIdx.y << 16 | blockIdx.x);
    int stage = 0;
    for (int c0 = begin; c0 < end; c0 += UPDATE_COLUMNS) {
        asm volatile("cp.async.wait_group %0;" ::"n"(UPDATE_STAGES - 2));
        __syncthreads();
        int next = stage + UPDATE_STAGES - 1 >= UPDATE_STAGES ? stage - 1 : stage + UPDATE_STAGES - 1;
        int ahead = c0 + (UPDATE_STAGES - 1) * UPDATE_COLUMNS;
        if (ahead < end) {
            load_stage(base + next * STAGE_BYTES, delta, upper, lower, r0, ahead, end, rows, batch, stride);
        }
        asm volatile("cp.async.commit_group;");

        unsigned deltas = base + stage * STAGE_BYTES;
        float sums[2][4][4] = {};
        // the fragments of the next samples are on their way while these are multiplied
        unsigned address = deltas + (lane & 15) * DELTA_PITCH + (lane >> 4) * 16;
        unsigned a[2][2][4];
        load_fragments(a[0], address);
#pragma unroll
        for (int k = 0; k < 16; k++) {
            if (k < 15) {
                load_fragments(a[(k + 1) & 1], address + (k + 1) * 32);
            }
#pragma unroll
            for (int m = 0; m < 2; m++) {
                const unsigned *now = a[k & 1][m];
#pragma unroll
                for (int n = 0; n < 4; n++) {
                    multiply_bf16(sums[m][n], now, own[k][n][0], own[k][n][1]);
                }
            }
        }

        char *weights = shared + stage * STAGE_BYTES + UPDATE_COLUMNS * DELTA_PITCH;
        char *halves = weights + UPDATE_COLUMNS * WEIGHT_PITCH;
#pragma unroll
        for (int m = 0; m < 2; m++) {
#pragma unroll
            for (int n = 0; n < 4; n++) {
                int at = (m * 16 + (lane >> 2)) * WEIGHT_PITCH + (warp * 32 + n * 8 + (lane & 3) * 2) * 2;
                step_pair(weights + at, halves + at, sums[m][n][0], sums[m][n][1], rate, random);
                at += 8 * WEIGHT_PITCH;
                step_pair(weights + at, halves + at, sums[m][n][2], sums[m][n][3], rate, random);
            }
        }
        __syncthreads();
        for (int i = threadIdx.x; i < UPDATE_COLUMNS * (UPDATE_ROWS / 8); i += UPDATE_ROWS) {
            int c = i / (UPDATE_ROWS / 8), r = i % (UPDATE_ROWS / 8) * 8;
            if (c0 + c < end && r0 + r < rows) {
                long to = (c0 + c) * stride + r0 + r;
                int from = c * WEIGHT_PITCH + r * 2;
                *(uint4 *)(upper + to) = *(uint4 *)(weights + from);
                if (UPDATE_HALVES == 2) {
                    *(uint4 *)(lower + to) = *(uint4 *)(halves + from);
                }
            }
        }
        stage = stage + 1 == UPDATE_STAGES ? 0 : stage + 1;
    }
}
#endif

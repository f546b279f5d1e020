#ifdef MATRIX_UNITS
// c = x w for few samples, when reading the weights once is all that takes time: x [samples, inner] sample-major, w
// [inner, outputs] with a column's elements together, c feature-major. A block has 64 outputs; weights and samples pass
// through shared memory, several stages ahead. Everything is counted in words of four bytes: a float, or two bfloat16.
//
// `words`, those of a column, are a multiple of four. Block 256, grid (outputs / 64).
enum {
    STREAM_OUTPUTS = 64,
    STREAM_WORDS = 128,
    STREAM_STAGES = 4,
    // words from row to row in shared memory: four more than they need, so that eight rows are in different banks
    STREAM_PITCH = STREAM_WORDS + 4
};

static __device__ void multiply_words(float *sums, const unsigned *a, unsigned b0, unsigned b1) {
#ifdef BF16
    multiply_bf16(sums, a, b0, b1);
#else
    multiply_tf32(sums[0], sums[1], sums[2], sums[3], a, b0, b1);
#endif
}

// TILES of eight samples.
template <int TILES>
static __device__ void streamed(const unsigned *x, const unsigned *w, real *c, int samples, int outputs, int words) {
    enum { ROWS = STREAM_OUTPUTS + 8 * TILES, STAGE = ROWS * STREAM_PITCH * 4 };
    extern __shared__ __align__(16) char stages[];
    unsigned base = (unsigned)__cvta_generic_to_shared(stages);
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    int o0 = blockIdx.x * STREAM_OUTPUTS;
    int steps = (words + STREAM_WORDS - 1) / STREAM_WORDS;
    auto load = [&](int step) {
        unsigned stage = base + step % STREAM_STAGES * STAGE;
        // columns are far apart by powers of two, mostly: blocks begin at different rows, to use all of the memory's channels
        step = (step + blockIdx.x * 5) % steps;
        for (int i = threadIdx.x; i < ROWS * (STREAM_WORDS / 4); i += 256) {
            int row = i / (STREAM_WORDS / 4), word = i % (STREAM_WORDS / 4) * 4, from = step * STREAM_WORDS + word;
            bool weight = row < STREAM_OUTPUTS;
            int at = weight ? o0 + row : row - STREAM_OUTPUTS;
            bool exists = from < words && at < (weight ? outputs : samples);
            copy_16(stage + (row * STREAM_PITCH + word) * 4, exists ? (weight ? w : x) + (long)at * words + from : w, exists);
        }
    };
    for (int step = 0; step < STREAM_STAGES - 1; step++) {
        if (step < steps) {
            load(step);
        }
        asm volatile("cp.async.commit_group;");
    }
    // a warp has 16 outputs and one half of each stage's words
    int half = warp & 1;
    float sums[TILES][4] = {};
    for (int step = 0; step < steps; step++) {
        asm volatile("cp.async.wait_group %0;" ::"n"(STREAM_STAGES - 2));
        __syncthreads();
        if (step + STREAM_STAGES - 1 < steps) {
            load(step + STREAM_STAGES - 1);
        }
        asm volatile("cp.async.commit_group;");
        const unsigned *stage = (const unsigned *)(stages + step % STREAM_STAGES * STAGE);
        const unsigned *own = stage + ((warp >> 1) * 16 + (lane >> 2)) * STREAM_PITCH + (lane & 3) + half * (STREAM_WORDS / 2);
        const unsigned *others = stage + (STREAM_OUTPUTS + (lane >> 2)) * STREAM_PITCH + (lane & 3) + half * (STREAM_WORDS / 2);
#pragma unroll
        for (int i = 0; i < STREAM_WORDS / 2; i += 8) {
            unsigned a[4] = {own[i], own[8 * STREAM_PITCH + i], own[i + 4], own[8 * STREAM_PITCH + i + 4]};
#pragma unroll
            for (int t = 0; t < TILES; t++) {
                multiply_words(sums[t], a, others[8 * t * STREAM_PITCH + i], others[8 * t * STREAM_PITCH + i + 4]);
            }
        }
    }
    __syncthreads();
    float *halves = (float *)stages + (warp >> 1) * TILES * 4 * 32 + lane;
#pragma unroll
    for (int i = 0; i < TILES * 4; i++) {
        if (half) {
            halves[32 * i] = sums[i / 4][i % 4];
        }
    }
    __syncthreads();
    if (half) {
        return;
    }
#pragma unroll
    for (int i = 0; i < TILES * 4; i++) {
        int o = o0 + (warp >> 1) * 16 + (lane >> 2) + (i % 4 / 2) * 8;
        int b = i / 4 * 8 + (lane & 3) * 2 + i % 2;
        if (o < outputs && b < samples) {
            c[(long)o * samples + b] = sums[i / 4][i % 4] + halves[32 * i];
        }
    }
}

extern "C" __global__ void __launch_bounds__(256) streamed_8(const unsigned *x, const unsigned *w, real *c, int samples,
        int outputs, int words) {
    streamed<1>(x, w, c, samples, outputs, words);
}

extern "C" __global__ void __launch_bounds__(256) streamed_16(const unsigned *x, const unsigned *w, real *c, int samples,
        int outputs, int words) {
    streamed<2>(x, w, c, samples, outputs, words);
}

extern "C" __global__ void __launch_bounds__(256) streamed_32(const unsigned *x, const unsigned *w, real *c, int samples,
        int outputs, int words) {
    streamed<4>(x, w, c, samples, outputs, words);
}
#endif

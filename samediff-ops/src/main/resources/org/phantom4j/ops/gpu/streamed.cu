#ifdef MATRIX_UNITS
// c = x w for few samples, when reading the weights once is all that takes time: x [samples, inner] sample-major, w
// [inner, outputs] with a column's elements together, c feature-major. Everything is counted in words of four bytes: a float,
// or two bfloat16. `words`, those of a column, are a multiple of four.
//
// Weights go from memory to registers, each to the one warp that multiplies it, a step ahead; samples pass through shared
// memory. A matrix unit sums over words in any order, as long as both factors have the same: a lane reads four neighbours,
// which are the words that it has in two products' fragments.
enum {
    // of a block: four warps have 16 outputs each, and four times as many share the words
    STREAM_OUTPUTS = 64,
    STREAM_GROUPS = 4,
    STREAM_PARTS = 4,
    STREAM_BLOCK = 32 * STREAM_GROUPS * STREAM_PARTS,
    // of a step: pieces of 16 words of a warp, and words of the block
    STREAM_PIECES = 4,
    STREAM_OWN = 16 * STREAM_PIECES,
    STREAM_WORDS = STREAM_PARTS * STREAM_OWN,
    STREAM_STAGES = 4,
    // words from sample to sample in shared memory: two samples are in different banks
    STREAM_PITCH = STREAM_WORDS + 16
};

static __device__ void multiply_words(float *sums, const unsigned *a, unsigned b0, unsigned b1) {
#ifdef BF16
    multiply_bf16(sums, a, b0, b1);
#else
    multiply_tf32(sums[0], sums[1], sums[2], sums[3], a, b0, b1);
#endif
}

// How a phantom layer of few samples ends. Its pre-activations have two parts, which are computed side by side: of its own
// inputs, and of the phantom activations of other shards. For each 64 outputs, the block that comes last adds both up.
// Which that is changes nothing in the sum. Nobody waits for anybody, so that blocks may run in any order.
struct layer_end {
    // of the phantom part, feature-major
    real *phantom;
    // one for each 64 outputs: how many blocks have come; even between two passes. Null: there is no such part.
    unsigned *arrivals;
    const factor *bias;
    const short *bias_lower;
    // each may be null
    factor *features;
    factor *samples;
    real *exact;
    int activation;
    real slope;
};

// All threads of a block: what they have written is there, and whether the other part was there before.
static __device__ bool comes_last(unsigned *arrivals) {
    __shared__ unsigned before;
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) {
        before = atomicAdd(arrivals, 1);
    }
    __syncthreads();
    __threadfence();
    return before & 1;
}

static __device__ bool has_arrived(const unsigned *arrivals) {
    unsigned count;
    asm volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(count) : "l"(arrivals) : "memory");
    return count & 1;
}

static __device__ void end_layer(const layer_end &end, real sum, int output, int sample, int outputs, int samples) {
    real value = activate(sum + parameter(end.bias, end.bias_lower, output), end.activation, end.slope);
    long at = (long)output * samples + sample;
    if (end.exact) {
        end.exact[at] = value;
    }
    if (end.features) {
        end.features[at] = narrow(value);
    }
    if (end.samples) {
        end.samples[(long)sample * outputs + output] = narrow(value);
    }
}

// 64 outputs of TILES times eight samples. WHOLE: columns have as many words as some number of steps.
template <int TILES, bool WHOLE>
static __device__ void streamed_block(const unsigned *x, const unsigned *w, real *c, int samples, int outputs, int words,
        const layer_end &end, int block) {
    enum { STAGE_WORDS = 8 * TILES * STREAM_PITCH };
    extern __shared__ __align__(16) char stages[];
    __shared__ bool phantom_is_there;
    unsigned base = (unsigned)__cvta_generic_to_shared(stages);
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    int group = warp % STREAM_GROUPS, part = warp / STREAM_GROUPS;
    int steps = (words + STREAM_WORDS - 1) / STREAM_WORDS;
    // columns are far apart by powers of two, mostly: blocks begin at different rows, to use all of the memory's channels
    auto first_word = [&](int step) { return (step + block * 5) % steps * STREAM_WORDS; };
    auto load_samples = [&](int step) {
        if (step < steps) {
            unsigned stage = base + step % STREAM_STAGES * (STAGE_WORDS * 4);
            int first = first_word(step);
#pragma unroll
            for (int i = threadIdx.x; i < 8 * TILES * (STREAM_WORDS / 4); i += STREAM_BLOCK) {
                int sample = i / (STREAM_WORDS / 4), word = i % (STREAM_WORDS / 4) * 4;
                bool exists = sample < samples && first + word < words;
                copy_16(stage + (sample * STREAM_PITCH + word) * 4, exists ? x + (long)sample * words + first + word : x, exists);
            }
        }
        asm volatile("cp.async.commit_group;");
    };
    // a lane's outputs, eight apart; where there are none it reads the last, for nothing
    int output = block * STREAM_OUTPUTS + group * 16 + (lane >> 2);
    int own_word = part * STREAM_OWN + (lane & 3) * 4;
    const unsigned *rows[2] = {w + (long)min(output, outputs - 1) * words, w + (long)min(output + 8, outputs - 1) * words};
    uint4 next[STREAM_PIECES][2];
    auto load_weights = [&](int step) {
        int first = first_word(step) + own_word;
#pragma unroll
        for (int i = 0; i < STREAM_PIECES; i++) {
            // beyond the last word samples are zero: any weight of the row will do
            int word = WHOLE ? first + 16 * i : min(first + 16 * i, words - 4);
            // read once: no place in a cache is wanted
            next[i][0] = __ldcs((const uint4 *)(rows[0] + word));
            next[i][1] = __ldcs((const uint4 *)(rows[1] + word));
        }
    };
    load_weights(0);
    for (int step = 0; step < STREAM_STAGES - 1; step++) {
        load_samples(step);
    }
    float sums[TILES][4] = {};
    for (int step = 0; step < steps; step++) {
        uint4 now[STREAM_PIECES][2];
#pragma unroll
        for (int i = 0; i < STREAM_PIECES; i++) {
            now[i][0] = next[i][0];
            now[i][1] = next[i][1];
        }
        if (step + 1 < steps) {
            load_weights(step + 1);
        }
        asm volatile("cp.async.wait_group %0;" ::"n"(STREAM_STAGES - 2));
        __syncthreads();
        load_samples(step + STREAM_STAGES - 1);
        const unsigned *stage = (const unsigned *)stages + step % STREAM_STAGES * STAGE_WORDS + (lane >> 2) * STREAM_PITCH + own_word;
#pragma unroll
        for (int i = 0; i < STREAM_PIECES; i++) {
            uint4 upper = now[i][0], lower = now[i][1];
            unsigned a[2][4] = {{upper.x, lower.x, upper.y, lower.y}, {upper.z, lower.z, upper.w, lower.w}};
#pragma unroll
            for (int t = 0; t < TILES; t++) {
                uint4 b = *(const uint4 *)(stage + 8 * t * STREAM_PITCH + 16 * i);
                multiply_words(sums[t], a[0], b.x, b.y);
                multiply_words(sums[t], a[1], b.z, b.w);
            }
        }
    }
    // the parts' sums of eight samples are added up by one of them
    __syncthreads();
    float *shared_sums = (float *)stages + lane;
#pragma unroll
    for (int i = 0; i < 4 * TILES; i++) {
        shared_sums[(warp * 4 * TILES + i) * 32] = sums[i / 4][i % 4];
    }
    if (threadIdx.x == 0) {
        phantom_is_there = end.arrivals && has_arrived(end.arrivals + block);
    }
    __syncthreads();
    float own[4] = {};
    if (part < TILES) {
        for (int other = group; other < STREAM_GROUPS * STREAM_PARTS; other += STREAM_GROUPS) {
#pragma unroll
            for (int i = 0; i < 4; i++) {
                own[i] += shared_sums[(other * 4 * TILES + 4 * part + i) * 32];
            }
        }
    }
    auto each = [&](auto body) {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            int o = output + i / 2 * 8, b = part * 8 + (lane & 3) * 2 + i % 2;
            if (part < TILES && o < outputs && b < samples) {
                body(o, b, own[i]);
            }
        }
    };
    bool ends = phantom_is_there;
    if (!ends) {
        each([&](int o, int b, float sum) { c[(long)o * samples + b] = sum; });
        ends = end.arrivals && comes_last(end.arrivals + block);
    } else if (threadIdx.x == 0) {
        atomicAdd(end.arrivals + block, 1);
    }
    if (ends) {
        each([&](int o, int b, float sum) {
            end_layer(end, sum + __ldcg(end.phantom + (long)o * samples + b), o, b, outputs, samples);
        });
    }
    // shared memory is free again
    __syncthreads();
}

template <int TILES>
static __device__ void streamed(const unsigned *x, const unsigned *w, real *c, int samples, int outputs, int words,
        const layer_end &end) {
    for (int block = blockIdx.x; block * STREAM_OUTPUTS < outputs; block += gridDim.x) {
        if (words % STREAM_WORDS == 0) {
            streamed_block<TILES, true>(x, w, c, samples, outputs, words, end, block);
        } else {
            streamed_block<TILES, false>(x, w, c, samples, outputs, words, end, block);
        }
    }
}

extern "C" __global__ void __launch_bounds__(STREAM_BLOCK, 1) streamed_8(const unsigned *x, const unsigned *w, real *c,
        int samples, int outputs, int words, layer_end end) {
    streamed<1>(x, w, c, samples, outputs, words, end);
}

extern "C" __global__ void __launch_bounds__(STREAM_BLOCK, 1) streamed_16(const unsigned *x, const unsigned *w, real *c,
        int samples, int outputs, int words, layer_end end) {
    streamed<2>(x, w, c, samples, outputs, words, end);
}

extern "C" __global__ void __launch_bounds__(STREAM_BLOCK, 1) streamed_32(const unsigned *x, const unsigned *w, real *c,
        int samples, int outputs, int words, layer_end end) {
    streamed<4>(x, w, c, samples, outputs, words, end);
}

// The phantom part: images [samples, inner] of other shards, feature-major, times decompressors [inner, outputs], a column's
// elements together. A warp has 16 outputs. Image i is at column i, or i + skip from skip_from on. `local` is the other part's c.
// Block 128, grid (outputs / 64).
template <int TILES>
static __device__ void phantom_sums(const factor *images, const factor *decompressors, int inner, int skip_from, int skip,
        int samples, int outputs, const layer_end &end) {
    int lane = threadIdx.x & 31;
    int output = blockIdx.x * STREAM_OUTPUTS + (threadIdx.x >> 5) * 16 + (lane >> 2);
    enum { EACH = 4 / sizeof(factor), STEP = 8 * EACH };
    // a word: one factor, or two that follow one another in the sum
    auto word = [&](const factor *first, long stride, bool exists, int i) {
        unsigned bits = 0;
#pragma unroll
        for (int e = 0; e < EACH; e++) {
            if (exists && i + e < inner) {
#ifdef BF16
                bits |= (unsigned)first[e * stride].bits << 16 * e;
#else
                bits = __float_as_uint(first[0]);
#endif
            }
        }
        return bits;
    };
    float sums[TILES][4] = {};
#pragma unroll 4
    for (int first = 0; first < inner; first += STEP) {
        unsigned a[4], b[TILES][2];
#pragma unroll
        for (int half = 0; half < 2; half++) {
            int i = first + ((lane & 3) + 4 * half) * EACH;
#pragma unroll
            for (int row = 0; row < 2; row++) {
                int o = output + 8 * row;
                a[2 * half + row] = word(decompressors + (long)o * inner + i, 1, o < outputs, i);
            }
#pragma unroll
            for (int t = 0; t < TILES; t++) {
                int sample = 8 * t + (lane >> 2);
                // two of a word are on the same side of the gap, or the second is read from beyond it
                long column = i < skip_from ? i : i + skip;
                long apart = i < skip_from && i + 1 >= skip_from ? skip + 1 : 1;
                b[t][half] = word(images + column * samples + sample, apart * samples, sample < samples, i);
            }
        }
#pragma unroll
        for (int t = 0; t < TILES; t++) {
            multiply_words(sums[t], a, b[t][0], b[t][1]);
        }
    }
#pragma unroll
    for (int i = 0; i < 4 * TILES; i++) {
        int o = output + i % 4 / 2 * 8, b = i / 4 * 8 + (lane & 3) * 2 + i % 2;
        if (o < outputs && b < samples) {
            end.phantom[(long)o * samples + b] = sums[i / 4][i % 4];
        }
    }
}

extern "C" __global__ void __launch_bounds__(128) phantom_part(const factor *images, const factor *decompressors,
        const real *local, int inner, int skip_from, int skip, int samples, int outputs, layer_end end) {
    if (samples <= 8) {
        phantom_sums<1>(images, decompressors, inner, skip_from, skip, samples, outputs, end);
    } else {
        phantom_sums<4>(images, decompressors, inner, skip_from, skip, samples, outputs, end);
    }
    if (comes_last(end.arrivals + blockIdx.x)) {
        for (int i = threadIdx.x; i < STREAM_OUTPUTS * samples; i += blockDim.x) {
            int output = blockIdx.x * STREAM_OUTPUTS + i / samples, b = i % samples;
            if (output < outputs) {
                long at = (long)output * samples + b;
                end_layer(end, __ldcg(local + at) + __ldcg(end.phantom + at), output, b, outputs, samples);
            }
        }
    }
}
#endif

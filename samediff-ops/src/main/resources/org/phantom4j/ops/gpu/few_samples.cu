#ifdef MATRIX_UNITS
// A phantom layer of few samples, when reading the weights once is all that takes time: x [samples, inner] sample-major, w
// [inner, outputs] with a column's elements together. Everything is counted in words of four bytes: a float, or two bfloat16.
// `words`, those of a column, are a multiple of four. So is every shard's; a rank's shards are in one launch.
//
// Weights go from memory to registers, each to the one warp that multiplies it, a step ahead; samples pass through shared
// memory. A matrix unit sums over words in any order, as long as both factors have the same: a lane reads four neighbours,
// which are the words that it has in two products' fragments. What a block reads of the samples is as much for 128 outputs as
// for 64, and would be what bounds products of 32: so a block has 128, and several blocks share their words.
//
// What makes and sends phantom activations runs beside the local part, which must not be in its way: a block of it leaves a quarter
// of its multiprocessor's registers, for small kernels, and all blocks together some multiprocessors, for a collective.
enum {
    // of a block: eight warps have 16 each, and two such groups share the words
    FEW_OUTPUTS = 128,
    FEW_GROUPS = FEW_OUTPUTS / 16,
    FEW_PARTS = 2,
    FEW_BLOCK = 32 * FEW_GROUPS * FEW_PARTS,
    // if a block had so many threads, each would have 96 registers
    FEW_REGISTERS = 640,
    // of a step: pieces of 16 words of a warp, and words of the block
    FEW_PIECES = 4,
    FEW_OWN = 16 * FEW_PIECES,
    FEW_WORDS = FEW_PARTS * FEW_OWN,
    FEW_STAGES = 4,
    // words from sample to sample in shared memory: two samples are in different banks
    FEW_PITCH = FEW_WORDS + 16,
    PHANTOM_BLOCK = 32 * FEW_GROUPS
};

static __device__ void multiply_words(float *sums, const unsigned *a, unsigned b0, unsigned b1) {
#ifdef BF16
    multiply_bf16(sums, a, b0, b1);
#else
    multiply_tf32(sums[0], sums[1], sums[2], sums[3], a, b0, b1);
#endif
}

// How such a layer ends. Its pre-activations have several parts, which are computed side by side: shares of the local product, and
// the product of the phantom activations of other shards. For each 128 outputs, the block that comes last adds the parts up.
// Which that is changes nothing in the sum. Nobody waits for anybody, so that blocks may run in any order.
struct layer_end {
    // the parts, feature-major: that of the phantom activations, and those of the local product one after the other
    real *phantom;
    real *local;
    // one for each 128 outputs of a shard: how many blocks have come; 0 between two passes
    unsigned *arrivals;
    const factor *bias;
    const short *bias_lower;
    // each may be null
    factor *features;
    factor *samples;
    real *exact;
    int shares;
    int activation;
    real slope;
    shard_widths widths;

    // blocks of a shard
    __device__ int blocks() const {
        return (widths.stride + FEW_OUTPUTS - 1) / FEW_OUTPUTS;
    }
};

// Activations of four samples of a shard's output, from `first` on.
static __device__ void add_parts(const layer_end &end, int shard, int local, int first, int samples) {
    long output = (long)shard * end.widths.stride + local, at = output * samples + first;
    bool neuron = local < end.widths.of(shard);
    // many reads under way: it is their latency that takes the time
    auto read = [&](const real *from) {
        if (samples % 4 == 0) {
            float4 four = __ldcg((const float4 *)(from + at));
            return four_of<real>{four.x, four.y, four.z, four.w};
        }
        four_of<real> four;
#pragma unroll
        for (int i = 0; i < 4; i++) {
            four.values[i] = first + i < samples ? __ldcg(from + at + i) : 0;
        }
        return four;
    };
    four_of<real> sums = read(end.phantom);
#pragma unroll 4
    for (int share = 0; share < end.shares; share++) {
        four_of<real> part = read(end.local + share * end.widths.all() * samples);
#pragma unroll
        for (int i = 0; i < 4; i++) {
            sums.values[i] += part.values[i];
        }
    }
    real bias = neuron ? parameter(end.bias, end.bias_lower, output) : (real)0;
    with_activation(end.activation, [&](auto kind) {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            sums.values[i] = neuron ? activate(sums.values[i] + bias, kind.value, end.slope) : (real)0;
        }
    });
#pragma unroll
    for (int i = 0; i < 4; i++) {
        if (first + i < samples) {
            if (end.exact) {
                end.exact[at + i] = sums.values[i];
            }
            if (end.features) {
                end.features[at + i] = narrow(sums.values[i]);
            }
            if (end.samples) {
                end.samples[(first + i) * end.widths.all() + output] = narrow(sums.values[i]);
            }
        }
    }
}

// To be called by all threads of a block when it has written its part of 128 outputs of TILES times eight samples.
template <int TILES, int THREADS>
static __device__ void end_layer(const layer_end &end, int shard, int block, int samples) {
    __shared__ unsigned before;
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) {
        before = atomicInc(end.arrivals + shard * end.blocks() + block, end.shares);
    }
    __syncthreads();
    if (before != end.shares) {
        return;
    }
    __threadfence();
    // neighbouring threads have neighbouring samples of an output
    for (int i = threadIdx.x * 4; i < FEW_OUTPUTS * 8 * TILES; i += THREADS * 4) {
        int output = block * FEW_OUTPUTS + i / (8 * TILES), first = i % (8 * TILES);
        if (output < end.widths.stride && first < samples) {
            add_parts(end, shard, output, first, samples);
        }
    }
}

// 128 outputs of TILES times eight samples, of the words from x and w on. WHOLE: they are those of some number of steps.
template <int TILES, bool WHOLE>
static __device__ void local_block(const unsigned *x, const unsigned *w, int samples, int words, long x_pitch, long pitch,
        const layer_end &end, int shard, int share, int block) {
    enum { STAGE_WORDS = 8 * TILES * FEW_PITCH, FOURS = FEW_WORDS / 4, AT_ONCE = FEW_BLOCK / FOURS };
    extern __shared__ __align__(16) char stages[];
    unsigned base = (unsigned)__cvta_generic_to_shared(stages);
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    int steps = (words + FEW_WORDS - 1) / FEW_WORDS;
    // columns are far apart by powers of two, mostly: blocks begin at different rows, to use all of the memory's channels
    auto first_word = [&](int step) { return (step + block * 5) % steps * FEW_WORDS; };
    auto load_samples = [&](int step) {
        if (step < steps) {
            unsigned stage = base + step % FEW_STAGES * (STAGE_WORDS * 4);
            int word = threadIdx.x % FOURS * 4, from = first_word(step) + word;
#pragma unroll
            for (int sample = threadIdx.x / FOURS; sample < 8 * TILES; sample += AT_ONCE) {
                bool exists = sample < samples && (WHOLE || from < words);
                copy_16(stage + (sample * FEW_PITCH + word) * 4, exists ? x + sample * x_pitch + from : x, exists);
            }
        }
        asm volatile("cp.async.commit_group;");
    };
    // a lane's outputs, eight apart; where there are none it reads the last, for nothing
    int outputs = end.widths.stride;
    int group = warp % FEW_GROUPS, part = warp / FEW_GROUPS;
    int output = block * FEW_OUTPUTS + group * 16 + (lane >> 2), own_word = part * FEW_OWN + (lane & 3) * 4;
    const unsigned *rows[2] = {w + min(output, outputs - 1) * pitch, w + min(output + 8, outputs - 1) * pitch};
    uint4 next[FEW_PIECES][2];
    auto load_weights = [&](int step) {
        int first = first_word(step) + own_word;
#pragma unroll
        for (int i = 0; i < FEW_PIECES; i++) {
            // beyond the last word samples are zero: any weight of the row will do
            int word = WHOLE ? first + 16 * i : min(first + 16 * i, words - 4);
            // read once: no place in a cache is wanted
            next[i][0] = __ldcs((const uint4 *)(rows[0] + word));
            next[i][1] = __ldcs((const uint4 *)(rows[1] + word));
        }
    };
    load_weights(0);
    for (int step = 0; step < FEW_STAGES - 1; step++) {
        load_samples(step);
    }
    float sums[TILES][4] = {};
    for (int step = 0; step < steps; step++) {
        uint4 now[FEW_PIECES][2];
#pragma unroll
        for (int i = 0; i < FEW_PIECES; i++) {
            now[i][0] = next[i][0];
            now[i][1] = next[i][1];
        }
        if (step + 1 < steps) {
            load_weights(step + 1);
        }
        asm volatile("cp.async.wait_group %0;" ::"n"(FEW_STAGES - 2));
        __syncthreads();
        load_samples(step + FEW_STAGES - 1);
        const unsigned *stage = (const unsigned *)stages + step % FEW_STAGES * STAGE_WORDS + (lane >> 2) * FEW_PITCH + own_word;
#pragma unroll
        for (int i = 0; i < FEW_PIECES; i++) {
            uint4 upper = now[i][0], lower = now[i][1];
            unsigned a[2][4] = {{upper.x, lower.x, upper.y, lower.y}, {upper.z, lower.z, upper.w, lower.w}};
#pragma unroll
            for (int t = 0; t < TILES; t++) {
                uint4 b = *(const uint4 *)(stage + 8 * t * FEW_PITCH + 16 * i);
                multiply_words(sums[t], a[0], b.x, b.y);
                multiply_words(sums[t], a[1], b.z, b.w);
            }
        }
    }
    // the second part's sums are added to the first's
    __syncthreads();
    float *others = (float *)stages + group * 4 * TILES * 32 + lane;
    if (part > 0) {
#pragma unroll
        for (int i = 0; i < 4 * TILES; i++) {
            others[i * 32] = sums[i / 4][i % 4];
        }
    }
    __syncthreads();
    real *local = end.local + (share * end.widths.all() + (long)shard * outputs) * samples;
#pragma unroll
    for (int i = 0; i < 4 * TILES; i++) {
        int o = output + i % 4 / 2 * 8, b = i / 4 * 8 + (lane & 3) * 2 + i % 2;
        if (part == 0 && o < outputs && b < samples) {
            local[(long)o * samples + b] = sums[i / 4][i % 4] + others[i * 32];
        }
    }
    end_layer<TILES, FEW_BLOCK>(end, shard, block, samples);
    // shared memory is free again
    __syncthreads();
}

// Samples' rows are x_words apart: all shards' words. Block 512, grid (a shard's outputs / 128 or less, shards' shares of the words).
template <int TILES>
static __device__ void local_part(const unsigned *x, const unsigned *w, int samples, int words, int x_words, const layer_end &end) {
    int steps = (words + FEW_WORDS - 1) / FEW_WORDS;
    int shard = blockIdx.y / end.shares, index = blockIdx.y % end.shares;
    int each = (steps + end.shares - 1) / end.shares * FEW_WORDS, first = index * each;
    int own = min(each, words - first);
    x += (long)shard * words + first;
    w += (long)shard * end.widths.stride * words + first;
    for (int block = blockIdx.x; block < end.blocks(); block += gridDim.x) {
        if (own % FEW_WORDS == 0) {
            local_block<TILES, true>(x, w, samples, own, x_words, words, end, shard, index, block);
        } else {
            local_block<TILES, false>(x, w, samples, own, x_words, words, end, shard, index, block);
        }
    }
}

extern "C" __global__ void __launch_bounds__(FEW_REGISTERS, 1) local_part_8(const unsigned *x, const unsigned *w, int samples,
        int words, int x_words, layer_end end) {
    local_part<1>(x, w, samples, words, x_words, end);
}

extern "C" __global__ void __launch_bounds__(FEW_REGISTERS, 1) local_part_16(const unsigned *x, const unsigned *w, int samples,
        int words, int x_words, layer_end end) {
    local_part<2>(x, w, samples, words, x_words, end);
}

extern "C" __global__ void __launch_bounds__(FEW_REGISTERS, 1) local_part_32(const unsigned *x, const unsigned *w, int samples,
        int words, int x_words, layer_end end) {
    local_part<4>(x, w, samples, words, x_words, end);
}

enum {
    // words that are summed over before others take their place
    PHANTOM_WORDS = 64,
    WORD_FACTORS = 4 / sizeof(factor)
};

// A word of factors that follow one another in a sum, `stride` apart.
static __device__ unsigned read_word(const factor *first, long stride) {
#ifdef BF16
    return first[0].bits | (unsigned)first[stride].bits << 16;
#else
    return __float_as_uint(first[0]);
#endif
}

template <int TILES>
static __device__ void phantom_sums(const factor *images, const factor *decompressors, int image_count, image_columns rows,
        int samples, int shard, const layer_end &end) {
    enum { PITCH = 8 * TILES + 2 };
    __shared__ unsigned shared_images[PHANTOM_WORDS * PITCH];
    int lane = threadIdx.x & 31, outputs = end.widths.stride;
    int output = blockIdx.x * FEW_OUTPUTS + (threadIdx.x >> 5) * 16 + (lane >> 2);
    decompressors += (long)shard * outputs * image_count;
    const factor *columns[2] = {decompressors + (long)min(output, outputs - 1) * image_count,
            decompressors + (long)min(output + 8, outputs - 1) * image_count};
    float sums[TILES][4] = {};
    for (int first = 0; first * WORD_FACTORS < rows.count; first += PHANTOM_WORDS) {
        uint4 own[PHANTOM_WORDS / 16][2];
#pragma unroll
        for (int i = 0; i < PHANTOM_WORDS / 16; i++) {
#pragma unroll
            for (int row = 0; row < 2; row++) {
                // what is skipped begins and ends at multiples of eight factors, which four words are at most
                int at = (first + 16 * i + (lane & 3) * 4) * WORD_FACTORS;
                own[i][row] = at < rows.count ? *(const uint4 *)(columns[row] + rows.at(at)) : make_uint4(0, 0, 0, 0);
            }
        }
#pragma unroll
        for (int i = threadIdx.x; i < PHANTOM_WORDS * 8 * TILES; i += PHANTOM_BLOCK) {
            int word = i / (8 * TILES), sample = i % (8 * TILES), image = (first + word) * WORD_FACTORS;
            shared_images[word * PITCH + sample] = sample < samples && image < rows.count
                    ? read_word(images + (long)rows.at(image) * samples + sample, samples)
                    : 0;
        }
        __syncthreads();
#pragma unroll
        for (int i = 0; i < PHANTOM_WORDS / 16; i++) {
            uint4 upper = own[i][0], lower = own[i][1];
            unsigned a[2][4] = {{upper.x, lower.x, upper.y, lower.y}, {upper.z, lower.z, upper.w, lower.w}};
            const unsigned *b = shared_images + (16 * i + (lane & 3) * 4) * PITCH + (lane >> 2);
#pragma unroll
            for (int t = 0; t < TILES; t++) {
                multiply_words(sums[t], a[0], b[8 * t], b[8 * t + PITCH]);
                multiply_words(sums[t], a[1], b[8 * t + 2 * PITCH], b[8 * t + 3 * PITCH]);
            }
        }
        __syncthreads();
    }
    real *to = end.phantom + (long)shard * outputs * samples;
#pragma unroll
    for (int i = 0; i < 4 * TILES; i++) {
        int o = output + i % 4 / 2 * 8, b = i / 4 * 8 + (lane & 3) * 2 + i % 2;
        if (o < outputs && b < samples) {
            to[(long)o * samples + b] = sums[i / 4][i % 4];
        }
    }
    end_layer<TILES, PHANTOM_BLOCK>(end, shard, blockIdx.x, samples);
}

// The phantom part: images [samples, image_count] of all shards, feature-major, times decompressors [image_count, outputs], a
// column's elements together; k of them are the shard's own, and left out. Block 256, grid (a shard's outputs / 128, shards).
extern "C" __global__ void __launch_bounds__(PHANTOM_BLOCK, 4) phantom_part(const factor *images, const factor *decompressors,
        int image_count, int first_shard, int k, int samples, layer_end end) {
    int shard = blockIdx.y;
    image_columns rows = {image_count - k, (first_shard + shard) * k, k};
    if (samples <= 8) {
        phantom_sums<1>(images, decompressors, image_count, rows, samples, shard, end);
    } else {
        phantom_sums<4>(images, decompressors, image_count, rows, samples, shard, end);
    }
}
#endif

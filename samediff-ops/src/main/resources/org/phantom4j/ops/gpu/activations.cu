// A block of 256 threads works on 64 features of 64 samples at a time: a warp on eight features, its lanes along the samples, so
// that feature-major memory is read and written in whole lines; sample-major memory is written through shared memory, in whole
// lines, too. Blocks of all shards are in one grid: those of a shard follow one another.
enum { FEATURES = 64, SAMPLES = 64, ROWS_EACH = FEATURES / 8 };

// Some neighbours, read or written at once.
template <typename T>
struct __align__(4 * sizeof(T)) four_of {
    T values[4];
};

template <typename T>
struct __align__(2 * sizeof(T)) two_of {
    T values[2];
};

template <int SAMPLES_EACH>
using tile_of = real[SAMPLES_EACH + 1];

// A block's features: `first` on, of all neurons, of which `count` are in the shard's stride, and `real_count` are neurons.
struct feature_block {
    int shard;
    long first;
    int count;
    int real_count;

    __device__ feature_block(const shard_widths &widths, int block) {
        int each = (widths.stride + FEATURES - 1) / FEATURES;
        shard = block / each;
        int local = block % each * FEATURES;
        first = (long)shard * widths.stride + local;
        count = min((int)FEATURES, widths.stride - local);
        real_count = max(0, min((int)FEATURES, widths.of(shard) - local));
    }
};

// A tile's samples, four features by each thread: the features' count is a multiple of four.
template <int SAMPLES_EACH>
static __device__ void write_samples(const tile_of<SAMPLES_EACH> *tile, factor *samples, long f0, int count, int b0, int batch,
        long pitch) {
    int f = 4 * (threadIdx.x % (FEATURES / 4));
    for (int i = threadIdx.x / (FEATURES / 4); i < SAMPLES_EACH; i += 256 / (FEATURES / 4)) {
        int b = b0 + i;
        if (b >= batch) {
            return;
        }
        four_of<factor> four;
#pragma unroll
        for (int j = 0; j < 4; j++) {
            four.values[j] = narrow(tile[f + j][i]);
        }
        if (f < count) {
            *(four_of<factor> *)(samples + (long)b * pitch + f0 + f) = four;
        }
    }
}

// y = activation(z + bias). z is feature-major; each of the outputs may be null. What is between shards becomes zero.
// Grid (samples / 64, shards' features / 64); the batch is even.
extern "C" __global__ void __launch_bounds__(256) forward_activation(const real *__restrict__ z,
        const factor *bias, const short *bias_lower, factor *__restrict__ features, factor *__restrict__ samples,
        real *__restrict__ exact, int batch, shard_widths widths, int activation, real slope) {
    __shared__ tile_of<SAMPLES> tile[FEATURES];
    int warp = threadIdx.x >> 5, b = 2 * (threadIdx.x & 31);
    int b0 = blockIdx.x * SAMPLES;
    bool here = b0 + b < batch;
    feature_block block(widths, blockIdx.y);
    // all loads first: it is their latency that takes the time
    two_of<real> values[ROWS_EACH] = {};
#pragma unroll
    for (int i = 0; i < ROWS_EACH; i++) {
        int row = warp + 8 * i;
        if (row < block.count && here) {
            values[i] = *(const two_of<real> *)(z + (block.first + row) * batch + b0 + b);
        }
    }
    with_activation(activation, [&](auto kind) {
#pragma unroll
        for (int i = 0; i < ROWS_EACH; i++) {
            int row = warp + 8 * i;
            if (row >= block.count) {
                continue;
            }
            bool neuron = row < block.real_count;
            real shift = neuron ? parameter(bias, bias_lower, block.first + row) : (real)0;
            long at = (block.first + row) * batch + b0 + b;
            two_of<real> y;
            two_of<factor> narrowed;
#pragma unroll
            for (int j = 0; j < 2; j++) {
                y.values[j] = neuron ? activate(values[i].values[j] + shift, kind.value, slope) : (real)0;
                narrowed.values[j] = narrow(y.values[j]);
                tile[row][b + j] = y.values[j];
            }
            if (here && exact) {
                *(two_of<real> *)(exact + at) = y;
            }
            if (here && features) {
                *(two_of<factor> *)(features + at) = narrowed;
            }
        }
    });
    if (samples) {
        __syncthreads();
        write_samples<SAMPLES>(tile, samples, block.first, block.count, b0, batch, widths.all());
    }
}

// A bias takes its step, or its gradient is stored.
static __device__ void step_bias(factor *bias, short *bias_lower, real *bias_gradient, long f, real gradient,
        const step_controls *controls) {
    if (bias_gradient) {
        bias_gradient[f] = gradient;
    } else {
        real value = parameter(bias, bias_lower, f) - (real)controls->rate * gradient;
        set_parameter(bias, bias_lower, f, value, rounding_seed(controls->step, 0));
    }
}

// Sums over all samples, of which the blocks of a column of the grid have a part each: the block that comes last adds the parts
// up, always in the same order.
struct bias_parts {
    // [parts, all features]
    real *sums;
    // how many blocks have come, for each row of the grid; 0 between two kernels
    unsigned *arrivals;
};

// To be called by all threads of a block, with its own sums in shared memory.
static __device__ void end_bias(const real *own, const bias_parts &parts, const feature_block &block, const shard_widths &widths,
        factor *bias, short *bias_lower, real *bias_gradient, const step_controls *controls) {
    __shared__ bool last;
    int f = threadIdx.x;
    if (f < block.count) {
        parts.sums[blockIdx.x * widths.all() + block.first + f] = own[f];
    }
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) {
        last = atomicInc(parts.arrivals + blockIdx.y, gridDim.x - 1) == gridDim.x - 1;
    }
    __syncthreads();
    if (last && f < block.real_count) {
        __threadfence();
        real sum = 0;
        for (int i = 0; i < gridDim.x; i++) {
            sum += __ldcg(parts.sums + i * widths.all() + block.first + f);
        }
        step_bias(bias, bias_lower, bias_gradient, block.first + f, sum, controls);
    }
}

// delta = dy * activation'(y), in both orders, dy being a result or stored as factors are; the bias takes its step at once
// (bias_gradient null), or its gradient is stored. With a target, the loss is the mean over rows and outputs of
// (exact - target)^2, and each block adds up its share of it. What dy and the features have between shards is zero.
// Grid (parts of the batch, shards' features / 64), a part having `samples_each` samples, a multiple of 64; the batch is even.
extern "C" __global__ void __launch_bounds__(256) backward_activation(const real *__restrict__ dy,
        const factor *__restrict__ narrow_dy, const factor *__restrict__ features, const real *__restrict__ exact,
        const real *__restrict__ target, real inverse_outputs, double *loss_parts,
        factor *__restrict__ delta_features, factor *__restrict__ delta_samples, factor *bias, short *bias_lower,
        real *bias_gradient, const step_controls *controls, bias_parts parts, int samples_each, int batch, shard_widths widths,
        int activation, real slope) {
    __shared__ tile_of<SAMPLES> tile[FEATURES];
    __shared__ real own[FEATURES];
    int warp = threadIdx.x >> 5, b = 2 * (threadIdx.x & 31);
    feature_block block(widths, blockIdx.y);
    real sums[ROWS_EACH] = {};
    double loss = 0;
    int rows = target ? controls->rows : batch;
    real mean = target ? inverse_outputs / rows : 0;
    int begin = blockIdx.x * samples_each, end = min(batch, begin + samples_each);
    for (int b0 = begin; b0 < end; b0 += SAMPLES) {
        bool here = b0 + b < batch;
        two_of<real> values[ROWS_EACH] = {}, upstream[ROWS_EACH] = {};
#pragma unroll
        for (int i = 0; i < ROWS_EACH; i++) {
            int row = warp + 8 * i;
            long at = (block.first + row) * batch + b0 + b;
            if (row < block.count && here) {
                if (target) {
                    values[i] = *(const two_of<real> *)(exact + at);
                    upstream[i] = *(const two_of<real> *)(target + at);
                } else {
                    two_of<factor> y = *(const two_of<factor> *)(features + at);
                    values[i] = {widen(y.values[0]), widen(y.values[1])};
                    if (dy) {
                        upstream[i] = *(const two_of<real> *)(dy + at);
                    } else {
                        two_of<factor> narrowed = *(const two_of<factor> *)(narrow_dy + at);
                        upstream[i] = {widen(narrowed.values[0]), widen(narrowed.values[1])};
                    }
                }
            }
        }
        with_activation(activation, [&](auto kind) {
#pragma unroll
            for (int i = 0; i < ROWS_EACH; i++) {
                int row = warp + 8 * i;
                two_of<factor> narrowed;
#pragma unroll
                for (int j = 0; j < 2; j++) {
                    real value = values[i].values[j], gradient = upstream[i].values[j];
                    if (target) {
                        real difference = b0 + b + j < rows ? value - gradient : (real)0;
                        loss += (double)(mean * difference * difference);
                        gradient = 2 * mean * difference;
                    }
                    // of what does not exist, gradient and value are zero
                    real delta = gradient * derivative(value, kind.value, slope);
                    sums[i] += delta;
                    narrowed.values[j] = narrow(delta);
                    tile[row][b + j] = delta;
                }
                if (row < block.count && here) {
                    *(two_of<factor> *)(delta_features + (block.first + row) * batch + b0 + b) = narrowed;
                }
            }
        });
        __syncthreads();
        write_samples<SAMPLES>(tile, delta_samples, block.first, block.count, b0, batch, widths.all());
        __syncthreads();
    }
#pragma unroll
    for (int i = 0; i < ROWS_EACH; i++) {
        real sum = warp_sum_real(sums[i]);
        if ((threadIdx.x & 31) == 0) {
            own[warp + 8 * i] = sum;
        }
    }
    __syncthreads();
    end_bias(own, parts, block, widths, bias, bias_lower, bias_gradient, controls);
    if (target) {
        loss = block_sum(loss, threadIdx.x, blockDim.x);
        if (threadIdx.x == 0) {
            loss_parts[blockIdx.y * gridDim.x + blockIdx.x] = loss;
        }
    }
}

// The bias gradient of a feature-major delta, one warp a feature: stored, or taken as a step at once.
extern "C" __global__ void __launch_bounds__(128) bias_step(const factor *delta_features, factor *bias, short *bias_lower,
        real *bias_gradient, const step_controls *controls, int batch, int width) {
    int f = blockIdx.x * 4 + (threadIdx.x >> 5);
    if (f >= width) {
        return;
    }
    real sum = 0;
    for (int b = threadIdx.x & 31; b < batch; b += 32) {
        sum += widen(delta_features[(long)f * batch + b]);
    }
    sum = warp_sum_real(sum);
    if ((threadIdx.x & 31) == 0) {
        step_bias(bias, bias_lower, bias_gradient, f, sum, controls);
    }
}

// The batch's inputs, or its targets, where they belong: each output may be null. Rows that the batch lacks, and what is
// between shards, become zero. Block 256, grid (samples / 64, shards' features / 64); places for the batch are even.
extern "C" __global__ void __launch_bounds__(256) load_rows(const step_controls *controls, int targets, factor *features,
        factor *samples, real *exact, int batch, shard_widths widths) {
    __shared__ tile_of<SAMPLES> tile[FEATURES];
    int warp = threadIdx.x >> 5, lane = threadIdx.x & 31;
    int b0 = blockIdx.x * SAMPLES;
    feature_block block(widths, blockIdx.y);
    const real *from = targets ? controls->targets : controls->inputs;
    long pitch = targets ? controls->target_pitch : controls->input_pitch;
    from += widths.packed(block.shard) + block.first - (long)block.shard * widths.stride;
    real values[SAMPLES / 8][2];
#pragma unroll
    for (int i = 0; i < SAMPLES / 8; i++) {
        int b = b0 + warp + 8 * i;
        bool here = b < controls->rows;
        const real *row = from + (here ? row_of(controls, b) * pitch : 0);
#pragma unroll
        for (int j = 0; j < 2; j++) {
            int f = lane + 32 * j;
            values[i][j] = here && f < block.real_count ? row[f] : (real)0;
        }
    }
#pragma unroll
    for (int i = 0; i < SAMPLES / 8; i++) {
        tile[lane][warp + 8 * i] = values[i][0];
        tile[lane + 32][warp + 8 * i] = values[i][1];
    }
    __syncthreads();
    int b = 2 * lane;
#pragma unroll
    for (int i = 0; i < ROWS_EACH; i++) {
        int row = warp + 8 * i;
        long at = (block.first + row) * batch + b0 + b;
        if (row < block.count && b0 + b < batch) {
            two_of<real> two = {tile[row][b], tile[row][b + 1]};
            if (features) {
                *(two_of<factor> *)(features + at) = {narrow(two.values[0]), narrow(two.values[1])};
            }
            if (exact) {
                *(two_of<real> *)(exact + at) = two;
            }
        }
    }
    if (samples) {
        write_samples<SAMPLES>(tile, samples, block.first, block.count, b0, batch, widths.all());
    }
}

// Feature-major reals as sample-major rows of `width` without gaps: outputs as the host wants them.
// Block 256, grid (samples / 64, shards' features / 64).
extern "C" __global__ void __launch_bounds__(256) store_rows(const real *from, real *to, int batch, long width,
        shard_widths widths) {
    __shared__ tile_of<SAMPLES> tile[FEATURES];
    int warp = threadIdx.x >> 5, lane = threadIdx.x & 31;
    int b0 = blockIdx.x * SAMPLES;
    feature_block block(widths, blockIdx.y);
    long column = widths.packed(block.shard) + block.first - (long)block.shard * widths.stride;
    for (int row = warp; row < block.real_count; row += 8) {
        for (int b = lane; b < SAMPLES && b0 + b < batch; b += 32) {
            tile[row][b] = from[(block.first + row) * batch + b0 + b];
        }
    }
    __syncthreads();
    for (int b = warp; b < SAMPLES && b0 + b < batch; b += 8) {
        for (int f = lane; f < block.real_count; f += 32) {
            to[(long)(b0 + b) * width + column + f] = tile[f][b];
        }
    }
}

// A block of 256 threads works on 16 features of 256 samples: a warp on two features, its lanes along the samples, so that
// feature-major memory is read and written in whole lines; sample-major memory is written through shared memory, four
// features of a sample by each lane. Blocks of all shards are in one grid: those of a shard follow one another.
enum { FEATURES = 16, SAMPLES = 256, PER_LANE = SAMPLES / 32 };

// Four neighbours, read or written at once.
template <typename T>
struct __align__(4 * sizeof(T)) four_of {
    T values[4];
};

typedef real tile_row[SAMPLES + 1];

// A block's features: `first` on, of all neurons, of which `count` are in the shard's stride, and `real_count` are neurons.
struct feature_block {
    int shard;
    long first;
    int count;
    int real_count;

    __device__ feature_block(const shard_widths &widths, int block, int features) {
        int each = (widths.stride + features - 1) / features;
        shard = block / each;
        int local = block % each * features;
        first = (long)shard * widths.stride + local;
        count = min(features, widths.stride - local);
        real_count = max(0, min(features, widths.of(shard) - local));
    }
};

template <int ROWS>
static __device__ void write_samples(tile_row *tile, factor *samples, long f0, int count, int b0, int batch, long pitch) {
    int f = 4 * (threadIdx.x % (ROWS / 4));
    for (int i = threadIdx.x / (ROWS / 4); i < SAMPLES; i += 256 / (ROWS / 4)) {
        int b = b0 + i;
        if (b >= batch) {
            return;
        }
        four_of<factor> four;
        for (int j = 0; j < 4; j++) {
            four.values[j] = narrow(tile[f + j][i]);
        }
        if (f < count) {
            *(four_of<factor> *)(samples + (long)b * pitch + f0 + f) = four;
        }
    }
}

// y = activation(z + bias). z is feature-major; each of the outputs may be null. What is between shards becomes zero.
// Grid (samples / 256, shards' features / 16).
extern "C" __global__ void __launch_bounds__(256) forward_activation(const real *__restrict__ z,
        const factor *bias, const short *bias_lower, factor *__restrict__ features, factor *__restrict__ samples,
        real *__restrict__ exact, int batch, shard_widths widths, int activation, real slope) {
    __shared__ tile_row tile[FEATURES];
    int lane = threadIdx.x & 31;
    int b0 = blockIdx.x * SAMPLES;
    feature_block block(widths, blockIdx.y, FEATURES);
    with_activation(activation, [&](auto kind) {
        for (int row = threadIdx.x >> 5; row < block.count; row += 8) {
            bool exists = row < block.real_count;
            real shift = exists ? parameter(bias, bias_lower, block.first + row) : (real)0;
            long at = (block.first + row) * batch + b0;
            // all loads first: it is their latency that takes the time
            real values[PER_LANE];
#pragma unroll
            for (int i = 0; i < PER_LANE; i++) {
                int b = lane + 32 * i;
                values[i] = b0 + b < batch ? z[at + b] : (real)0;
            }
#pragma unroll
            for (int i = 0; i < PER_LANE; i++) {
                int b = lane + 32 * i;
                if (b0 + b < batch) {
                    real value = exists ? activate(values[i] + shift, kind.value, slope) : (real)0;
                    if (exact) {
                        exact[at + b] = value;
                    }
                    if (features) {
                        features[at + b] = narrow(value);
                    }
                    tile[row][b] = value;
                }
            }
        }
    });
    if (samples) {
        __syncthreads();
        write_samples<FEATURES>(tile, samples, block.first, block.count, b0, batch, widths.all());
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

// delta = dy * activation'(y), in both orders, dy being a result or stored as factors are; the bias takes its step at once
// (bias_gradient null), or its gradient is stored. With a target, the loss is the mean over rows and outputs of
// (exact - target)^2, and each block adds up its share of it. What dy and the features have between shards is zero.
// Grid (shards' features / 16).
extern "C" __global__ void __launch_bounds__(256) backward_activation(const real *__restrict__ dy,
        const factor *__restrict__ narrow_dy, const factor *__restrict__ features, const real *__restrict__ exact,
        const real *__restrict__ target, real inverse_outputs, double *loss_parts,
        factor *__restrict__ delta_features, factor *__restrict__ delta_samples, factor *bias, short *bias_lower,
        real *bias_gradient, const step_controls *controls, int batch, shard_widths widths, int activation, real slope) {
    __shared__ tile_row tile[FEATURES];
    int lane = threadIdx.x & 31;
    feature_block block(widths, blockIdx.x, FEATURES);
    real sums[2] = {0, 0};
    double loss = 0;
    int rows = target ? controls->rows : batch;
    real mean = target ? inverse_outputs / rows : 0;
    for (int b0 = 0; b0 < batch; b0 += SAMPLES) {
        with_activation(activation, [&](auto kind) {
            for (int half = 0; half < 2; half++) {
                int row = (threadIdx.x >> 5) + 8 * half;
                bool exists = row < block.count;
                long at = (block.first + row) * batch + b0;
                real values[PER_LANE], upstream[PER_LANE];
#pragma unroll
                for (int i = 0; i < PER_LANE; i++) {
                    int b = lane + 32 * i;
                    if (exists && b0 + b < batch) {
                        values[i] = target ? exact[at + b] : widen(features[at + b]);
                        upstream[i] = target ? target[at + b] : dy ? dy[at + b] : widen(narrow_dy[at + b]);
                    }
                }
#pragma unroll
                for (int i = 0; i < PER_LANE; i++) {
                    int b = lane + 32 * i;
                    if (exists && b0 + b < batch) {
                        if (target) {
                            real difference = b0 + b < rows ? values[i] - upstream[i] : (real)0;
                            loss += (double)(mean * difference * difference);
                            upstream[i] = 2 * mean * difference;
                        }
                        real delta = upstream[i] * derivative(values[i], kind.value, slope);
                        sums[half] += delta;
                        delta_features[at + b] = narrow(delta);
                        tile[row][b] = delta;
                    }
                }
            }
        });
        __syncthreads();
        write_samples<FEATURES>(tile, delta_samples, block.first, block.count, b0, batch, widths.all());
        __syncthreads();
    }
    for (int half = 0; half < 2; half++) {
        int row = (threadIdx.x >> 5) + 8 * half;
        real sum = warp_sum_real(sums[half]);
        if (lane == 0 && row < block.real_count) {
            step_bias(bias, bias_lower, bias_gradient, block.first + row, sum, controls);
        }
    }
    if (target) {
        loss = block_sum(loss, threadIdx.x, blockDim.x);
        if (threadIdx.x == 0) {
            loss_parts[blockIdx.x] = loss;
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
// between shards, become zero. Block 256, grid (samples / 32, shards' features / 32).
extern "C" __global__ void __launch_bounds__(256) load_rows(const step_controls *controls, int targets, factor *features,
        factor *samples, real *exact, int batch, shard_widths widths) {
    __shared__ real tile[32][33];
    int x = threadIdx.x & 31, y = threadIdx.x >> 5;
    int b0 = blockIdx.x * 32;
    feature_block block(widths, blockIdx.y, 32);
    const real *from = targets ? controls->targets : controls->inputs;
    long pitch = targets ? controls->target_pitch : controls->input_pitch;
    long column = widths.packed(block.shard) + block.first - (long)block.shard * widths.stride;
    for (int i = y; i < 32; i += 8) {
        int b = b0 + i;
        if (x < block.count && b < batch) {
            bool exists = x < block.real_count && b < controls->rows;
            real value = exists ? from[row_of(controls, b) * pitch + column + x] : (real)0;
            tile[i][x] = value;
            if (samples) {
                samples[(long)b * widths.all() + block.first + x] = narrow(value);
            }
        }
    }
    __syncthreads();
    for (int i = y; i < 32; i += 8) {
        int b = b0 + x;
        if (i < block.count && b < batch) {
            long at = (block.first + i) * batch + b;
            if (features) {
                features[at] = narrow(tile[x][i]);
            }
            if (exact) {
                exact[at] = tile[x][i];
            }
        }
    }
}

// Feature-major reals as sample-major rows of `width` without gaps: outputs as the host wants them.
// Block 256, grid (samples / 32, shards' features / 32).
extern "C" __global__ void __launch_bounds__(256) store_rows(const real *from, real *to, int batch, long width,
        shard_widths widths) {
    __shared__ real tile[32][33];
    int x = threadIdx.x & 31, y = threadIdx.x >> 5;
    int b0 = blockIdx.x * 32;
    feature_block block(widths, blockIdx.y, 32);
    long column = widths.packed(block.shard) + block.first - (long)block.shard * widths.stride;
    for (int i = y; i < 32; i += 8) {
        if (i < block.real_count && b0 + x < batch) {
            tile[i][x] = from[(block.first + i) * batch + b0 + x];
        }
    }
    __syncthreads();
    for (int i = y; i < 32; i += 8) {
        if (x < block.real_count && b0 + i < batch) {
            to[(long)(b0 + i) * width + column + x] = tile[x][i];
        }
    }
}

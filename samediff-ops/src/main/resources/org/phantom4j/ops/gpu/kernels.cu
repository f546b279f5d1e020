// Kernels of a training step. Compiled at run time, once for each precision: REAL is what is computed and kept in, BF16
// is defined where products read bfloat16.
//
// Activations of B samples are stored twice, since matrix units want the dimension that is summed over to be contiguous:
// "feature-major", element (b, f) at f * B + b, for products that sum over samples, and "sample-major", at b * width + f,
// for those that sum over features.

typedef REAL real;

#ifdef BF16
struct factor {
    unsigned short bits;
};

static __device__ real widen(factor value) {
    return __uint_as_float((unsigned)value.bits << 16);
}

// to nearest, ties to even
static __device__ factor narrow(real value) {
    unsigned bits = __float_as_uint(value);
    factor result;
    result.bits = value != value ? 0x7fff : (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    return result;
}

// A parameter is a float in two halves: the bfloat16 nearest to it, which products read, and the difference of their bits.
static __device__ real parameter(const factor *upper, const short *lower, long i) {
    return __uint_as_float(((unsigned)upper[i].bits << 16) + (int)lower[i]);
}

static __device__ void set_parameter(factor *upper, short *lower, long i, real value) {
    unsigned bits = __float_as_uint(value);
    unsigned top = (bits + 0x8000u) >> 16;
    upper[i].bits = (unsigned short)top;
    lower[i] = (short)(int)(bits - (top << 16));
}
#else
typedef real factor;

static __device__ real widen(factor value) {
    return value;
}

static __device__ factor narrow(real value) {
    return value;
}

static __device__ real parameter(const factor *upper, const short *, long i) {
    return upper[i];
}

static __device__ void set_parameter(factor *upper, short *, long i, real value) {
    upper[i] = value;
}
#endif

enum { IDENTITY, RELU, LEAKY_RELU, TANH, SIGMOID, ELU };

static __device__ real activate(real z, int activation, real slope) {
    switch (activation) {
    case RELU:
        return z > 0 ? z : (real)0;
    case LEAKY_RELU:
        return z > 0 ? z : slope * z;
    case TANH:
        return tanh(z);
    case SIGMOID:
        return 1 / (1 + exp(-z));
    case ELU:
        return z > 0 ? z : slope * expm1(z);
    default:
        return z;
    }
}

// From the activation's value: none of these needs its argument.
static __device__ real derivative(real y, int activation, real slope) {
    switch (activation) {
    case RELU:
        return y > 0 ? (real)1 : (real)0;
    case LEAKY_RELU:
        return y > 0 ? (real)1 : slope;
    case TANH:
        return 1 - y * y;
    case SIGMOID:
        return y * (1 - y);
    case ELU:
        return y > 0 ? (real)1 : y + slope;
    default:
        return 1;
    }
}

static __device__ double warp_sum(double value) {
    for (int offset = 16; offset > 0; offset >>= 1) {
        value += __shfl_xor_sync(0xffffffffu, value, offset);
    }
    return value;
}

static __device__ real warp_sum_real(real value) {
    for (int offset = 16; offset > 0; offset >>= 1) {
        value += __shfl_xor_sync(0xffffffffu, value, offset);
    }
    return value;
}

// The sum over a block of up to 1024 threads; in thread 0.
static __device__ double block_sum(double value, int thread, int threads) {
    __shared__ double sums[32];
    value = warp_sum(value);
    if ((thread & 31) == 0) {
        sums[thread >> 5] = value;
    }
    __syncthreads();
    if (thread < 32) {
        value = warp_sum(thread < (threads + 31) / 32 ? sums[thread] : 0.0);
    }
    return value;
}

// A block of 256 threads works on 16 features of 256 samples: a warp on two features, its lanes along the samples, so that
// feature-major memory is read and written in whole lines; sample-major memory is written through shared memory, four
// features of a sample by each lane.
enum { FEATURES = 16, SAMPLES = 256, PER_LANE = SAMPLES / 32 };

struct __align__(4 * sizeof(factor)) four_factors {
    factor values[4];
};

typedef real tile_row[SAMPLES + 1];

static __device__ void write_samples(tile_row *tile, factor *samples, int f0, int b0, int batch, int width) {
    int quarter = threadIdx.x & 3;
    int f = f0 + 4 * quarter;
    for (int i = threadIdx.x >> 2; i < SAMPLES; i += 64) {
        int b = b0 + i;
        if (b >= batch) {
            return;
        }
        factor *to = samples + (long)b * width + f;
        four_factors four;
        for (int j = 0; j < 4; j++) {
            four.values[j] = narrow(tile[4 * quarter + j][i]);
        }
        if ((width & 3) == 0 && f < width) {
            *(four_factors *)to = four;
        } else {
            for (int j = 0; j < 4 && f + j < width; j++) {
                to[j] = four.values[j];
            }
        }
    }
}

// y = activation(z + bias). z is feature-major; each of the outputs may be null.
// Grid (samples / 256, features / 16).
extern "C" __global__ void __launch_bounds__(256) forward_activation(const real *__restrict__ z,
        const factor *bias, const short *bias_lower, factor *__restrict__ features, factor *__restrict__ samples,
        real *__restrict__ exact, int batch, int width, int activation, real slope) {
    __shared__ tile_row tile[FEATURES];
    int lane = threadIdx.x & 31;
    int b0 = blockIdx.x * SAMPLES, f0 = blockIdx.y * FEATURES;
    for (int row = threadIdx.x >> 5; row < FEATURES; row += 8) {
        int f = f0 + row;
        if (f >= width) {
            continue;
        }
        real shift = parameter(bias, bias_lower, f);
        long at = (long)f * batch + b0;
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
                real value = activate(values[i] + shift, activation, slope);
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
    if (samples) {
        __syncthreads();
        write_samples(tile, samples, f0, b0, batch, width);
    }
}

// delta = dy * activation'(y), in both orders, dy being a result or stored as factors are; the bias takes its step at once
// (bias_gradient null), or its gradient is stored. With a target, the loss is loss_scale * (exact - target)^2, dy is
// gradient_scale * (exact - target), and each block adds up its share of the loss. Grid (features / 16).
extern "C" __global__ void __launch_bounds__(256) backward_activation(const real *__restrict__ dy,
        const factor *__restrict__ narrow_dy, const factor *__restrict__ features, const real *__restrict__ exact,
        const real *__restrict__ target, real loss_scale, real gradient_scale, double *loss_parts,
        factor *__restrict__ delta_features, factor *__restrict__ delta_samples, factor *bias, short *bias_lower,
        real *bias_gradient, real rate, int batch, int width, int activation, real slope) {
    __shared__ tile_row tile[FEATURES];
    int lane = threadIdx.x & 31;
    int f0 = blockIdx.x * FEATURES;
    real sums[2] = {0, 0};
    double loss = 0;
    for (int b0 = 0; b0 < batch; b0 += SAMPLES) {
        for (int half = 0; half < 2; half++) {
            int row = (threadIdx.x >> 5) + 8 * half;
            int f = f0 + row;
            long at = (long)f * batch + b0;
            real values[PER_LANE], upstream[PER_LANE];
#pragma unroll
            for (int i = 0; i < PER_LANE; i++) {
                int b = lane + 32 * i;
                if (f < width && b0 + b < batch) {
                    values[i] = target ? exact[at + b] : widen(features[at + b]);
                    upstream[i] = target ? target[at + b] : dy ? dy[at + b] : widen(narrow_dy[at + b]);
                }
            }
#pragma unroll
            for (int i = 0; i < PER_LANE; i++) {
                int b = lane + 32 * i;
                if (f < width && b0 + b < batch) {
                    if (target) {
                        real difference = values[i] - upstream[i];
                        loss += (double)(loss_scale * difference * difference);
                        upstream[i] = gradient_scale * difference;
                    }
                    real delta = upstream[i] * derivative(values[i], activation, slope);
                    sums[half] += delta;
                    delta_features[at + b] = narrow(delta);
                    tile[row][b] = delta;
                }
            }
        }
        __syncthreads();
        write_samples(tile, delta_samples, f0, b0, batch, width);
        __syncthreads();
    }
    for (int half = 0; half < 2; half++) {
        int f = f0 + (threadIdx.x >> 5) + 8 * half;
        real sum = warp_sum_real(sums[half]);
        if (lane == 0 && f < width) {
            if (bias_gradient) {
                bias_gradient[f] = sum;
            } else {
                set_parameter(bias, bias_lower, f, parameter(bias, bias_lower, f) - rate * sum);
            }
        }
    }
    if (target) {
        loss = block_sum(loss, threadIdx.x, blockDim.x);
        if (threadIdx.x == 0) {
            loss_parts[blockIdx.x] = loss;
        }
    }
}

// Outputs of a row-parallel layer, summed over the ranks: logits are sample-major, one block a sample. kind 0: softmax and
// cross-entropy; 1: identity and mean squared error. target null: outputs only.
extern "C" __global__ void __launch_bounds__(128) output_loss(const real *logits, const factor *bias,
        const short *bias_lower, const real *target, real *outputs, factor *delta_features, factor *delta_samples,
        double *loss_parts, real inverse_batch, int batch, int width, int kind) {
    __shared__ double shared_value;
    int b = blockIdx.x;
    const real *row = logits + (long)b * width;
    double largest = -1.0 / 0.0;
    double total = 1;
    if (kind == 0) {
        for (int f = threadIdx.x; f < width; f += blockDim.x) {
            largest = fmax(largest, (double)(row[f] + (bias ? parameter(bias, bias_lower, f) : (real)0)));
        }
        __shared__ double maxima[4];
        for (int offset = 16; offset > 0; offset >>= 1) {
            largest = fmax(largest, __shfl_xor_sync(0xffffffffu, largest, offset));
        }
        if ((threadIdx.x & 31) == 0) {
            maxima[threadIdx.x >> 5] = largest;
        }
        __syncthreads();
        largest = fmax(fmax(maxima[0], maxima[1]), fmax(maxima[2], maxima[3]));
        double sum = 0;
        for (int f = threadIdx.x; f < width; f += blockDim.x) {
            sum += exp((double)(row[f] + (bias ? parameter(bias, bias_lower, f) : (real)0)) - largest);
        }
        sum = block_sum(sum, threadIdx.x, blockDim.x);
        if (threadIdx.x == 0) {
            shared_value = sum;
        }
        __syncthreads();
        total = shared_value;
        __syncthreads();
    }
    double loss = 0;
    for (int f = threadIdx.x; f < width; f += blockDim.x) {
        double value = row[f] + (bias ? parameter(bias, bias_lower, f) : (real)0);
        if (kind == 0) {
            value = exp(value - largest) / total;
        }
        if (outputs) {
            outputs[(long)b * width + f] = (real)value;
        }
        if (target) {
            double wanted = target[(long)f * batch + b];
            double delta = value - wanted;
            if (kind == 0) {
                loss -= wanted == 0 ? 0 : wanted * log(fmin(fmax(value, 1e-10), 1 - 1e-10));
            } else {
                loss += delta * delta / width;
                delta *= 2.0 / width;
            }
            factor rounded = narrow((real)(delta * inverse_batch));
            delta_samples[(long)b * width + f] = rounded;
            delta_features[(long)f * batch + b] = rounded;
        }
    }
    if (target) {
        loss = block_sum(loss, threadIdx.x, blockDim.x);
        if (threadIdx.x == 0) {
            loss_parts[b] = loss * inverse_batch;
        }
    }
}

// The bias gradient of a feature-major delta, one warp a feature: stored, or taken as a step at once.
extern "C" __global__ void __launch_bounds__(128) bias_step(const factor *delta_features, factor *bias, short *bias_lower,
        real *bias_gradient, real rate, int batch, int width) {
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
        if (bias_gradient) {
            bias_gradient[f] = sum;
        } else {
            set_parameter(bias, bias_lower, f, parameter(bias, bias_lower, f) - rate * sum);
        }
    }
}

// Inputs or targets, sample-major with rows `pitch` apart, as the host sends them; each output may be null.
// Block 256, grid (samples / 32, features / 32).
extern "C" __global__ void __launch_bounds__(256) load_columns(const real *from, int pitch, factor *features,
        factor *samples, real *exact, int batch, int width) {
    __shared__ real tile[32][33];
    int x = threadIdx.x & 31, y = threadIdx.x >> 5;
    int b0 = blockIdx.x * 32, f0 = blockIdx.y * 32;
    for (int i = y; i < 32; i += 8) {
        int b = b0 + i, f = f0 + x;
        if (f < width && b < batch) {
            real value = from[(long)b * pitch + f];
            tile[i][x] = value;
            if (samples) {
                samples[(long)b * width + f] = narrow(value);
            }
        }
    }
    __syncthreads();
    for (int i = y; i < 32; i += 8) {
        int f = f0 + i, b = b0 + x;
        if (f < width && b < batch) {
            long at = (long)f * batch + b;
            if (features) {
                features[at] = narrow(tile[x][i]);
            }
            if (exact) {
                exact[at] = tile[x][i];
            }
        }
    }
}

// The loss of a step, from its parts; one block.
extern "C" __global__ void __launch_bounds__(256) sum_loss(const double *parts, int count, double *loss) {
    double sum = 0;
    for (int i = threadIdx.x; i < count; i += blockDim.x) {
        sum += parts[i];
    }
    sum = block_sum(sum, threadIdx.x, blockDim.x);
    if (threadIdx.x == 0) {
        *loss = sum;
    }
}

// w -= rate * gradient
extern "C" __global__ void __launch_bounds__(256) sgd_update(factor *upper, short *lower, const real *gradient, long count,
        real rate) {
    long stride = (long)gridDim.x * blockDim.x;
    for (long i = (long)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += stride) {
        set_parameter(upper, lower, i, parameter(upper, lower, i) - rate * gradient[i]);
    }
}

// v = momentum * v' - rate * gradient; w += (1 + momentum) * v - momentum * v'
extern "C" __global__ void __launch_bounds__(256) nesterovs_update(factor *upper, short *lower, const real *gradient,
        real *velocity, long count, real rate, real momentum) {
    long stride = (long)gridDim.x * blockDim.x;
    for (long i = (long)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += stride) {
        real before = velocity[i];
        real after = momentum * before - rate * gradient[i];
        velocity[i] = after;
        set_parameter(upper, lower, i, parameter(upper, lower, i) + (1 + momentum) * after - momentum * before);
    }
}

// The step's number and Adam's rate for it: rate * sqrt(1 - beta2^t) / (1 - beta1^t).
extern "C" __global__ void adam_rate(long *step, real *step_rate, double rate, double beta1, double beta2) {
    double t = (double)++*step;
    *step_rate = (real)(rate * sqrt(1 - pow(beta2, t)) / (1 - pow(beta1, t)));
}

extern "C" __global__ void __launch_bounds__(256) adam_update(factor *upper, short *lower, const real *gradient, real *first,
        real *second, long count, const real *step_rate, real beta1, real beta2, real epsilon) {
    long stride = (long)gridDim.x * blockDim.x;
    real rate = *step_rate;
    for (long i = (long)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += stride) {
        real g = gradient[i];
        real m = beta1 * first[i] + (1 - beta1) * g;
        real v = beta2 * second[i] + (1 - beta2) * g * g;
        first[i] = m;
        second[i] = v;
        set_parameter(upper, lower, i, parameter(upper, lower, i) - rate * m / (sqrt(v) + epsilon));
    }
}

// Parameters from reals and back.
extern "C" __global__ void __launch_bounds__(256) store_parameters(const real *from, factor *upper, short *lower,
        long count) {
    long stride = (long)gridDim.x * blockDim.x;
    for (long i = (long)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += stride) {
        set_parameter(upper, lower, i, from[i]);
    }
}

extern "C" __global__ void __launch_bounds__(256) fetch_parameters(const factor *upper, const short *lower, real *to,
        long count) {
    long stride = (long)gridDim.x * blockDim.x;
    for (long i = (long)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += stride) {
        to[i] = parameter(upper, lower, i);
    }
}

// Pseudo-random numbers between -1/2 and 1/2: what products are timed on, since zeros would flatter them.
extern "C" __global__ void __launch_bounds__(256) fill_random(factor *to, long count, unsigned seed,
        real scale) {
    long stride = (long)gridDim.x * blockDim.x;
    for (long i = (long)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += stride) {
        unsigned hash = (unsigned)i * 2654435761u ^ seed;
        hash = (hash ^ (hash >> 15)) * 2246822519u;
        hash ^= hash >> 13;
        to[i] = narrow(scale * ((real)(hash & 0xffff) / 65536 - (real)0.5));
    }
}

#ifdef BF16
// w -= rate * x' delta, where w is split in halves: the gradient of a weight and its step in one pass over the weight.
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
    UPDATE_STAGES = 4,
    // bytes from row to row in shared memory: 16 more than they need, so that eight rows are in different banks
    DELTA_PITCH = UPDATE_BATCH * 2 + 16,
    WEIGHT_PITCH = UPDATE_ROWS * 2 + 16,
    STAGE_BYTES = UPDATE_COLUMNS * (DELTA_PITCH + 2 * WEIGHT_PITCH)
};

static __device__ void copy_16(unsigned to, const void *from, bool exists) {
    int bytes = exists ? 16 : 0;
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(bytes));
}

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
        copy_16(to + UPDATE_COLUMNS * WEIGHT_PITCH, lower + at, exists);
    }
}

static __device__ void step_pair(char *upper, char *lower, float first, float second, float rate) {
    unsigned u = *(unsigned *)upper, l = *(unsigned *)lower;
    float a = __uint_as_float((u << 16) + (int)(short)l);
    float b = __uint_as_float((u & 0xffff0000u) + ((int)l >> 16));
    unsigned x = __float_as_uint(a - rate * first), y = __float_as_uint(b - rate * second);
    unsigned top_x = (x + 0x8000u) >> 16, top_y = (y + 0x8000u) >> 16;
    *(unsigned *)upper = (top_x & 0xffffu) | (top_y << 16);
    *(unsigned *)lower = ((x - (top_x << 16)) & 0xffffu) | ((y - (top_y << 16)) << 16);
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
        unsigned address = deltas + (lane & 15) * DELTA_PITCH + (lane >> 4) * 16;
#pragma unroll
        for (int k = 0; k < 16; k++) {
#pragma unroll
            for (int m = 0; m < 2; m++) {
                unsigned a[4];
                asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                        : "=r"(a[0]), "=r"(a[1]), "=r"(a[2]), "=r"(a[3])
                        : "r"(address + m * 16 * DELTA_PITCH + k * 32));
#pragma unroll
                for (int n = 0; n < 4; n++) {
                    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
                                 "{%8, %9}, {%0, %1, %2, %3};"
                            : "+f"(sums[m][n][0]), "+f"(sums[m][n][1]), "+f"(sums[m][n][2]), "+f"(sums[m][n][3])
                            : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(own[k][n][0]), "r"(own[k][n][1]));
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
                step_pair(weights + at, halves + at, sums[m][n][0], sums[m][n][1], rate);
                at += 8 * WEIGHT_PITCH;
                step_pair(weights + at, halves + at, sums[m][n][2], sums[m][n][3], rate);
            }
        }
        __syncthreads();
        for (int i = threadIdx.x; i < UPDATE_COLUMNS * (UPDATE_ROWS / 8); i += UPDATE_ROWS) {
            int c = i / (UPDATE_ROWS / 8), r = i % (UPDATE_ROWS / 8) * 8;
            if (c0 + c < end && r0 + r < rows) {
                long to = (c0 + c) * stride + r0 + r;
                int from = c * WEIGHT_PITCH + r * 2;
                *(uint4 *)(upper + to) = *(uint4 *)(weights + from);
                *(uint4 *)(lower + to) = *(uint4 *)(halves + from);
            }
        }
        stage = stage + 1 == UPDATE_STAGES ? 0 : stage + 1;
    }
}
#endif

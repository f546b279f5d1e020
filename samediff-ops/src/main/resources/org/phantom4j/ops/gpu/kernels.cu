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

// y = activation(z + bias). z is feature-major; each of the outputs may be null.
// Block (32, 8), grid (samples / 32, features / 32).
extern "C" __global__ void __launch_bounds__(256) forward_activation(const real *z, const factor *bias,
        const short *bias_lower, factor *features, factor *samples, real *exact, int batch, int width, int activation,
        real slope) {
    __shared__ real tile[32][33];
    int x = threadIdx.x & 31, y = threadIdx.x >> 5;
    int b0 = blockIdx.x * 32, f0 = blockIdx.y * 32;
    for (int i = y; i < 32; i += 8) {
        int f = f0 + i, b = b0 + x;
        if (f < width && b < batch) {
            long at = (long)f * batch + b;
            real value = activate(z[at] + parameter(bias, bias_lower, f), activation, slope);
            factor rounded = narrow(value);
            if (exact) {
                exact[at] = value;
            }
            if (features) {
                features[at] = rounded;
            }
            tile[i][x] = widen(rounded);
        }
    }
    if (!samples) {
        return;
    }
    __syncthreads();
    for (int i = y; i < 32; i += 8) {
        int b = b0 + i, f = f0 + x;
        if (f < width && b < batch) {
            samples[(long)b * width + f] = narrow(tile[x][i]);
        }
    }
}

// delta = dy * activation'(y), in both orders, dy being a result or stored as factors are; the bias takes its step at once (bias_gradient null), or its gradient is
// stored. With a target, the loss is (exact - target)^2 / outputs, dy is its gradient, and each block adds up its share of
// the loss. A block has 32 features of all samples; block 1024, grid (features / 32).
extern "C" __global__ void __launch_bounds__(1024) backward_activation(const real *dy, const factor *narrow_dy,
        const factor *features, const real *exact, const real *target, real loss_scale, real gradient_scale, double *loss_parts,
        factor *delta_features, factor *delta_samples, factor *bias, short *bias_lower, real *bias_gradient, real rate,
        int batch, int width, int activation, real slope) {
    __shared__ real tile[32][33];
    int x = threadIdx.x & 31, y = threadIdx.x >> 5;
    int f0 = blockIdx.x * 32;
    int f = f0 + y;
    real sum = 0;
    double loss = 0;
    for (int b0 = 0; b0 < batch; b0 += 32) {
        int b = b0 + x;
        if (f < width && b < batch) {
            long at = (long)f * batch + b;
            real value, upstream;
            if (target) {
                value = exact[at];
                real difference = value - target[at];
                loss += (double)(loss_scale * difference * difference);
                upstream = gradient_scale * difference;
            } else {
                value = widen(features[at]);
                upstream = dy ? dy[at] : widen(narrow_dy[at]);
            }
            real delta = upstream * derivative(value, activation, slope);
            sum += delta;
            factor rounded = narrow(delta);
            delta_features[at] = rounded;
            tile[y][x] = widen(rounded);
        }
        __syncthreads();
        int bs = b0 + y, fs = f0 + x;
        if (fs < width && bs < batch) {
            delta_samples[(long)bs * width + fs] = narrow(tile[x][y]);
        }
        __syncthreads();
    }
    sum = warp_sum_real(sum);
    if (x == 0 && f < width) {
        if (bias_gradient) {
            bias_gradient[f] = sum;
        } else {
            set_parameter(bias, bias_lower, f, parameter(bias, bias_lower, f) - rate * sum);
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

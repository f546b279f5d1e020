// Kernels of a training step. Compiled at run time, once for each precision: REAL is what is computed and kept in, BF16
// is defined where products read bfloat16, ROUNDED where that is all that is kept of a parameter, MATRIX_UNITS where
// matrix units compute products, TF32 where they cut floats down to do so.
//
// Activations of B samples are stored twice, since matrix units want the dimension that is summed over to be contiguous:
// "feature-major", element (b, f) at f * B + b, for products that sum over samples, and "sample-major", at b * width + f,
// for those that sum over features.

//
// A rank's shards are one problem. Each has its neurons `stride` apart, a multiple of eight, and the batch is a multiple of
// eight, too: what is between is zero, and stays zero, so that no kernel and no product meets an edge.

typedef REAL real;

// What changes during a training, in the device's memory, so that a recorded step reads it.
struct step_controls {
    // sample-major rows of reals on the device
    const real *inputs, *targets;
    // which row is which sample; null: one after the other
    const int *order;
    long long input_pitch, target_pitch;
    // the batch: order[first] to order[first + rows - 1]
    int first, rows;
    // from 1: seeds random rounding, dates losses, counts for Adam
    long long step;
    double rate;
    // as cuBLAS reads them
    __align__(8) real minus_rate;
    __align__(8) real one;
};

// How a rank's shards divide a width: `base` neurons each, the first `wide` of them one more.
struct shard_widths {
    int stride;
    int base;
    int wide;
    int shards;

    __device__ int of(int shard) const {
        return base + (shard < wide);
    }

    // where a shard's neurons begin, if nothing is between shards
    __device__ int packed(int shard) const {
        return shard * base + min(shard, wide);
    }

    __device__ long all() const {
        return (long)stride * shards;
    }
};

// Row of a sample in the data.
static __device__ long row_of(const step_controls *controls, int sample) {
    return controls->order ? controls->order[controls->first + sample] : controls->first + sample;
}

// Seeds the rounding of parameters: another one each step, and for each place among a rank's parameters.
static __device__ unsigned rounding_seed(long long step, long place) {
    return (unsigned)step * 3266489917u + (unsigned)place * 2654435769u;
}

// As random as 32 bits can be made of 32 bits.
static __device__ unsigned mix_bits(unsigned bits) {
    bits = (bits ^ (bits >> 16)) * 2246822507u;
    bits = (bits ^ (bits >> 13)) * 3266489909u;
    return bits ^ (bits >> 16);
}

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

#ifdef ROUNDED
// Rounds to one of the two nearest bfloat16, to the nearer one more often, so that steps too small to be seen in a
// parameter's 8 bits add up all the same. As random as the step's number and the parameter's place make it, `random` being the
// rounding_seed of the first: every run of the same step rounds alike, and each step another way. Zeros stay zeros.

static __device__ real parameter(const factor *upper, const short *, long i) {
    return widen(upper[i]);
}

static __device__ void set_parameter(factor *upper, short *, long i, real value, unsigned random) {
    unsigned bits = __float_as_uint(value), up = mix_bits(rounding_seed(0, i) + random) >> 16;
    upper[i].bits = value != value ? 0x7fff : (unsigned short)((bits + up) >> 16);
}
#else
// A parameter is a float in two halves: the bfloat16 nearest to it, which products read, and the difference of their bits.
static __device__ real parameter(const factor *upper, const short *lower, long i) {
    return __uint_as_float(((unsigned)upper[i].bits << 16) + (int)lower[i]);
}

static __device__ void set_parameter(factor *upper, short *lower, long i, real value, unsigned) {
    // no number stays none, in the upper half too, which an addition could carry over
    unsigned bits = value != value ? 0x7fc00000u : __float_as_uint(value);
    unsigned top = (bits + 0x8000u) >> 16;
    upper[i].bits = (unsigned short)top;
    lower[i] = (short)(int)(bits - (top << 16));
}
#endif
#else
typedef real factor;

static __device__ real widen(factor value) {
    return value;
}

static __device__ factor narrow(real value) {
#ifdef TF32
    // to nearest: matrix units would cut off what they do not take
    unsigned rounded;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(rounded) : "f"(value));
    return __uint_as_float(rounded);
#else
    return value;
#endif
}

static __device__ real parameter(const factor *upper, const short *, long i) {
    return upper[i];
}

static __device__ void set_parameter(factor *upper, short *, long i, real value, unsigned) {
    upper[i] = value;
}
#endif

enum { IDENTITY, RELU, LEAKY_RELU, TANH, SIGMOID, ELU };

// What is no number stays none.
static __device__ real activate(real z, int activation, real slope) {
    switch (activation) {
    case RELU:
        return z < 0 ? (real)0 : z;
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
        // the slope is above 0; at 0, Deeplearning4j's derivative is 1
        return y >= 0 ? (real)1 : slope;
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

// Calls body with the activation as a constant: decided once, and not for each element, its code is short and stays cached.
template <int ACTIVATION>
struct constant {
    enum { value = ACTIVATION };
};

template <typename T>
static __device__ void with_activation(int activation, T body) {
    switch (activation) {
    case RELU:
        body(constant<RELU>());
        break;
    case LEAKY_RELU:
        body(constant<LEAKY_RELU>());
        break;
    case TANH:
        body(constant<TANH>());
        break;
    case SIGMOID:
        body(constant<SIGMOID>());
        break;
    case ELU:
        body(constant<ELU>());
        break;
    default:
        body(constant<IDENTITY>());
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

static __device__ void copy_16(unsigned to, const void *from, bool exists) {
    int bytes = exists ? 16 : 0;
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(bytes));
}

static __device__ void copy_4(unsigned to, const void *from, bool exists) {
    int bytes = exists ? 4 : 0;
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(to), "l"(from), "r"(bytes));
}

#ifdef MATRIX_UNITS
// sums [16, 8] += a [16, 8] b [8, 8] of a warp, a lane's part of each: factors that are rounded to tf32, or are cut down to it.
static __device__ void multiply_tf32(float &c0, float &c1, float &c2, float &c3, const unsigned *a, unsigned b0, unsigned b1) {
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
                 "{%0, %1, %2, %3};"
            : "+f"(c0), "+f"(c1), "+f"(c2), "+f"(c3)
            : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// The same of bfloat16, two in a word: a [16, 16], b [16, 8].
static __device__ void multiply_bf16(float *sums, const unsigned *a, unsigned b0, unsigned b1) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
                 "{%0, %1, %2, %3};"
            : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
            : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
#endif

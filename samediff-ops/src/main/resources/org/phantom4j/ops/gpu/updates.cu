// Steps of parameters, whose gradients are there: a thread takes four neighbours at once where all arrays allow that. What is
// zero, and whose gradient is, stays zero.
template <int COUNT>
struct neighbours {
    enum { count = COUNT };
    // of T, as aligned as they are large
    template <typename T>
    struct __align__(COUNT * sizeof(T)) of {
        T values[COUNT];
    };

    template <typename T>
    static __device__ of<T> read(const T *from, long i) {
        return *(const of<T> *)(from + i);
    }

    template <typename T>
    static __device__ void write(T *to, long i, const of<T> &from) {
        *(of<T> *)(to + i) = from;
    }

    static __device__ of<real> read_parameters(const factor *upper, const short *lower, long i) {
        of<factor> top = read(upper, i);
        of<short> bottom = {};
        if (lower) {
            bottom = read(lower, i);
        }
        of<real> result;
#pragma unroll
        for (int j = 0; j < COUNT; j++) {
            result.values[j] = parameter(top.values, bottom.values, j);
        }
        return result;
    }

    static __device__ void write_parameters(factor *upper, short *lower, long i, const of<real> &from, unsigned random) {
        of<factor> top;
        of<short> bottom;
#pragma unroll
        for (int j = 0; j < COUNT; j++) {
            set_parameter(top.values, bottom.values, j, from.values[j], random + rounding_seed(0, i));
        }
        write(upper, i, top);
        if (lower) {
            write(lower, i, bottom);
        }
    }
};

static __device__ bool starts_vector(const void *array) {
    return ((unsigned long)array & (4 * sizeof(real) - 1)) == 0;
}

// Calls body(neighbours, i) for all of `count`: of four where all arrays are aligned to as many, which any whole part of a
// larger array of them is.
template <typename T>
static __device__ void for_neighbours(bool aligned, long count, T body) {
    long stride = (long)gridDim.x * blockDim.x, first = (long)blockIdx.x * blockDim.x + threadIdx.x;
    long fours = aligned ? count / 4 : 0;
    for (long i = first; i < fours; i += stride) {
        body(neighbours<4>(), 4 * i);
    }
    for (long i = 4 * fours + first; i < count; i += stride) {
        body(neighbours<1>(), i);
    }
}

// w -= rate * gradient. `place` is the first parameter's among the rank's.
extern "C" __global__ void __launch_bounds__(256) sgd_update(factor *upper, short *lower, const real *gradient, long count,
        const step_controls *controls, long place) {
    real rate = (real)controls->rate;
    unsigned random = rounding_seed(controls->step, place);
    bool aligned = starts_vector(upper) && starts_vector(lower) && starts_vector(gradient);
    for_neighbours(aligned, count, [&](auto some, long i) {
        auto w = some.read_parameters(upper, lower, i);
        auto g = some.read(gradient, i);
#pragma unroll
        for (int j = 0; j < some.count; j++) {
            w.values[j] -= rate * g.values[j];
        }
        some.write_parameters(upper, lower, i, w, random);
    });
}

// v = momentum * v' - rate * gradient; w += (1 + momentum) * v - momentum * v'
extern "C" __global__ void __launch_bounds__(256) nesterovs_update(factor *upper, short *lower, const real *gradient,
        real *velocity, long count, const step_controls *controls, long place, real momentum) {
    real rate = (real)controls->rate;
    unsigned random = rounding_seed(controls->step, place);
    bool aligned = starts_vector(upper) && starts_vector(lower) && starts_vector(gradient) && starts_vector(velocity);
    for_neighbours(aligned, count, [&](auto some, long i) {
        auto w = some.read_parameters(upper, lower, i);
        auto g = some.read(gradient, i);
        auto v = some.read(velocity, i);
#pragma unroll
        for (int j = 0; j < some.count; j++) {
            real before = v.values[j];
            real after = momentum * before - rate * g.values[j];
            v.values[j] = after;
            w.values[j] += (1 + momentum) * after - momentum * before;
        }
        some.write(velocity, i, v);
        some.write_parameters(upper, lower, i, w, random);
    });
}

// Adam's rate of step t = controls->step + steps_before is rate * sqrt(1 - beta2^t) / (1 - beta1^t).
extern "C" __global__ void __launch_bounds__(256) adam_update(factor *upper, short *lower, const real *gradient, real *first,
        real *second, long count, const step_controls *controls, long place, long steps_before, double beta1, double beta2,
        real epsilon) {
    __shared__ real step_rate;
    if (threadIdx.x == 0) {
        double t = (double)(controls->step + steps_before);
        step_rate = (real)(controls->rate * sqrt(1 - pow(beta2, t)) / (1 - pow(beta1, t)));
    }
    __syncthreads();
    real rate = step_rate, keep1 = (real)beta1, take1 = 1 - (real)beta1, keep2 = (real)beta2, take2 = 1 - (real)beta2;
    unsigned random = rounding_seed(controls->step, place);
    bool aligned = starts_vector(upper) && starts_vector(lower) && starts_vector(gradient) && starts_vector(first)
            && starts_vector(second);
    for_neighbours(aligned, count, [&](auto some, long i) {
        auto w = some.read_parameters(upper, lower, i);
        auto g = some.read(gradient, i);
        auto m = some.read(first, i);
        auto v = some.read(second, i);
#pragma unroll
        for (int j = 0; j < some.count; j++) {
            real gradient_of = g.values[j];
            m.values[j] = keep1 * m.values[j] + take1 * gradient_of;
            v.values[j] = keep2 * v.values[j] + take2 * gradient_of * gradient_of;
            w.values[j] -= rate * m.values[j] / (sqrt(v.values[j]) + epsilon);
        }
        some.write(first, i, m);
        some.write(second, i, v);
        some.write_parameters(upper, lower, i, w, random);
    });
}

// Zeros for what shards have no weights for: of a matrix whose columns are `stride` apart, column c's `own` rows from
// (first + c / columns) * own on. Multiples of eight; arrays may be null. Any grid.
extern "C" __global__ void __launch_bounds__(256) clear_own(factor *upper, short *lower, real *gradient, long stride, int own,
        int first, int columns, int shards) {
    long step = (long)gridDim.x * blockDim.x;
    int eights = own / 8;
    for (long i = (long)blockIdx.x * blockDim.x + threadIdx.x; i < (long)columns * shards * eights; i += step) {
        long column = i / eights;
        long at = column * stride + (first + column / columns) * own + i % eights * 8;
        auto clear = [&](auto *array) {
            if (array) {
                neighbours<2>::of<real> zeros = {};
                for (unsigned j = 0; j < 8 * sizeof(*array); j += sizeof(zeros)) {
                    *(neighbours<2>::of<real> *)((char *)(array + at) + j) = zeros;
                }
            }
        };
        clear(upper);
        clear(lower);
        clear(gradient);
    }
}

// Parameters from reals and back.
extern "C" __global__ void __launch_bounds__(256) store_parameters(const real *from, factor *upper, short *lower,
        long count, long place) {
    unsigned random = rounding_seed(0, place);
    bool aligned = starts_vector(upper) && starts_vector(lower) && starts_vector(from);
    for_neighbours(aligned, count, [&](auto some, long i) { some.write_parameters(upper, lower, i, some.read(from, i), random); });
}

extern "C" __global__ void __launch_bounds__(256) fetch_parameters(const factor *upper, const short *lower, real *to,
        long count) {
    bool aligned = starts_vector(upper) && starts_vector(lower) && starts_vector(to);
    for_neighbours(aligned, count, [&](auto some, long i) { some.write(to, i, some.read_parameters(upper, lower, i)); });
}

// Pseudo-random numbers between -1/2 and 1/2: what products are timed on, since zeros would flatter them.
extern "C" __global__ void __launch_bounds__(256) fill_random(factor *to, long count, unsigned seed,
        real scale) {
    long stride = (long)gridDim.x * blockDim.x;
    for (long i = (long)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += stride) {
        unsigned hash = mix_bits((unsigned)i * 2654435761u ^ seed);
        to[i] = narrow(scale * ((real)(hash & 0xffff) / 65536 - (real)0.5));
    }
}

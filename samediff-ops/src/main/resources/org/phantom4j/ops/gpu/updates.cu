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

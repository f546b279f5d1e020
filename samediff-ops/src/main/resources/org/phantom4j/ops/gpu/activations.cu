// A block of 256 threads works on 16 features of 256 samples: a warp on two features, its lanes along the samples, so that
// feature-major memory is read and written in whole lines; sample-major memory is written through shared memory, four
// features of a sample by each lane.
enum { FEATURES = 16, SAMPLES = 256, PER_LANE = SAMPLES / 32 };

// Four neighbours, read or written at once.
template <typename T>
struct __align__(4 * sizeof(T)) four_of {
    T values[4];
};

typedef real tile_row[SAMPLES + 1];

template <int ROWS>
static __device__ void write_samples(tile_row *tile, factor *samples, int f0, int b0, int batch, int width) {
    int part = threadIdx.x % (ROWS / 4);
    int f = f0 + 4 * part;
    for (int i = threadIdx.x / (ROWS / 4); i < SAMPLES; i += 256 / (ROWS / 4)) {
        int b = b0 + i;
        if (b >= batch) {
            return;
        }
        factor *to = samples + (long)b * width + f;
        four_of<factor> four;
        for (int j = 0; j < 4; j++) {
            four.values[j] = narrow(tile[4 * part + j][i]);
        }
        if ((width & 3) == 0 && f < width) {
            *(four_of<factor> *)to = four;
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
    with_activation(activation, [&](auto kind) {
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
                    real value = activate(values[i] + shift, kind.value, slope);
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
        write_samples<FEATURES>(tile, samples, f0, b0, batch, width);
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
        with_activation(activation, [&](auto kind) {
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
                        real delta = upstream[i] * derivative(values[i], kind.value, slope);
                        sums[half] += delta;
                        delta_features[at + b] = narrow(delta);
                        tile[row][b] = delta;
                    }
                }
            }
        });
        __syncthreads();
        write_samples<FEATURES>(tile, delta_samples, f0, b0, batch, width);
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

#ifdef MATRIX_UNITS
// The phantom part of a layer and the activation in one pass, on matrix units: a block adds the product of k-wide images of
// the samples and k-wide weights of 32 features to what the local product has left, for 256 samples, and goes on with the
// sums in its registers. Nothing but the local product's result is read in full, and nothing intermediate is written.
//
// A warp has 16 features of 64 samples; a lane the samples 4q to 4q + 3 of each 16, q being its place in its group of four,
// so that it reads and writes four neighbours: column c of a product's fragment is sample 2c, that of the next 2c + 1.
enum {
    PHANTOM_FEATURES = 32,
    PHANTOM_INNER = 64,
    // floats from row to row in shared memory, so that the lanes of a fragment are in different banks
    IMAGE_PITCH = SAMPLES + 8,
    THIN_PITCH = PHANTOM_INNER + 4
};

// Samples of a lane: sums[group of 16 samples][feature, feature + 8][4 neighbours].
typedef float lane_sums[4][2][4];

struct lane_place {
    int feature;
    int sample;

    __device__ lane_place() {
        int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
        feature = (warp & 1) * 16 + (lane >> 2);
        sample = (warp >> 1) * 64 + (lane & 3) * 4;
    }
};

// Where a matrix [features, inner] of k-wide weights is: element (f, i) at f * feature_stride + i * inner_stride.
struct thin_weights {
    const factor *values;
    long feature_stride;
    long inner_stride;
};

static __device__ float to_tf32(factor value) {
    unsigned rounded;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(rounded) : "f"(widen(value)));
    return __uint_as_float(rounded);
}

// Four neighbouring samples, of which those from `left` on do not exist. A batch that is a multiple of four keeps them together.
template <typename T>
struct __align__(4 * sizeof(T)) four_of {
    T values[4];
};

template <typename T>
static __device__ four_of<T> read_four(const T *from, int left, int batch) {
    four_of<T> four = {};
    if ((batch & 3) == 0) {
        if (left > 0) {
            four = *(const four_of<T> *)from;
        }
    } else {
        for (int j = 0; j < 4 && j < left; j++) {
            four.values[j] = from[j];
        }
    }
    return four;
}

template <typename T>
static __device__ void write_four(T *to, four_of<T> four, int left, int batch) {
    if ((batch & 3) == 0) {
        if (left > 0) {
            *(four_of<T> *)to = four;
        }
    } else {
        for (int j = 0; j < 4 && j < left; j++) {
            to[j] = four.values[j];
        }
    }
}

static __device__ void multiply(float &c0, float &c1, float &c2, float &c3, const float *a, float b0, float b1) {
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
                 "{%0, %1, %2, %3};"
            : "+f"(c0), "+f"(c1), "+f"(c2), "+f"(c3)
            : "r"(__float_as_uint(a[0])), "r"(__float_as_uint(a[1])), "r"(__float_as_uint(a[2])),
            "r"(__float_as_uint(a[3])), "r"(__float_as_uint(b0)), "r"(__float_as_uint(b1)));
}

// Both loads fill a row of zeros where there is nothing. Several reads are under way before the first is waited for: it is
// their latency that takes the time.
static __device__ void load_images(float *image, const factor *__restrict__ images, int i0, int inner, int skip_from,
        int skip, int b0, int batch) {
    enum { FOURS = SAMPLES / 4, ROWS = 256 / FOURS, AHEAD = 8 };
    int row = threadIdx.x / FOURS, b = threadIdx.x % FOURS * 4;
    for (int first = 0; first < PHANTOM_INNER && i0 + first < inner; first += ROWS * AHEAD) {
        four_of<factor> four[AHEAD];
#pragma unroll
        for (int i = 0; i < AHEAD; i++) {
            int column = i0 + first + row + i * ROWS;
            long at = column < skip_from ? column : column + skip;
            int left = column < inner ? batch - b0 - b : 0;
            four[i] = read_four(images + at * batch + b0 + b, left, batch);
        }
#pragma unroll
        for (int i = 0; i < AHEAD; i++) {
            *(float4 *)(image + (first + row + i * ROWS) * IMAGE_PITCH + b) = make_float4(to_tf32(four[i].values[0]),
                    to_tf32(four[i].values[1]), to_tf32(four[i].values[2]), to_tf32(four[i].values[3]));
        }
    }
}

static __device__ void load_thin(float *weights, thin_weights thin, int i0, int inner, int f0, int width) {
    enum { EACH = PHANTOM_FEATURES * PHANTOM_INNER / 256 };
    bool by_inner = thin.inner_stride == 1;
    factor values[EACH];
#pragma unroll
    for (int i = 0; i < EACH; i++) {
        int at = threadIdx.x + i * 256;
        int f = f0 + (by_inner ? at / PHANTOM_INNER : at % PHANTOM_FEATURES);
        int column = i0 + (by_inner ? at % PHANTOM_INNER : at / PHANTOM_FEATURES);
        values[i] = {};
        if (f < width && column < inner) {
            values[i] = thin.values[f * thin.feature_stride + column * thin.inner_stride];
        }
    }
#pragma unroll
    for (int i = 0; i < EACH; i++) {
        int at = threadIdx.x + i * 256;
        int f = by_inner ? at / PHANTOM_INNER : at % PHANTOM_FEATURES;
        int column = by_inner ? at % PHANTOM_INNER : at / PHANTOM_FEATURES;
        weights[f * THIN_PITCH + column] = to_tf32(values[i]);
    }
}

// sums = from + images' weights, at features f0 and samples b0. Column i of the images is at column i, or i + skip from
// skip_from on. Ends with shared memory free.
static __device__ void add_images(lane_sums sums, const real *__restrict__ from, const factor *__restrict__ images,
        thin_weights thin, int inner, int skip_from, int skip, float *image, int f0, int b0, int batch, int width) {
    float *weights = image + PHANTOM_INNER * IMAGE_PITCH;
    int lane = threadIdx.x & 31;
    lane_place place;
#pragma unroll
    for (int t = 0; t < 4; t++) {
#pragma unroll
        for (int row = 0; row < 2; row++) {
            int f = f0 + place.feature + 8 * row, b = b0 + place.sample + 16 * t;
            four_of<real> four = {};
            if (f < width) {
                four = read_four(from + (long)f * batch + b, batch - b, batch);
            }
#pragma unroll
            for (int j = 0; j < 4; j++) {
                sums[t][row][j] = four.values[j];
            }
        }
    }
    for (int i0 = 0; i0 < inner; i0 += PHANTOM_INNER) {
        int depth = min(PHANTOM_INNER, inner - i0);
        load_images(image, images, i0, inner, skip_from, skip, b0, batch);
        load_thin(weights, thin, i0, inner, f0, width);
        __syncthreads();
        for (int i = 0; i < depth; i += 8) {
            const float *own = weights + place.feature * THIN_PITCH + i + (lane & 3);
            float a[4] = {own[0], own[8 * THIN_PITCH], own[4], own[8 * THIN_PITCH + 4]};
            const float *at = image + (i + (lane & 3)) * IMAGE_PITCH + (place.sample & ~15) + 2 * (lane >> 2);
#pragma unroll
            for (int t = 0; t < 4; t++) {
                float2 first = *(const float2 *)(at + 16 * t);
                float2 second = *(const float2 *)(at + 4 * IMAGE_PITCH + 16 * t);
                float(*sum)[4] = sums[t];
                multiply(sum[0][0], sum[0][2], sum[1][0], sum[1][2], a, first.x, second.x);
                multiply(sum[0][1], sum[0][3], sum[1][1], sum[1][3], a, first.y, second.y);
            }
        }
        __syncthreads();
    }
}

// y = activation(z + images' weights + bias), z and the images feature-major; each of the outputs may be null.
// Grid (samples / 256, features / 32).
extern "C" __global__ void __launch_bounds__(256, 2) phantom_forward(const real *__restrict__ z,
        const factor *__restrict__ images, const factor *__restrict__ decompressors, long stride, int inner, int skip_from,
        int skip, const factor *bias, const short *bias_lower, factor *__restrict__ features, factor *__restrict__ samples,
        real *__restrict__ exact, int batch, int width, int activation, real slope) {
    extern __shared__ __align__(16) char shared[];
    int b0 = blockIdx.x * SAMPLES, f0 = blockIdx.y * PHANTOM_FEATURES;
    lane_sums sums;
    add_images(sums, z, images, {decompressors, stride, 1}, inner, skip_from, skip, (float *)shared, f0, b0, batch, width);
    tile_row *tile = (tile_row *)shared;
    lane_place place;
#pragma unroll
    for (int row = 0; row < 2; row++) {
        int f = f0 + place.feature + 8 * row;
        if (f >= width) {
            continue;
        }
        real shift = parameter(bias, bias_lower, f);
#pragma unroll
        for (int t = 0; t < 4; t++) {
            int sample = place.sample + 16 * t, left = batch - b0 - sample;
            long at = (long)f * batch + b0 + sample;
            four_of<real> values;
            four_of<factor> factors;
#pragma unroll
            for (int j = 0; j < 4; j++) {
                values.values[j] = activate(sums[t][row][j] + shift, activation, slope);
                factors.values[j] = narrow(values.values[j]);
                tile[place.feature + 8 * row][sample + j] = values.values[j];
            }
            if (exact) {
                write_four(exact + at, values, left, batch);
            }
            if (features) {
                write_four(features + at, factors, left, batch);
            }
        }
    }
    if (samples) {
        __syncthreads();
        write_samples<PHANTOM_FEATURES>(tile, samples, f0, b0, batch, width);
    }
}

// delta = (dy + images' weights) * activation'(y) in both orders, the images being those of the compressed gradients, and the
// bias's gradient or step. Grid (features / 32).
extern "C" __global__ void __launch_bounds__(256, 2) phantom_backward(const real *__restrict__ dy,
        const factor *__restrict__ images, const factor *__restrict__ compressor, int inner,
        const factor *__restrict__ features, factor *__restrict__ delta_features, factor *__restrict__ delta_samples,
        factor *bias, short *bias_lower, real *bias_gradient, real rate, int batch, int width, int activation, real slope) {
    extern __shared__ __align__(16) char shared[];
    __shared__ real bias_sums[4][PHANTOM_FEATURES];
    int f0 = blockIdx.x * PHANTOM_FEATURES;
    tile_row *tile = (tile_row *)shared;
    lane_place place;
    real total[2] = {0, 0};
    for (int b0 = 0; b0 < batch; b0 += SAMPLES) {
        lane_sums sums;
        add_images(sums, dy, images, {compressor, 1, width}, inner, inner, 0, (float *)shared, f0, b0, batch, width);
#pragma unroll
        for (int row = 0; row < 2; row++) {
            int f = f0 + place.feature + 8 * row;
            if (f >= width) {
                continue;
            }
#pragma unroll
            for (int t = 0; t < 4; t++) {
                int sample = place.sample + 16 * t, left = batch - b0 - sample;
                long at = (long)f * batch + b0 + sample;
                four_of<factor> values = read_four(features + at, left, batch), deltas;
#pragma unroll
                for (int j = 0; j < 4; j++) {
                    // of samples that do not exist it is zero, since dy and the images are
                    real delta = sums[t][row][j] * derivative(widen(values.values[j]), activation, slope);
                    total[row] += delta;
                    deltas.values[j] = narrow(delta);
                    tile[place.feature + 8 * row][sample + j] = delta;
                }
                write_four(delta_features + at, deltas, left, batch);
            }
        }
        __syncthreads();
        write_samples<PHANTOM_FEATURES>(tile, delta_samples, f0, b0, batch, width);
        __syncthreads();
    }
    for (int row = 0; row < 2; row++) {
        real sum = total[row];
        sum += __shfl_xor_sync(0xffffffffu, sum, 1);
        sum += __shfl_xor_sync(0xffffffffu, sum, 2);
        if ((threadIdx.x & 3) == 0) {
            bias_sums[threadIdx.x >> 6][place.feature + 8 * row] = sum;
        }
    }
    __syncthreads();
    int f = f0 + threadIdx.x;
    if (threadIdx.x < PHANTOM_FEATURES && f < width) {
        real sum = (bias_sums[0][threadIdx.x] + bias_sums[1][threadIdx.x])
                + (bias_sums[2][threadIdx.x] + bias_sums[3][threadIdx.x]);
        if (bias_gradient) {
            bias_gradient[f] = sum;
        } else {
            set_parameter(bias, bias_lower, f, parameter(bias, bias_lower, f) - rate * sum);
        }
    }
}
#endif

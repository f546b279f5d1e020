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

// Which columns of the images count, and rows of the weights: `count`, but for the `skip` from `skip_from` on.
struct image_columns {
    int count;
    int skip_from;
    int skip;

    __device__ int at(int i) const {
        return i < skip_from ? i : i + skip;
    }
};

// Four neighbouring samples: a batch is a multiple of four here.
template <typename T>
static __device__ four_of<T> read_four(const T *from, bool exists) {
    four_of<T> four = {};
    if (exists) {
        four = *(const four_of<T> *)from;
    }
    return four;
}

#ifdef BF16
// Both loads fill with zeros where there is nothing. Several reads are under way before the first is waited for: it is their
// latency that takes the time.
static __device__ void load_images(float *image, const factor *__restrict__ images, int i0, image_columns columns,
        int b0, int batch) {
    int inner = columns.count;
    enum { FOURS = SAMPLES / 4, ROWS = 256 / FOURS, AHEAD = 8 };
    int row = threadIdx.x / FOURS, b = threadIdx.x % FOURS * 4;
    for (int first = 0; first < PHANTOM_INNER && i0 + first < inner; first += ROWS * AHEAD) {
        four_of<factor> four[AHEAD];
#pragma unroll
        for (int i = 0; i < AHEAD; i++) {
            int column = i0 + first + row + i * ROWS;
            four[i] = read_four(images + (long)columns.at(column) * batch + b0 + b, column < inner && b0 + b < batch);
        }
#pragma unroll
        for (int i = 0; i < AHEAD; i++) {
            *(float4 *)(image + (first + row + i * ROWS) * IMAGE_PITCH + b) = make_float4(widen(four[i].values[0]),
                    widen(four[i].values[1]), widen(four[i].values[2]), widen(four[i].values[3]));
        }
    }
}

static __device__ void load_word(float *to, const factor *from, bool exists) {
    *to = exists ? widen(*from) : 0;
}
#else
// Both loads fill with zeros where there is nothing, and are under way, all of them, until they are waited for.
static __device__ void load_images(float *image, const factor *__restrict__ images, int i0, image_columns columns,
        int b0, int batch) {
    int inner = columns.count;
    enum { FOURS = SAMPLES / 4, ROWS = 256 / FOURS };
    int b = threadIdx.x % FOURS * 4;
    for (int row = threadIdx.x / FOURS; row < PHANTOM_INNER && i0 + row < ((inner + 7) & ~7); row += ROWS) {
        int column = i0 + row;
        const factor *from = images + (long)columns.at(column) * batch + b0 + b;
        unsigned to = (unsigned)__cvta_generic_to_shared(image + row * IMAGE_PITCH + b);
        bool exists = column < inner && b0 + b < batch;
        copy_16(to, exists ? from : images, exists);
    }
}

static __device__ void load_word(float *to, const factor *from, bool exists) {
    copy_4((unsigned)__cvta_generic_to_shared(to), from, exists);
}
#endif

static __device__ void load_thin(float *weights, thin_weights thin, int i0, image_columns columns, int width) {
    bool by_inner = thin.inner_stride == 1;
#pragma unroll
    for (int i = threadIdx.x; i < PHANTOM_FEATURES * PHANTOM_INNER; i += 256) {
        int f = by_inner ? i / PHANTOM_INNER : i % PHANTOM_FEATURES;
        int column = by_inner ? i % PHANTOM_INNER : i / PHANTOM_FEATURES;
        bool exists = f < width && i0 + column < columns.count;
        long at = exists ? f * thin.feature_stride + columns.at(i0 + column) * thin.inner_stride : 0;
        load_word(weights + f * THIN_PITCH + column, thin.values + at, exists);
    }
}

// sums = from + images' weights: `width` features from that on where `from` and the weights begin, and samples from b0 on.
// Ends with shared memory free.
static __device__ void add_images(lane_sums sums, const real *__restrict__ from, const factor *__restrict__ images,
        thin_weights thin, image_columns columns, float *image, int b0, int batch, int width) {
    float *weights = image + PHANTOM_INNER * IMAGE_PITCH;
    int lane = threadIdx.x & 31;
    lane_place place;
#pragma unroll
    for (int t = 0; t < 4; t++) {
#pragma unroll
        for (int row = 0; row < 2; row++) {
            int f = place.feature + 8 * row, b = b0 + place.sample + 16 * t;
            four_of<real> four = read_four(from + (long)f * batch + b, f < width && b < batch);
#pragma unroll
            for (int j = 0; j < 4; j++) {
                sums[t][row][j] = four.values[j];
            }
        }
    }
    for (int i0 = 0; i0 < columns.count; i0 += PHANTOM_INNER) {
        int depth = min(PHANTOM_INNER, columns.count - i0);
        load_images(image, images, i0, columns, b0, batch);
        load_thin(weights, thin, i0, columns, width);
        asm volatile("cp.async.wait_all;");
        __syncthreads();
        for (int i = 0; i < depth; i += 8) {
            const float *own = weights + place.feature * THIN_PITCH + i + (lane & 3);
            unsigned a[4] = {__float_as_uint(own[0]), __float_as_uint(own[8 * THIN_PITCH]), __float_as_uint(own[4]),
                    __float_as_uint(own[8 * THIN_PITCH + 4])};
            const float *at = image + (i + (lane & 3)) * IMAGE_PITCH + (place.sample & ~15) + 2 * (lane >> 2);
#pragma unroll
            for (int t = 0; t < 4; t++) {
                float2 first = *(const float2 *)(at + 16 * t);
                float2 second = *(const float2 *)(at + 4 * IMAGE_PITCH + 16 * t);
                float(*sum)[4] = sums[t];
                multiply_tf32(sum[0][0], sum[0][2], sum[1][0], sum[1][2], a, __float_as_uint(first.x), __float_as_uint(second.x));
                multiply_tf32(sum[0][1], sum[0][3], sum[1][1], sum[1][3], a, __float_as_uint(first.y), __float_as_uint(second.y));
            }
        }
        __syncthreads();
    }
}

// y = activation(z + images' weights + bias), z and the images feature-major; each of the outputs may be null. D's columns,
// of all shards one behind the other, have the rows of all `images`, k of each shard; those of the shard itself are left out.
// Grid (samples / 256, shards' features / 32); the batch is a multiple of four.
extern "C" __global__ void __launch_bounds__(256, 3) phantom_forward(const real *__restrict__ z,
        const factor *__restrict__ images, const factor *__restrict__ decompressors, int image_count, int first_shard, int k,
        const factor *bias, const short *bias_lower, factor *__restrict__ features, factor *__restrict__ samples,
        real *__restrict__ exact, int batch, shard_widths widths, int activation, real slope) {
    extern __shared__ __align__(16) char shared[];
    int b0 = blockIdx.x * SAMPLES;
    feature_block block(widths, blockIdx.y, PHANTOM_FEATURES);
    lane_sums sums;
    add_images(sums, z + block.first * batch, images, {decompressors + block.first * image_count, image_count, 1},
            {image_count - k, (first_shard + block.shard) * k, k}, (float *)shared, b0, batch, block.count);
    tile_row *tile = (tile_row *)shared;
    lane_place place;
    with_activation(activation, [&](auto kind) {
#pragma unroll
        for (int row = 0; row < 2; row++) {
            int f = place.feature + 8 * row;
            bool neuron = f < block.real_count;
            real shift = neuron ? parameter(bias, bias_lower, block.first + f) : (real)0;
#pragma unroll
            for (int t = 0; t < 4; t++) {
                int sample = place.sample + 16 * t;
                long at = (block.first + f) * batch + b0 + sample;
                four_of<real> values;
                four_of<factor> factors;
#pragma unroll
                for (int j = 0; j < 4; j++) {
                    values.values[j] = neuron ? activate(sums[t][row][j] + shift, kind.value, slope) : (real)0;
                    factors.values[j] = narrow(values.values[j]);
                    tile[place.feature + 8 * row][sample + j] = values.values[j];
                }
                if (f < block.count && b0 + sample < batch) {
                    if (exact) {
                        *(four_of<real> *)(exact + at) = values;
                    }
                    if (features) {
                        *(four_of<factor> *)(features + at) = factors;
                    }
                }
            }
        }
    });
    if (samples) {
        __syncthreads();
        write_samples<PHANTOM_FEATURES>(tile, samples, block.first, block.count, b0, batch, widths.all());
    }
}

// delta = (dy + images' weights) * activation'(y) in both orders, the images being those of the compressed gradients, k of each
// shard, and the bias's gradient or step. Grid (shards' features / 32); the batch is a multiple of four.
extern "C" __global__ void __launch_bounds__(256, 2) phantom_backward(const real *__restrict__ dy,
        const factor *__restrict__ images, const factor *__restrict__ compressors, int k,
        const factor *__restrict__ features, factor *__restrict__ delta_features, factor *__restrict__ delta_samples,
        factor *bias, short *bias_lower, real *bias_gradient, const step_controls *controls, int batch, shard_widths widths,
        int activation, real slope) {
    extern __shared__ __align__(16) char shared[];
    __shared__ real bias_sums[4][PHANTOM_FEATURES];
    feature_block block(widths, blockIdx.x, PHANTOM_FEATURES);
    // compressors are one behind the other, [stride, k] each
    thin_weights compressor = {compressors + block.first + (long)block.shard * widths.stride * (k - 1), 1, widths.stride};
    images += (long)block.shard * k * batch;
    tile_row *tile = (tile_row *)shared;
    lane_place place;
    real total[2] = {0, 0};
    for (int b0 = 0; b0 < batch; b0 += SAMPLES) {
        // under way while the images are added
        four_of<factor> values[2][4];
#pragma unroll
        for (int row = 0; row < 2; row++) {
#pragma unroll
            for (int t = 0; t < 4; t++) {
                int f = place.feature + 8 * row, b = b0 + place.sample + 16 * t;
                values[row][t] = read_four(features + (block.first + f) * batch + b, f < block.count && b < batch);
            }
        }
        lane_sums sums;
        add_images(sums, dy + block.first * batch, images, compressor, {k, k, 0}, (float *)shared, b0, batch, block.count);
        with_activation(activation, [&](auto kind) {
#pragma unroll
            for (int row = 0; row < 2; row++) {
                int f = place.feature + 8 * row;
#pragma unroll
                for (int t = 0; t < 4; t++) {
                    int sample = place.sample + 16 * t;
                    long at = (block.first + f) * batch + b0 + sample;
                    bool exists = f < block.count && b0 + sample < batch;
                    four_of<factor> deltas;
#pragma unroll
                    for (int j = 0; j < 4; j++) {
                        // of what does not exist it is zero, since dy and the images are
                        real delta = sums[t][row][j] * derivative(widen(values[row][t].values[j]), kind.value, slope);
                        total[row] += delta;
                        deltas.values[j] = narrow(delta);
                        tile[place.feature + 8 * row][sample + j] = delta;
                    }
                    if (exists) {
                        *(four_of<factor> *)(delta_features + at) = deltas;
                    }
                }
            }
        });
        __syncthreads();
        write_samples<PHANTOM_FEATURES>(tile, delta_samples, block.first, block.count, b0, batch, widths.all());
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
    if (threadIdx.x < PHANTOM_FEATURES && threadIdx.x < block.real_count) {
        real sum = (bias_sums[0][threadIdx.x] + bias_sums[1][threadIdx.x])
                + (bias_sums[2][threadIdx.x] + bias_sums[3][threadIdx.x]);
        step_bias(bias, bias_lower, bias_gradient, block.first + threadIdx.x, sum, controls);
    }
}
#endif

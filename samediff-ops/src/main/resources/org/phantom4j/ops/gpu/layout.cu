// Parts of matrices between where they lie without gaps, column by column, and where products read them. Rows are in groups,
// `group_stride` apart there; a place among them may be left out.
struct matrix_block {
    int rows;
    int columns;
    long long stride;
    int group;
    int group_stride;
    int left_out;

    __device__ long count() const {
        return (long)rows * columns;
    }

    __device__ long at(long i) const {
        int row = (int)(i % rows), place = row / group;
        return i / rows * stride + (long)(place + (place >= left_out)) * group_stride + row % group;
    }
};

extern "C" __global__ void __launch_bounds__(256) store_block(const real *from, factor *upper, short *lower,
        matrix_block block) {
    long stride = (long)gridDim.x * blockDim.x;
    for (long i = (long)blockIdx.x * blockDim.x + threadIdx.x; i < block.count(); i += stride) {
        // rounded at random, but alike whenever it is done
        set_parameter(upper, lower, block.at(i), from[i], 0);
    }
}

extern "C" __global__ void __launch_bounds__(256) fetch_block(const factor *upper, const short *lower, real *to,
        matrix_block block) {
    long stride = (long)gridDim.x * blockDim.x;
    for (long i = (long)blockIdx.x * blockDim.x + threadIdx.x; i < block.count(); i += stride) {
        to[i] = parameter(upper, lower, block.at(i));
    }
}

extern "C" __global__ void __launch_bounds__(256) store_reals(const real *from, real *to, matrix_block block) {
    long stride = (long)gridDim.x * blockDim.x;
    for (long i = (long)blockIdx.x * blockDim.x + threadIdx.x; i < block.count(); i += stride) {
        to[block.at(i)] = from[i];
    }
}

extern "C" __global__ void __launch_bounds__(256) fetch_reals(const real *from, real *to, matrix_block block) {
    long stride = (long)gridDim.x * blockDim.x;
    for (long i = (long)blockIdx.x * blockDim.x + threadIdx.x; i < block.count(); i += stride) {
        to[i] = from[block.at(i)];
    }
}

// A pseudo-random number between -1/2 and 1/2.
static __device__ real random_real(long i, unsigned seed) {
    unsigned hash = ((unsigned)i ^ seed * 0x9e3779b9u) * 2654435761u;
    hash = (hash ^ (hash >> 15)) * 2246822519u;
    hash ^= hash >> 13;
    return (real)(hash & 0xffffff) / 16777216 - (real)0.5;
}

extern "C" __global__ void __launch_bounds__(256) fill_parameters(factor *upper, short *lower, matrix_block block,
        unsigned seed, real scale) {
    long stride = (long)gridDim.x * blockDim.x;
    for (long i = (long)blockIdx.x * blockDim.x + threadIdx.x; i < block.count(); i += stride) {
        set_parameter(upper, lower, block.at(i), scale * random_real(i, seed), 0);
    }
}

extern "C" __global__ void __launch_bounds__(256) fill_reals(real *to, long count, unsigned seed) {
    long stride = (long)gridDim.x * blockDim.x;
    for (long i = (long)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += stride) {
        to[i] = random_real(i, seed);
    }
}

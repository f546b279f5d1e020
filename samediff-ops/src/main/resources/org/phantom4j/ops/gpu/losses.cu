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
                // not by fmax and fmin, which would make a number of what is none
                double clipped = value < 1e-10 ? 1e-10 : value > 1 - 1e-10 ? 1 - 1e-10 : value;
                loss -= wanted == 0 ? 0 : wanted * log(clipped);
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

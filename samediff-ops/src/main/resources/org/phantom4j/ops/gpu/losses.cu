// Outputs of a row-parallel layer, summed over the ranks: logits are sample-major, `pitch` apart, one block a sample. kind 0:
// softmax and cross-entropy; 1: identity and mean squared error. Without room for losses: outputs only, without gaps. Of rows
// that the batch lacks, and between width and pitch, deltas are zero.
extern "C" __global__ void __launch_bounds__(128) output_loss(const real *logits, const factor *bias,
        const short *bias_lower, const step_controls *controls, real *outputs, factor *delta_features, factor *delta_samples,
        double *loss_parts, int batch, int width, int pitch, int kind) {
    __shared__ double shared_value;
    int b = blockIdx.x;
    const real *row = logits + (long)b * pitch;
    const real *target = loss_parts && controls->targets && b < controls->rows
            ? controls->targets + row_of(controls, b) * controls->target_pitch
            : nullptr;
    real inverse_batch = loss_parts ? (real)1 / controls->rows : 0;
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
    for (int f = threadIdx.x; f < pitch; f += blockDim.x) {
        factor rounded = narrow((real)0);
        if (f < width) {
            double value = row[f] + (bias ? parameter(bias, bias_lower, f) : (real)0);
            if (kind == 0) {
                value = exp(value - largest) / total;
            }
            if (outputs) {
                outputs[(long)b * width + f] = (real)value;
            }
            if (target) {
                double wanted = target[f];
                double delta = value - wanted;
                if (kind == 0) {
                    // not by fmax and fmin, which would make a number of what is none
                    double clipped = value < 1e-10 ? 1e-10 : value > 1 - 1e-10 ? 1 - 1e-10 : value;
                    loss -= wanted == 0 ? 0 : wanted * log(clipped);
                } else {
                    loss += delta * delta / width;
                    delta *= 2.0 / width;
                }
                rounded = narrow((real)(delta * inverse_batch));
            }
        }
        if (loss_parts) {
            delta_samples[(long)b * pitch + f] = rounded;
            delta_features[(long)f * batch + b] = rounded;
        }
    }
    if (loss_parts) {
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

// What a step begins with.
extern "C" __global__ void begin_step(step_controls *controls, const real *inputs, const real *targets, const int *order,
        long long input_pitch, long long target_pitch, int first, int rows, double rate, int counts) {
    controls->inputs = inputs;
    controls->targets = targets;
    controls->order = order;
    controls->input_pitch = input_pitch;
    controls->target_pitch = target_pitch;
    controls->first = first;
    controls->rows = rows;
    controls->step += counts;
    controls->rate = rate;
    controls->minus_rate = (real)-rate;
    controls->one = 1;
}

// The host's view of what has been done, in its own memory: the last steps' losses, step t's at t modulo the slots.
struct step_log {
    // the last step that is done
    volatile long long done;
    // the first whose loss is no number; 0: none
    volatile long long failed;
    volatile double losses[1];
};

extern "C" __global__ void report_loss(const step_controls *controls, const double *loss, step_log *log, int slots) {
    long long step = controls->step;
    log->losses[step % slots] = *loss;
    if (!isfinite(*loss) && log->failed == 0) {
        log->failed = step;
    }
    __threadfence_system();
    log->done = step;
}

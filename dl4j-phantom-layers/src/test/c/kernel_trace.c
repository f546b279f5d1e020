// When each kernel of a process began and ended, on every GPU, graphs' nodes one by one: CUPTI's records of the last kernels, written
// when the process ends, a line each: device, start and end (ns), stream, grid, block, name.
//
//   gcc -O2 -shared -fPIC -I/usr/local/cuda/include kernel_trace.c -o kernel_trace.so -L/usr/local/cuda/lib64 -lcupti -lpthread
//   CUDA_INJECTION64_PATH=$PWD/kernel_trace.so KERNEL_TRACE=kernels.txt ./phantom bench step --cases 16384,2,256,64,bf16
#include <cupti.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { LAST = 40000, NAME = 64, BUFFER_BYTES = 4 << 20 };

typedef struct {
    unsigned device, stream;
    unsigned long long start, end;
    int grid[3], block;
    char name[NAME];
} kernel;

static kernel kernels[LAST];
static long count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void request(uint8_t **buffer, size_t *bytes, size_t *records) {
    *buffer = aligned_alloc(8, BUFFER_BYTES);
    *bytes = *buffer ? BUFFER_BYTES : 0;
    *records = 0;
}

static void keep(const CUpti_ActivityKernel9 *from) {
    kernel *to = &kernels[count++ % LAST];
    to->device = from->deviceId;
    to->stream = from->streamId;
    to->start = from->start;
    to->end = from->end;
    to->grid[0] = from->gridX;
    to->grid[1] = from->gridY;
    to->grid[2] = from->gridZ;
    to->block = from->blockX;
    snprintf(to->name, NAME, "%s", from->name ? from->name : "?");
}

static void completed(CUcontext context, uint32_t stream, uint8_t *buffer, size_t bytes, size_t valid) {
    CUpti_Activity *record = NULL;
    pthread_mutex_lock(&lock);
    while (cuptiActivityGetNextRecord(buffer, valid, &record) == CUPTI_SUCCESS) {
        if (record->kind == CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL) {
            keep((const CUpti_ActivityKernel9 *)record);
        }
    }
    pthread_mutex_unlock(&lock);
    free(buffer);
}

static void write_all(void) {
    cuptiActivityFlushAll(1);
    const char *path = getenv("KERNEL_TRACE");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file) {
        fprintf(stderr, "kernel_trace: KERNEL_TRACE names no file that can be written\n");
        return;
    }
    for (long i = count > LAST ? count - LAST : 0; i < count; i++) {
        const kernel *k = &kernels[i % LAST];
        fprintf(file, "%u %llu %llu %u %d,%d,%d %d %s\n", k->device, k->start, k->end, k->stream, k->grid[0], k->grid[1],
                k->grid[2], k->block, k->name);
    }
    if (fclose(file)) {
        fprintf(stderr, "kernel_trace: cannot write all of %s\n", path);
    }
}

// Called by the driver, once, before anything else.
int InitializeInjection(void) {
    if (cuptiActivityRegisterCallbacks(request, completed) != CUPTI_SUCCESS
            || cuptiActivityEnable(CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL) != CUPTI_SUCCESS) {
        fprintf(stderr, "kernel_trace: CUPTI records nothing here\n");
        return 0;
    }
    atexit(write_all);
    return 1;
}

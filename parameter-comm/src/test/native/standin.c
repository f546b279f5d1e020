/*
 * Stands in for NVIDIA's driver and NCCL in tests on machines without a GPU: devices are host memory, streams are threads that
 * do their work in order, ranks meet in shared memory. As with NCCL, calls return at once, kernels wait for the other ranks
 * until they are aborted, and nothing notices that ranks call different things. A communicator's calls run in their order,
 * whatever their streams. Sums are added in pairs.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* where ranks meet: a file for each group, deleted when all have it */
#ifndef MEETINGS
#define MEETINGS "/dev/shm"
#endif
#define DEVICES 8
#define RANKS 8
#define AREA (1L << 20)
#define NOT_READY 600
#define ABORTED 6

/* ---- the driver */

typedef struct work {
    void (*run)(void *);
    void *data;
    struct work *next;
} work;

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t some;
    work *first, *last;
    atomic_long given, done;
    int ended;
    pthread_t thread;
} stream;

typedef struct {
    atomic_long recorded, reached;
} event;

static _Thread_local long current;
static atomic_long allocated;

static void *stream_main(void *p) {
    stream *s = p;
    for (;;) {
        pthread_mutex_lock(&s->lock);
        while (!s->first && !s->ended) pthread_cond_wait(&s->some, &s->lock);
        work *w = s->first;
        if (!w) {
            pthread_mutex_unlock(&s->lock);
            return 0;
        }
        s->first = w->next;
        if (!s->first) s->last = 0;
        pthread_mutex_unlock(&s->lock);
        w->run(w->data);
        free(w->data);
        free(w);
        atomic_fetch_add(&s->done, 1);
    }
}

static int give(long handle, void (*run)(void *), const void *data, size_t size) {
    stream *s = (stream *)handle;
    work *w = calloc(1, sizeof *w);
    w->run = run;
    w->data = malloc(size);
    memcpy(w->data, data, size);
    atomic_fetch_add(&s->given, 1);
    pthread_mutex_lock(&s->lock);
    if (s->last) s->last->next = w; else s->first = w;
    s->last = w;
    pthread_cond_signal(&s->some);
    pthread_mutex_unlock(&s->lock);
    return 0;
}

int cuInit(int flags) { return 0; }
int cuGetErrorName(int status, const char **text) { *text = "STANDIN_ERROR"; return 0; }
int cuGetErrorString(int status, const char **text) { *text = "an error of the stand-in"; return 0; }
int cuDriverGetVersion(int *version) { *version = 13000; return 0; }
int cuDeviceGetCount(int *count) {
    const char *wanted = getenv("STANDIN_DEVICES");
    *count = wanted ? atoi(wanted) : DEVICES;
    return 0;
}
int cuDeviceGet(int *device, int ordinal) { *device = ordinal; return 0; }
int cuDeviceGetName(char *name, int length, int device) { snprintf(name, length, "stand-in %d", device); return 0; }
int cuDeviceGetPCIBusId(char *id, int length, int device) { snprintf(id, length, "0000:%02x:00.0", device); return 0; }
int cuDevicePrimaryCtxRetain(long *context, int device) { *context = device + 1; return 0; }
int cuDevicePrimaryCtxRelease_v2(int device) { return 0; }
int cuCtxSetCurrent(long context) { current = context; return 0; }
int cuMemGetInfo_v2(long *free, long *total) { *total = 1L << 40; *free = *total - allocated; return 0; }
int cuMemAlloc_v2(long *address, long bytes) {
    if (!current) return 201;
    long *p = malloc(bytes + 64);
    p[0] = bytes;
    atomic_fetch_add(&allocated, bytes);
    *address = (long)p + 64;
    return 0;
}
int cuMemFree_v2(long address) {
    long *p = (long *)(address - 64);
    atomic_fetch_sub(&allocated, p[0]);
    free(p);
    return 0;
}
/* the device's memory is the host's: what is page-locked counts as taken, too */
int cuMemHostAlloc(long *address, long bytes, int flags) { return cuMemAlloc_v2(address, bytes); }
int cuMemFreeHost(long address) { return cuMemFree_v2(address); }
typedef struct { char *to, *from; long bytes; } copy;
static void run_copy(void *p) { copy *c = p; memcpy(c->to, c->from, c->bytes); }
int cuMemcpyAsync(long to, long from, long bytes, long s) {
    copy c = {(char *)to, (char *)from, bytes};
    return give(s, run_copy, &c, sizeof c);
}
int cuStreamCreateWithPriority(long *handle, int flags, int priority) {
    if (!current) return 201;
    stream *s = calloc(1, sizeof *s);
    pthread_mutex_init(&s->lock, 0);
    pthread_cond_init(&s->some, 0);
    pthread_create(&s->thread, 0, stream_main, s);
    *handle = (long)s;
    return 0;
}
int cuStreamDestroy_v2(long handle) {
    stream *s = (stream *)handle;
    pthread_mutex_lock(&s->lock);
    s->ended = 1;
    pthread_cond_signal(&s->some);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, 0);
    free(s);
    return 0;
}
int cuStreamQuery(long handle) {
    stream *s = (stream *)handle;
    return atomic_load(&s->done) < atomic_load(&s->given) ? NOT_READY : 0;
}

/* for tests: the stream's later work waits until the flag is set, as behind a kernel that takes that long */
typedef struct { atomic_int *flag; } hold;
static void run_hold(void *p) { while (!atomic_load(((hold *)p)->flag)) usleep(20); }
int standin_hold(long s, atomic_int *flag) {
    hold h = {flag};
    return give(s, run_hold, &h, sizeof h);
}

typedef struct { event *e; long number; } mark;
static void reach(void *p) { mark *m = p; atomic_store(&m->e->reached, m->number); }
static void wait_for(void *p) { mark *m = p; while (atomic_load(&m->e->reached) < m->number) usleep(20); }

int cuEventCreate(long *handle, int flags) { *handle = (long)calloc(1, sizeof(event)); return current ? 0 : 201; }
int cuEventDestroy_v2(long handle) { return 0; }
int cuEventRecord(long handle, long s) {
    event *e = (event *)handle;
    mark m = {e, atomic_fetch_add(&e->recorded, 1) + 1};
    return give(s, reach, &m, sizeof m);
}
int cuEventQuery(long handle) {
    event *e = (event *)handle;
    return atomic_load(&e->reached) < atomic_load(&e->recorded) ? NOT_READY : 0;
}
int cuStreamWaitEvent(long s, long handle, int flags) {
    event *e = (event *)handle;
    mark m = {e, atomic_load(&e->recorded)};
    return give(s, wait_for, &m, sizeof m);
}

/* ---- NCCL */

typedef struct {
    atomic_long arrived[RANKS];
    int color[RANKS], key[RANKS];
    char area[RANKS][AREA];
} meeting;

typedef struct {
    char name[100];
    int rank, size;
    atomic_int aborted, splits;
    atomic_long issued, finished;
    meeting *m;
} comm;

typedef struct { char internal[128]; } unique_id;
typedef struct { size_t size; unsigned magic, version; int blocking, cga, min, max; const char *net; int share; } config;

static int meet(comm *c) {
    long mine = atomic_fetch_add(&c->m->arrived[c->rank], 1) + 1;
    for (int i = 0; i < c->size; i++)
        while (atomic_load(&c->m->arrived[i]) < mine) {
            if (atomic_load(&c->aborted)) return ABORTED;
            usleep(10);
        }
    return 0;
}

static int join(long *handle, const char *name, int size, int rank) {
    comm *c = calloc(1, sizeof *c);
    snprintf(c->name, sizeof c->name, "%s", name);
    c->rank = rank;
    c->size = size;
    char path[1000];
    snprintf(path, sizeof path, "%s/%s", MEETINGS, name);
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    if (fd < 0 || ftruncate(fd, sizeof(meeting))) return 2;
    c->m = mmap(0, sizeof(meeting), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    int result = meet(c);
    unlink(path);
    *handle = (long)c;
    return result;
}

int ncclGetVersion(int *version) { *version = 22809; return 0; }
int ncclGetUniqueId(unique_id *id) {
    static atomic_int ids;
    memset(id, 'x', sizeof *id);
    snprintf(id->internal, 60, "standin-%d-%d", getpid(), atomic_fetch_add(&ids, 1));
    return 0;
}
const char *ncclGetErrorString(int result) { return result == ABORTED ? "aborted" : "an error of the stand-in"; }
const char *ncclGetLastError(long handle) { return ""; }
int ncclCommInitRankConfig(long *handle, int size, unique_id id, int rank, config *cfg) {
    const char *multicast = getenv("NCCL_NVLS_ENABLE");
    if (!multicast || strcmp(multicast, "0")) return 5;
    if (cfg->size != 48 || cfg->magic != 0xcafebeef || cfg->version != 21800 || cfg->blocking != 1
            || cfg->share != -2147483647 - 1 || cfg->net || id.internal[127] != 'x' || size > RANKS) return 4;
    return join(handle, id.internal, size, rank);
}
int ncclCommSplit(long handle, int color, int key, long *child, config *cfg) {
    comm *c = (comm *)handle;
    c->m->color[c->rank] = color;
    c->m->key[c->rank] = key;
    if (meet(c)) return ABORTED;
    int size = 0, rank = 0;
    for (int i = 0; i < c->size; i++)
        if (c->m->color[i] == color) {
            size++;
            if (c->m->key[i] < key || (c->m->key[i] == key && i < c->rank)) rank++;
        }
    char name[100];
    snprintf(name, sizeof name, "%.60s-%d-%d", c->name, ++c->splits, color);
    if (meet(c)) return ABORTED;
    return join(child, name, size, rank);
}
int ncclCommGetAsyncError(long handle, int *error) { *error = 0; return 0; }
int ncclCommAbort(long handle) { ((comm *)handle)->aborted = 1; return 0; }
int ncclCommFinalize(long handle) { return 0; }
int ncclCommDestroy(long handle) { return 0; }

enum { GATHER, SCATTER, ALL, TO_ROOT, FROM_ROOT };
typedef struct { comm *c; int what; char *send, *receive; long count; int type, root; long number; } call;

static int width(int type) { return type == 9 ? 2 : type == 7 ? 4 : 8; }

static double one(comm *c, int rank, long i, int type) {
    return type == 7 ? ((float *)c->m->area[rank])[i] : ((double *)c->m->area[rank])[i];
}
static double pairs(comm *c, int from, int to, long i, int type) {
    int middle = (from + to) / 2;
    if (middle == from) return one(c, from, i, type);
    double sum = pairs(c, from, middle, i, type) + pairs(c, middle, to, i, type);
    return type == 7 ? (float)sum : sum;
}
static void add(comm *c, char *to, long count, int type) {
    for (long i = 0; i < count; i++) {
        if (type == 4) {
            long sum = 0;
            for (int r = 0; r < c->size; r++) sum += ((long *)c->m->area[r])[i];
            ((long *)to)[i] = sum;
        } else if (type == 7) {
            ((float *)to)[i] = pairs(c, 0, c->size, i, type);
        } else {
            ((double *)to)[i] = pairs(c, 0, c->size, i, type);
        }
    }
}

/* what is received for some elements of one block is written when everybody has read what is sent */
static int step(call *k, const char *send, char *receive, long count, int adds, int from) {
    comm *c = k->c;
    long bytes = count * width(k->type);
    if (send) memcpy(c->m->area[c->rank], send, bytes);
    if (meet(c)) return 1;
    if (receive && adds) add(c, receive, count, k->type);
    if (receive && !adds) memcpy(receive, c->m->area[from], bytes);
    return meet(c);
}

static void await_turn(call *k) {
    while (atomic_load(&k->c->finished) < k->number && !atomic_load(&k->c->aborted)) usleep(10);
}

static void transfer(call *k) {
    comm *c = k->c;
    long w = width(k->type), most = AREA / w;
    for (int b = 0; b < (k->what == GATHER || k->what == SCATTER ? c->size : 1); b++)
        for (long i = 0; i < k->count; i += most) {
            long n = k->count - i < most ? k->count - i : most, block = (b * k->count + i) * w;
            int bad = 0;
            if (k->what == GATHER) bad = step(k, b == c->rank ? k->send + i * w : 0, k->receive + block, n, 0, b);
            if (k->what == SCATTER) bad = step(k, k->send + block, b == c->rank ? k->receive + i * w : 0, n, 1, 0);
            if (k->what == ALL) bad = step(k, k->send + i * w, k->receive + i * w, n, 1, 0);
            if (k->what == TO_ROOT) bad = step(k, k->send + i * w, k->root == c->rank ? k->receive + i * w : 0, n, 1, 0);
            if (k->what == FROM_ROOT) bad = step(k, k->root == c->rank ? k->send + i * w : 0, k->receive + i * w, n, 0, k->root);
            if (bad) return;
        }
}

static void run_call(void *p) {
    call *k = p;
    await_turn(k);
    transfer(k);
    atomic_fetch_add(&k->c->finished, 1);
}

static int start(int what, long send, long receive, long count, int type, int root, long handle, long s) {
    call k = {(comm *)handle, what, (char *)send, (char *)receive, count, type, root};
    k.number = atomic_fetch_add(&k.c->issued, 1);
    return give(s, run_call, &k, sizeof k);
}
int ncclAllGather(long a, long b, long n, int type, long c, long s) { return start(GATHER, a, b, n, type, 0, c, s); }
int ncclReduceScatter(long a, long b, long n, int type, int op, long c, long s) { return start(SCATTER, a, b, n, type, 0, c, s); }
int ncclAllReduce(long a, long b, long n, int type, int op, long c, long s) { return start(ALL, a, b, n, type, 0, c, s); }
int ncclReduce(long a, long b, long n, int type, int op, int root, long c, long s) { return start(TO_ROOT, a, b, n, type, root, c, s); }
int ncclBroadcast(long a, long b, long n, int type, int root, long c, long s) { return start(FROM_ROOT, a, b, n, type, root, c, s); }

/* every rank sends to one and receives from one between ncclGroupStart and ncclGroupEnd */
static _Thread_local call sent, received;
static _Thread_local long sent_in;

static void exchange(call *k) {
    long w = width(k->type), most = AREA / w;
    for (long i = 0; i < k->count; i += most) {
        long n = k->count - i < most ? k->count - i : most;
        if (step(k, k->send + i * w, k->receive + i * w, n, 0, k->root)) return;
    }
}
static void run_exchange(void *p) {
    call *k = p;
    await_turn(k);
    exchange(k);
    atomic_fetch_add(&k->c->finished, 1);
}
int ncclSend(long a, long n, int type, int peer, long c, long s) {
    sent.send = (char *)a;
    sent_in = s;
    return 0;
}
int ncclRecv(long a, long n, int type, int peer, long c, long s) {
    call k = {(comm *)c, 0, 0, (char *)a, n, type, peer};
    received = k;
    return 0;
}
int ncclGroupStart(void) { return 0; }
int ncclGroupEnd(void) {
    if (!sent_in) return 0;
    received.send = sent.send;
    received.number = atomic_fetch_add(&received.c->issued, 1);
    give(sent_in, run_exchange, &received, sizeof received);
    sent_in = 0;
    return 0;
}

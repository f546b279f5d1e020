"""The forward pass that `phantom bench infer` is compared with: PyTorch, one process a GPU, NCCL.

  python3 examples/pytorch-inference.py [--cases WIDTH,LAYERS,BATCH,PHANTOM WIDTH,PRECISION;...] [--seconds S]

Modes: tensor and phantom, eager and in a CUDA graph. A line for each: median and 99th percentile of milliseconds from
start to end of a batch on the host, and joules a batch of all GPUs, from the driver's counters.
"""
import argparse
import os
import time

import pynvml
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

CASES = "16384,4,1,64,tf32;16384,4,32,64,tf32;16384,4,256,64,tf32;16384,4,2048,64,tf32"


def layers_of(phantom, rank, ranks, n, layers, k, dtype, device):
    def new(rows, columns):
        return torch.randn(rows, columns, device=device, dtype=dtype) / rows ** 0.5

    m = n // ranks
    shapes = [(m, m), (m, k), ((ranks - 1) * k, m)] if phantom else [(n, m)]
    return [[new(*shape) for shape in shapes] + [torch.zeros(m, device=device, dtype=dtype)] for _ in range(layers)]


def forward(x, weights, phantom, rank, ranks):
    def gather(part):
        whole = torch.empty(ranks, *part.shape, device=part.device, dtype=part.dtype)
        dist.all_gather_into_tensor(whole, part)
        return whole

    y = x
    for *matrices, bias in weights:
        if phantom:
            local, compress, decompress = matrices
            whole = gather(y @ compress)
            others = torch.cat([whole[:rank], whole[rank + 1:]]).permute(1, 0, 2).reshape(y.shape[0], -1)
            y = torch.relu(torch.addmm(bias, y, local).addmm_(others, decompress))
        else:
            y = torch.relu(torch.addmm(bias, gather(y).permute(1, 0, 2).reshape(y.shape[0], -1), matrices[0]))
    return y


def captured(run):
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            run()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()
    return graph.replay


def worker(rank, ranks, cases, seconds):
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="29513", RANK=str(rank), WORLD_SIZE=str(ranks))
    torch.cuda.set_device(rank)
    dist.init_process_group("nccl", rank=rank, world_size=ranks, device_id=torch.device("cuda", rank))
    pynvml.nvmlInit()
    meter = pynvml.nvmlDeviceGetHandleByIndex(rank)
    for n, layers, batch, k, precision in cases:
        torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
        dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        for phantom in (True, False):
            weights = layers_of(phantom, rank, ranks, n, layers, k, dtype, f"cuda:{rank}")
            x = torch.randn(batch, n // ranks, device=f"cuda:{rank}", dtype=dtype)
            for graph in (False, True):
                def eager():
                    return forward(x, weights, phantom, rank, ranks)

                run = captured(eager) if graph else eager
                for _ in range(5):
                    run()
                torch.cuda.synchronize()
                began = time.time()
                run()
                torch.cuda.synchronize()
                count = torch.tensor([max(20, min(4000, int(seconds / (time.time() - began))))], device=f"cuda:{rank}")
                dist.broadcast(count, 0)
                torch.cuda.synchronize()
                times = []
                energy = pynvml.nvmlDeviceGetTotalEnergyConsumption(meter)
                for _ in range(int(count.item())):
                    began = time.perf_counter()
                    run()
                    torch.cuda.synchronize()
                    times.append(1e3 * (time.perf_counter() - began))
                joules = torch.tensor([(pynvml.nvmlDeviceGetTotalEnergyConsumption(meter) - energy) / 1e3],
                                      device=f"cuda:{rank}")
                dist.all_reduce(joules)
                if rank == 0:
                    times.sort()
                    print(f"{'phantom' if phantom else 'tensor'} {'graph' if graph else 'eager'} {n} x {layers}, batch"
                          f" {batch}, {precision}: p50 {times[len(times) // 2]:.4f} p99"
                          f" {times[int(len(times) * .99)]:.4f} ms, {joules.item() / len(times):.4f} J", flush=True)
            # a communicator does not end while a graph holds its calls
            del weights, run
    torch.cuda.synchronize()
    dist.destroy_process_group()


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--cases", default=CASES)
    options.add_argument("--seconds", type=float, default=2)
    args = options.parse_args()
    parsed = [tuple(int(v) if v.isdigit() else v for v in case.split(",")) for case in args.cases.split(";")]
    mp.spawn(worker, args=(torch.cuda.device_count(), parsed, args.seconds), nprocs=torch.cuda.device_count())

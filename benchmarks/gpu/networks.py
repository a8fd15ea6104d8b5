"""What the engine adds to a bare loop, and what faster steps would gain."""

import statistics
import warnings
from functools import partial

import torch
from skorch.callbacks import Callback
from torch.autograd import DeviceType

from benchmarks.bare import BATCH, BareLoop
from benchmarks.speed import made_images, quick


class Profiled(Callback):
    """Add up what one epoch computes on the device, without the waiting in between."""

    def __init__(self, device, epoch):
        self.device, self.epoch = device, epoch
        self.busy = 0.0

    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == self.epoch:
            kinds = torch.profiler.ProfilerActivity
            on_cuda = self.device.type == "cuda"
            self.profile = torch.profiler.profile(
                activities=[kinds.CUDA if on_cuda else kinds.CPU]
            )
            self.profile.start()

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == self.epoch:
            self.profile.stop()
            self.busy = busy_seconds(self.profile.events(), self.device)
            self.profile = None


def busy_seconds(events, device):
    """Seconds that kernels and copies took on a GPU, or operations on a CPU."""
    if device.type == "cuda":
        there = [e for e in events if e.device_type == DeviceType.CUDA]
        return sum(event.time_range.elapsed_us() for event in there) / 1e6
    return sum(event.self_cpu_time_total for event in events) / 1e6


def overhead(bench):
    """An epoch of the engine and of a bare loop in turn, and how busy the device is."""
    n, rounds = (256, 1) if bench.quick else (20_000, 5)
    X = made_images(n)
    loop = BareLoop(bench.device, bench.precision)
    loop.epoch(X)
    watch = Profiled(bench.device, epoch=2)
    ours, bare = [], []
    for number in range(rounds):
        callbacks = [watch] if not number else None
        model = quick(5, device=bench.device, callbacks=callbacks).fit(X)
        # The first epoch prepares what stays, the second may have been profiled.
        ours.append(statistics.median(row["dur"] for row in model.history_[2:]))
        bare.append(bench.measured_seconds(partial(loop.epoch, X)))
    epoch = statistics.median(ours)
    yield {
        "what": "an epoch",
        "n": n,
        "value": epoch,
        "unit": "s",
        "compared_with": "bare loop",
        "compared_value": statistics.median(bare),
        "ratio": statistics.median(a / b for a, b in zip(ours, bare, strict=True)),
    }
    yield {
        "what": "busy device",
        "n": n,
        "value": watch.busy,
        "unit": "s",
        "compared_with": "an epoch",
        "compared_value": epoch,
        "ratio": watch.busy / epoch,
    }


def compiled(bench):
    """Steps of the network by ``torch.compile``, against plain ones."""
    modes = ({"mode": "default"}, {"mode": "reduce-overhead"})
    if bench.device.type == "cpu":
        modes = ({"backend": "aot_eager"},)  # needs no compiler
    for mode in modes:
        loop = BareLoop(bench.device, bench.precision)
        loop.encode = torch.compile(loop.module.encode, **mode)
        yield gain(bench, f"compile, {next(iter(mode.values()))}", loop.step)


def graphed(bench):
    """Whole steps as one CUDA graph, against plain ones."""
    if bench.device.type != "cuda":
        yield {"what": "CUDA graph", "note": "needs CUDA"}
        return
    loop = BareLoop(bench.device, bench.precision, capturable=True)
    held = made_views(bench)
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            loop.step(held)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        loop.step(held)

    def step(views):
        held.copy_(views)
        graph.replay()

    yield gain(bench, "CUDA graph", step)


def gain(bench, what, step):
    """Milliseconds of a faster step and of a plain one, and what is gained."""
    plain, views = BareLoop(bench.device, bench.precision), made_views(bench)
    n_steps = 3 if bench.quick else 100
    seconds = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, one in ((what, step), ("plain", plain.step)):

            def many(one=one):
                for _ in range(n_steps):
                    one(views)

            first = bench.measured_seconds(many)
            again = [bench.measured_seconds(many) / n_steps for _ in range(3)]
            seconds[name] = first, statistics.median(again)
    return {
        "what": what,
        "n": BATCH,
        "value": 1000 * seconds[what][1],
        "unit": "ms a step",
        "compared_with": "plain",
        "compared_value": 1000 * seconds["plain"][1],
        "ratio": seconds[what][1] / seconds["plain"][1],
        "seconds": seconds[what][0],
        "note": "seconds: of the first steps, compilation included",
    }


def made_views(bench):
    """Two views of a batch."""
    generator = torch.Generator().manual_seed(0)
    views = torch.rand(2 * BATCH, 1, 28, 28, generator=generator)
    return views.to(bench.device, memory_format=torch.channels_last)

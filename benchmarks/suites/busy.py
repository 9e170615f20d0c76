"""The share of the time in which a device works: kernels and copies, as torch's profiler saw them."""

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

__all__ = ["busy_share", "covered"]


def busy_share(device: "torch.device", work: Callable[[], object]) -> float | None:
    """Of some work; None for a device that the profiler does not tell apart from the host.

    Profiling takes time of the host, so that the share is rather too small than too large.
    """
    if device.type != "cuda":
        return None
    import torch
    from torch._C._autograd import DeviceType
    from torch.profiler import ProfilerActivity, profile

    torch.cuda.synchronize(device)
    with profile(activities=[ProfilerActivity.CUDA]) as seen:
        began = time.perf_counter()
        work()
        torch.cuda.synchronize(device)
        seconds = time.perf_counter() - began
    ranges = [event.time_range for event in seen.events() if event.device_type == DeviceType.CUDA]
    return covered((each.start, each.end) for each in ranges) / 1e6 / seconds


def covered(ranges: Iterable[tuple[float, float]]) -> float:
    """Length of what ranges cover, each part once: kernels and copies may run at one time."""
    total, reached = 0.0, float("-inf")
    for start, stop in sorted(ranges):
        total += max(0.0, stop - max(start, reached))
        reached = max(reached, stop)
    return total

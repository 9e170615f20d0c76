"""Memory that is kept between steps, measured in a process of its own: the setting is one of the whole process."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

STEPS = """
import resource, sys
import numpy as np
from longstride.pipeline.kept_memory import memory_kept

def faults(steps):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(steps):
        parts = [np.ones(2**21, np.float32) for _ in range(12)]
        del parts
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() / 2**20

begin, usual = resident(), faults(20)
with memory_kept():
    INSIDE
    faults(2)
    kept, held = faults(20), resident()
print(usual, kept, held - begin, resident() - begin, faults(20))
"""
pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")


def measured(inside: str = "", **environment: str) -> list[float]:
    env = {
        name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_", "LD_PRE"))
    }
    command = [sys.executable, "-c", STEPS.replace("INSIDE", inside)]
    result = subprocess.run(command, env=env | environment, capture_output=True, text=True, check=True)
    return list(map(float, result.stdout.split()))


def test_what_a_step_frees_the_next_one_takes_again() -> None:
    usual, kept, held, after, _ = measured()
    assert kept < 0.1 * usual
    assert held > 30  # megabytes that are kept meanwhile
    assert after < 0.5 * held  # and given back


@pytest.mark.parametrize(
    "environment",
    [
        {"MALLOC_TRIM_THRESHOLD_": "131072", "MALLOC_MMAP_THRESHOLD_": "131072"},
        {"GLIBC_TUNABLES": "glibc.malloc.trim_threshold=131072:glibc.malloc.mmap_threshold=131072"},
    ],
)
def test_what_the_environment_says_is_left_as_it_is(environment: dict[str, str]) -> None:
    usual, kept, *_ = measured(**environment)
    assert kept > 0.5 * usual


def test_thresholds_are_put_back_at_the_end() -> None:
    usual, *_, after = measured()
    assert after > 0.5 * usual


def test_where_something_is_loaded_first_nothing_is_done() -> None:
    """It may be another allocator; here it is the library of numbers, which is there already."""
    paths = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines()}
    library = next(path for path in paths if Path(path).name.startswith("libm."))
    usual, kept, *_ = measured(LD_PRELOAD=library)
    assert kept > 0.5 * usual


def test_memory_is_kept_where_the_environment_sets_something_else() -> None:
    usual, kept, *_ = measured(MALLOC_ARENA_MAX="2", GLIBC_TUNABLES="glibc.malloc.tcache_count=7")
    assert kept < 0.1 * usual


def test_a_training_that_ends_within_another_takes_nothing_from_it() -> None:
    usual, kept, held, after, _ = measured("with memory_kept(): pass")
    assert kept < 0.1 * usual
    assert held > 30
    assert after < 0.5 * held


def test_an_error_within_gives_memory_back() -> None:
    *_, held, after, _ = measured("try:\n        with memory_kept(): 1 / 0\n    except ZeroDivisionError: pass")
    assert after < 0.5 * held

"""Peak memory: more samples, patches or images cost time, not memory. Each measurement is a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SIDE = 64


# What is held counts, not what glibc keeps for later: large blocks are given back at once. So a run repeats to 1 %.
QUIET = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "65536", "TF_CPP_MIN_LOG_LEVEL": "3"}
ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "OMP_NUM_THREADS": "1"}


def added_peak(method: str, count: int, *copies: int) -> float:
    """MiB that explaining one image adds to the peak, in a fresh process."""
    command = [sys.executable, __file__, method, *map(str, (count, *copies))]
    done = subprocess.run(
        command, env=os.environ | QUIET | ONE_THREAD, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return float(done.stdout.split()[-1])


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="measured with glibc's allocator kept quiet")
@pytest.mark.parametrize(("method", "few", "many"), [("SmoothGrad", 50, 100), ("Occlusion", 196, 400)])
def test_twice_the_work_adds_at_most_a_tenth_of_memory(method, few, many):
    small, large = added_peak(method, few), added_peak(method, many)
    assert small > 20, "nothing was measured"
    assert large <= 1.1 * small
    at_once = added_peak(method, few, 10**6)  # all copies at once: the measurement does see what they cost
    assert at_once > 1.5 * small


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="measured with glibc's allocator kept quiet")
def test_500_images_of_224_px_take_no_more_than_their_own_maps():
    few, many = added_peak("Saliency", 100), added_peak("Saliency", 500)
    maps = 400 * 224 * 224 * 4 / 2**20
    assert 0.9 * maps <= many - few <= 1.1 * maps


def main(method, count, *copies):
    """Print the MiB that one explanation adds to this process's peak."""
    import keras
    import numpy as np
    import psutil
    from keras import layers as kl

    from lookinside.explain import Occlusion, Saliency, SmoothGrad

    batch = method == "Saliency"  # of many images; the others explain one
    inputs = keras.Input((None, None, 1))
    filters = 2 if batch else 32
    x = kl.Conv2D(filters, 3, padding="same", activation="relu")(inputs)
    x = kl.Conv2D(filters, 3, padding="same", activation="relu")(x)
    model = keras.Model(inputs, kl.Dense(3)(kl.GlobalAveragePooling2D()(x)))
    side = 224 if batch else SIDE
    images = np.random.default_rng(0).random((count if batch else 1, side, side, 1), "float32")
    np.array(model(images[:1]))
    options = {"copies": copies[0]} if copies else {}
    if batch:
        explain = Saliency(model)
    elif method == "SmoothGrad":
        explain = SmoothGrad(model, samples=count, **options)
    else:
        places = round(count**0.5)  # in each direction
        stride = (SIDE - 7) // (places - 1)
        explain = Occlusion(model, SIDE - stride * (places - 1), stride, **options)
    before = psutil.Process().memory_info().rss
    explain(images)
    # Not ru_maxrss: a new process inherits its parent's, which pytest's may exceed.
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    print((int(peak.split()[1]) * 1024 - before) / 2**20)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))

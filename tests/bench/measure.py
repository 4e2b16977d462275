"""What a row of the bench is, and how it is timed."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Duel:
    """Ours against another way to the same answer, side by side.

    Attributes:
        name: what is computed, and for what.
        other: the other way.
        floor: how many times faster ours must be.
        prepare: returns the two functions to time, (ours, theirs); what it does itself is not timed.
        rounds: how often both are timed, in turn.
        counts: how many things one call of (ours, theirs) makes; the times are those of one thing.
    """

    name: str
    other: str
    floor: float
    prepare: Callable[[], tuple[Callable[[], object], Callable[[], object]]]
    rounds: int = 9
    counts: tuple[int, int] = (1, 1)

    def measure(self) -> dict:
        """Time both in turn, so that whatever else the machine does meets both, and compare the medians."""
        ours, theirs = self.prepare()
        ours(), theirs()  # traces and first allocations are not what is compared
        few, many = self.counts
        seconds = [(clock(ours) / few, clock(theirs) / many) for _ in range(self.rounds)]
        mine, others = (median(column) for column in zip(*seconds, strict=True))
        rounds = sorted(slow / fast for fast, slow in seconds)
        return {
            "name": self.name,
            "against": self.other,
            "milliseconds": round(1e3 * mine, 2),
            "milliseconds_other": round(1e3 * others, 2),
            "value": round(others / mine, 2),
            "rounds": [round(rounds[0], 2), round(rounds[-1], 2)],
            "unit": "times as fast",
            "floor": self.floor,
        }


@dataclass(frozen=True)
class Rate:
    """How many things a second.

    Attributes:
        name: what is made.
        unit: of the rate, "images a second".
        floor: the least that is promised.
        prepare: returns (function to time, number of things that one call makes).
        rounds: how often it is timed.
    """

    name: str
    unit: str
    floor: float
    prepare: Callable[[], tuple[Callable[[], object], int]]
    rounds: int = 5

    def measure(self) -> dict:
        """Time it several times and take the median."""
        make, count = self.prepare()
        make()
        rates = sorted(count / clock(make) for _ in range(self.rounds))
        return {
            "name": self.name,
            "value": round(median(rates), 1),
            "rounds": [round(rates[0], 1), round(rates[-1], 1)],
            "unit": self.unit,
            "floor": self.floor,
        }


@dataclass(frozen=True)
class Bound:
    """A bound that is kept: how many times under it a measurement lies.

    Attributes:
        name: what is done.
        measured: does it and returns "gigabytes", "seconds" and whatever else is worth a note, as `alone` does.
        key: which of these is bounded.
        unit: of it.
        bound: the most that is promised.
        floor: how many times under the bound it must lie.
    """

    name: str
    measured: Callable[[], dict]
    key: str
    unit: str
    bound: float
    floor: float = 1.0

    def measure(self) -> dict:
        """Measure once: what takes half a minute needs no rounds."""
        found = self.measured()
        value = round(self.bound / found[self.key], 2)
        row = {"name": self.name, "value": value, "rounds": [value, value], "floor": self.floor}
        return row | {"unit": f"times under {self.bound:g} {self.unit}", **{k: round(v, 2) for k, v in found.items()}}


# /proc rather than getrusage, which counts the peak of the parent, too, up to the exec.
PEAK = r"""
import json, pathlib, re, resource
status = pathlib.Path("/proc/self/status")
peak = int(re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1]) if status.is_file() else 0
peak = (peak or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / 1024**2
print(json.dumps(found | {"gigabytes": peak}))
"""


@functools.cache
def alone(work: str, *arguments: str) -> dict:
    """Run a piece of Python in a process of its own, once however often it is asked for.

    Args:
        work: Python that leaves a dict of numbers in `found`, "seconds" among them.
        arguments: its sys.argv[1:].

    Returns:
        What it has found, and "gigabytes", its peak memory (of 2 ** 30 bytes).
    """
    done = subprocess.run([sys.executable, "-c", work + PEAK, *arguments], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def clock(call: Callable[[], object]) -> float:
    """Seconds of one call."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began

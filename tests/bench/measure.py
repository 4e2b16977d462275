"""What a row of the bench is, and how it is timed."""

from __future__ import annotations

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


def clock(call: Callable[[], object]) -> float:
    """Seconds of one call."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began

"""Time what the library promises to do fast: a table, and chapters/results/bench.json.

    make bench                                   all rows
    python tests/bench/run.py phantom            rows whose name contains the word; nothing is written

To add rows, add a module with a list ROWS of `Duel`, `Rate` or the like and name it in MODULES.
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from lookinside.course.kept_files import write_json
from lookinside.course.places import repository
from lookinside.course.provenance import hardware, versions
from lookinside.errors import LookInsideError

MODULES = (
    *("deconvnet_rows", "explainer_rows", "patho_rows", "phantom_rows", "roi_rows", "spline_rows", "volume_rows"),
)


def main() -> int:
    """Measure, print, write; 1 where a row misses its floor, or lacks the package that it is compared with."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("word", nargs="?", default="", help="only rows whose name contains this")
    word = parser.parse_args().word.lower()
    rows = [row for name in MODULES for row in importlib.import_module(name).ROWS if word in row.name.lower()]
    if not rows:
        print(f"No row's name contains {word!r}.")
        return 2
    measured, missing = [], False
    for row in rows:
        try:
            measured.append(row.measure())
        except LookInsideError as error:
            missing = True
            print(f"{row.name}: not measured. {error}", flush=True)
        else:
            print(line(measured[-1]), flush=True)
    if not word:
        found = {"command": "make bench", "date": datetime.date.today().isoformat()}
        found |= {"hardware": hardware(), "versions": versions(), "rows": measured}
        write_json(repository() / "chapters" / "results" / "bench.json", found)
    return int(missing or any(row["value"] < row["floor"] for row in measured))


def line(row: dict) -> str:
    """One row in words: value, spread over the rounds, floor."""
    low, high = row["rounds"]
    against = f" as {row['against']}" if "against" in row else ""
    verdict = "ok" if row["value"] >= row["floor"] else "MISSED"
    spent = row.get("milliseconds", 0)
    times = f" ({spent:.{0 if spent >= 10 else 1}f} ms)" if spent else ""
    return (
        f"{row['name']}{times}: {row['value']} {row['unit']}{against} "
        f"(rounds {low} to {high}; at least {row['floor']}: {verdict})"
    )


if __name__ == "__main__":
    raise SystemExit(main())

"""The command line of every script: fetch or --from, then prepare."""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path

from lookinside.data.files.reading import SMALLEST
from lookinside.data.places import read_card
from lookinside.errors import LookInsideError
from preparing.archive import sha256, unpack
from preparing.card import Card
from preparing.fetch import fetch, fetch_listed
from preparing.writing import prepare, work_folder

SEED = 0


def run(card: Card, argv: Sequence[str] | None = None) -> int:
    """Prepare the set; 0 when it is ready, 1 with one line on the error stream when it is not, 130 on Ctrl-C."""
    options = _parser(card).parse_args(argv)
    try:
        with _stop_signals_clean_up():
            _run(card, options)
    except LookInsideError as problem:
        print(f"{card.name}: {problem}", file=sys.stderr)
        return 1
    except OSError as problem:
        what = problem.strerror or str(problem)
        if problem.errno in (errno.ENOSPC, errno.EDQUOT):
            what = "the disk is full: make room, or choose another disk with --out"
        print(f"{card.name}: {problem.filename or options.out}: {what}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{card.name}: stopped; nothing half-made is left", file=sys.stderr)
        return 130
    return 0


def _parser(card: Card) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=f"Prepare data/{card.name}: {card.title}", allow_abbrev=False)
    fetched = card.address or card.variant
    source = "instead of fetching it" if fetched else "this set is not fetched"
    parser.add_argument(
        "--from", dest="origin", type=Path, metavar="PATH", help=f"your own copy, folder or archive ({source})"
    )
    parser.add_argument("--out", type=Path, help=f"where the set goes (data/{card.name})")
    sizes = f"one of {_listed(card.sizes)}" if card.sizes else "smaller pictures are not enlarged"
    parser.add_argument("--size", type=int, help=f"longer side in pixels ({card.size}); {sizes}")
    for choice in card.choices:
        what = f"{choice.what}: {_listed(choice.values)} ({choice.values[0]})"
        parser.add_argument(f"--{choice.name}", choices=choice.values, metavar=choice.name.upper(), help=what)
    parser.add_argument("--seed", type=int, help=f"of the split into train and test ({SEED})")
    parser.add_argument("--force", action="store_true", help="make the set anew where it is ready already")
    return parser


def _run(card: Card, options: argparse.Namespace) -> None:
    size = card.size if options.size is None else options.size
    if card.sizes and size not in card.sizes:
        raise LookInsideError(f"--size is {size}: choose from {_listed(card.sizes)}")
    chosen = {choice.name: getattr(options, choice.name) or choice.values[0] for choice in card.choices}
    if card.variant:
        card = card.variant(card, size, **chosen)
    print(card, flush=True)
    out = (options.out or _default_folder() / card.name).expanduser()
    seed = SEED if options.seed is None else options.seed
    if size < SMALLEST or seed < 0:
        raise LookInsideError(
            f"--size is {size} and --seed {seed}: give a size of {SMALLEST} or more and a seed of 0 or more"
        )
    if options.origin is not None and not options.origin.expanduser().exists():
        raise LookInsideError(
            f"--from {options.origin}: is not there: give the folder or the archive that you downloaded"
        )
    if _is_ready(card, options, out):
        return
    if options.origin is None and not card.address:
        raise LookInsideError(card.how_to_get)
    with work_folder(out) as work:
        archive, folder = _find_input(card, options.origin, out)
        origin = {"kind": "folder"}
        if archive is not None:
            origin = {"kind": "archive", "name": archive.name, "sha256": sha256(archive)}
            folder = work / "unpacked"
            folder.mkdir()
            unpack(archive, folder)
        try:
            found = card.collect(folder)
            dataset = prepare(card, found, out, work, size=size, seed=seed, origin=origin, chosen=chosen)
        except LookInsideError as problem:
            if archive is None:
                raise
            # What was unpacked is gone when this is read.
            raise LookInsideError(str(problem).replace(str(folder), str(archive))) from None
    print(_summary(dataset, out))


def _default_folder() -> Path:
    """`$COURSE_DATA`, else the repository's data/, named from where the command runs."""
    if os.environ.get("COURSE_DATA"):
        return Path(os.environ["COURSE_DATA"])
    folder = Path(__file__).resolve().parents[2] / "data"
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder


def _find_input(card: Card, origin: Path | None, out: Path) -> tuple[Path | None, Path | None]:
    """(archive, None) or (None, folder)."""
    if origin is None:
        downloads = out.parent / "downloads"
        if card.address.endswith("/"):
            return None, fetch_listed(card.address, downloads / card.name)
        return fetch(card.address, card.checksum, downloads, card.archive_name), None
    origin = origin.expanduser()
    if origin.is_dir():
        archive = origin / card.archive_name
        return (archive, None) if archive.is_file() else (None, origin)
    if card.check:
        card.check(origin)
    return origin, None


def _is_ready(card: Card, options: argparse.Namespace, out: Path) -> bool:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return False
    if not (out / "dataset.json").is_file():
        raise LookInsideError(f"{out}: is there and no prepared set: move it away, or choose another place with --out")
    if options.force:
        return False
    made = read_card(out)
    was = {"size": made.get("size", {}).get("longest_side"), "seed": made.get("split", {}).get("seed")}
    was |= made.get("choices", {})
    for name, had in was.items():
        asked = getattr(options, name, None)
        if asked is not None and asked != had:
            raise LookInsideError(
                f"{out}: is ready already with --{name} {had}: --force makes it anew with --{name} {asked}"
            )
    total = sum(_images(made).values())
    older = "" if "patients" in made.get("split", {}) else ", split without regard to patients"
    kind = "".join(f", {name} {value}" for name, value in made.get("choices", {}).items())
    print(f"{out} is ready already: {total} images{kind}{older} (--force makes it anew)")
    return True


def _summary(dataset: dict, out: Path) -> str:
    lines = []
    for split, counts in dataset["counts"].items():
        each = ", ".join(f"{name} {n}" for name, n in sorted(counts.items(), key=lambda item: -item[1]))
        boxes = f" with {sum(counts.values())} boxes" if "images" in dataset else ""
        lines.append(f"{split}: {_images(dataset)[split]} images{boxes} ({each})")
    lines += [f"left out: {number} ({reason})" for reason, number in dataset["left_out"].items() if number]
    twins, torn = dataset["duplicates"]["same_class"], dataset["duplicates"]["on_both_sides"]
    sides = f"{torn} of them on both sides of the publisher's split" if torn else "each on one side of the split"
    lines.append(f"exact duplicates: {len(twins)} groups of {sum(map(len, twins))} images, {sides}")
    if near := dataset["duplicates"].get("near_copies"):
        lines.append(f"near copies of different groups: {len(near)} sets of {sum(map(len, near))}, joined")
    if told := dataset.get("confounding"):
        lines.append(f"tells the classes apart without the anatomy (AUC): {told['summary']}")
    patients = dataset["split"]["patients"]
    if patients["number"]:
        lines.append(f"patients: {patients['number']} (from {patients['source']}), each on one side of the split")
        if patients["images_without"]:
            lines.append(f"images without a patient: {patients['images_without']}")
    elif dataset["split"]["published"]:
        lines.append(f"patients: not known; the split is the publisher's: {dataset['split']['rule']}")
    else:
        lines.append("patients: not known, so one may be on both sides of the split")
    if bars := dataset.get("letterbox"):
        lines.append(f"flat borders (letterbox bars or empty background), kept: {bars['images']} images")
    if dataset["split"]["classes_without_test"]:
        lines.append(f"too few images for a test part: {', '.join(dataset['split']['classes_without_test'])}")
    if alone := dataset["split"].get("cells_without_test"):
        lines.append(f"no test part, too few groups: {', '.join(alone)}")
    return "\n".join([*lines, f"{out} is ready"])


def _images(dataset: dict) -> dict[str, int]:
    """Images of each split; in a set with boxes the counts are those of boxes."""
    counts = {split: sum(of_class.values()) for split, of_class in dataset.get("counts", {}).items()}
    return dataset.get("images", counts)


def _listed(values: Sequence) -> str:
    return ", ".join(str(value) for value in values)


@contextmanager
def _stop_signals_clean_up():
    """A polite kill (SIGTERM) ends like Ctrl-C does, so that temporary folders go."""

    def stop(*_):
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not the main thread: its owner looks after signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

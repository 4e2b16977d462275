"""Is this computer ready? One line a thing, [OK] or [FAIL], with the mend."""

from __future__ import annotations

import importlib.metadata as metadata
import os
import platform
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lookinside.course.places import repository
from lookinside.errors import LookInsideError
from lookinside.extras import INSTALL, need

if TYPE_CHECKING:
    from packaging.requirements import Requirement

GIB = 1024**3
NEEDED_MEMORY_GIB = 3.0
NEEDED_DISK_GIB = 1.0
SET_UP_AGAIN = "run `make run` again, it repairs .venv"


@dataclass(frozen=True)
class Row:
    """One line of the report: what was looked at, what was found, and the mend where it is not right."""

    ok: bool
    what: str
    found: str
    mend: str = ""

    def __str__(self) -> str:
        line = f"{'[OK]  ' if self.ok else '[FAIL]'} {self.what:<20} {self.found}"
        return line if self.ok else f"{line}  -> {self.mend}"


@dataclass(frozen=True)
class Report:
    """All lines; `print(report)` shows them, `report.ok` says whether every one is right."""

    rows: tuple[Row, ...]

    @property
    def ok(self) -> bool:
        """True where every row is right."""
        return all(row.ok for row in self.rows)

    def __str__(self) -> str:
        return "\n".join(map(str, self.rows))

    __repr__ = __str__


def environment_report() -> Report:
    """Look at Python, every package against its pin, TensorFlow and its devices, memory, disk and the data folder."""
    return Report((python_row(), *package_rows(), tensorflow_row(), memory_row(), disk_row(), data_row()))


def python_row() -> Row:
    """Python 3.11 to 3.13 is what the packages have wheels for."""
    ok = (3, 11) <= sys.version_info[:2] <= (3, 13)
    mend = "install Python 3.11, 3.12 or 3.13, then `make run PYTHON=python3.11`"
    return Row(ok, "Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}", mend)


def read_pins(text: str) -> dict[str, str]:
    """Package -> pinned version, from a lock file's text, for the platform that asks."""
    from packaging.requirements import Requirement

    pins = {}
    for line in text.splitlines():
        if line[:1].isalnum():
            wanted = Requirement(line.rstrip("\\ "))
            if wanted.marker is None or wanted.marker.evaluate():
                pins[wanted.name] = str(wanted.specifier).removeprefix("==")
    return pins


def package_rows(lock: Path | None = None) -> list[Row]:
    """A row for each package that the library itself names, and one for all others in the lock."""
    from packaging.requirements import Requirement

    try:
        pins = read_pins((lock or repository() / "requirements.lock").read_text(encoding="utf-8"))
    except (LookInsideError, OSError) as error:
        return [Row(False, "packages", "no requirements.lock", str(error))]
    try:
        asked = [Requirement(line) for line in metadata.requires("lookinside") or [] if "extra ==" not in line]
    except metadata.PackageNotFoundError:
        return [Row(False, "lookinside", "is not installed", INSTALL)]
    if "COLAB_RELEASE_TAG" in os.environ:  # Colab brings packages of its own, which the lock does not know
        return [_asked_row(wanted) for wanted in asked]
    direct = {wanted.name for wanted in asked}
    rows, others, wrong = [], 0, []
    for name, pin in sorted(pins.items()):
        have = _installed(name)
        row = Row(have == pin, name, have or "missing", f"the lock says {pin}: {SET_UP_AGAIN}")
        if name in direct or name.startswith("tensorflow"):
            rows.append(_accept_gpu_build(row))
        elif row.ok:
            others += 1
        else:
            wrong.append(row)
    rows.append(Row(not wrong, "other packages", f"{others} of {others + len(wrong)} as in the lock", SET_UP_AGAIN))
    return rows + wrong


def _asked_row(wanted: Requirement) -> Row:
    """A package against what the library asks for, where another one than the course has set up Python."""
    have = _installed(wanted.name)
    ok = have is not None and wanted.specifier.contains(have, prereleases=True)
    return Row(ok, wanted.name, have or "missing", f'%pip install "{wanted}", then restart the kernel')


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _accept_gpu_build(row: Row) -> Row:
    """The GPU environment has `tensorflow` where the lock names `tensorflow-cpu`."""
    other = _installed("tensorflow") if row.what == "tensorflow-cpu" and not row.ok else None
    if other and other.split(".")[:2] == row.mend.split()[3].split(".")[:2]:
        return Row(True, "tensorflow", f"{other} (instead of tensorflow-cpu)")
    return row


def tensorflow_row() -> Row:
    """TensorFlow imports and multiplies; its devices are listed."""
    try:
        import tensorflow as tf

        product = float(tf.reduce_sum(tf.ones((2, 3)) @ tf.ones((3, 2))))
        devices = ", ".join(device.device_type for device in tf.config.list_physical_devices())
    except Exception as error:  # whatever a broken installation raises is what the reader must see
        return Row(False, "TensorFlow runs", f"{type(error).__name__}: {error}".splitlines()[0], SET_UP_AGAIN)
    return Row(product == 12.0, "TensorFlow runs", f"on {devices}", SET_UP_AGAIN)


def memory_row() -> Row:
    """A chapter's quick profile stays under 3 GB."""
    try:
        need("psutil")
    except LookInsideError as error:
        return Row(False, "memory", "unknown", str(error))
    import psutil

    free = psutil.virtual_memory().available / GIB
    return Row(
        free >= NEEDED_MEMORY_GIB, "memory", f"{free:.1f} GiB free", f"close programs: {NEEDED_MEMORY_GIB} needed"
    )


def disk_row() -> Row:
    """build/ and data/ need room."""
    free = shutil.disk_usage(Path.cwd()).free / GIB
    return Row(free >= NEEDED_DISK_GIB, "disk", f"{free:.1f} GiB free", f"make room: {NEEDED_DISK_GIB} GiB needed")


def data_row() -> Row:
    """Prepared sets are optional; a `COURSE_DATA` that points nowhere is an error."""
    named = os.environ.get("COURSE_DATA", "").strip()
    try:
        folder = Path(named) if named else repository() / "data"
    except LookInsideError as error:
        return Row(False, "data", "no clone", str(error))
    if named and not folder.is_dir():
        return Row(False, "data", f"COURSE_DATA={named} is no folder", "make it, or unset COURSE_DATA")
    sets = sorted(path.parent.name for path in folder.glob("*/dataset.json"))
    return Row(True, "data", f"phantoms{''.join(', ' + name for name in sets)}")

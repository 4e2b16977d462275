"""Who is on which image, so that a patient stays on one side of the split."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from lookinside.errors import LookInsideError
from preparing.bar import bar
from preparing.dicom import read_patient
from preparing.listing import Table

COLUMNS = ("patientid", "patient", "patient_id", "studyinstanceuid")


@dataclass(frozen=True)
class Patients:
    """The patient of each file that one is known of, and where that is written; nothing where none is known."""

    of: dict[Path, str] = field(default_factory=dict)
    source: str = ""


def find_patients(
    tables: list[Table], paths: list[Path], image_columns: tuple[str, ...], key: Callable[[str], str]
) -> Patients:
    """From the table that knows the patient of most files, else from the DICOM headers.

    Args:
        tables: all that came with the images; one with an image column and a column PatientID (or patient) counts.
        paths: the image files.
        image_columns: names of the column that tells the image, in lower case.
        key: makes of a file's name, and of what a table calls an image, what both have in common.
    """
    best, source = {}, ""
    for table in tables:
        known = _in_table(table, image_columns, key)
        found = {path: known[mark] for path in paths if (mark := key(path.name)) in known}
        if len(found) > len(best):
            best, source = found, table.path.name
    if not best:
        best, source = _in_headers([path for path in paths if path.suffix.lower() == ".dcm"])
    # One name for all is what is left where names were taken out.
    return Patients(best, source) if len(set(best.values())) > 1 else Patients()


def _in_table(table: Table, image_columns: tuple[str, ...], key: Callable[[str], str]) -> dict[str, str]:
    image, patient = table.column(image_columns), table.column(COLUMNS)
    if image is None or patient is None:
        return {}
    rows = [row for _, row in table.rows if len(row) > max(image, patient) and row[patient].strip()]
    return {key(row[image]): row[patient].strip() for row in rows}


def _in_headers(paths: list[Path]) -> tuple[dict[Path, str], str]:
    read = {path: _header(path) for path in bar(paths, "reading patients")}
    for place, name in enumerate(("PatientID", "StudyInstanceUID")):
        found = {path: names[place] for path, names in read.items() if names[place]}
        if len(set(found.values())) > 1:
            return found, f"{name} in the DICOM headers"
    return {}, ""


def _header(path: Path) -> tuple[str, str]:
    try:
        return read_patient(path)
    except LookInsideError:  # refused with all others of its kind when its picture is read
        return "", ""


def connected(marks: list[str], people: list[str | None]) -> list[str]:
    """One group for each image: those of one patient, or with the same mark, are in one; so are chains of both.

    A group has the name of its first patient; without one, a number.
    """
    group = list(range(len(marks)))  # each image points to an earlier one of its group, or to itself

    def root(i: int) -> int:
        while group[i] != i:
            group[i] = i = group[group[i]]
        return i

    seen: dict[tuple, int] = {}
    for i, (mark, person) in enumerate(zip(marks, people, strict=True)):
        for sign in [("mark", mark)] + [("person", person)] * (person is not None):
            a, b = sorted((root(seen.setdefault(sign, i)), root(i)))
            group[b] = a
    names: dict[int, str] = {}
    for i, person in enumerate(people):
        if person is not None:
            names.setdefault(root(i), person)
    return [names.get(root(i), f"image {root(i) + 1}") for i in range(len(marks))]

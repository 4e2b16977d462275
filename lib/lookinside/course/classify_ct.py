"""A picture and a table of the body regions in one CT: `python -m lookinside.course.classify_ct PATH`.

    python -m lookinside.course.classify_ct PATH [--out FOLDER] [--series UID] [--model mine.keras --classes a,b,...]

The picture marks where the lungs take over from the liver, with the height in mm of the scan's own coordinates.

Without a model a small network is trained on slices of drawn bodies first, which takes some minutes, and kept in
build/models/. It has never seen a person: see chapter 3 for how far that carries.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import warnings
from pathlib import Path

import keras

from lookinside import figures, training
from lookinside.course.places import repository
from lookinside.course.progressbar import progress
from lookinside.data import DataWarning, phantom_regions, read_volume, two_labels
from lookinside.errors import LookInsideError
from lookinside.layers import ThinPlateSpline
from lookinside.models import roth_convnet
from lookinside.phantoms import REGIONS

_SIZE, _MM = 64, 400 / 64
_COUNTS = {"legs": 200, "pelvis": 200, "liver": 400, "lungs": 400, "neck": 200}
_STEPS = 1500
_BOUNDARY = ("liver", "lungs")  # marked in the picture where the model knows both


def main(arguments: list[str] | None = None) -> int:
    """Returns 0, or 1 with one line on the error stream."""
    parser = argparse.ArgumentParser(prog="classify_ct", description="Which body region is each slice of a CT of?")
    parser.add_argument("path", help="a .nii, .nii.gz, .mha or .nrrd file, or a folder of DICOM slices")
    parser.add_argument("--series", help="number or UID of the series to read, where a folder holds several")
    parser.add_argument("--model", help="a Keras file; without it a network is trained on drawn bodies and kept")
    parser.add_argument("--classes", help=f"classes of --model, with commas, feet first (default: {','.join(REGIONS)})")
    parser.add_argument("--out", default=".", help="folder for the picture and the table (default: here)")
    options = parser.parse_args(arguments)
    try:
        if options.classes and not options.model:
            raise LookInsideError("--classes names what --model tells apart: give --model, too, or leave it out")
        with warnings.catch_warnings(record=True) as remarks:
            warnings.simplefilter("always", DataWarning)
            volume = read_volume(options.path, series=options.series)
        for remark in remarks:
            print(remark.message, file=sys.stderr)
        folder = _made(Path(options.out))  # before minutes go into what could not be written
        model = _loaded(options.model) if options.model else trained_on_phantoms()
        names = tuple(name.strip() for name in options.classes.split(",")) if options.classes else REGIONS
        rough = training.classify_volume(model, volume, names, progress=progress)
        picture, table = write_profile(rough, folder, _stem(Path(options.path)))
    except LookInsideError as error:
        print(str(error).replace("series=", "--series "), file=sys.stderr)  # as it is written here
        return 1
    print(f"{picture}\n{table}")
    return 0


def trained_on_phantoms() -> keras.Model:
    """A small network that knows the regions of drawn bodies; trained once, then kept in build/models/."""
    kept = repository() / "build" / "models" / "ct_regions.keras"
    if kept.is_file():
        return _loaded(kept)
    print("A network is trained on drawn bodies first; that takes a few minutes, once.", file=sys.stderr)
    train = training.repeated_to_balance(two_labels(phantom_regions("train", _COUNTS, _SIZE, progress=progress)))
    smaller = {name: count // 5 for name, count in _COUNTS.items()}
    validation = two_labels(phantom_regions("validation", smaller, _SIZE, progress=progress))
    keras.utils.set_random_seed(0)
    model = roth_convnet(train.shape, len(REGIONS), width=0.25, batch_norm=True)
    bend = ThinPlateSpline(translation=40, rotation=10, displacement=20, spacing=_MM, seed=0)
    folder = repository() / "build" / "runs" / "classify_ct"
    options = {"steps": _STEPS, "patience": None, "augment": bend, "run_folder": folder, "progress": progress}
    training.fit_classifier(model, train, validation, optimizer=keras.optimizers.SGD(0.01, momentum=0.9), **options)
    kept.parent.mkdir(parents=True, exist_ok=True)
    model.save(kept)
    return model


def write_profile(profile: training.BodyProfile, folder: Path, stem: str) -> tuple[Path, Path]:
    """Write `stem`_regions.png and `stem`_regions.csv into a folder that is there, and return their paths.

    Raises LookInsideError where the folder cannot be written to.
    """
    smooth = profile.smoothed()
    paired = set(_BOUNDARY) <= set(profile.class_names)
    marked = training.boundary_between(smooth, *_BOUNDARY) if paired else None
    picture, table = folder / f"{stem}_regions.png", folder / f"{stem}_regions.csv"
    try:
        note = "probabilities: medians over 25 mm"
        figures.body_profile(smooth, marked=marked, note=note).savefig(picture, dpi=150)
        with table.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["slice", "height_mm", "region", "region_smoothed", *profile.class_names])
            for z, height in enumerate(profile.heights):
                regions = [profile.class_names[one.regions[z]] for one in (profile, smooth)]
                writer.writerow([z, f"{height:.1f}", *regions, *(f"{p:.4f}" for p in profile.probabilities[z])])
    except OSError as error:
        raise _no_place(folder, error) from None
    return picture, table


def _made(folder: Path) -> Path:
    """A folder that is there and can be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        raise _no_place(folder, error) from None


def _no_place(folder: Path, error: OSError) -> LookInsideError:
    return LookInsideError(f"{folder}: cannot be written to ({error.strerror}): give another --out")


def _loaded(path: str | Path) -> keras.Model:
    try:
        return keras.models.load_model(path, compile=False)
    except Exception as error:  # Keras raises many kinds, most with long texts
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise LookInsideError(f"{path}: is no Keras model that can be read ({reason:.120})") from None


def _stem(path: Path) -> str:
    """The name of a file without .nii.gz, or of a folder."""
    name = path.resolve().name
    for ending in (".nii.gz", path.suffix):
        if ending and name.endswith(ending):
            return name.removesuffix(ending)
    return name


if __name__ == "__main__":
    sys.exit(main())

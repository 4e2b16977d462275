"""Read a CT volume from whatever file or folder it lies in."""

from __future__ import annotations

import os
from pathlib import Path

from lookinside.data.volumes.ct_numbers import CTNumbers
from lookinside.data.volumes.itk_files import SUFFIXES, read_itk
from lookinside.data.volumes.nifti import read_nifti
from lookinside.data.volumes.remarks import Remarks
from lookinside.data.volumes.volume import Volume
from lookinside.errors import LookInsideError
from lookinside.extras import need

_NIFTI = (".nii", ".nii.gz")
_READ = "give a .nii, .nii.gz, .mha or .nrrd file, or a folder of DICOM slices"


def read_volume(path: str | Path, *, series: int | str | None = None) -> Volume:
    """Read a CT volume: NIfTI, MetaImage or NRRD, or a folder of DICOM slices, compressed ones too.

    It always comes in the orientation of `Volume.hu`: its axes are exchanged and turned to the nearest axes of the
    body, never resampled. A folder is searched with all folders below it, as archives write them; overview pictures,
    reports and whatever is no slice are left out. Values below -1024 HU are padding and become -1024, air.

    All that was done stands in `Volume.remarks`. What a user has to know before trusting a result is a `DataWarning`
    too: files left out, values clipped, values that cannot be HU, slices that are not axial, or an oblique volume.

    Slices that a tilted gantry has shifted against one another are refused, not straightened: that makes new CT numbers
    from the measured ones, and dcm2niix does it well. A file that does not say how it lies in the body is refused too:
    nothing is guessed.

    Args:
        path: a file (.nii, .nii.gz, .mha, .mhd, .nrrd, .nhdr) or a folder.
        series: SeriesNumber or SeriesInstanceUID of the one to read where a folder holds several.

    Returns:
        `Volume`. While it is read it is held once, and one slice of it; MetaImage and NRRD are held a second time.

    Raises:
        LookInsideError: in one line that names the file and the mend. Of any file: it is missing, cut short, damaged,
            in colour, not of three axes, holds NaN, or says no orientation. Of a series: it is one of several, a slice
            is missing, doubled, shifted or unlike the others, the gantry was tilted, or a transfer syntax is unknown.
    """
    need("SimpleITK")
    path = _existing(path)
    remarks = Remarks()
    if path.is_dir():
        need("pydicom", "pylibjpeg")
        from lookinside.data.volumes.dicom_series import read_series  # it imports pydicom

        numbers = read_series(path, series, remarks)
    else:
        if series is not None:
            raise LookInsideError(f"{path}: is a file, series={series!r} picks one in a folder of DICOM slices")
        numbers = _file(path)
        numbers.remark(remarks)
    numbers.turned.remark(remarks)
    remarks.give(path, stacklevel=2)
    return Volume(numbers.hu, *numbers.turned.place(), path, tuple(remarks.texts))


def _existing(path) -> Path:
    if not isinstance(path, (str, os.PathLike)) or not os.fspath(path):
        raise LookInsideError(f"path is of type {type(path).__name__}, or empty: {_READ}")
    path = Path(path).expanduser()
    if not path.exists():
        raise LookInsideError(f"{path}: is not there: check the name")
    return path


def _file(path: Path) -> CTNumbers:
    name = path.name.lower()
    try:
        if name.endswith(_NIFTI):
            return read_nifti(path)
        if name.endswith(SUFFIXES):
            return read_itk(path)
        with path.open("rb") as file:
            dicom = file.read(132)[128:] == b"DICM"
    except OSError as error:
        raise LookInsideError(f"{path}: could not be read ({error.strerror}): check the file") from None
    if dicom:
        raise LookInsideError(f"{path}: is one DICOM file, a volume is a folder of them: give {path.parent}")
    raise LookInsideError(f"{path}: is no file that volumes are read from: {_READ}")

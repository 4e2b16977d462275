"""Unpack .zip and .tar archives without letting an entry leave its folder."""

from __future__ import annotations

import hashlib
import lzma
import stat
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from lookinside.errors import LookInsideError
from preparing.bar import bar
from preparing.disk import need_room

_BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    RuntimeError,
)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack `archive` (.zip, .tar, .tar.gz, .tgz, .tar.bz2, .tar.xz) into `folder`.

    All names are checked before the first byte is written.

    Raises:
        LookInsideError: if it is no archive or damaged, needs a password, holds an entry that would leave `folder` or a
            link, or if the disk has too little room.
    """
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                _unpack_zip(opened, archive, folder)
        elif tarfile.is_tarfile(archive):
            with tarfile.open(archive) as opened:
                _unpack_tar(opened, archive, folder)
        else:
            another = archive.suffix.lower() in (".rar", ".7z")
            mend = "unpack it, and give the folder" if another else "download it again, or give a folder"
            raise LookInsideError(f"{archive}: is no .zip or .tar archive, or cut short: {mend}")
    except LookInsideError:
        raise
    except _BROKEN as error:
        raise LookInsideError(f"{archive}: is damaged ({error}): download it again") from None
    except OSError as error:  # gzip's BadGzipFile among them; a full disk is told elsewhere
        if error.errno is not None:
            raise
        raise LookInsideError(f"{archive}: is damaged ({error}): download it again") from None


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _unpack_zip(opened: zipfile.ZipFile, archive: Path, folder: Path) -> None:
    entries = []
    for entry in opened.infolist():
        # The name as written, backslashes included: zipfile mends some of them quietly on unpacking.
        _refuse_if_unsafe(entry.orig_filename, archive)
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise LookInsideError(
                f"{archive}: entry {entry.filename!r} is a link: unpack it yourself and give the folder"
            )
        if entry.flag_bits & 1:
            raise LookInsideError(f"{archive}: needs a password: unpack it yourself and give the folder")
        if not entry.is_dir() and not entry.filename.startswith("__MACOSX"):
            entries.append(entry)
    need_room(folder, sum(entry.file_size for entry in entries))
    for entry in bar(entries, "unpacking"):
        opened.extract(entry, folder)


def _unpack_tar(opened: tarfile.TarFile, archive: Path, folder: Path) -> None:
    entries = []
    for entry in opened.getmembers():
        _refuse_if_unsafe(entry.name, archive)
        if entry.isdir():
            continue
        if not entry.isreg():
            raise LookInsideError(
                f"{archive}: entry {entry.name!r} is a link or a device: unpack it yourself and give the folder"
            )
        entries.append(entry)
    need_room(folder, sum(entry.size for entry in entries))
    for entry in bar(entries, "unpacking"):
        opened.extract(entry, folder, filter="data")


def _refuse_if_unsafe(name: str, archive: Path) -> None:
    parts = PurePosixPath(name.replace("\\", "/"))
    drive = len(name) > 1 and name[1] == ":"
    if parts.is_absolute() or ".." in parts.parts or drive or "\0" in name:
        raise LookInsideError(f"{archive}: entry {name!r} would leave its folder: do not use this archive")

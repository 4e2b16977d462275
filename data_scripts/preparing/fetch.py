"""Fetch an archive once, or the files of a folder, whole or not at all."""

from __future__ import annotations

import logging
import re
from pathlib import Path, PurePosixPath
from urllib.parse import quote

import pooch
import requests

from lookinside.errors import LookInsideError
from preparing.bar import bar

LISTING = "SHA256SUMS.txt"  # a line for each file: its checksum, then its path below the listing's folder


def fetch(address: str, checksum: str, folder: Path, name: str = "") -> Path:
    """The archive at `address`, in `folder`; fetched only where it is not there with the right checksum already.

    The download goes to a temporary name and gets its own when its checksum has been verified.

    Args:
        address: of the file; its last part becomes the file's name where no name is given.
        checksum: algorithm and value as pooch writes them, `"md5:..."`.
        folder: where finished archives are kept.
        name: of the file.

    Raises:
        LookInsideError: if the address does not answer, the download breaks off, or the checksum differs.
    """
    target = folder / (name or address.rsplit("/", 1)[1])
    new = not target.exists()
    else_do = f"download it in a browser and use --from {target.name}"
    done = _retrieve(address, checksum, target, else_do, progressbar=True)
    print(f"Fetched {done}, checksum verified" if new else f"{done} is there already, checksum verified")
    return done


def fetch_listed(address: str, folder: Path) -> Path:
    """The files below `address` that its SHA256SUMS.txt lists, in `folder`, each whole and verified.

    Those that are there with the right checksum already are not fetched again, so a run that was stopped goes on where
    it was. The listing itself has no checksum: it is fetched anew each time.

    Args:
        address: of a folder, with a slash at its end.
        folder: where the files are kept, at their paths.

    Raises:
        LookInsideError: if the listing is none, or a file would leave the folder, does not come or is another one.
    """
    listing = folder / LISTING
    listing.unlink(missing_ok=True)
    else_do = "download the whole set in a browser and use --from; what has come stays"
    _retrieve(address + LISTING, None, listing, else_do)
    wanted = _listed(listing, address)
    for path, checksum in bar(list(wanted.items()), "fetching"):
        _retrieve(address + quote(path), f"sha256:{checksum}", folder / path, else_do)
    print(f"Fetched {len(wanted)} files into {folder}, checksums verified")
    return folder


def _listed(listing: Path, address: str) -> dict[str, str]:
    """Path -> SHA-256 of each file in a listing."""
    found = {}
    for line in listing.read_text(encoding="utf-8", errors="replace").splitlines():
        checksum, _, path = line.strip().partition(" ")
        path = path.strip().removeprefix("*").removeprefix("./")
        if path and re.fullmatch("[0-9a-fA-F]{64}", checksum):
            found[path] = checksum.lower()
    if not found:
        raise LookInsideError(
            f"{address}{LISTING}: lists no file: download the set from its page in a browser and use --from"
        )
    for path in found:
        if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts or "\\" in path or ":" in path:
            raise LookInsideError(f"{address}{LISTING}: {path!r} would leave its folder: do not use this address")
    return found


def _retrieve(address: str, checksum: str | None, target: Path, else_do: str, *, progressbar: bool = False) -> Path:
    """One file, fetched where it is not there with the right checksum already."""
    pooch.get_logger().setLevel(logging.WARNING)  # address and checksum have been printed already
    try:
        return Path(
            pooch.retrieve(
                address,
                checksum,
                fname=target.name,
                path=target.parent,
                downloader=pooch.HTTPDownloader(progressbar=progressbar, timeout=60),
            )
        )
    except requests.exceptions.RequestException as error:
        raise LookInsideError(
            f"{address}: could not be fetched ({type(error).__name__}): try again, or {else_do}"
        ) from None
    except ValueError as error:  # pooch's word for a wrong checksum
        if isinstance(error, LookInsideError) or "hash" not in str(error).lower():
            raise
        raise LookInsideError(
            f"{target.name}: the checksum is not {checksum}: the download is damaged or its publisher changed it; "
            f"try again, or {else_do}"
        ) from None

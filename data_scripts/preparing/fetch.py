"""Fetch an archive once, whole or not at all."""

from __future__ import annotations

import logging
from pathlib import Path

import pooch
import requests

from lookinside.errors import LookInsideError


def fetch(address: str, checksum: str, folder: Path) -> Path:
    """The archive at `address`, in `folder`; fetched only where it is not there with the right checksum already.

    The download goes to a temporary name and gets its own when its checksum has been verified.

    Args:
        address: of the file; its last part becomes the file's name.
        checksum: algorithm and value as pooch writes them, `"md5:..."`.
        folder: where finished archives are kept.

    Raises:
        LookInsideError: if the address does not answer, the download breaks off, or the checksum differs.
    """
    target = folder / address.rsplit("/", 1)[1]
    new = not target.exists()
    pooch.get_logger().setLevel(logging.WARNING)  # address and checksum have been printed already
    try:
        done = pooch.retrieve(
            address,
            checksum,
            fname=target.name,
            path=folder,
            downloader=pooch.HTTPDownloader(progressbar=True, timeout=60),
        )
    except requests.exceptions.RequestException as error:
        raise LookInsideError(
            f"{address}: could not be fetched ({type(error).__name__}): try again, "
            f"or download it in a browser and use --from {target.name}"
        ) from None
    except ValueError as error:  # pooch's word for a wrong checksum
        if isinstance(error, LookInsideError) or "hash" not in str(error).lower():
            raise
        raise LookInsideError(
            f"{target.name}: the checksum is not {checksum}: the download is damaged or its publisher changed it; "
            "try again, or fetch it in a browser and use --from"
        ) from None
    print(f"Fetched {done}, checksum verified" if new else f"{done} is there already, checksum verified")
    return Path(done)

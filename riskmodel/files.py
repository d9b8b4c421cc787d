"""Writing a file whole or not at all, and the folder for it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from riskmodel.errors import InputError


def write_whole(path: Path, text: str) -> None:
    """Write a text so that a reader, or a crash, finds the old file or the new one and never a part.

    Parameters
    ----------
    path : Path
        Where; its folder must exist.
    text : str
        Contents, written as UTF-8 with the line ends it has.
    """
    # In the same folder, since a rename is whole only within one file system; on the disk before it takes the name.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def folder(path: str | Path) -> Path:
    """Make a folder, with those above it, unless it is there.

    Parameters
    ----------
    path : str or Path
        Where.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        If it cannot be made.
    """
    place = Path(path).expanduser()
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"the folder cannot be made: {error.strerror}", where=str(path), remedy="Give another folder"
        ) from None
    return place

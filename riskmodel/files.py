"""Writing a file whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


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

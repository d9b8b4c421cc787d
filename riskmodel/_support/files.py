"""Writing a file whole or not at all, and the folder for it."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

from riskmodel.errors import InputError


def write_whole(path: Path, text: str) -> None:
    """Write a text so that a reader, or a crash, finds the old file or the new one and never a part."""
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


def read_once(path: Path, most: int) -> bytes:
    """A regular file's bytes, opened once and at most one more than `most`: of a pipe or a device nothing is awaited.

    An OSError says what stands in the way.
    """
    # Without O_NONBLOCK a pipe that nobody writes to is waited for before it can be seen to be one.
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0))) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        return file.read(most + 1)


def scratch() -> tempfile.TemporaryDirectory[str]:
    """A folder for as long as files are read from it: in memory where the system has a place for that, and then gone."""
    memory = Path("/dev/shm")
    usable = memory.is_dir() and os.access(memory, os.W_OK)
    return tempfile.TemporaryDirectory(prefix="riskmodel-", dir=memory if usable else None)


def as_path(given: str | Path, where: str = "path") -> Path:
    """A path as a caller wrote it; refused where no file can have it, such as the text of a table or ``~nobody``."""
    try:
        path = Path(given).expanduser()
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return path
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        what = f"{str(given)[:60]!r} is no path: {getattr(error, 'strerror', None) or str(error).rstrip('.')}"
        raise InputError(what, where=where, remedy="Give the path of a file or folder") from None
    return path


def folder(path: str | Path) -> Path:
    """Make a folder, with those above it, unless it is there."""
    place = as_path(path)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"the folder cannot be made: {error.strerror}", where=str(path), field="path", remedy="Give another folder"
        ) from None
    return place


def new_folder(path: str | Path) -> Path:
    """Check that a folder can be made where there is none."""
    place = as_path(path)
    if os.path.lexists(place):
        raise InputError(
            "it exists already",
            where=str(path),
            field="path",
            remedy="Give the name of a new folder: nothing is overwritten",
        )
    if not place.name or not place.absolute().parent.is_dir():
        raise InputError(
            "there is no folder to put it in", where=str(path), field="path", remedy="Make the folder above it first"
        )
    return place


def write_folder(path: str | Path, files: Mapping[str, str | bytes]) -> None:
    """Write a new folder so that a reader, or a crash, finds all of it or nothing."""
    place = new_folder(path).absolute()
    try:
        # Beside its place, since a rename is whole only within one file system.
        building = Path(tempfile.mkdtemp(dir=place.parent, prefix=f".{place.name}."))
        try:
            for name, content in files.items():
                with open(building / name, "wb") as file:
                    file.write(content.encode() if isinstance(content, str) else content)
                    file.flush()
                    os.fsync(file.fileno())
            os.chmod(building, 0o755)
            _settle(building)
            # A rename would replace an empty folder that came into being meanwhile, and refuses any other: none is lost.
            os.rename(building, place)
        except BaseException:
            shutil.rmtree(building, ignore_errors=True)
            raise
        _settle(place.parent)
    except OSError as error:
        raise InputError(
            f"cannot be written: {error.strerror}", where=str(path), field="path", remedy="Give another folder"
        ) from None


def _settle(folder: Path) -> None:
    """Ask for a folder's names to be on the disk, where the system knows how."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return  # Windows does not open folders
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

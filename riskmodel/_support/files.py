"""Writing a file whole or not at all, and the folder for it."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path

from riskmodel._support.checks import shown
from riskmodel.errors import InputError


def write_whole(path: str | Path, content: str | bytes) -> None:
    """Write a file so that a reader, or a crash, finds the old one or the new one and never a part.

    InputError says why it cannot be written.
    """
    place = as_path(path)
    try:
        if place.is_symlink():
            place = place.resolve()
        if place.exists() and not place.is_file():
            raise OSError(errno.EINVAL, "not a regular file")
        # In the same folder, since a rename is whole only within one file system; on the disk before it takes the name.
        name = _beside(place)
        try:
            _put(name, content)
            os.replace(name, place)
        finally:
            name.unlink(missing_ok=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise _unwritten(path, error) from None


def _put(name: Path, content: str | bytes) -> None:
    """Write a new file, and have it on the disk."""
    with open(name, "xb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        os.fsync(file.fileno())


def _beside(place: Path) -> Path:
    """A name for what is not finished yet; known before it is made, so that a signal at any moment leaves nothing."""
    # Cut, since a name of the longest has no room for more.
    return place.parent / f".{place.name[:40]}.{secrets.token_hex(8)}"


def _unwritten(path: str | Path, error: Exception) -> InputError:
    what = f"cannot be written: {getattr(error, 'strerror', None) or error}"
    return InputError(what, where=str(path), field="path", remedy="Free some space, or give another place of yours")


def read_once(path: Path, most: int) -> bytes:
    """A regular file's bytes, opened once and at most one more than `most`: of a pipe or a device nothing is awaited.

    An OSError says what stands in the way.
    """
    # Without O_NONBLOCK a pipe that nobody writes to is waited for before it can be seen to be one.
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0))) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        return file.read(most + 1)


def as_path(given: str | Path, where: str = "path") -> Path:
    """A path as a caller wrote it; refused where no file can have it, such as the text of a table or ``~nobody``."""
    try:
        if isinstance(given, str) and not given.strip():  # as of a variable that is not set: to pathlib it is "."
            raise ValueError("an empty name")
        path = Path(given).expanduser()
        whole = str(path.absolute())
    except Exception as error:  # a working directory that is gone, or whatever a stranger's object brings pathlib to
        raise _no_path(given, error, where) from None
    try:
        os.stat(whole)
    except (FileNotFoundError, NotADirectoryError):
        return path
    except (OSError, ValueError) as error:
        raise _no_path(given, error, where) from None
    return path


def _no_path(given: object, error: Exception, where: str) -> InputError:
    what = f"{shown(given)} is no path: {getattr(error, 'strerror', None) or str(error).rstrip('.')}"
    return InputError(what, where=where, remedy="Give the path of a file or folder")


def folder(path: str | Path) -> Path:
    """Make a folder, with those above it, unless it is there."""
    place = as_path(path)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        what = f"the folder cannot be made: {error.strerror}"
        raise InputError(what, where=str(path), field="path", remedy="Give another folder") from None
    return place


def new_folder(path: str | Path) -> Path:
    """Check that a folder can be made where there is none."""
    place = as_path(path)
    if os.path.lexists(place):
        what, remedy = "it exists already", "Give the name of a new folder: nothing is overwritten"
    elif not place.name or not place.absolute().parent.is_dir():
        what, remedy = "there is no folder to put it in", "Make the folder above it first"
    else:
        return place
    raise InputError(what, where=str(path), field="path", remedy=remedy)


def write_folder(path: str | Path, files: Mapping[str, str | bytes]) -> None:
    """Write a new folder so that a reader, or a crash, finds all of it or nothing."""
    place = new_folder(path).absolute()
    try:
        # Beside its place, since a rename is whole only within one file system.
        building = _beside(place)
        try:
            building.mkdir()
            for name, content in files.items():
                _put(building / name, content)
            _settle(building)
            # A rename would replace an empty folder that came into being meanwhile, and refuses any other: none is lost.
            os.rename(building, place)
        finally:
            shutil.rmtree(building, ignore_errors=True)
        _settle(place.parent)
    except (OSError, ValueError) as error:
        raise _unwritten(path, error) from None


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

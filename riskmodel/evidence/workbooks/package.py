"""The parts of a zipped workbook: unpacked within bounds, and walked through without document types or entities.

An archive may say less than it holds, so sizes are counted while unpacking; and what the reader is given is packed anew
from what was counted.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Callable, Mapping
from typing import Any
from xml.parsers import expat

from riskmodel.evidence.workbooks.sheet import MOST_ELEMENTS, MOST_UNPACKED, DamagedError, TooLargeError

#: Files of one archive; a workbook has a dozen, and as many more as it has sheets and pictures.
MOST_PARTS = 10_000
#: Elements inside each other: a cell's text is a dozen deep, and what asks where it stands walks up.
MOST_DEEP = 100


class Package:
    """A zip archive whose parts are unpacked once, all of them within one bound."""

    def __init__(self, raw: bytes) -> None:
        self.parts: dict[str, zipfile.ZipInfo] = {}
        self.unpacked: dict[str, bytes] = {}
        self.left = MOST_UNPACKED
        self.archive = zipfile.ZipFile(io.BytesIO(raw))  # which was opened before, to see what it is
        if len(self.archive.infolist()) > MOST_PARTS:
            raise TooLargeError(f"more than {MOST_PARTS:,} files in it")
        for info in self.archive.infolist():
            name = _key(info.filename)
            if name in self.parts:
                raise DamagedError(f"the part {name!r} stands in it twice")
            self.parts[name] = info

    def __contains__(self, name: str) -> bool:
        return _key(name) in self.parts

    def part(self, name: str) -> bytes:
        """A part's bytes; empty where it is absent."""
        key = _key(name)
        if key not in self.unpacked and key in self.parts:
            info = self.parts[key]
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise DamagedError(f"the part {key!r} is packed in an unusual way")
            try:
                with self.archive.open(info) as file:
                    content = file.read(self.left + 1)
            except Exception:
                raise DamagedError(f"the part {key!r} cannot be unpacked") from None
            if len(content) > self.left:
                raise TooLargeError(f"more than {MOST_UNPACKED:,} bytes when unpacked")
            self.left -= len(content)
            self.unpacked[key] = content
        return self.unpacked.get(key, b"")

    def walk(
        self,
        name: str,
        start: Callable[[str, Mapping[str, str], list[str]], None],
        end: Callable[[str, list[str]], None] | None = None,
        text: Callable[[str, list[str]], None] | None = None,
        *,
        without: re.Pattern[bytes] | None = None,
    ) -> None:
        """Go through a part, if it is there; handlers are told what they stand inside, all names without prefix."""
        if name not in self:
            return
        content, inside = self.part(name), list[str]()
        content = content if without is None else without.sub(b"", content)
        if content.count(b"<") > 2 * MOST_ELEMENTS:
            raise TooLargeError(f"more than {MOST_ELEMENTS:,} elements in {name!r}")

        def begin(given: str, attributes: Mapping[str, str]) -> None:
            if len(inside) == MOST_DEEP:
                raise DamagedError(f"elements {MOST_DEEP} deep in {name!r}")
            element = local(given)
            start(element, attributes, inside)
            inside.append(element)

        def close(given: str) -> None:
            inside.pop()
            if end is not None:
                end(local(given), inside)

        def refuse(*_: Any) -> None:
            raise DamagedError(f"a document type in {name!r}, which no spreadsheet program writes")

        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
        parser.StartElementHandler, parser.EndElementHandler = begin, close
        if text is not None:
            parser.CharacterDataHandler = lambda data: text(data, inside)
        try:
            parser.Parse(content, True)
        except expat.ExpatError as error:
            raise DamagedError(f"{name!r} is not well-formed: {error}") from None

    def packed(self, names: list[str], without: bytes | None = None) -> bytes:
        """Some of the parts as an archive of their own, the first place that a pattern fits left out of each."""
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for name in names:
                if name in self:
                    content = self.part(name) if without is None else re.sub(without, b"", self.part(name), count=1)
                    archive.writestr(_name(self.parts[_key(name)].filename), content)
        return out.getvalue()


def _name(name: str) -> str:
    return posixpath.normpath(name.replace("\\", "/")).lstrip("/")


def _key(name: str) -> str:
    return _name(name).casefold()


def local(name: str) -> str:
    """A name without its prefix."""
    return name.rpartition(":")[2]

"""A TOML file as tables read key by key, with every fault collected rather than raised at the first.

By hand: msgspec and its like tell the first fault alone, and a contributor wants all of them, with key, cell and way out.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from riskmodel.evidence.readers.text import Faults, read_text


def read_toml(path: Path, faults: Faults) -> dict[str, Any] | None:
    """Contents of a TOML file, or None with a problem noted."""
    text = read_text(path, faults)
    if text is None:
        return None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        faults.add(path.name, f"the TOML is malformed: {error}", "Mend the line it names; is the file cut off?")
        return None
    except RecursionError:
        faults.add(path.name, "the TOML is nested too deeply", "A finding's file has two levels")
        return None


class Fields:
    """One TOML table, read key by key; what is missing, of the wrong type or never asked for becomes a problem."""

    def __init__(self, table: object, file: str, place: str, faults: Faults) -> None:
        self.file, self.place, self.faults = file, place, faults
        self.asked: set[str] = set()
        if not isinstance(table, dict):
            self.fault("", "not a table", "Write it as a table", table)
            table = {}
        self.table: dict[str, Any] = table

    def fault(self, key: str, what: str, remedy: str, found: object = "") -> None:
        """Note a problem of one key."""
        column = f"{self.place}.{key}".strip(".")
        self.faults.add(self.file, what, remedy, column=column, found=found)

    def _get(self, key: str, required: bool, kind: str) -> Any:
        self.asked.add(key)
        if key not in self.table and required:
            self.fault(key, "missing", f"Add {kind}")
        return self.table.get(key)

    def text(self, key: str, *, required: bool = True) -> str:
        """A text, stripped; empty where it is absent or wrong."""
        value = self._get(key, required, "a text")
        if value is None:
            return ""
        if not isinstance(value, str) or (required and not value.strip()):
            self.fault(key, "not a text" if not isinstance(value, str) else "empty", "Write a text in quotes", value)
            return ""
        if not _plain(value):
            self.fault(key, "a control character", "Give plain text", repr(value))
            return ""
        return " ".join(value.split())

    def choice(self, key: str, known: Sequence[str], *, required: bool = True) -> str:
        """One of some texts; empty where it is absent or wrong."""
        value = self.text(key, required=required)
        if value and value not in known:
            self.faults.unknown(self.file, key, value, known, column=f"{self.place}.{key}")
            return ""
        return value

    def texts(self, key: str, *, required: bool = True) -> tuple[str, ...]:
        """A list of texts; empty where it is absent or wrong."""
        value = self._get(key, required, "a list of texts")
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            self.fault(key, "not a list of texts", 'Write ["one", "two"]', value)
            return ()
        if not all(_plain(one) for one in value):
            self.fault(key, "a control character", "Give plain text", repr(value))
            return ()
        return tuple(" ".join(one.split()) for one in value)

    def number(self, key: str, *, required: bool = True) -> float | None:
        """A number, or None."""
        value = self._get(key, required, "a number")
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
            self.fault(key, "not a number", "Write a number", value)
            return None
        return float(value)

    def numbers(self, key: str, length: int) -> tuple[float, ...]:
        """An optional list of so many numbers; empty where it is left out or faulty."""
        value = self._get(key, False, "a list of numbers")
        if value is None:
            return ()
        good = isinstance(value, list) and len(value) == length
        if not good or any(isinstance(one, bool) or not isinstance(one, (int, float)) for one in value):
            self.fault(key, f"not a list of {length} numbers", f"Give {length} numbers in brackets", value)
            return ()
        return tuple(float(one) for one in value)

    def flag(self, key: str, *, default: bool) -> bool:
        """True or false."""
        value = self._get(key, False, "true or false")
        if value is None:
            return default
        if not isinstance(value, bool):
            self.fault(key, "not true or false", "Write true or false", value)
            return default
        return value

    def date(self, key: str) -> str:
        """A date as ISO text."""
        value = self._get(key, True, "a date")
        if value is None:
            return ""
        if not hasattr(value, "isoformat"):
            self.fault(key, "not a date", "Write it as 2026-01-31, without quotes", value)
            return ""
        return str(value.isoformat())

    def tables(self, key: str, *, required: bool = True) -> list[Fields]:
        """The tables of an array of tables."""
        value = self._get(key, required, f"[[{key}]]")
        if value is None:
            return []
        if not isinstance(value, list):
            self.fault(key, "not an array of tables", f"Write [[{key}]]", value)
            return []
        return [
            Fields(one, self.file, f"{self.place}.{key}[{i + 1}]".strip("."), self.faults)
            for i, one in enumerate(value)
        ]

    def each[T](self, key: str, build: Callable[[Fields], T], *, required: bool = True) -> tuple[T, ...]:
        """What `build` makes of each table of an array; keys that it did not ask for become problems."""
        found = []
        for one in self.tables(key, required=required):
            found.append(build(one))
            one.finish()
        return tuple(found)

    def once(self, key: str, names: Iterable[str]) -> None:
        """Note every name that an array declares more than once."""
        for name, times in Counter(names).items():
            if name and times > 1:
                self.fault(key, f"{name!r} is declared {times} times", "Keep one")

    def table_of(self, key: str, *, required: bool = True) -> Fields:
        """A table inside this one."""
        value = self._get(key, required, f"[{key}]")
        return Fields(value if value is not None else {}, self.file, f"{self.place}.{key}".strip("."), self.faults)

    def finish(self) -> None:
        """Note every key that nothing asked for: a slip of the pen must not pass silently."""
        for key in self.table:
            if key not in self.asked:
                self.faults.unknown(self.file, "key", key, sorted(self.asked), column=f"{self.place}.{key}".strip("."))


def _plain(text: str) -> bool:
    """Whether a text is free of what a terminal would obey; line ends are spaces here."""
    return " ".join(text.split()).isprintable()

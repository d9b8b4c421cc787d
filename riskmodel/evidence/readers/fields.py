"""A TOML file as tables read key by key, with every fault collected rather than raised at the first.

By hand: msgspec and its like tell the first fault alone, and a contributor wants all of them, with key, cell and way out.
"""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from riskmodel.errors import closest
from riskmodel.evidence.readers.text import Faults, Files, read_text

#: Characters of a TOML file; the longest shipped one has some 25,000.
MOST_TOML = 500_000
#: A key of more than twenty parts, which takes its parser a time that grows by more than the square.
_PART = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')"""
_CHAIN = re.compile(rf"(?<![\w-]){_PART}(?:[ \t]*+\.[ \t]*+{_PART}){{20}}")
#: A whole number longer than any that TOML has.
_DIGITS = re.compile(r"=\s*[-+]?(?:0[xob])?[0-9a-fA-F_]{65}")


def read_toml(name: str, files: Files, faults: Faults) -> dict[str, Any] | None:
    """Contents of a TOML file, or None with a problem noted."""
    text = read_text(name, files, faults)
    if text is None:
        return None
    told = "keys, numbers or the whole are too long", "A finding's file has keys of two parts"
    if len(text) <= MOST_TOML and not (_CHAIN.search(text) or _DIGITS.search(text)):
        try:
            return tomllib.loads(text)
        except ValueError as error:
            told = f"the TOML is malformed: {error}", "Mend the line it names; is the file cut off?"
        except RecursionError:
            told = "the TOML is nested too deeply", "A finding's file has two levels"
    faults.add(name, *told)
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
        self.faults.add(self.file, what, remedy, column=self.at(key), found=found)

    def unknown(self, key: str, kind: str, name: str, known: Iterable[str]) -> None:
        """Note a name of one key that nobody knows."""
        self.faults.unknown(self.file, kind, name, known, column=self.at(key))

    def told(self, key: str) -> bool:
        """Whether something of a key has been told."""
        return self.faults.declared_amiss(self.at(key), self.file)

    def at(self, key: str) -> str:
        """A key with the tables that it is in."""
        return f"{self.place}.{key}".strip(".")

    def _get(self, key: str, kind: str, good: Callable[[Any], bool], remedy: str, *, required: bool = True) -> Any:
        """A key's value; None where it is absent or not of the kind, which is noted. TOML itself has no null."""
        self.asked.add(key)
        if key not in self.table:
            if required:
                self.fault(key, "missing", f"Add {kind}")
            return None
        value = self.table[key]
        if good(value):
            return value
        self.fault(key, f"not {kind}", remedy, value)
        return None

    def _plain(self, key: str, texts: Sequence[str]) -> tuple[str, ...]:
        """Texts on one line each; none, which is noted, where one holds what a terminal would obey."""
        spaced = tuple(" ".join(one.split()) for one in texts)
        if all(one.isprintable() for one in spaced):
            return spaced
        self.fault(key, "a control character", "Give plain text", repr(self.table[key]))
        return ()

    def text(self, key: str, *, required: bool = True) -> str:
        """A text, stripped; empty where it is absent or wrong."""
        remedy = "Write a text in quotes"
        value = self._get(key, "a text", lambda one: isinstance(one, str), remedy, required=required)
        if value is not None and required and not value.strip():
            self.fault(key, "empty", remedy, value)
        return "".join(self._plain(key, [value or ""]))

    def choice(self, key: str, known: Sequence[str], *, required: bool = True) -> str:
        """One of some texts; empty where it is absent or wrong."""
        value = self.text(key, required=required)
        if value and value not in known:
            self.unknown(key, key, value, known)
            return ""
        return value

    def texts(self, key: str, *, required: bool = True) -> tuple[str, ...]:
        """A list of texts; empty where it is absent or wrong."""
        good = _list_of(lambda one: isinstance(one, str))
        value = self._get(key, "a list of texts", good, 'Write ["one", "two"]', required=required)
        return self._plain(key, value or ())

    def number(self, key: str, *, required: bool = True) -> float | None:
        """A number, or None."""
        value = self._get(key, "a number", _is_number, "Write a number", required=required)
        return None if value is None else float(value)

    def numbers(self, key: str, length: int) -> tuple[float, ...]:
        """An optional list of so many numbers; empty where it is left out or faulty."""
        kind, remedy = f"a list of {length} numbers", f"Give {length} numbers in brackets"
        value = self._get(key, kind, _list_of(_is_number, length), remedy, required=False)
        return tuple(map(float, value or ()))

    def flag(self, key: str) -> bool:
        """True or false; false where it is absent or wrong."""
        kind = "true or false"
        return bool(self._get(key, kind, lambda one: isinstance(one, bool), f"Write {kind}", required=False))

    def date(self, key: str, *, required: bool = True) -> str:
        """A date as ISO text; empty where it is absent or wrong."""
        remedy = "Write it as 2026-01-31, without quotes"
        value = self._get(key, "a date", lambda one: hasattr(one, "isoformat"), remedy, required=required)
        return "" if value is None else str(value.isoformat())

    def value[T](self, kind: type[T], /, *, optional: Collection[str] = (), **read: object) -> T:
        """A dataclass of what is read already, and of texts, lists of texts and flags under the names of its fields."""
        how: dict[str, Callable[..., object]]
        how = {"str": self.text, "tuple[str, ...]": self.texts, "bool": lambda key, required: self.flag(key)}
        for one in dataclasses.fields(kind):  # type: ignore[arg-type]
            if one.name not in read:
                read[one.name] = how[str(one.type)](one.name, required=one.name not in optional)
        return kind(**read)

    def table_of(self, key: str, *, required: bool = True) -> Fields:
        """A table inside this one."""
        value = self._get(key, f"[{key}]", lambda one: True, "", required=required)
        return Fields({} if value is None else value, self.file, self.at(key), self.faults)

    def each[T](self, key: str, build: Callable[[Fields], T], *, required: bool = True) -> tuple[T, ...]:
        """What `build` makes of each of an array of tables; keys that it did not ask for become problems."""
        self.asked.add(key)
        value = self.table.get(key)
        if not isinstance(value, list):
            if value is not None or required:
                what, verb = ("missing", "Add") if value is None else ("not an array of tables", "Write")
                self.fault(key, what, f"{verb} [[{key}]]", "" if value is None else value)
            return ()
        found = []
        for i, table in enumerate(value, 1):
            one = Fields(table, self.file, self.at(f"{key}[{i}]"), self.faults)
            found.append(build(one))
            one.finish()
        return tuple(found)

    def once(self, key: str, names: Iterable[str]) -> None:
        """Note every name that an array declares more than once."""
        for name, times in Counter(names).items():
            if name and times > 1:
                self.fault(key, f"{name!r} is declared {times} times", "Keep one")

    def finish(self) -> None:
        """Note every key that nothing asked for: a slip of the pen must not pass silently."""
        for key in self.table:
            if key not in self.asked:
                meant = self.at(closest(key, sorted(self.asked)) or key)
                kept = [one for one in self.faults.problems if (one.column, one.what) != (meant, "missing")]
                self.faults.problems[:] = kept  # that one is missing follows from its name here
                self.unknown(key, "key", key, sorted(self.asked))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == value


def _list_of(good: Callable[[Any], bool], length: int | None = None) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and len(value) == (length or len(value)) and all(map(good, value))

"""A record of a run: made by which code, sealed by a digest, saved whole, and refused where it was edited."""

from __future__ import annotations

import datetime
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

import msgspec
from msgspec import Meta

from riskmodel._support.files import as_path, read_once, write_whole
from riskmodel._support.kept import Value
from riskmodel._support.version import package_versions
from riskmodel.errors import InputError, StaleRecordError

#: Bytes of a record: the largest calibration of the shipped corpora has some 3 million.
MOST_BYTES = 100_000_000
Hash = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Whole = Annotated[int, Meta(ge=0)]
Number = Annotated[float, Meta(ge=0)]
Probability = Annotated[float, Meta(ge=0, le=1)]
Named = dict[str, str]


class RecordDocument(msgspec.Struct, forbid_unknown_fields=True, tag_field="format", kw_only=True):
    """What the file of every record holds."""

    code: Annotated[
        Hash, Meta(description="Fingerprint of the code behind the numbers, comments and docstrings excluded.")
    ]
    versions: Annotated[Named, Meta(description="Of Python and of the packages behind the numbers.")]
    made: Annotated[str, Meta(description="When, in UTC.", extra_json_schema={"format": "date-time"})]
    digest: Annotated[Hash, Meta(description="SHA-256 of all the rest: a record that was edited does not have it.")]


@dataclass(frozen=True, eq=False, kw_only=True)
class Record(Value):
    """What every record says of itself."""

    code: str  # fingerprint of the code behind the numbers
    versions: Mapping[str, str]  # of Python and of the packages behind the numbers
    made: str  # when, in UTC

    DOCUMENT: ClassVar[type[RecordDocument]]  # what the file holds
    FILE: ClassVar[str] = "record.json"  # its name in a folder
    AGAIN: ClassVar[str]  # the way out where it cannot be used

    @classmethod
    def format(cls) -> str:
        """Name and version of what the file holds."""
        return str(cls.DOCUMENT.__struct_config__.tag)

    @staticmethod
    def header(code: str) -> dict[str, Any]:
        """These, of a record that is made now."""
        made = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        return {"code": code, "versions": package_versions(), "made": made}

    def derived(self) -> dict[str, Any]:
        """What follows from the fields, and is written beside them for whoever reads the file alone."""
        return {}

    def to_dict(self) -> dict[str, Any]:
        """As JSON knows it.

        Returns
        -------
        dict
            With a digest of all the rest, by which an edited record is known; null stands for what is not known.
        """
        head = {"format": self.format(), "code": self.code, "versions": self.versions, "made": self.made}
        body = _plain(head | self.derived() | {one.name: getattr(self, one.name) for one in fields(self)})
        return {**body, "digest": digest(body)}

    def to_json(self) -> str:
        """The record as a file holds it: a line for each field, and for each entry of one that holds several.

        Returns
        -------
        str
            JSON.
        """
        lines = (f" {_line(name)}: {_lines(value)}" for name, value in self.to_dict().items())
        return "{\n" + ",\n".join(lines) + "\n}\n"

    def save(self, path: str | Path) -> None:
        """Write the record, whole or not at all.

        Parameters
        ----------
        path : str or Path
            The file.

        Raises
        ------
        InputError
            If it cannot be written.
        """
        write_whole(path, self.to_json())

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a record.

        Parameters
        ----------
        path : str or Path
            A file that `save` wrote, or a folder that has one under its usual name.

        Returns
        -------
        Record
            As it was saved.

        Raises
        ------
        InputError
            If the file is no such record.
        StaleRecordError
            If it has been edited since it was saved.
        """
        file = as_path(path)
        file = file / cls.FILE if file.is_dir() else file
        place, remedy = str(file), f"Give a {cls.FILE}"
        try:
            raw = read_once(file, MOST_BYTES)
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}", where=place, remedy=remedy) from None
        if len(raw) > MOST_BYTES:
            raise InputError(f"more than {MOST_BYTES:,} bytes", where=place, remedy=remedy)
        try:
            body = json.loads(raw)
        except (ValueError, RecursionError):
            raise InputError("not JSON", where=place, remedy=remedy) from None
        if not isinstance(body, dict) or body.get("format") != cls.format():
            raise InputError(f"not a {cls.format()}", where=place, remedy=remedy)
        try:
            msgspec.convert(body, cls.DOCUMENT)
        except msgspec.ValidationError as error:
            raise InputError(f"a damaged record: {error}", where=place, remedy=cls.AGAIN) from None
        try:
            sealed, found = body.pop("digest"), digest(body)
        except ValueError:  # a number that is none to JSON, or a text that is none to UTF-8
            raise InputError("a damaged record", where=place, remedy=cls.AGAIN) from None
        if sealed != found:
            what = f"the record was edited after it was made: sealed as {str(sealed)[:12]}, and now {found[:12]}"
            raise StaleRecordError(what, where=place, remedy=cls.AGAIN)
        values: dict[str, Any] = {one.name: body[one.name] for one in fields(cls)}
        values |= {name: tuple(one) for name, one in values.items() if isinstance(one, list)}
        return cls(**values)

    def check_code(self, now: str, *, where: str) -> None:
        """Refuse a record of other code."""
        if self.code != now:
            what = f"the code behind the numbers has changed: {self.code[:12]} in the record, {now[:12]} now"
            raise StaleRecordError(what, where=where, remedy=self.AGAIN)


def digest(body: Mapping[str, Any]) -> str:
    """SHA-256 of a record's content, in whatever order it is written."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, ensure_ascii=False, allow_nan=False).encode()).hexdigest()


def _plain(value: Any) -> Any:
    """The same as JSON has it, with null for every number that it does not know."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _lines(value: Any) -> str:
    if isinstance(value, dict) and any(isinstance(one, (dict, list)) for one in value.values()):
        return "{\n" + ",\n".join(f"  {_line(name)}: {_line(one)}" for name, one in value.items()) + "\n }"
    if isinstance(value, list) and any(isinstance(one, dict) for one in value):
        return "[\n" + ",\n".join(f"  {_line(one)}" for one in value) + "\n ]"
    return _line(value)

"""What was worked out once for a value is kept beside it, never in it: values are data alone, so they pickle and compare.

A `kept` property works like `functools.cached_property`, but its result lives in one table here, goes when its value goes,
and can be cleared. What is kept beside a value must not refer back to that value, or neither would ever go; where it has
to, as a fit refers to its evidence, a `Shelf` of bounded length holds it instead.
"""

from __future__ import annotations

import contextlib
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import fields
from typing import Any, overload

import numpy as np

from riskmodel._support.doors import doors

_BESIDE: dict[int, tuple[weakref.ref[Any], dict[Hashable, Any]]] = {}
_SHELVES: weakref.WeakSet[Shelf] = weakref.WeakSet()


def beside(value: Any) -> dict[Hashable, Any]:
    """What is kept beside a value: empty at first, gone with the value, shared by nobody."""
    held = _BESIDE.get(id(value))
    if held is None or held[0]() is not value:
        key = id(value)
        # Bound here: when the program ends the name of the table goes before the last values do.
        forget = _BESIDE.pop
        held = (weakref.ref(value, lambda _: forget(key, None)), {})
        _BESIDE[key] = held
    return held[1]


def once[T](value: Any, key: Hashable, make: Callable[[], T]) -> T:
    """What is kept beside a value under a key, made where it is not."""
    held = beside(value)
    found: T = held[key] if key in held else held.setdefault(key, make())
    return found


def clear() -> None:
    """Forget everything that is kept; the next question works it out again."""
    _BESIDE.clear()
    for shelf in _SHELVES:
        shelf.clear()


class kept[T]:  # noqa: N801 - a decorator, written as `property` is
    """A property worked out once for each value and kept beside it."""

    def __init__(self, function: Callable[[Any], T]) -> None:
        self.function = function
        self.__doc__ = function.__doc__

    @overload
    def __get__(self, value: None, owner: type) -> kept[T]: ...
    @overload
    def __get__(self, value: object, owner: type) -> T: ...
    def __get__(self, value: Any, owner: type) -> Any:
        if value is None:
            return self
        held = beside(value)
        return held[self] if self in held else held.setdefault(self, self.function(value))


class Shelf(OrderedDict[Hashable, Any]):
    """The latest results by what they were made from, the longest unused leaving first."""

    def __init__(self, longest: int) -> None:
        super().__init__()
        self.longest = longest
        _SHELVES.add(self)

    def get_or_make[T](self, key: Hashable, make: Callable[[], T]) -> T:
        """The result for a key, made where it is not here; one that raises is not kept."""
        found: T | None = self.get(key)
        if found is None:
            found = self[key] = make()
            while len(self) > self.longest:
                self.popitem(last=False)
        with contextlib.suppress(KeyError):  # a thread that answers another question may have let it go meanwhile
            self.move_to_end(key)
        return found

    __hash__ = object.__hash__  # type: ignore[assignment]


class Value:
    """A frozen dataclass compared by its fields, arrays and all; a NaN equals a NaN. Its public methods are doors."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        doors(cls)

    def __eq__(self, other: object) -> bool:
        """Whether both say the same."""
        if self is other:
            return True
        if type(self) is not type(other):
            return NotImplemented
        names = [one.name for one in fields(self) if one.compare]  # type: ignore[arg-type]
        return all(same(getattr(self, name), getattr(other, name)) for name in names)

    def __hash__(self) -> int:
        """The same for equal values."""
        return self._hash

    def __repr__(self) -> str:
        """What it is of, in a line: a field that holds many things by how many."""
        shown = (f"{one.name}={brief(getattr(self, one.name))}" for one in fields(self) if one.repr)  # type: ignore[arg-type]
        return f"{type(self).__name__}({', '.join(shown)})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """The same line in IPython, which would go through every field."""
        printer.text(repr(self))

    @kept
    def _hash(self) -> int:
        return hash(tuple(_hashed(getattr(self, one.name)) for one in fields(self) if one.compare))  # type: ignore[arg-type]

    def __setstate__(self, state: dict[str, Any]) -> None:
        """As it was pickled; arrays are read-only again."""
        for name, held in state.items():
            if isinstance(held, np.ndarray):
                held.setflags(write=False)
            object.__setattr__(self, name, held)


def brief(held: Any) -> str:
    """A content of a field in a few words."""
    if held is None or isinstance(held, (bool, int, float, str)):
        text = repr(held)
        return text if len(text) <= 60 else f"{text[:57]}...{text[-1]}"
    if isinstance(held, np.ndarray):
        return f"<array of shape {held.shape}>"
    if isinstance(held, (tuple, list, dict, frozenset)):
        return f"<{len(held)} in a {type(held).__name__}>" if held else repr(held)
    return f"<{type(held).__name__}>"


def same(one: Any, other: Any) -> bool:
    """Whether two contents of fields are equal, arrays and mappings by what is in them, NaN equal to NaN."""
    if one is other:
        return True
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        if not (isinstance(one, np.ndarray) and isinstance(other, np.ndarray)) or one.dtype != other.dtype:
            return False
        return np.array_equal(one, other, equal_nan=one.dtype.kind in "fc")
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (one != one and other != other)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, (tuple, list)) and type(one) is type(other):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def _hashed(held: Any) -> int:
    if isinstance(held, np.ndarray):
        return hash((held.shape, held.tobytes()))
    if isinstance(held, dict):
        return hash(frozenset((name, _hashed(one)) for name, one in held.items()))
    if isinstance(held, (tuple, list)):
        return hash(tuple(map(_hashed, held)))
    try:
        return 0 if held != held else hash(held)
    except TypeError:  # A mapping is in it, such as the titles of states: the other fields tell values apart.
        return 0

"""The findings that are served: read once, fitted in memory, read again when a folder changes, and answered from."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from riskmodel._support import kept
from riskmodel.consultation.consult import Consultation, consult
from riskmodel.consultation.question import choices
from riskmodel.errors import InputError, RiskModelError
from riskmodel.evidence.evidence import Evidence
from riskmodel.evidence.load import load_evidence
from riskmodel.evidence.manifest import FILES, SHIPPED, findings, place_of
from riskmodel.serve.asked import USUAL, Asked, asked, finding_named, pairs
from riskmodel.serve.finished import Finished, Shelf, tagged
from riskmodel.tree.model import ProbabilityTree, fit

#: Frames of pages that are kept, of each finding: some 100 KB each.
FRAMES = 200

#: What a file says of itself without being read: when it was last written, and how long it is.
Seen = tuple[tuple[str, int, int], ...]
#: A form of answers: its name, its media type, and what makes its bytes.
Form = tuple[str, str, Callable[[Asked], bytes]]


@dataclass
class Held:
    """A finding that is served, with its fits; `fault` says why its folder, as it is now, is not what is served."""

    evidence: Evidence
    folder: Path
    seen: Seen
    fault: RiskModelError | None = None
    warm: bool = False
    trees: dict[tuple[str, str], ProbabilityTree] = field(default_factory=dict)
    #: By question what of its page nothing that is described of a patient changes.
    frames: kept.Shelf = field(default_factory=lambda: kept.Shelf(FRAMES))
    #: One answer of a finding is worked out at a time: two would share the interpreter and finish later.
    lock: threading.RLock = field(default_factory=threading.RLock)

    def tree(self, reading: str, setting: str) -> ProbabilityTree:
        """The fit of a reading and setting, kept for as long as this evidence is served."""
        key = reading, setting
        if key not in self.trees:
            self.trees[key] = fit(self.evidence.with_reading(reading), setting=setting)
        return self.trees[key]


class Desk:
    """Shipped findings or folders in memory, and finished answers: what is wrong at the start is not served."""

    def __init__(self, names: Iterable[str | Path] = ()) -> None:
        self.held: dict[str, Held] = {}
        for name in names or findings():
            folder = place_of(name, "finding", findings(), SHIPPED, "folder")
            seen, evidence = _seen(folder), load_evidence(folder)  # in this order: what changes meanwhile is read again
            key = evidence.finding.key
            if key in self.held:
                raise InputError(f"two findings are called {key!r}", where="finding", remedy="Serve one of them")
            self.held[key] = Held(evidence, folder, seen)
        self.shelf = Shelf()

    @property
    def evidence(self) -> dict[str, Evidence]:
        """By finding what is served of it now."""
        return {name: held.evidence for name, held in self.held.items()}

    def read(self, query: bytes, *, form: bool = False) -> Asked:
        """The question of a query string."""
        given = pairs(query)
        finding = finding_named(given, self.held)
        return asked(given, finding, self.held[finding].evidence, form=form)

    def consult(self, one: Asked, *detail: str) -> Consultation:
        """The consultation that answers a question; one whose numbers are kept waits for no other."""
        held = self.held[one.finding]
        with contextlib.nullcontext() if one.described and one.undescribed() in held.frames else held.lock:
            return consult(
                finding=held.tree(one.reading, one.setting),
                audience=one.audience,
                test_errors=one.test_errors,
                detail=(*one.detail, *detail),
                **dict(one.given),
            )

    def answer(self, one: Asked, *detail: str) -> dict[str, Any]:
        """The one dictionary of an answer."""
        return self.consult(one, *detail).to_dict()

    def kept(self, one: Asked, form: str) -> Finished | None:
        """The finished answer, where it is kept: never one with anything that was stated beside the states."""
        return None if one.described else self.shelf.get(self._key(one, form))

    def finished(self, one: Asked, form: str, media_type: str, make: Callable[[Asked], bytes]) -> Finished:
        """The finished answer, made where it is not kept."""
        version = self.held[one.finding].evidence.content_hash[:12]

        def made() -> Finished:
            return Finished.of(make(one), media_type, version)

        if one.described:
            return made()
        with self.held[one.finding].lock:  # the second of two that ask the same waits for the first
            return self.shelf.get_or_make(self._key(one, form), made)

    def frame[T](self, one: Asked, make: Callable[[Asked], T]) -> T:
        """What of the page of a question is kept though something was described in it, made of the question without."""
        plain = one.undescribed()
        return self.held[one.finding].frames.get_or_make(plain, lambda: make(plain))

    def quick(self, one: Asked, form: str) -> bool:
        """Whether an answer takes milliseconds: the same without what was described is kept, and nothing costly is asked."""
        return one.described and not one.detail and self.kept(one.undescribed(), form) is not None

    def _key(self, one: Asked, form: str) -> tuple[str, bool, Asked, str]:
        held = self.held[one.finding]
        return held.evidence.content_hash, held.fault is not None, one, form

    def health(self) -> dict[str, Any]:
        """What is served, and whether every folder is still what is served."""
        parts = {
            name: {
                "evidence_version": held.evidence.version,
                "warm": held.warm,
                "fault": None if held.fault is None else held.fault.to_dict()["error"],
            }
            for name, held in self.held.items()
        }
        faulty = any(held.fault is not None for held in self.held.values())
        return {"status": "degraded" if faulty else "ok", "findings": parts}

    def look(self) -> list[str]:
        """Read what has changed; a folder that has turned bad leaves what was read before serving. Says what happened."""
        said = []
        for name, held in list(self.held.items()):
            seen = _seen(held.folder)
            if seen == held.seen:
                continue
            held.seen = seen
            try:
                evidence = load_evidence(held.folder)
                if evidence.finding.key != name:
                    raise InputError(f"the finding is now called {evidence.finding.key!r}", where=name)
            except (RiskModelError, OSError) as error:
                held.fault = error if isinstance(error, RiskModelError) else InputError(str(error.strerror), where=name)
                said.append(f"{name}: the folder has turned bad, {held.evidence.version} keeps serving")
                continue
            if evidence.content_hash == held.evidence.content_hash:
                held.fault = None
                continue
            # The fits of the old evidence stay with requests that are being answered from it.
            self.held[name] = Held(evidence, held.folder, seen)
            said.append(f"{name}: now {evidence.version}")
        return said

    def warm(self, stop: threading.Event, usual: Sequence[Form], last: Form) -> None:
        """Work in the background, until it is told to stop, what will be asked."""
        for _ in self._ahead(usual, last):
            if stop.is_set():
                return

    def _ahead(self, usual: Sequence[Form], last: Form) -> Iterator[None]:
        """Every usual question, then every fit, then of each finding once `last`, with a pause after each."""
        for name, held in self.held.items():
            for one in self.questions(name):
                for form in usual:  # each gives the lock back, so that a request waits for one answer at most
                    self.finished(one, *form)
                yield
            held.warm = True
        for held in self.held.values():
            chosen = choices(held.evidence)
            for reading, setting in itertools.product(chosen["reading"], chosen["setting"]):
                with held.lock:
                    held.tree(reading, setting)
                yield
        for name in self.held:
            self.finished(next(self.questions(name)), *last)
            yield

    def questions(self, finding: str) -> Iterator[Asked]:
        """A question for every combination of a finding's states, the broadest first."""
        states = {one.name: (None, *one.states) for one in self.held[finding].evidence.finding.states}
        usual = Asked(finding=finding, given=(), detail=(), descriptors=(), **USUAL)
        every = [dict(zip(states, one, strict=True)) for one in itertools.product(*states.values())]
        for known in sorted(every, key=lambda one: sum(state is not None for state in one.values())):
            yield replace(usual, given=tuple((name, state) for name, state in known.items() if state is not None))


async def answered(
    desk: Desk, request: Request, form: str, kind: str, make: Callable[[Asked], bytes], *, typed: bool = False
) -> Response:
    """Finished bytes of a question: those that are kept, or else made beside the loop that answers the others."""
    one = desk.read(request.scope["query_string"], form=typed)
    found = desk.kept(one, form)
    if found is None and desk.quick(one, form):
        found = desk.finished(one, form, kind, make)  # a thread for each of many such would make all of them wait
    elif found is None:
        found = await run_in_threadpool(desk.finished, one, form, kind, make)
    return tagged(request, found, described=one.described)


def _seen(folder: Path) -> Seen:
    found = []
    for name in FILES:
        try:
            stat = (folder / name).stat()
        except OSError:
            continue
        found.append((name, stat.st_mtime_ns, stat.st_size))
    return tuple(found)


def as_json(value: Any) -> bytes:
    """A value as JSON, as every face writes it."""
    return msgspec.json.encode(value)

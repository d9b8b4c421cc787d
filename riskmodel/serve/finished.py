"""Finished bytes of answers, bounded, and how they are sent: what was asked before is sent again as it is."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

JSON, HTML = "application/json", "text/html; charset=utf-8"
#: Answers and bytes that are kept, for each worker: every state of three findings as a page and as JSON takes half of it.
MOST, MOST_BYTES = 4_096, 128 << 20


@dataclass(frozen=True)
class Finished:
    """An answer as it is sent."""

    body: bytes
    media_type: str
    etag: str

    @classmethod
    def of(cls, body: bytes, media_type: str, version: str) -> Finished:
        """Bytes with a tag that changes with the evidence and with what is said of it."""
        return cls(body, media_type, f'"{version}-{hashlib.sha256(body).hexdigest()[:16]}"')


class Shelf:
    """The latest finished answers by what was asked, the longest unused leaving first."""

    def __init__(self, most: int = MOST, most_bytes: int = MOST_BYTES) -> None:
        self.most, self.most_bytes = most, most_bytes
        self.size = 0
        self._held: OrderedDict[Hashable, Finished] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many there are."""
        return len(self._held)

    def get(self, key: Hashable) -> Finished | None:
        """What is kept under a key."""
        with self._lock:
            found = self._held.get(key)
            if found is not None:
                self._held.move_to_end(key)
            return found

    def get_or_make(self, key: Hashable, make: Callable[[], Finished]) -> Finished:
        """What is kept under a key, made where it is not; one that raises is not kept."""
        found = self.get(key)
        return found if found is not None else self.put(key, make())

    def put(self, key: Hashable, one: Finished) -> Finished:
        """Keep an answer, and let others go where there is no room."""
        with self._lock:
            old = self._held.pop(key, None)
            self.size += len(one.body) - (len(old.body) if old else 0)
            self._held[key] = one
            while len(self._held) > self.most or (self.size > self.most_bytes and len(self._held) > 1):
                self.size -= len(self._held.popitem(last=False)[1].body)
        return one


def plain(body: bytes, kind: str = JSON) -> Response:
    """What is served; it is asked again each time."""
    return Response(body, headers={"cache-control": "no-cache"}, media_type=kind)


def unkept(content: bytes, status: int = 200, kind: str = HTML) -> Response:
    """A reply that nobody on the way keeps."""
    return Response(content, status, {"cache-control": "no-store"}, kind)


def tagged(request: Request, found: Finished, *, described: bool = False) -> Response:
    """Bytes with their tag; what was described of a patient is stored by nobody on the way."""
    headers = {"etag": found.etag, "cache-control": "no-store" if described else "private, no-cache"}
    tags = request.headers.get("if-none-match", "")
    if found.etag in {tag.strip().removeprefix("W/") for tag in tags.split(",")} or tags.strip() == "*":
        return Response(status_code=304, headers=headers)
    return Response(found.body, headers=headers, media_type=found.media_type)

"""From a desk to a listening server: deadlines for every part of a request, workers by fork, an end that answers first."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from riskmodel.errors import InputError
from riskmodel.serve.app import Service
from riskmodel.serve.desk import Desk
from riskmodel.serve.guard import LOOPBACK

#: Seconds for a request's head, its body, and for an answer to be taken; a person's own machine needs a thousandth of it.
HEAD, BODY, TAKEN = 10.0, 20.0, 60.0
#: Bytes of a request's head, of which the address is the most.
MOST_HEAD = 16 << 10
#: Seconds in which a stopping server still hears a connection that has nothing to say, and finishes what it is answering.
HEARS, ENDS = 0.3, 15


class Deadlines(HttpToolsProtocol):
    """uvicorn's protocol, which by itself waits for ever for half a request and for a reader who does not read."""

    _timer: asyncio.TimerHandle | None = None
    _head = 0  # bytes of it so far
    _in_head = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the head."""
        super().connection_made(transport)
        self._wait(HEAD)

    def data_received(self, data: bytes) -> None:
        """Refuse a head that does not end."""
        super().data_received(data)
        self._head += len(data) if self._in_head else 0
        if self._head > MOST_HEAD and self.transport and not self.transport.is_closing():
            self._end(431)

    def on_message_begin(self) -> None:
        """A request begins: its head has a deadline of its own."""
        super().on_message_begin()
        self._head, self._in_head = 0, True
        self._wait(HEAD)

    def on_headers_complete(self) -> None:
        """Then its body."""
        self._head, self._in_head = 0, False
        self._wait(BODY)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Then the answer, which has to be taken."""
        self._wait(TAKEN)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Nothing is waited for: a connection that is kept open has uvicorn's own limit."""
        self._wait(None)
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._wait(None)
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """A request may be on its way while the server stops: it is heard a moment longer, and answered."""
        if self.cycle is None or self.cycle.response_complete:
            self.loop.call_later(HEARS, self._hang_up)
        else:
            super().shutdown()

    def _hang_up(self) -> None:
        if not self.transport.is_closing():
            super().shutdown()

    def _wait(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self.loop.call_later(seconds, self._late)

    def _late(self) -> None:
        answering = self.cycle is not None and (self.cycle.response_started or not self.cycle.more_body)
        if self.transport is None or self.transport.is_closing():
            return
        if answering and not self.cycle.response_complete:
            self.transport.abort()
        else:
            self._end(408)

    def _end(self, status: int) -> None:
        words = {408: b"Request Timeout", 431: b"Request Header Fields Too Large"}[status]
        head = b"HTTP/1.1 %d %s\r\nconnection: close\r\ncontent-length: 0\r\n\r\n" % (status, words)
        self.transport.write(head)
        self.transport.close()


def serve(
    findings: Iterable[str | Path] = (),
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    workers: int = 1,
    hosts: Sequence[str] = (),
    **options: Any,
) -> None:
    """Serve findings, or every shipped one, until the process is told to end; `options` are those of `Service`."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    service = Service(Desk(findings), hosts=(*LOOPBACK, host, *hosts), **options)
    sockets = _listen(host, port, workers)
    at = sockets[0].getsockname()[1]
    shown = f"[{host}]" if ":" in host else host
    print(f"riskmodel: http://{shown}:{at}/ (Ctrl-C ends it)", file=sys.stderr, flush=True)  # noqa: T201 - where it is
    if workers == 1:
        _run(service, sockets[0])
    else:
        _run_many(service, sockets)


def _listen(host: str, port: int, workers: int) -> list[socket.socket]:
    """A socket for each worker, among which Linux deals connections: of one that is shared the first to wake takes most."""
    first = _bound(host, port)
    if workers == 1 or sys.platform != "linux":
        return [first] * workers
    at = first.getsockname()[1]
    first.close()  # it was bound alone, so that a port that another has is told
    return [_bound(host, at, together=True) for _ in range(workers)]


def _bound(host: str, port: int, *, together: bool = False) -> socket.socket:
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    if together:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except (OSError, UnicodeError) as error:
        listening.close()
        if not isinstance(error, OSError) or isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            what = f"{host} is no address of this machine"
            raise InputError(what, where="host", remedy="Give one, such as 127.0.0.1") from error
        remedy = "Take another with --port, or end what has it"
        raise InputError(
            f"port {port} of {host} cannot be had: {error.strerror}", where="port", remedy=remedy
        ) from error
    listening.listen(1024)
    # Inherited by every accepted connection: without it a small answer waits 40 ms for the reader's acknowledgement.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _run(service: Service, listening: socket.socket) -> None:
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="riskmodel: %(message)s")
    for number in (signal.SIGTERM, signal.SIGINT):  # raised once more when it has ended in order: that is no failure
        signal.signal(number, lambda *_: None)
    config = uvicorn.Config(
        service.guarded, http=Deadlines, loop="uvloop", ws="none", log_config=None, access_log=False, server_header=False,
        date_header=True, timeout_keep_alive=30, timeout_graceful_shutdown=ENDS, backlog=1024, proxy_headers=False,
    )  # fmt: skip
    uvicorn.Server(config).run(sockets=[listening])


def _run_many(service: Service, sockets: Sequence[socket.socket]) -> None:
    """Workers that share what was read before they were forked; one that ends by itself is begun again at its socket."""
    children: dict[int, socket.socket] = {}
    ending = False

    def begin(listening: socket.socket) -> None:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                _run(service, listening)
                code = 0
            finally:
                os._exit(code)
        children[pid] = listening

    def end(number: int, _frame: Any) -> None:
        nonlocal ending
        ending = True
        for child in children:
            os.kill(child, number)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    for one in sockets:
        begin(one)
    while children:
        try:
            pid, _status = os.wait()
        except InterruptedError:
            continue
        listening = children.pop(pid)
        if not ending:
            begin(listening)

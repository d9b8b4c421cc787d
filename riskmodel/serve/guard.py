"""What stands between the socket and the routes: hosts, the size of a body, security headers, and faults of our own.

Written against ASGI itself, since a middleware that wraps every response in a task of its own halves the answers a second.
"""

from __future__ import annotations

import ipaddress
import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from riskmodel._support.checks import shown
from riskmodel.errors import InputError, RiskModelError
from riskmodel.serve.faults import TooLargeError, as_sent, fault_of_ours, status_of

#: Bytes of a body, by the beginning of a path: a table of new counts, a hook with its prefetched bundles, and anything else.
CAPS = (("/analyst", 1 << 20), ("/cds-services", 1 << 20), ("", 64 << 10))
#: No page of ours loads, frames or is framed by anything from elsewhere, and none has a style or script within it.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    # The address holds what is known of a patient: no other site is told it.
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def host_name(given: str) -> str:
    """A machine's name as a request says it; refused where none can, and where it is empty, which is every interface."""
    try:
        address = ipaddress.ip_address(given.strip("[]"))
    except ValueError:
        if re.fullmatch(r"[\w.-]+", given):
            return given.lower()
        remedy = "Give a name or an address, such as 127.0.0.1 or clinic.example, without http:// and port"
        raise InputError(f"{shown(given)} is no machine's name", where="host", remedy=remedy) from None
    return f"[{address}]" if address.version == 6 else str(address)


def site_origin(given: str) -> str:
    """A site as its scripts name it, or ``*`` for all; what no browser names is refused."""
    if given != "*" and not re.fullmatch(r"[a-z][a-z0-9+.-]*://[^/\s]+", given.lower()):
        remedy = "Give such as https://clinic.example, without a path"
        raise InputError(f"{shown(given)} is no site", where="origin", remedy=remedy)
    return given.lower()


class Guard:
    """An application behind its guard: a page elsewhere whose name resolves to this machine is refused by that name."""

    def __init__(self, app: ASGIApp, *, hosts: tuple[str, ...]) -> None:
        self.app, self.hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message["headers"], *HEADERS]
            await send(message)

        headers = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1").lower()
        name = host if host.endswith("]") else host.rpartition(":")[0] if ":" in host else host
        cap = next(most for beginning, most in CAPS if scope["path"].startswith(beginning))
        try:
            if name not in self.hosts:
                raise InputError("this host is not served", where="host", remedy="Ask by the address that was printed")
            length = headers.get(b"content-length", b"0")
            if not length.isdigit() or int(length) > cap:
                raise _too_large(cap)
            await self.app(scope, _capped(receive, cap), guarded)
        except RiskModelError as error:
            if started:
                return  # half an answer is cut off by the server, and what was asked is in no log
            status = 400 if error.field == "host" else status_of(error)
            await self._refuse(scope, guarded, error, status)
        except Exception as error:
            if not started:  # else it has been told, and the application raises it once more for its server
                await self._refuse(scope, guarded, fault_of_ours(error), 500)

    async def _refuse(self, scope: Scope, send: Send, error: RiskModelError, status: int) -> None:
        content, kind = as_sent(scope["path"], error, status)
        headers = [
            (b"content-type", kind.encode()),
            (b"content-length", str(len(content)).encode()),
            (b"cache-control", b"no-store"),
        ]
        if status == 413:
            headers.append((b"connection", b"close"))  # what is left of the body is not read
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else content})


def _too_large(cap: int) -> TooLargeError:
    return TooLargeError(f"a body of more than {cap:,} bytes", where="body", remedy=f"Send at most {cap:,}")


def _capped(receive: Receive, cap: int) -> Receive:
    """The same body, cut off with an error where it is longer than it may be."""
    read = 0

    async def received() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > cap:
            raise _too_large(cap)
        return message

    return received

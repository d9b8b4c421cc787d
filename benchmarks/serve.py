"""Requests a second of `riskmodel serve` with two workers, by wrk on this machine; what faults do to it; and its memory.

Run by ``make load``: about three minutes, bounded in count and time, to an address of this machine alone. Cached is an
answer that was asked before; uncached one in which something is described (weeks): worked out each time, kept nowhere.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from served_here import server

SECONDS, CONNECTIONS = 6, (1, 16, 64)
#: wrk asks one path of several by turns; weeks differ by days, as they are typed.
_UNCACHED = """
local states = {"isolated", "associated"}
local i = 0
request = function()
  i = i + 1
  local weeks = 16 + (i % 160) / 10
  return wrk.format("GET", "PATH?finding=fetal-hepatic-calcification&anatomy=" .. states[i % 2 + 1] .. "&weeks=" .. weeks)
end
"""
_CACHED = """
local states = {"anatomy=isolated", "anatomy=associated", "karyotype=normal", "infection=negative", "serology=pending"}
local i = 0
request = function()
  i = i + 1
  return wrk.format("GET", "PATH?finding=fetal-hepatic-calcification&" .. states[i % 5 + 1])
end
"""


def wrk(address: str, script: str, path: str, connections: int, seconds: int = SECONDS) -> dict[str, str]:
    """What wrk says: requests a second, p50 and p99, and answers that were none."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script.replace("PATH", path))
        file.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", file.name, address]
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout

    def one(pattern: str, otherwise: str = "0") -> str:
        found = re.search(pattern, said)
        return found[1] if found else otherwise

    failed = int(one(r"Non-2xx or 3xx responses: (\d+)"))
    failed += sum(map(int, re.findall(r"(?:connect|read|write|timeout) (\d+)", said)))
    rate = float(one(r"Requests/sec:\s+([\d.]+)"))
    latency = {"p50": one(r"50%\s+(\S+)"), "p99": one(r"99%\s+(\S+)")}
    return latency | {"rate": f"{rate:,.0f}", "failed": str(failed), "requests": one(r"(\d+) requests in")}


def resident(pid: int) -> float:
    """Memory in MB of a process and those that it began."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) if not children else 0
    return pages * 4096 / 1e6 + sum(resident(int(child)) for child in children)


def listening(address: str) -> int:
    """The process that was begun here and listens there."""
    for child in Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split():
        if "serve" in Path(f"/proc/{child}/cmdline").read_text():
            return int(child)
    raise LookupError(address)


def raw(address: str, sent: bytes, wait: float = 30.0, pause: float = 0.0) -> tuple[str, float]:
    """The status line that a socket is answered with, and the seconds that it took."""
    place = urlsplit(address)
    begun = time.monotonic()
    with socket.create_connection((place.hostname, place.port), timeout=wait) as connection:
        connection.sendall(sent)
        time.sleep(pause)
        try:
            answer = connection.recv(200)
        except TimeoutError:
            return "still open", time.monotonic() - begun
        except ConnectionResetError:
            return "cut off", time.monotonic() - begun
    return answer.split(b"\r\n")[0].decode() or "closed", time.monotonic() - begun


def status(address: str, path: str, body: bytes | None = None, kind: str = "application/json") -> str:
    asked = urllib.request.Request(address + path, body, {"content-type": kind})
    try:
        return str(urllib.request.urlopen(asked, timeout=30).status)
    except urllib.error.HTTPError as error:
        return str(error.code)


def faults(address: str) -> list[tuple[str, str]]:
    """What is sent amiss, and what is answered."""
    host = b"Host: " + urlsplit(address).netloc.encode() + b"\r\n"
    post = b"POST /cds-services/riskmodel-patient-view HTTP/1.1\r\n" + host + b"Content-Type: application/json\r\n"
    halves: dict[str, bytes] = {
        "nothing at all": b"",
        "half a head": b"GET / HTTP/1.1\r\nHo",
        "half a body": post + b"Content-Length: 1000\r\n\r\n{",
    }
    rows: list[tuple[str, str]] = []
    found: dict[str, tuple[str, float]] = {}
    threads = [
        threading.Thread(target=lambda name=name, sent=sent: found.__setitem__(name, raw(address, sent)))
        for name, sent in halves.items()
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    rows += [(name, f"{found[name][0]} after {found[name][1]:.0f} s") for name in halves]
    rows.append(("a head of 64 KB", raw(address, b"GET / HTTP/1.1\r\n" + host + b"X: " + b"x" * 65_536)[0]))
    rows.append(("10 MB", raw(address, post + b"Content-Length: 10485760\r\n\r\n" + b"x" * 65_536)[0]))
    hook = "/cds-services/riskmodel-patient-view"
    rows.append(("malformed JSON", status(address, hook, b"{")))
    rows.append(("deep JSON", status(address, hook, b"[" * 200_000)))
    rows.append(("an unknown finding", status(address, "/api/v1/consultation?finding=nobody")))
    rows.append(("another host", raw(address, b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n")[0]))
    with slow_readers(address, 50):
        cached = wrk(address, _CACHED, "/api/v1/consultation", 16, 3)
    rows.append(("50 slow readers, 16 others", f"the others: {cached['rate']} a second, p99 {cached['p99']}"))
    return rows


@contextlib.contextmanager
def slow_readers(address: str, number: int):
    """Connections that ask for much and read nothing."""
    place = urlsplit(address)
    asked = b"GET / HTTP/1.1\r\nHost: " + place.netloc.encode() + b"\r\n\r\n"
    held = []
    for _ in range(number):
        one = socket.create_connection((place.hostname, place.port))
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.sendall(asked * 40)
        held.append(one)
    yield
    for one in held:
        one.close()


def ending(address: str, pid: int, after: float = 2.0) -> str:
    """SIGTERM while 16 connections ask one after another: what was asked and what was answered."""
    place = urlsplit(address)
    asked = (
        b"GET /api/v1/consultation?anatomy=isolated&weeks=20 HTTP/1.1\r\nHost: " + place.netloc.encode() + b"\r\n\r\n"
    )
    counts = {"answered": 0, "lost": 0}
    lock = threading.Lock()

    def ask() -> None:
        done = lost = 0
        with contextlib.suppress(OSError), socket.create_connection((place.hostname, place.port), timeout=20) as one:
            reader = one.makefile("rb")
            while True:
                one.sendall(asked)
                head = reader.readline()
                if not head:
                    lost += 1
                    break
                length, last = 0, False
                while (line := reader.readline().strip()) != b"":
                    length = int(line.split(b":")[1]) if line.startswith(b"content-length") else length
                    last = last or line.lower() == b"connection: close"
                whole = len(reader.read(length)) == length
                done, lost = done + whole, lost + (not whole)
                if last or not whole:
                    break
        with lock:
            counts["answered"] += done
            counts["lost"] += lost

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for one in threads:
        one.start()
    time.sleep(after)
    begun = time.monotonic()
    os.kill(pid, signal.SIGTERM)
    for one in threads:
        one.join(30)
    return f"{counts['answered']:,} answered whole, {counts['lost']} not; ended in {time.monotonic() - begun:.1f} s"


def main() -> int:
    if shutil.which("wrk") is None:
        print("wrk is not installed: apt-get install wrk")
        return 1
    with server("--workers", "2", warm=True) as address:
        pid = listening(address)
        print("| asked | connections | a second | p50 | p99 | failed |\n| --- | --- | --- | --- | --- | --- |")
        paths = (("JSON", "/api/v1/consultation"), ("page", "/"))
        for kind, script in (("cached", _CACHED), ("uncached", _UNCACHED)):
            for name, path in paths:
                for connections in CONNECTIONS:
                    one = wrk(address, script, path, connections)
                    cells = [f"{name}, {kind}", str(connections), one["rate"], one["p50"], one["p99"], one["failed"]]
                    print("| " + " | ".join(cells) + " |", flush=True)
        before, asked = resident(pid), 0
        seconds = 0
        while asked < 100_000 and seconds < 120:
            asked += int(wrk(address, _CACHED, "/api/v1/consultation", 16, 10)["requests"])
            seconds += 10
        print(f"\nMemory of both workers: {before:.0f} MB, after {asked:,} more requests {resident(pid):.0f} MB.\n")
        print("| fault | answer |\n| --- | --- |")
        print("\n".join(f"| {what} | {answer} |" for what, answer in faults(address)))
        print(f"| SIGTERM under load | {ending(address, pid)} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The server itself, on a free port of this machine: half-sent requests, long heads, and its end."""

import re
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from http.client import HTTPConnection

import pytest

from riskmodel.serve import run

MILD = "fetal-mild-ventriculomegaly"
#: Deadlines in tests: as short as a busy machine lets them be for what is refused, and none for what is answered.
SHORT = "import riskmodel.serve.run as run; run.HEAD, run.BODY, run.ENDS = 1.0, 1.0, 600; run.serve(['{}'], port=0, workers={}, background=False)"


WORKERS = {"params": [1, 2], "ids": ["one-worker", "two-workers"]}


@contextmanager
def started(workers):
    command = [sys.executable, "-c", SHORT.format(MILD, workers)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        yield process, int(re.search(r":(\d+)/ ", process.stderr.readline())[1])
        if process.poll() is None:
            process.terminate()
            process.wait(30)


@pytest.fixture(scope="module", **WORKERS)
def server(request):
    """One that every test leaves running."""
    with started(request.param) as found:
        yield found


@pytest.fixture(**WORKERS)
def ending(request):
    """One of a test's own, to be stopped."""
    with started(request.param) as found:
        yield found


def answered(port, sent, seconds=20.0):
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        connection.sendall(sent)
        try:
            return connection.recv(100).split(b"\r\n")[0].decode()
        except ConnectionResetError:
            return "cut off"


def test_half_a_request_is_not_waited_for_and_the_rest_is_served(server):
    process, port = server
    post = (
        b"POST /cds-services/riskmodel-patient-view HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    )
    assert "408" in answered(port, b"")
    assert "408" in answered(port, b"GET / HTTP/1.1\r\nHo")
    assert "408" in answered(port, post + b"Content-Length: 1000\r\n\r\n{")
    assert "431" in answered(port, b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * (run.MOST_HEAD + 1_000))
    assert "413" in answered(port, post + b"Content-Length: 10485760\r\n\r\n" + b"x" * 1_000)
    assert "200" in answered(port, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert process.poll() is None


def test_what_was_accepted_is_answered_at_the_end_which_is_no_failure(ending):
    process, port = ending
    held = [HTTPConnection("127.0.0.1", port, timeout=600) for _ in range(8)]
    for one in held:  # accepted, since it is answered
        one.request("GET", "/healthz")
        assert one.getresponse().read()
    for one in held:
        one.request("GET", "/api/v1/consultation?weeks=20")
    process.send_signal(signal.SIGTERM)
    for one in held:
        assert one.getresponse().status == 200
        one.close()
    assert process.wait(600) == 0
    # Nothing of what was asked is on standard error.
    assert "weeks" not in process.stderr.read()


def test_a_port_that_is_taken_is_told(server):
    from riskmodel.errors import InputError

    with pytest.raises(InputError, match="cannot be had") as told:
        run.serve([MILD], port=server[1])
    assert told.value.field == "port"


def test_without_the_extra_the_command_says_what_installs_it():
    code = "import sys; sys.modules['uvicorn'] = None\nfrom riskmodel.cli import main\nmain(['serve', '--port', '0'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2
    assert "pip install 'riskmodel-prenatal[web]'" in done.stderr

"""Runs command lines in forks of one process that has loaded everything: a line of JSON for each, a line back.

A task has ``args`` and ``cwd``; and, if wanted, ``signal`` and ``after`` (seconds), ``fsize`` (bytes that a file may have),
``stdout`` ("closed", "full" or "gone" for a reader that went away), ``terminal`` (the path of one, in place of all streams),
``environment`` and ``gone`` (the working directory is taken away first).
"""

import ctypes
import io
import json
import os
import resource
import shutil
import signal
import sys
import time

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt

import riskmodel as rm
from riskmodel.cli import main
from riskmodel.evidence.manifest import SHIPPED


def load():
    """Let what commands import be imported, and pictures have their fonts."""
    tree = rm.fit(SHIPPED / "template")
    rm.plots.forest(rm.pool([1, 2], [9, 9]).table()).get_figure().savefig(io.BytesIO())
    plt.close("all")
    _ = rm.refit, rm.calibrate, rm.fit_all, rm.consult(finding=tree), rm.sensitivity.count_ledger, rm.FitRecord


def child(task, told):
    os.chdir(task["cwd"])
    if task.get("gone"):
        shutil.rmtree(task["cwd"])
    if "fsize" in task:
        resource.setrlimit(resource.RLIMIT_FSIZE, (task["fsize"], task["fsize"]))
    if os.getuid() == 0:  # as an ordinary user, for whom permissions hold (capabilities(7), version 3 of the call)
        ctypes.CDLL(None).capset((ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)())
    if "environment" in task:
        os.environ.clear()
        os.environ.update(task["environment"])
    out = {"full": "/dev/full"}.get(task.get("stdout"), os.devnull)
    os.dup2(os.open(out, os.O_WRONLY), 1)
    if task.get("stdout") == "gone":
        reader, writer = os.pipe()
        os.close(reader)
        os.dup2(writer, 1)
    os.dup2(told, 2)
    if "terminal" in task:
        for stream in range(3):
            os.dup2(os.open(task["terminal"], os.O_RDWR | os.O_NOCTTY), stream)
    sys.stdout = None if task.get("stdout") == "closed" else open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
    try:
        main(task["args"])
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 0
    except KeyboardInterrupt:
        return 130
    return 0


def run(task):
    reading, told = os.pipe()
    started = time.monotonic()
    number = os.fork()
    if number == 0:
        code = 99
        try:
            code = child(task, told)
            sys.stderr.flush()
        except KeyboardInterrupt:  # before the command had begun
            code = 130
        finally:
            os._exit(code)
    os.close(told)
    if "signal" in task:
        time.sleep(task["after"])
        os.kill(number, getattr(signal, task["signal"]))
    with open(reading, "rb") as stream:
        said = stream.read()
    _, status = os.waitpid(number, 0)
    code = os.waitstatus_to_exitcode(status)
    return {"code": code, "said": said.decode(errors="replace")[:600], "seconds": time.monotonic() - started}


if __name__ == "__main__":
    load()
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        answers.write(json.dumps(run(json.loads(line))) + "\n")
        answers.flush()

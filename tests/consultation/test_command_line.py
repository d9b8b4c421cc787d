"""The command line as a shell meets it: pipes, pagers, widths, bare and misspelt names, weeks and days."""

import contextlib
import json
import os
import pty
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import click
import pytest
from command_line import run

import riskmodel as rm
from riskmodel.cli import commands, main
from riskmodel.cli._terminal import WIDTH
from riskmodel.report.wording import gestation

COMMAND = [sys.executable, "-m", "riskmodel"]


def left(args, *, stderr=subprocess.PIPE):
    """Exit code of a command whose reader has gone away, and what it said besides."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([*COMMAND, *args], stdout=write, stderr=write if stderr is None else stderr, text=True)
    os.close(write)
    return done.returncode, done.stderr or ""


@pytest.mark.parametrize(
    "args",
    [["pool", "11/61", "5/5"], ["consult"], ["consult", "--json"], ["consult", "--markdown"], ["evidence", "show"], ["evidence"],
     ["--help"], ["--version"], ["evidence", "check", "fetal-hepatic-calcification"]],
)  # fmt: skip
def test_a_reader_that_leaves_is_no_fault(args, ask):
    got = ask(args=args, cwd=os.getcwd(), stdout="gone")
    assert (got["code"], got["said"]) == (0, "")


@pytest.mark.parametrize("args", [["pool", "11/61", "5/5"], ["--version"]])
def test_nor_is_it_where_the_process_ends(args):
    assert left(args) == (0, "")


def test_a_fault_is_one_still_where_nobody_reads_it():
    assert left(["pool", "9/3", "--json"])[0] == 2
    assert left(["pool", "9/3", "--json"], stderr=None)[0] == 2


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no full device")
def test_what_cannot_be_written_is_told():
    with open("/dev/full", "w") as full:
        done = subprocess.run([*COMMAND, "pool", "1/2"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, "the output cannot be written" in done.stderr) == (2, True)


@pytest.mark.parametrize(("asked", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_that_a_library_makes_a_fault_of_is_a_signal_still(asked, code):
    # as NumPy does inside a comparison, and Matplotlib inside a picture
    hidden = """
import signal
from riskmodel import cli
from riskmodel.errors import InputError

def compares(**options):
    try:
        signal.raise_signal(signal.{asked})
    except (KeyboardInterrupt, SystemExit):
        raise {fault}("not comparable") from None

cli.commands.commands["pool"].callback = compares
cli.main(["pool", "1/2", "--json"])
"""
    for fault in ("TypeError", "InputError"):
        done = subprocess.run(
            [sys.executable, "-c", hidden.format(fault=fault, asked=asked)], capture_output=True, text=True
        )
        assert (done.returncode, done.stdout, done.stderr) == (code, "", "")


# ---------------------------------------------------------------- width and pager


def columns(text):
    return max(map(len, text.splitlines()))


def test_a_page_in_a_pipe_is_as_wide_as_columns_says(monkeypatch):
    for said, widest in (
        (None, WIDTH),
        ("70", 70),
        ("150", 150),
        ("", WIDTH),
        ("wide", WIDTH),
        ("0", WIDTH),
        ("-5", WIDTH),
        ("3", 40),
    ):
        with monkeypatch.context() as patched:
            patched.delenv("COLUMNS", raising=False)
            if said is not None:
                patched.setenv("COLUMNS", said)
            code, out, _ = run("evidence", "show")
        assert code == 0
        assert columns(out) <= widest
        assert columns(out) > 0.8 * widest


def read(terminal):
    said = b""
    with contextlib.suppress(OSError):  # how Linux says that the other end is closed
        while chunk := os.read(terminal, 65536):
            said += chunk
    return said.decode()


@pytest.fixture
def on_terminal(ask):
    """What a command writes to a terminal of 80 columns."""

    def asked(args, **more):
        above, below = pty.openpty()
        usual = {
            name: value
            for name, value in os.environ.items()
            if name not in ("PAGER", "RISKMODEL_PAGER", "LESS", "COLUMNS")
        }
        with ThreadPoolExecutor(1) as reader:
            said = reader.submit(read, above)
            environment = usual | {"TERM": "xterm"} | more
            got = ask(args=args, cwd=os.getcwd(), terminal=os.ttyname(below), environment=environment)
            os.close(below)
        os.close(above)
        return got["code"], said.result()

    return asked


PAGER = """sh -c 'echo "LESS=$LESS"; grep -c .'"""


@pytest.mark.parametrize(
    "args", [["pool", "1/2"], ["consult", "--markdown"], ["consult", "--json"], ["evidence", "show"]]
)
def test_a_terminal_has_a_pager_as_git_has(on_terminal, args):
    code, said = on_terminal(args, PAGER=PAGER)
    assert (code, "LESS=FRX" in said) == (0, True)
    assert "LESS=-S" in on_terminal(args, PAGER="less-is-not-asked", RISKMODEL_PAGER=PAGER, LESS="-S")[1]


@pytest.mark.parametrize("pager", ["", "cat", "no-such-pager --really", "'unbalanced"])
def test_no_pager_is_no_fault(on_terminal, pager):
    code, said = on_terminal(["pool", "1/2"], PAGER=pager)
    assert (code, "new setting" in said) == (0, True)


def test_a_pager_may_be_declined_or_left(on_terminal):
    assert "LESS=" not in on_terminal(["--no-pager", "pool", "1/2"], PAGER=PAGER)[1]
    assert on_terminal(["evidence", "show"], PAGER="true")[0] == 0
    assert "new setting" in on_terminal(["pool", "1/2"], PAGER="sh -c 'exit 127'")[1]


def test_no_pager_in_a_pipe(monkeypatch):
    done = subprocess.run([*COMMAND, "pool", "1/2"], capture_output=True, text=True, env=os.environ | {"PAGER": PAGER})
    assert "LESS=" not in done.stdout
    assert "new setting" in done.stdout


# ---------------------------------------------------------------- names


def said(capsys, *args):
    with pytest.raises(SystemExit) as stop:
        main(list(args))
    out, err = capsys.readouterr()
    return stop.value.code, out, err


def test_an_export_says_its_form_and_every_file_that_it_wrote(tmp_path, capsys):
    code, _, err = said(capsys, "evidence", "export", "fetal-echogenic-bowel")
    assert (code, err.endswith("Write it as: riskmodel evidence export FINDING DIR\n")) == (2, True)
    code, out, _ = said(capsys, "evidence", "export", "fetal-echogenic-bowel", str(tmp_path / "package"))
    assert code == 0
    assert all(one.name in out for one in (tmp_path / "package").iterdir())


@pytest.mark.parametrize("args", [[], ["evidence"]])
def test_a_bare_group_prints_its_help(args, capsys):
    code, out, err = said(capsys, *args)
    assert (code, err) == (0, "")
    assert out == said(capsys, *args, "--help")[1]


@pytest.mark.parametrize(
    ("args", "meant"),
    [
        (["consutl"], "consult"), (["fit_all", "x"], "fit-all"), (["evidence", "shwo"], "show"), (["Pool", "1/2"], "pool"),
        (["pool", "1/2", "--heterogenity", "0"], "--heterogeneity"), (["refit", "x.csv", "--seting", "any"], "--setting"),
        (["consult", "--wekes", "20"], "--weeks"), (["evidence", "audit", "--reding", "strict"], "--reading"),
        (["pool", "1/2", "--model", "beta-binomail"], "beta-binomial"), (["calibrate", "--model", "logitnormal"], "logit-normal"),
        (["calibrate", "--row", "uniform-roh"], "uniform-rho"), (["pool", "1/2", "--prior", "jefreys"], "jeffreys"),
    ],
)  # fmt: skip
def test_a_misspelt_name_says_what_is_meant(args, meant, capsys):
    code, out, err = said(capsys, *args)
    assert (code, out) == (2, "")
    assert f"Did you mean {meant!r}?" in err


@pytest.mark.parametrize(
    ("call", "meant"),
    [
        (lambda: rm.pool([1], [2], heterogenity=0), "heterogeneity"), (lambda: rm.pool([1], [2], priors="rbest"), "prior"),
        (lambda: rm.pool([1], [2], method="nuts", label=["x"]), "labels"), (lambda: rm.pool([1], [2], method="nuts", drows=9), "draws"),
        (lambda: rm.consult(findng="x"), "finding"), (lambda: rm.consult(heterogenity=0), "heterogeneity"),
        (lambda: rm.consult(anatomi="isolated"), "anatomy"),
    ],
)  # fmt: skip
def test_a_misspelt_keyword_says_what_is_meant(call, meant):
    with pytest.raises(rm.UnknownNameError, match=f"Did you mean '{meant}'"):
        call()


def test_pool_takes_what_calibrate_takes(capsys):
    options = {name: {one.opts[0]: one.help for one in commands.commands[name].params if isinstance(one, click.Option)}
               for name in ("pool", "calibrate")}  # fmt: skip
    for option in ("--prior", "--heterogeneity", "--model"):
        assert options["pool"][option] == options["calibrate"][option]
    for args, more in (
        (["--model", "logit-normal", "--prior", "normal,0,2", "--heterogeneity", "half-normal,1"],
         {"model": "logit-normal", "prior": ("normal", 0, 2), "heterogeneity": ("half-normal", 1)}),
        (["--prior", "1,1", "--heterogeneity", "0"], {"prior": (1, 1), "heterogeneity": 0}),
        (["--heterogeneity", "log-normal,0.8,0.6"], {"heterogeneity": ("log-normal", 0.8, 0.6)}),
        (["--heterogeneity", "1,9"], {"heterogeneity": (1, 9)}),
        (["--heterogeneity", "exponential,0.6"], {"heterogeneity": ("exponential", 0.6)}),
    ):  # fmt: skip
        code, out, _ = said(capsys, "pool", "20/21", "10/11", *args, "--json")
        assert code == 0
        body = rm.pool([20, 10], [21, 11], labels=["20/21", "10/11"], **more).to_dict()
        assert json.loads(out) == json.loads(json.dumps(body))


def test_a_fault_of_usage_has_its_field(capsys):
    for args, field in (
        (["pool", "--json"], "series"),
        (["pool", "1/2", "--json", "--prior"], "prior"),
        (["calibrate", "--json", "--jobs", "x"], "jobs"),
        (["consult", "--json", "--weeks", "60"], "weeks"),
        (["consult", "--json", "--weeks"], "weeks"),
    ):
        assert json.loads(said(capsys, *args)[1])["error"]["field"] == field


# ---------------------------------------------------------------- weeks and days


@pytest.mark.parametrize(
    "text",
    ["20+3", " 20 + 3 ", "20w3d", "20W3D", "20w 3d", "20 weeks 3 days", "20 weeks, 3 days", "20 weeks and 3 days", "20wk3", "20 3/7",
     "20+3/7", "20+3 weeks", "20wks+3"],
)  # fmt: skip
def test_weeks_and_days_are_read(text):
    assert rm.consult(weeks=text).described["weeks"] == pytest.approx(20 + 3 / 7, abs=1e-12)


@pytest.mark.parametrize(
    ("text", "weeks"), [("20", 20), ("20.4", 20.4), ("20 weeks", 20), ("20w", 20), ("9+0", 9), ("44+6", 44 + 6 / 7)]
)
def test_other_ways_to_write_weeks(text, weeks):
    assert rm.consult(weeks=text).described["weeks"] == pytest.approx(weeks, abs=1e-12)


@pytest.mark.parametrize(
    ("text", "words"),
    [("20+7", "write 21+0"), ("20+9", "has 9 days"), ("20w12d", "write 21+5"), ("45+1", "outside 4 to 45"), ("3+6", "outside"),
     ("20+", "as 20, 20+3 or 20w3d"), ("20 3", "20+3 or 20w3d"), ("20,3", "20+3"), ("+3", "outside"), ("20d3w", "20+3"), ("203", "outside"), ("2_0", "not a number")],
)  # fmt: skip
def test_what_are_no_weeks_says_how_they_are_written(text, words):
    with pytest.raises(rm.InputError) as caught:
        rm.consult(weeks=text)
    assert words in str(caught.value)
    assert caught.value.field == "weeks"


def test_weeks_are_echoed_so_that_a_slip_shows():
    assert [gestation(one) for one in (20.0, 20 + 3 / 7, 20.3, 20 + 6.99 / 7)] == [
        "20",
        "20+3",
        "20.3 (about 20+2)",
        "20.9986 (about 21+0)",
    ]
    assert "20+3 weeks: part of no number." in run("consult", "--weeks", "20w3d", "--markdown")[1]
    assert "20.3 (about 20+2) weeks" in run("consult", "--weeks", "20.3", "--markdown")[1]

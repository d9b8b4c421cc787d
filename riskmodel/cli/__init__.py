"""The command line: arguments to the interface to a page, a table or JSON, and an exit code. No logic of its own.

Exit codes: 0 done; 2 wrong usage or bad evidence; 1 a fault of the program itself. An error is a message on standard
error and, with ``--json``, one JSON body on standard output.
"""

from __future__ import annotations

import gc
import json
import os
import re
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from riskmodel._support.version import __version__
from riskmodel.errors import ContradictionError, InputError, RiskModelError, UnknownNameError

if TYPE_CHECKING:
    from riskmodel.evidence.finding import Finding


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    as_json = "--json" in arguments
    gc.freeze()  # what the libraries hold stays until the end: not to be searched for garbage during an answer
    try:
        sys.exit(commands.main(arguments, prog_name="riskmodel", standalone_mode=False) or 0)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.exceptions.Abort:
        sys.exit(130)
    except RiskModelError as error:
        _fail(error, as_json)
    except click.ClickException as error:
        _fail(InputError(error.format_message().rstrip("."), remedy="See riskmodel --help"), as_json)
    except BrokenPipeError:
        # The reader of our output went away, as `head` does: no fault of anybody's.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        reference = f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
        fault = RiskModelError(
            f"a fault of riskmodel itself ({reference})", remedy="Please report it with the command that led to it"
        )
        _fail(fault, as_json, code=1)


def _fail(error: RiskModelError, as_json: bool, code: int = 2) -> None:
    click.echo(f"riskmodel: {error.message}", err=True)
    if as_json:
        click.echo(json.dumps(error.to_dict(), indent=2, ensure_ascii=False))
    sys.exit(code)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="riskmodel")
def commands() -> None:
    """Calibrated risks of prenatal findings from small published case series."""


# ---------------------------------------------------------------- consult


class _ConsultCommand(click.Command):
    """A command whose options are the variables and descriptors of the finding that is asked about."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        from riskmodel.evidence.evidence import load_evidence

        # Read once: the options come from it, and so does the answer.
        ctx.obj = load_evidence(_named(args, "--finding"))
        self.params = _options(ctx.obj.finding)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            names = [option for param in self.params for option in param.opts]
            raise UnknownNameError("option", error.option_name, names, where="consult") from None
        except click.BadOptionUsage as error:
            raise InputError(error.format_message().rstrip("."), where="consult") from None


def _named(args: Sequence[str], option: str) -> str:
    from riskmodel.consultation.consult import DEFAULT_FINDING

    for i, arg in enumerate(args):
        if arg == option and i + 1 < len(args):
            return args[i + 1]
        if arg.startswith(option + "="):
            return arg.split("=", 1)[1]
    return DEFAULT_FINDING


def _once(_ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> str | None:
    """An option's one value; two that differ are a contradiction, where Click would quietly take the last."""
    different = list(dict.fromkeys(values))
    if len(different) > 1:
        raise ContradictionError(
            f"given as {' and as '.join(map(repr, different))}", where=param.opts[0], remedy="Leave all but one out"
        )
    return different[0] if different else None


def _show_help(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value:
        click.echo(ctx.get_help())
        ctx.exit()


def _option(
    flag: str, target: str, default: str | None, values: str, text: str, *, passed: bool = True
) -> click.Option:
    shown = f"{text}  [default: {default}]" if default else text
    return click.Option(
        [flag, target],
        multiple=True,
        callback=lambda *given: _once(*given) or default,
        metavar=values,
        help=shown,
        expose_value=passed,
    )


def _options(parsed: Finding) -> list[click.Parameter]:
    """Options of a consultation: those of every finding, and this one's variables and descriptors."""
    from riskmodel.consultation.consult import AUDIENCES, DEFAULT_FINDING

    settings = "|".join(["any", *(one.name for one in parsed.settings)])
    readings = "|".join(one.name for one in parsed.readings)
    return [
        *(
            _option(
                f"--{one.name.replace('_', '-')}",
                f"state_{one.name}",
                None,
                "|".join(one.states),
                f"Known: {one.title}.",
            )
            for one in parsed.states
        ),
        *(
            _option(
                f"--{one.name.replace('_', '-')}",
                f"state_{one.name}",
                None,
                one.unit.upper() or one.kind.upper(),
                f"Stated: {one.title}; echoed, not part of any number.",
            )
            for one in parsed.descriptors
        ),
        _option("--setting", "setting", "any", settings, "Whose series speak."),
        _option("--reading", "reading", "primary", readings, "How disputed rows are read."),
        _option("--audience", "audience", AUDIENCES[0], "|".join(AUDIENCES), "How it is worded."),
        _option(
            "--finding",
            "finding",
            DEFAULT_FINDING,
            "NAME|DIR",
            "A shipped finding, or a finding's folder.",
            passed=False,
        ),
        click.Option(["--json", "as_json"], is_flag=True, help="Print JSON (schema: consultation.schema.json)."),
        click.Option(["--markdown", "as_markdown"], is_flag=True, help="Print Markdown."),
        click.Option(
            ["--help", "-h"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_show_help,
            help="Show this and exit.",
        ),
    ]


@commands.command(cls=_ConsultCommand, name="consult", add_help_option=False)
def _consult(setting: str, reading: str, audience: str, as_json: bool, as_markdown: bool, **stated: Any) -> None:
    """Risks, work-up and cautions for what is known of a fetus.

    \b
    riskmodel consult --weeks 20 --size 5.5x4.4x3.4 --location umbilical-vein --foci 1
    riskmodel consult --anatomy isolated --karyotype normal --infection negative --json
    """  # noqa: D301
    from riskmodel.consultation.consult import consult
    from riskmodel.report import clinician as report

    collecting = gc.isenabled()
    gc.disable()  # one answer fits in memory many times over; looking for garbage takes a twentieth of a cold start
    try:
        answer = consult(
            finding=click.get_current_context().obj,
            setting=setting,
            reading=reading,
            audience=audience,
            **{name.removeprefix("state_"): value for name, value in stated.items()},
        ).to_dict()
    finally:
        if collecting:
            gc.enable()
    if as_json:
        click.echo(report.to_json(answer), nl=False)
    else:
        _page(report.to_markdown(answer), plain=as_markdown)


def _page(markdown: str, *, plain: bool = False) -> None:
    if plain:
        click.echo(markdown, nl=False)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console()
    if not console.is_terminal:
        console = Console(width=110)
    console.print(Markdown(markdown))


# ---------------------------------------------------------------- pool


@commands.command(name="pool")
@click.argument("series", nargs=-1, required=True, metavar="EVENTS/TOTAL...")
@click.option("--prior", default="jeffreys", show_default=True, help="Name of a prior on the average risk.")
@click.option("--heterogeneity", default="default", show_default=True, help="Name of a heterogeneity prior, or 0.")
@click.option("--method", default="exact", show_default=True, help="exact, or nuts (PyMC; slow).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def _pool(series: tuple[str, ...], prior: str, heterogeneity: str, method: str, as_json: bool) -> None:
    """Pool series of counts: riskmodel pool 20/21 10/11 5/5."""
    from riskmodel.inference.pool import pool

    pairs = [_ratio(text, i + 1) for i, text in enumerate(series)]
    post = pool(
        [events for events, _ in pairs],
        [total for _, total in pairs],
        prior=prior,
        heterogeneity=0 if heterogeneity == "0" else heterogeneity,
        method=method,  # type: ignore[arg-type]
        labels=list(series),
    )
    body = post.to_dict()
    if as_json:
        click.echo(json.dumps(body, indent=2, allow_nan=False))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{body['model']}, {body['method']}; {body['prior']}; {body['heterogeneity_prior']}")
    for name in ("", "observed", "mean", "median", "95 % interval"):
        table.add_column(name)
    for row in body["estimands"]:
        observed = "" if row["total"] is None else f"{row['events']} of {row['total']}"
        label = row["label"] if row["estimand"] == "series" else row["estimand"].replace("_", " ")
        label = f"series {label}" if row["estimand"] == "series" else label
        ends = " to ".join(f"{end:.4f}" for end in row["interval"])
        table.add_row(label, observed, f"{row['mean']:.4f}", f"{row['median']:.4f}", ends)
    console = Console()
    (console if console.is_terminal else Console(width=110)).print(table)
    click.echo("The probability for the next fetus is the mean of the new setting.")


def _ratio(text: str, number: int) -> tuple[int, int]:
    match = re.fullmatch(r"\s*(-?\d{1,12})\s*/\s*(-?\d{1,12})\s*", text)
    if not match:
        raise InputError(f"{text[:60]!r} is not EVENTS/TOTAL", where=f"series {number}", remedy="Write it as 20/21")
    return int(match[1]), int(match[2])


# ---------------------------------------------------------------- calibrate


@commands.command(name="calibrate")
@click.option("--corpus", metavar="FILE", help="A CSV of published series; the shipped development corpus otherwise.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of every draw.")
@click.option("--out", metavar="DIR", help="Write calibration.json and calibration.md there.")
@click.option("--jobs", type=int, default=1, show_default=True, help="Processes.")
@click.option("--prior", help="Judge another configuration: a name, or such as 1,1 or normal,0,2.")
@click.option("--heterogeneity", help="The same: a name, 0, or such as log-normal,0.8,0.6 or half-normal,1 or 1,9.")
@click.option("--model", help="The same: beta-binomial or logit-normal.")
@click.option("--row", "rows", multiple=True, metavar="NAME", help="One more named row, such as uniform-rho.")
@click.option("--mirrored", is_flag=True, help="Ask about non-events as well: a check of symmetry.")
@click.option("--picture", metavar="FILE", help="Draw it: PIT histogram, ECDF with bands, coverage.")
@click.option("--json", "as_json", is_flag=True, help="Print the record as JSON.")
def _calibrate(
    corpus: str | None, seed: int, out: str | None, jobs: int, picture: str | None, as_json: bool,
    mirrored: bool, **configuration: Any,
) -> None:  # fmt: skip
    """Whether predictions hold: leave one series out of published meta-analyses, and predict it from others.

    \b
    riskmodel calibrate --jobs 2 --out calibration --picture calibration/calibration.png
    riskmodel calibrate --heterogeneity half-normal,1
    """  # noqa: D301
    from riskmodel._support.executors import workers
    from riskmodel._support.files import folder
    from riskmodel.calibration.cross_validation import calibrate
    from riskmodel.calibration.predictors import asked

    place = folder(out) if out else None
    with workers(jobs) as executor, _Bar() as progress:
        record = calibrate(
            corpus, asked(**configuration), seed=seed, executor=executor, mirrored=mirrored,
            save=place / "calibration.json" if place else None, progress=progress,
        )  # fmt: skip
    if place:
        record.save(place / "calibration.md")
    if picture is not None:
        from riskmodel import plots

        tables = record.histogram_table(), record.ecdf_table(), record.coverage_table()
        plots.save(plots.calibration(*tables, title=f"{record.names[0]}, {record.corpus['name']} corpus"), picture)
    if as_json:
        click.echo(record.to_json(), nl=False)
    else:
        _page(record.to_markdown())


class _Bar:
    """A progress bar on standard error, where that is a terminal; a function of done and of all meanwhile."""

    def __init__(self, what: str = "arms") -> None:
        self.what = what

    def __enter__(self) -> Any:
        if not sys.stderr.isatty():
            self.bar = None
            return lambda done, of: None
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn(self.what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self.bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self.bar.start()
        task = self.bar.add_task(self.what)
        return lambda done, of: self.bar.update(task, completed=done, total=of)

    def __exit__(self, *_error: object) -> None:
        if self.bar is not None:
            self.bar.stop()


# ---------------------------------------------------------------- refit


@commands.command(name="refit")
@click.argument("new", metavar="NEW.csv")
@click.option("--finding", default="fetal-hepatic-calcification", show_default=True, help="A name, or a folder.")
@click.option("--setting", default="any", show_default=True, help="Whose series speak.")
@click.option("--reading", default="primary", show_default=True, help="How disputed rows are read.")
@click.option("--save", "place", metavar="DIR", help="Write the finding with the new counts there: a new folder.")
@click.option("--picture", metavar="FILE", help="Draw it: every risk before and after.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def _refit(
    new: str, finding: str, setting: str, reading: str, place: str | None, picture: str | None, as_json: bool
) -> None:
    """What new counts change: how surprising each is, what moves, and why. Nothing is written unless asked.

    NEW.csv has the columns of counts.csv, and citation, year, doi, pmid, design for a new source; an Excel sheet will do.

    \b
    riskmodel refit new-series.csv
    riskmodel refit new-series.csv --save my-finding --picture moves.png
    """  # noqa: D301
    from riskmodel._support.files import new_folder
    from riskmodel.updating.refit import update

    if place is not None:
        new_folder(place)
    found = update(finding, new, setting=setting, reading=reading)
    if picture is not None:
        from riskmodel import plots

        title = f"{found.after.evidence.finding.title}: {', '.join(found.sources)} added"
        plots.save(plots.before_after(found.move_table(), title=title), picture)
    if as_json:
        click.echo(json.dumps(found.to_dict(), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        _page(found.to_markdown())
    if place is not None:
        found.save(place)
        if not as_json:
            click.echo(f"Written: {place}. Ask it with riskmodel consult --finding {place}")


@commands.command(name="fit-all")
@click.argument("directory", metavar="DIR")
@click.option("--setting", default="any", show_default=True, help="Whose series speak.")
@click.option("--reading", default="primary", show_default=True, help="How disputed rows are read.")
@click.option("--jobs", type=int, default=1, show_default=True, help="Processes.")
@click.option("--records", metavar="DIR", help="Write the record of each fit there.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def _fit_all(directory: str, setting: str, reading: str, jobs: int, records: str | None, as_json: bool) -> None:
    """Fit every finding of a directory; one bad folder does not stop the rest."""
    from riskmodel._support.executors import workers
    from riskmodel.updating.many import fit_all

    with workers(jobs) as executor, _Bar("findings") as progress:
        found = fit_all(directory, setting=setting, reading=reading, executor=executor, progress=progress)
    if records is not None:
        found.save(records)
    table = found.table()
    if as_json:
        rows = json.loads(table.to_json(orient="records"))
        click.echo(json.dumps({"findings": rows}, indent=2, ensure_ascii=False))
    else:
        from riskmodel.report.refit import table as markdown_table

        head = ["Finding", "Version", "Branches", "Answers", "Contradictions", "Warnings", "Conflicts"]
        good = table[table["problem"] == ""]
        lines = [
            [row["finding"], row["version"], str(row["branches"]), f"{row['estimable']} of {row['questions']}",
             str(row["contradictions"]), str(row["warnings"]), str(row["conflicts"])]
            for row in good.to_dict("records")
        ]  # fmt: skip
        _page(f"# {len(good)} of {len(table)} findings fitted\n\n" + markdown_table(head, lines) + "\n")
    for name, why in found.failed.items():
        click.echo(f"riskmodel: {name}: {why}", err=True)
    if found.failed:
        sys.exit(2)


# ---------------------------------------------------------------- evidence


@commands.group(name="evidence")
def _evidence() -> None:
    """Look at a finding's counts, or check a folder of your own."""


@_evidence.command(name="show")
@click.argument("finding", default="fetal-hepatic-calcification")
@click.option("--reading", default="primary", show_default=True, help="How disputed rows are read.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def _show(finding: str, reading: str, as_json: bool) -> None:
    """Every count with its source, the audit, and the disagreements."""
    from riskmodel.evidence.evidence import load_evidence
    from riskmodel.report.evidence import describe, describe_markdown

    evidence = load_evidence(finding, reading=reading)
    if as_json:
        click.echo(json.dumps(describe(evidence), indent=2, ensure_ascii=False))
    else:
        _page(describe_markdown(evidence))


@_evidence.command(name="check")
@click.argument("folder", metavar="DIR")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def _check(folder: str, as_json: bool) -> None:
    """Find every fault of a finding's folder in one pass."""
    from riskmodel.evidence.evidence import load_evidence
    from riskmodel.report.evidence import describe

    evidence = load_evidence(folder)
    body = describe(evidence)
    if as_json:
        click.echo(
            json.dumps({name: body[name] for name in ("finding", "evidence_version", "rows", "audit")}, indent=2)
        )
        return
    click.echo(
        f"{evidence.finding.key}: no faults. {body['rows']} counts of {len(evidence.sources)} sources, {evidence.version}"
    )
    for one in evidence.audit():
        click.echo(f"  {one}")


@_evidence.command(name="audit")
@click.argument("finding", default="fetal-hepatic-calcification")
@click.option("--setting", default="any", show_default=True, help="Whose series speak.")
@click.option("--reading", default="primary", show_default=True, help="How disputed rows are read.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def _audit(finding: str, setting: str, reading: str, as_json: bool) -> None:
    """What a careful reader would ask of the counts and their fit, worst first, each with what to do."""
    from riskmodel.evidence.evidence import load_evidence
    from riskmodel.report.refit import table
    from riskmodel.tree.audit import audit_model
    from riskmodel.tree.model import fit

    evidence = load_evidence(finding, reading=reading)
    found = audit_model(fit(evidence, setting=setting))
    if as_json:
        body = {
            "finding": evidence.finding.key,
            "evidence_version": evidence.version,
            "audit": [one.to_dict() for one in found],
        }
        click.echo(json.dumps(body, indent=2, ensure_ascii=False))
        return
    rows = [[one.severity, one.code, one.what, one.remedy] for one in found]
    _page(f"# Audit of {evidence.finding.title}\n\n{table(['Severity', 'Kind', 'What', 'What to do'], rows)}\n")


@_evidence.command(name="template")
@click.argument("folder", metavar="DIR")
def _template(folder: str) -> None:
    """Write a small valid finding with comments, to begin from: a new folder."""
    from riskmodel.evidence.template import write_template

    write_template(folder)
    click.echo(f"Written: {folder}. Edit its files, then: riskmodel evidence check {folder}")


@_evidence.command(name="export")
@click.argument("finding")
@click.argument("folder", metavar="DIR")
def _export(finding: str, folder: str) -> None:
    """Write a finding as a tabular data package (datapackage.json), for R and spreadsheets: a new folder."""
    from riskmodel.evidence.evidence import load_evidence
    from riskmodel.evidence.export import export

    export(load_evidence(finding), folder)
    click.echo(f"Written: {folder}/datapackage.json with counts.csv and sources.csv")

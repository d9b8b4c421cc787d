"""The analyst's commands: pool, calibrate, refit, fit-all."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

from riskmodel.cli._terminal import Bar, drawn, page, say, show, show_json
from riskmodel.errors import InputError

#: What of a model may be chosen, by `pool` and `calibrate` alike.
_CHOICES = {
    "prior": "On the average risk: a name, or such as 1,1 or normal,0,2.",
    "heterogeneity": "On how settings differ: a name, 0, or such as log-normal,0.8,0.6 or half-normal,1 or 1,9.",
    "model": "beta-binomial, contaminated-beta-binomial, logit-normal or logit-t.",
}


def _configuration(**usual: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The options of a model, with what is usual for a command."""

    def added(function: Callable[..., None]) -> Callable[..., None]:
        for name in reversed(_CHOICES):
            option = click.option(f"--{name}", default=usual.get(name), show_default=name in usual, help=_CHOICES[name])
            function = option(function)
        return function

    return added


@click.command(name="pool")
@click.argument("series", nargs=-1, required=True, metavar="EVENTS/TOTAL...")
@_configuration(prior="jeffreys", heterogeneity="default", model="beta-binomial")
@click.option("--method", default="exact", show_default=True, help="exact, or nuts (PyMC; slow).")
@click.option(
    "--by",
    "by",
    multiple=True,
    metavar="LABELS",
    help="A covariate, a label for each series: early,late,late; era=early,late,late and so on for several (nuts).",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def pool(series: tuple[str, ...], method: str, by: tuple[str, ...], as_json: bool, **configuration: Any) -> None:
    """Pool series of counts: riskmodel pool 20/21 10/11 5/5."""
    from riskmodel._support.labels import TELLING_TOTAL, TOTAL, sums
    from riskmodel.inference.pool import pool

    events, totals = _counts(series)
    for i in sums(list(zip(events, totals, strict=True))):
        if totals[i] >= TELLING_TOTAL:
            told = f"series {i + 1}, {series[i]}, is the sum of the others. Is it {TOTAL[0]}? {TOTAL[1]}"
            say(f"riskmodel: {told}", err=True)
    post: Any = pool(events, totals, method=method, labels=list(series), by=_covariates(by), **configuration)
    body = post.to_dict()
    if as_json:
        show_json(body)
        return
    from rich.table import Table

    table = Table(title=f"{body['model']}, {body['method']}; {body['prior']}; {body['heterogeneity_prior']}")
    if by:
        _show_regression(body, table)
        return
    for name in ("", "observed", "mean", "median", "95 % interval"):
        table.add_column(name)
    for row in body["estimands"]:
        observed = "" if row["total"] is None else f"{row['events']} of {row['total']}"
        label = row["estimand"].replace("_", " ")
        label += f" {row['label']}" if row["label"] != row["estimand"] else ""
        ends = " to ".join(map(_digits, row["interval"]))
        table.add_row(label, observed, _digits(row["mean"]), _digits(row["median"]), ends)
    said = "The probability for the next fetus is the mean of the new setting.\n"
    if reason := post.new_setting.headline.reason:
        said += f"Tell the median first: {reason}.\n"
    show(drawn(table) + said)


def _covariates(texts: tuple[str, ...]) -> dict[str, list[Any]] | list[Any] | None:
    """What `--by` says: labels of one covariate, or of several by name; numbers where all are."""

    def labels(text: str) -> list[Any]:
        found = [one.strip() for one in text.split(",")]
        try:
            return [float(one) for one in found]
        except ValueError:
            return list(found)

    if len(texts) == 1 and "=" not in texts[0]:
        return labels(texts[0])
    named: dict[str, list[Any]] = {}
    for text in texts:
        before, sign, after = text.partition("=")
        name = before.strip() if sign else ""
        if not name or name in named:
            what = f"{name[:60]!r} is named twice" if name else f"{text[:60]!r} has no name"
            raise InputError(what, where="by", remedy="Write each of several as era=early,late,late")
        named[name] = labels(after)
    return named or None


def _show_regression(body: dict[str, Any], table: Any) -> None:
    """Levels, then odds ratios, with names as they were typed but for what a terminal would obey."""
    from rich.text import Text

    from riskmodel.inference.regression.covariates import COLUMNS

    def plain(given: object) -> str:
        return "".join(one if one.isprintable() else "\ufffd" for one in str(given))

    told = (*COLUMNS, "odds_ratio", "odds_ratio_lower", "odds_ratio_upper")
    own = [name for name in body["levels"][0] if name not in told]
    for name in (*own, "observed", "new setting", "95 % interval", "average", "95 % interval"):
        table.add_column(Text(plain(name)))
    for row in body["levels"]:
        observed = f"{row['events']} of {row['total']}"
        cells = [observed]
        for figure, of in (("mean", ""), ("average", "average_")):
            cells += [_digits(row[figure]), " to ".join(_digits(row[f"{of}{end}"]) for end in ("lower", "upper"))]
        table.add_row(*(Text(plain(row[name])) for name in own), *cells)
    said = "".join(
        plain(f"Odds ratio, {row['term']}: {row['level']} against {row['against']}: median {row['median']:.3g}, ")
        + f"95 % interval {row['lower']:.3g} to {row['upper']:.3g}\n"
        for row in body["odds_ratios"]
    )
    show(drawn(table) + said)


def _digits(value: float) -> str:
    """Four decimals, or two digits where these would hardly show any."""
    return f"{value:.4f}" if value == 0 or value >= 0.001 else f"{value:.1e}"


def _counts(series: Sequence[str]) -> tuple[list[int], list[int]]:
    """Events and totals of series."""
    pairs = [_ratio(text, i) for i, text in enumerate(series, 1)]
    return [events for events, _ in pairs], [total for _, total in pairs]


def _ratio(text: str, number: int) -> tuple[int, int]:
    from riskmodel._support.checks import as_ratio

    pair = as_ratio(text)
    if pair is None:
        raise InputError(f"{text[:60]!r} is not EVENTS/TOTAL", where=f"series {number}", remedy="Write it as 20/21")
    return pair


_sheet = click.option("--sheet", metavar="NAME", help="Of a workbook; the only visible one with the columns otherwise.")
_hidden = click.option("--hidden", is_flag=True, help="Read hidden rows and columns of a workbook as well.")


@click.command(name="calibrate")
@click.option("--corpus", metavar="FILE", help="A table of published series; the shipped development corpus otherwise.")
@_sheet
@_hidden
@click.option("--seed", type=int, default=1, show_default=True, help="Of every draw.")
@click.option("--out", metavar="DIR", help="Write calibration.json and calibration.md there.")
@click.option("--jobs", type=int, default=1, show_default=True, help="Processes.")
@_configuration()
@click.option("--row", "rows", multiple=True, metavar="NAME", help="One more named row, such as uniform-rho.")
@click.option("--mirrored", is_flag=True, help="Ask about non-events as well: a check of symmetry.")
@click.option("--picture", metavar="FILE", help="Draw it: PIT histogram, ECDF with bands, coverage.")
@click.option("--json", "as_json", is_flag=True, help="Print the record as JSON.")
def calibrate(
    corpus: str | None, seed: int, out: str | None, jobs: int, picture: str | None, as_json: bool,
    mirrored: bool, sheet: str | None, hidden: bool, **configuration: Any,
) -> None:  # fmt: skip
    """Whether predictions hold: leave one series out of published meta-analyses, and predict it from others.

    With a prior, heterogeneity or model, as `riskmodel pool` takes them, that configuration is judged beside the default.

    \b
    riskmodel calibrate --jobs 2 --out calibration --picture calibration/calibration.png
    riskmodel calibrate --heterogeneity half-normal,1
    """  # noqa: D301
    from riskmodel._support.executors import workers
    from riskmodel._support.files import folder
    from riskmodel.calibration.corpus import load_corpus
    from riskmodel.calibration.cross_validation import calibrate
    from riskmodel.calibration.predictors import asked

    predictors = asked(**configuration)
    loaded = load_corpus(corpus, sheet=sheet, hidden=hidden)
    for one in (*loaded.said, *(f"{one}. {one.remedy}" for one in loaded.audit())):
        say(f"riskmodel: {one}", err=True)
    place = None if out is None else folder(out)
    with workers(jobs) as executor, Bar() as progress:
        record = calibrate(
            loaded, predictors, seed=seed, executor=executor, mirrored=mirrored,
            save=place / "calibration.json" if place else None, progress=progress,
        )  # fmt: skip
    if place is not None:
        record.save(place / "calibration.md")
    if picture is not None:
        from riskmodel import plots

        tables = record.histogram_table(), record.ecdf_table(), record.coverage_table()
        plots.save(plots.calibration(*tables, title=f"{record.names[0]}, {record.corpus['name']} corpus"), picture)
    if as_json:
        show(record.to_json())
    else:
        page(record.to_markdown())


@click.command(name="refit")
@click.argument("new", metavar="NEW.csv")
@click.option("--finding", default="fetal-hepatic-calcification", show_default=True, help="A name, or a folder.")
@click.option("--setting", default="any", show_default=True, help="Whose series speak.")
@click.option("--reading", default="primary", show_default=True, help="How disputed rows are read.")
@click.option("--merge", is_flag=True, help="Take a paper that the finding has under another label for that one.")
@_sheet
@_hidden
@click.option("--save", "place", metavar="DIR", help="Write the finding with the new counts there: a new folder.")
@click.option("--picture", metavar="FILE", help="Draw it: every risk before and after.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def refit(
    new: str, finding: str, setting: str, reading: str, merge: bool, place: str | None, picture: str | None,
    as_json: bool, sheet: str | None, hidden: bool,
) -> None:  # fmt: skip
    """What new counts change: how surprising each is, what moves, and why. Nothing is written unless asked.

    NEW.csv, or a workbook, has the columns of counts.csv and, for a new source, its citation and what else sources.csv has.

    \b
    riskmodel refit new-series.csv
    riskmodel refit new-series.csv --save my-finding --picture moves.png
    """  # noqa: D301
    from riskmodel._support.files import new_folder
    from riskmodel.updating.new_counts import refit

    if place is not None:
        new_folder(place)
    found = refit(finding, new, setting=setting, reading=reading, merge=merge, sheet=sheet, hidden=hidden)
    if picture is not None:
        from riskmodel import plots

        title = f"{found.after.evidence.finding.title}: {', '.join(found.sources)} added"
        plots.save(plots.before_after(found.move_table(), title=title), picture)
    if as_json:
        show_json(found.to_dict())
    else:
        page(found.to_markdown())
    if place is not None:
        found.save(place)
        if not as_json:
            say(f"Written: {place}. Ask it with riskmodel consult --finding {shlex.quote(place)}")
            if found.left:
                say(f"Not carried from the old folder: {', '.join(found.left)}")


@click.command(name="fit-all")
@click.argument("directory", metavar="DIR")
@click.option("--setting", default="any", show_default=True, help="Whose series speak.")
@click.option("--reading", default="primary", show_default=True, help="How disputed rows are read.")
@click.option("--jobs", type=int, default=1, show_default=True, help="Processes.")
@click.option("--records", metavar="DIR", help="Write the record of each fit there.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def fit_all(directory: str, setting: str, reading: str, jobs: int, records: str | None, as_json: bool) -> None:
    """Fit every finding of a directory; one bad folder does not stop the rest."""
    from riskmodel._support.executors import workers
    from riskmodel.updating.many import fit_all

    with workers(jobs) as executor, Bar("findings") as progress:
        found = fit_all(directory, setting=setting, reading=reading, save=records, executor=executor, progress=progress)
    table = found.table()
    if as_json:
        show_json({"findings": json.loads(table.to_json(orient="records"))})
    else:
        from riskmodel.report.wording import table as markdown_table

        head = ["Finding", "Version", "Branches", "Answers", "Contradictions", "Warnings", "Conflicts"]
        good = table[table["problem"] == ""]
        lines = [
            [row["finding"], row["version"], str(row["branches"]), f"{row['estimable']} of {row['questions']}",
             str(row["contradictions"]), str(row["warnings"]), str(row["conflicts"])]
            for row in good.to_dict("records")
        ]  # fmt: skip
        page(f"# {len(good)} of {len(table)} findings fitted\n\n" + markdown_table(head, lines) + "\n")
    for name, why in found.failed.items():
        say(f"riskmodel: {name}: {why}", err=True)
    if found.failed:
        sys.exit(2)

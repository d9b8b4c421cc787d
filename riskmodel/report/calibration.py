"""A calibration record as a page of Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from riskmodel.report.wording import bullets, escaped, table

Row = Mapping[str, Any]

#: The row beside the values of K that is their mean, as the record names it.
AVERAGE = "average"
_STATISTICS = ("of", "predictions", "50 %", "80 %", "95 %", "log score", "standard error")


def record_markdown(body: Mapping[str, Any]) -> str:
    """Write a record as a page."""
    body = escaped(body)
    name = body["predictors"][0]["name"]
    rows = [row for row in body["table"] if row["cases"]]
    of_all = [row for row in rows if row["stratum"] == "all"]
    names = dict.fromkeys(row["stratum"] for row in body["table"] if row["stratum"] != "all")
    strata = [row for stratum in names for row in rows if row["stratum"] == stratum]
    mine = [row for row in strata if row["predictor"] == name]
    parts = [
        f"# Calibration of `{name}` on {body['corpus']['name']}: {body['verdict']}",
        _summary(body, of_all),
        _notes(body),
        "## The bar",
        table(("criterion", "K", "value", "must lie", "status"), [_bar_line(row) for row in body["bar"]]),
        *_section("Predictors, averaged over K", [(row["predictor"], row) for row in of_all if row["k"] == AVERAGE]),
        *_compared(body["differences"]),
        *_section("By K", [(f"{row['predictor']}, K = {row['k']}", row) for row in of_all if row["k"] != AVERAGE]),
        *_section(
            "Strata, averaged over K",
            [(f"{row['predictor']}, {row['stratum']}", row) for row in strata if row["k"] == AVERAGE],
        ),
        *_section(
            f"Strata of `{name}` by K",
            [(f"{row['stratum']}, K = {row['k']}", row) for row in mine if row["k"] != AVERAGE],
        ),
        *_expected(body["expected_observed"], name),
        *_symmetry(body["symmetry"]),
        "## How it was made",
        table(("predictor", "what it is"), [(one["name"], _what(one)) for one in body["predictors"]]),
        table(("what", "which"), _provenance(body)),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def short_markdown(body: Mapping[str, Any]) -> str:
    """Write of a record what it says of its first predictor over all series: the verdict, the bar, coverage, the mean."""
    name = body["predictors"][0]["name"]
    mine = [row for row in body["table"] if (row["predictor"], row["stratum"]) == (name, "all") and row["cases"]]
    ratios = [row for row in body["expected_observed"] if (row["predictor"], row["stratum"]) == (name, "all")]
    parts = [
        f"**Calibration on {body['corpus']['name']}, made {body['made'][:10]}: {body['verdict']}.** "
        + _summary(body, mine),
        _notes(body),
        table(("criterion", "K", "value", "must lie", "status"), [_bar_line(row) for row in body["bar"]]),
        table(
            _STATISTICS,
            [_score_line(f"K = {row['k']}" if row["k"] != AVERAGE else "averaged over K", row) for row in mine],
        ),
        *_expected(ratios, name)[1:],
        table(("what", "which"), _provenance(body)),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _summary(body: Mapping[str, Any], of_all: Sequence[Row]) -> str:
    corpus, first = body["corpus"], body["predictors"][0]["name"]
    cases = next((row["cases"] for row in of_all if row["predictor"] == first and row["k"] == AVERAGE), 0)
    return (
        f"Leave-one-series-out prediction of {cases} counts from K other series of the same arm: {corpus['series']} series "
        f"in {corpus['arms']} arms of {corpus['data_sets']} data sets. Coverage of central intervals in percent, mean log "
        f"score in nats (larger is better); 95 % intervals and standard errors by resampling the {corpus['clusters']} "
        f"clusters of data sets {body['resamples']} times. A log score of zero probability counts as -690."
    )


def _notes(body: Mapping[str, Any]) -> str:
    # Why a criterion is not available is said once here; the JSON says it beside each.
    lines = [f"`{name}` is not available: {reason}" for name, reason in body["unavailable"].items()]
    lines += [f"The arm {label} was left out: {reason}" for label, reason in body["skipped"].items()]
    return bullets(lines)


def _what(one: Mapping[str, Any]) -> str:
    parts = (one.get(key, "") for key in ("title", "function", "model", "prior", "heterogeneity"))
    return "; ".join(filter(None, parts))


def _bar_line(row: Row) -> tuple[str, ...]:
    percent = row["criterion"].endswith("hold")

    def show(value: float) -> str:
        return f"{100 * value:.1f} %" if percent else f"{value:+.3f}"

    ends = f"above {show(row['low'])}" if row["high"] is None else f"{show(row['low'])} to {show(row['high'])}"
    value = "" if row["value"] is None else show(row["value"])
    return row["criterion"], row["k"], value, ends, row["status"]


def _section(title: str, rows: Sequence[tuple[str, Row]]) -> list[str]:
    return [f"## {title}", table(_STATISTICS, [_score_line(label, row) for label, row in rows])] if rows else []


def _score_line(label: str, row: Row) -> tuple[str, ...]:
    def share(name: str) -> str:
        ends = [row[f"{name}{end}"] for end in ("_lower", "_upper")]
        span = "" if None in ends else f" ({100 * ends[0]:.1f} to {100 * ends[1]:.1f})"
        return f"{100 * row[name]:.1f}{span}"

    coverages = (share(f"coverage_{level}") for level in (50, 80, 95))
    return label, str(row["cases"]), *coverages, _number(row["log_score"]), _number(row["log_score_se"])


def _expected(rows: Sequence[Row], name: str) -> list[str]:
    """Expected over observed, every stratum of the first predictor and all series of the others, a line for each K."""
    lines, shown = [], [row for row in rows if row["predictor"] == name or row["stratum"] == "all"]
    for row in shown:
        if not row["cases"] or row["coding"] != "events":
            continue
        at = {key: row[key] for key in ("predictor", "stratum", "k")}
        other = next(one for one in shown if one["coding"] != "events" and at.items() <= one.items())
        counts = ("", "") if row["observed"] is None else (f"{row['expected']:.1f}", str(row["observed"]))
        label = f"{row['predictor']}, {row['stratum']}, K = {row['k']}"
        lines.append((label, str(row["cases"]), *counts, _ratio(row), _ratio(other)))
    head = ("of", "predictions", "expected events", "observed", "expected / observed", "the same of non-events")
    note = (
        "Sums over predictions: above 1 more is expected than came. In brackets 95 % intervals, percentiles over resampled "
        "clusters of data sets; none where there is one cluster only. An arm is as rare as all its series together."
    )
    return ["## Expected over observed", table(head, lines), note] if lines else []


def _ratio(row: Row) -> str:
    if row["ratio"] is None:
        return "none observed"
    ends = "" if row["ratio_lower"] is None else f" ({row['ratio_lower']:.2f} to {row['ratio_upper']:.2f})"
    return f"{row['ratio']:.2f}{ends}"


def _compared(rows: Sequence[Row]) -> list[str]:
    lines = []
    for row in rows:
        ends = " to ".join(_number(row[f"log_score_{end}"], "+") for end in ("lower", "upper"))
        numbers = _number(row["log_score"], "+"), _number(row["log_score_se"]), ends
        lines.append((f"{row['predictor']} less {row['reference']}", row["k"], *numbers))
    head = ("of", "K", "difference", "standard error", "90 % interval")
    return ["## Log scores compared", table(head, lines)] if lines else []


def _symmetry(rows: Sequence[Row]) -> list[str]:
    lines = []
    for row in rows:
        scores = f"{row['log_score']:.4f}", f"{row['mirrored_log_score']:.4f}"
        lines.append((row["predictor"], f"{row['largest_difference']:.1g}", *scores))
    head = ("of", "largest difference of a probability", "log score", "log score of non-events")
    return ["## Events and non-events exchanged", table(head, lines)] if lines else []


def _provenance(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    settings = body["settings"]
    draws = (
        f"seed {settings['seed']}; K = {', '.join(settings['ks'])}; at most {settings['most']} left-out series of an arm; "
        f"totals up to {settings['largest']:,}"
    )
    return [
        ("corpus", f"`{body['corpus']['content_hash']}`"),
        ("code", f"`{body['code']}`"),
        ("draws", draws),
        ("versions", ", ".join(f"{name} {version}" for name, version in body["versions"].items())),
        ("made", f"{body['made']}, in {body['seconds']:.0f} s"),
    ]


def _number(value: float | None, sign: str = "") -> str:
    return "" if value is None else f"{value:{sign}.3f}"

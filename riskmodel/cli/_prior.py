"""``riskmodel prior``: a prior as somebody states it or as other series give it, and what it is worth."""

from __future__ import annotations

from typing import Any

import click
from click.core import ParameterSource

from riskmodel.cli._analysis import _configuration, _counts, _digits, _ratio
from riskmodel.cli._terminal import drawn, show, show_json
from riskmodel.errors import InputError


@click.command(name="prior")
@click.argument("series", nargs=-1, metavar="[EVENTS/TOTAL...]")
@click.option("--mean", type=float, help="Mean of the risk, with --n.")
@click.option("--n", type=float, help="How many fetuses it is worth.")
@click.option("--quantiles", metavar="P=RISK,P=RISK", help="Risks by the probability below them.")
@click.option("--components", type=int, help="Of the mixture that stands for the series; one to four by AIC otherwise.")
@click.option("--robustify", type=float, metavar="WEIGHT", help="Add a uniform component of this weight.")
@click.option(
    "--counts", metavar="EVENTS/TOTAL", help="Counts of a new series: posterior, and whether they contradict."
)
@click.option("--rule", metavar="RULE", help='A decision rule, such as "P(risk < 0.05) > 0.9".')
@_configuration(prior="rbest", heterogeneity="rbest", model="logit-normal")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def prior(
    series: tuple[str, ...], mean: float | None, n: float | None, quantiles: str | None, components: int | None,
    robustify: float | None, counts: str | None, rule: str | None, as_json: bool, **configuration: Any,
) -> None:  # fmt: skip
    """A prior on a risk: riskmodel prior --mean 0.15 --n 20, or of other series: riskmodel prior 23/107 12/44 19/51.

    \b
    riskmodel prior --quantiles 0.05=0.02,0.95=0.4 --counts 3/20
    riskmodel prior 23/107 12/44 19/51 --robustify 0.2 --counts 1/6 --rule "P(risk < 0.3) > 0.9"
    """  # noqa: D301
    from riskmodel import priors

    if series:
        if mean is not None or n is not None or quantiles is not None:
            remedy = "Give series, or --mean and --n, or --quantiles"
            raise InputError("a prior of series and a stated one", where="prior", remedy=remedy)
        from riskmodel.inference.pool import pool

        post = pool(*_counts(series), **configuration)
        found: priors.StatedPrior = priors.map_prior(post, components)
    else:
        given = click.get_current_context().get_parameter_source
        for name in ("components", *configuration):
            if given(name) is not ParameterSource.DEFAULT:  # passed over it would seem to be in the prior
                remedy = "Give series, such as 23/107, or leave it out"
                raise InputError(f"--{name} is of a prior of series", where="prior", remedy=remedy, field=name)
        found = priors.stated(mean=mean, n=n, quantiles=None if quantiles is None else _quantiles(quantiles))
    if robustify is not None:
        found = priors.robustify(found, robustify)
    body: dict[str, Any] = {"prior": found.statement} | _told(found) | {"misfit": found.misfit}
    after = None
    if counts is not None:
        events, total = _ratio(counts, 1)
        after = found.update(events, total)
        unlike = priors.conflict(found, events, total)
        told = {"expected": unlike.expected, "probability": unlike.probability}
        body |= {"counts": {"events": events, "total": total} | told, "posterior": _told(after)}
    if rule is not None:
        decision = priors.Decision.parse(rule)
        of = found if after is None else after
        body["decision"] = {"rule": str(decision), "probability": decision.probability(of), "met": decision.met(of)}
    if as_json:
        show_json(body)
    else:
        show(_page(body))


def _quantiles(text: str) -> dict[float, float]:
    """``0.05=0.02,0.95=0.4`` as a mapping."""
    remedy = "Write them as 0.05=0.02,0.95=0.4"
    try:
        pairs = [(float(level), float(risk)) for level, risk in (part.split("=") for part in text.split(","))]
    except ValueError:
        raise InputError(f"{text[:60]!r} is not P=RISK,P=RISK", where="--quantiles", remedy=remedy) from None
    if len(dict(pairs)) < len(pairs):
        raise InputError(f"{text[:60]!r} has two risks for one probability", where="--quantiles", remedy=remedy)
    return dict(pairs)


def _told(risk: Any) -> dict[str, Any]:
    """A mixture of Betas in numbers."""
    from riskmodel.priors import ess

    smooth = min(risk.a.min(), risk.b.min()) >= 1
    return {
        "components": [
            {"weight": float(w), "a": float(a), "b": float(b)}
            for w, a, b in zip(risk.weights, risk.a, risk.b, strict=True)
        ],
        "mean": risk.mean,
        "sd": risk.sd,
        "median": risk.median,
        "interval": list(risk.interval()),
        "ess_elir": ess(risk) if smooth else None,
        "ess_moment": ess(risk, "moment"),
    }


def _page(body: dict[str, Any]) -> str:
    """The same as a table and sentences."""
    from rich.table import Table

    table = Table(title=f"Prior: {body['prior']}")
    for name in ("", "mean", "sd", "median", "95 % interval", "worth (ELIR)", "worth (moments)"):
        table.add_column(name)
    for name in ("prior", "posterior"):
        row = body if name == "prior" else body.get(name)
        if row is not None:
            ends = " to ".join(map(_digits, row["interval"]))
            worth = "not defined" if row["ess_elir"] is None else f"{row['ess_elir']:.1f}"
            cells = [*(_digits(row[one]) for one in ("mean", "sd", "median")), ends, worth, f"{row['ess_moment']:.1f}"]
            table.add_row(name, *cells)
    said = [" + ".join(f"{one['weight']:.4g} Beta({one['a']:.4g}, {one['b']:.4g})" for one in body["components"])]
    if body["misfit"]:
        said.append(f"It comes within {body['misfit']:.2g} of what it stands for, in probability.")
    if "counts" in body:
        one = body["counts"]
        said.append(
            f"{one['events']} of {one['total']}: the prior expects {one['expected']:.1f}; a number as improbable as this, "
            f"or more so, had probability {one['probability']:.2g}."
        )
    if "decision" in body:
        one = body["decision"]
        met = "met" if one["met"] else "not met"
        said.append(f"{one['rule']}: {met}, the probability is {one['probability']:.4f}.")
    return drawn(table) + "\n".join(said) + "\n"

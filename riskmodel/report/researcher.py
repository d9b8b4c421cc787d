"""A consultation as Markdown for a researcher: the clinician's page, and the model behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from riskmodel.report import clinician
from riskmodel.report.wording import capital, table

Answer = Mapping[str, Any]


def sections(answer: Answer, shown: Sequence[str]) -> dict[str, str]:
    """The clinician's sections, with the model among what is robust."""
    parts = clinician.sections(answer, shown)
    if "robustness" in parts:
        parts["robustness"] = "\n\n".join(filter(None, [parts["robustness"], _model(answer)]))
    return parts


def _model(answer: Answer) -> str:
    rows = []
    for risk in answer["risks"]:
        for variant in (risk["robustness"] or {}).get("priors", ()):
            value = "" if variant["probability"] is None else f"{variant['probability']:.4f}"
            rows.append([capital(risk["title"]), variant["variant"], value, ""])
        for one in (risk["robustness"] or {}).get("dependence", ()):
            ends = " to ".join(f"{end:.4f}" for end in one["interval"])
            named = f"branches correlated {one['correlation']:g} within a centre (normal copula)"
            rows.append([capital(risk["title"]), named, f"{one['probability']:.4f}", ends])
    model = answer["model"]
    figures = []
    for risk in answer["risks"]:
        if risk["headline"] is None or risk["by_definition"]:
            continue
        crude = "" if risk["crude"] is None else f"{risk['crude']['events']} of {risk['crude']['total']}"
        numbers = [f"{risk[name]:.3g}" for name in ("probability", "median")]
        figures.append([capital(risk["title"]), *numbers, crude, risk["headline"]["statistic"]])
    text = (
        f"## Model\n\nBeta-binomial for each branch; prior on the average {model['prior']}, heterogeneity "
        f"{model['heterogeneity']}. "
        f"Estimand: {model['estimand']}. Intervals are 95 %, equal-tailed."
    )
    if figures:
        text += " Of rare events and few series the mean is high: expected over observed numbers are in docs/calibration.md."
        text += "\n\n" + table(["Outcome", "Mean", "Median", "Crude count", "Headline"], figures)
    return text + ("\n\n" + table(["Outcome", "Variant", "Probability", "95 % interval"], rows) if rows else "")

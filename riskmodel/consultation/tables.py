"""A consultation as tables, for notebooks and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from riskmodel.report.wording import html_table, three_digits

if TYPE_CHECKING:
    import pandas as pd

Answer = Mapping[str, Any]


class Shown:
    """What a consultation shows of itself in a terminal and in a notebook."""

    def to_dict(self) -> dict[str, Any]:
        """The consultation as JSON knows it."""
        raise NotImplementedError

    def __repr__(self) -> str:
        """The question and its figures, a line for each."""
        answer = self.to_dict()
        known = ", ".join(f"{name}={state}" for name, state in answer["known"].items()) or "nothing known"
        asked = f"{known}; {answer['reading']}, {answer['setting']}; {answer['audience']}"
        lines = [f"Consultation({answer['finding']} | {asked})"]
        for title, mean, low, high, why in _figures(answer):
            told = f"{mean}, 95 % interval {low} to {high}" if mean else f"not estimable: {why}"
            lines.append(f"  {title}: {told if len(told) <= 90 else told[:89] + '…'}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """The figures in a table."""
        answer = self.to_dict()
        known = ", ".join(f"{name} {state}" for name, state in answer["known"].items()) or "nothing known"
        return html_table(f"{answer['title']}: {known}", ("", "mean", "2.5 %", "97.5 %", ""), _figures(answer))


def _figures(answer: Answer) -> list[tuple[str, str, str, str, str]]:
    rows = []
    for one in answer["risks"]:
        numbers = one["probability"], *(one["interval"] or (None, None))
        rows.append((one["title"], *map(three_digits, numbers), one["reason"]))
    return rows


def risk_table(answer: Answer) -> pd.DataFrame:
    """Risks of a consultation and of its branches."""
    import pandas as pd

    rows = []
    for risk in answer["risks"]:
        rows.append(_row(risk, risk, "answer"))
        rows += [_row(risk, risk[route], route) for route in ("direct", "indirect", "combined")]
    rows += [_row(risk, risk, "answer") for branch in answer["branches"] for risk in branch["risks"]]
    ends = ("lower", "upper", "average_lower", "average_upper", "lowest", "highest")
    numeric = ("probability", "median", "headline", *ends)
    counted = ["crude_events", "crude_total", "crude_series"]
    return pd.DataFrame(rows).astype(dict.fromkeys(numeric, "float64") | dict.fromkeys(counted, "Int64"))


def _row(risk: Answer, route: Answer, name: str) -> dict[str, Any]:
    interval = route["interval"] or (None, None)
    average = (route["average"] or {"interval": (None, None)})["interval"]
    headline = route["headline"] or {"figure": None, "statistic": ""}
    crude = (risk["crude"] if name == "answer" else None) or dict.fromkeys(("events", "total", "series"))
    bounds = (risk["bounds"] if name == "answer" else None) or (None, None)
    return {
        "outcome": risk["outcome"],
        "title": risk["title"],
        "complement": risk["complement_title"],
        "polarity": risk["polarity"],
        "given": ", ".join(f"{key} {state}" for key, state in risk["given"].items()) or "nothing known",
        "route": name,
        "probability": route["probability"],
        "median": route["median"],
        "headline": headline["figure"],
        "statistic": headline["statistic"],
        **{f"crude_{key}": value for key, value in crude.items()},
        "lower": interval[0],
        "upper": interval[1],
        "average_lower": average[0],
        "average_upper": average[1],
        "lowest": bounds[0],
        "highest": bounds[1],
        "series": route["series"],
        "fetuses": route["fetuses"],
        "certainty": risk["certainty"] if name == "answer" else "",
        "reason": route["reason"],
        "ci_prob": risk["ci_prob"],
        "ci_kind": risk["ci_kind"],
    }


def workup_table(answer: Answer) -> pd.DataFrame:
    """What each step of the work-up would change."""
    import pandas as pd

    rows = []
    for step in answer["workup"]:
        head = {"step": step["step"], "title": step["title"], "state": step["state"]}
        for change in step["changes"] or [{}]:  # a step that tells of no outcome has a row without figures
            row = head | {"outcome": change.get("outcome"), "p_abnormal": step["p_abnormal"]}
            for name in ("before", "if_normal", "if_abnormal"):
                risk = change.get(name, {})
                ends = risk.get("interval") or risk.get("bounds") or (None, None)
                row |= {name: risk.get("probability"), f"{name}_lower": ends[0], f"{name}_upper": ends[1]}
            rows.append(row | {name: change.get(name) for name in ("bits", "bits_at_most")})
    table = pd.DataFrame(rows)
    words = {"step", "title", "state", "outcome"}
    return table.astype({name: "float64" for name in table.columns if name not in words})


def robustness_table(answer: Answer) -> pd.DataFrame:
    """How far each answer moves; the interval where it was worked out too."""
    import pandas as pd

    rows = []
    for risk in answer["risks"]:
        moved = risk["robustness"]
        parts = [("prior", one["variant"], one["probability"]) for one in moved["priors"]]
        parts += [("reading", one["reading"], one["probability"]) for one in moved["readings"]]
        if risk["unknown"] and risk["bounds"] is not None:
            parts += [("unknown", f"unknown branch at {end}", risk["bounds"][end]) for end in (0, 1)]
        parts += [
            ("tested", f"{one['fewest']} of {one['most']} tested", one["probability_if_fewest"])
            for one in moved["untested"]
        ]
        parts += [("left out", one["source"], one["probability"]) for one in moved["left_out"]]
        found = [("answer", "as answered", risk["probability"], risk["interval"]), *((*one, None) for one in parts)]
        found += [
            ("dependence", f"correlation {one['correlation']:g} within a centre", one["probability"], one["interval"])
            for one in moved["dependence"]
        ]
        for kind, name, p, interval in found:
            low, high = interval or (None, None)
            row = {"outcome": risk["outcome"], "kind": kind, "variant": name, "probability": p}
            rows.append(row | {"lower": low, "upper": high})
    columns = ["outcome", "kind", "variant", "probability", "lower", "upper"]
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(columns[3:], "float64"))

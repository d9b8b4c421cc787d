"""What this package calls certain, as rules apart from its wording."""

from __future__ import annotations

from riskmodel.report.wording import SMALL, denominator
from riskmodel.tree.estimate import RiskEstimate

#: An answer is called moderately certain from this many series on, with an interval no wider than this: five is where
#: leaving one out still leaves a spread to be seen, and a fifth is about what a reader would call a range. A convention.
MODERATE_SERIES = 5
MODERATE_WIDTH = 0.2


def certainty(risk: RiskEstimate) -> tuple[str, str]:
    """How certain an answer is, as one word and why, from the counts that it used.

    A convention of this package, not a GRADE rating: it looks at how many series there are and how wide the interval is,
    and knows nothing of their quality.
    """
    interval = risk.interval()
    if risk.definition_only:
        return "by definition", "it follows from the definitions and is not counted"
    if interval is None:
        return "none", "no series answers this"
    if risk.weakness:
        return "very low", risk.weakness
    own = len({count.source for count in risk.telling if count not in risk.coarse})
    wider, width = risk.series - own, interval[1] - interval[0]
    of, small = denominator(width), "small " if risk.fetuses < SMALL * risk.series else ""
    told = f"{risk.series} {small}series"
    if wider:
        count = "counts" if wider == 1 and own else "count"
        told += f", {wider if own else 'all'} of them {count} these fetuses only together with others"
    why = f"{told}; {risk.fetuses:,} fetuses; the 95 % range is {round(width * of)} of {of:,} wide"
    return ("moderate" if own >= MODERATE_SERIES and width <= MODERATE_WIDTH else "low"), why

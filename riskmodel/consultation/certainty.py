"""How certain an answer is, in a word: a rule of this package, apart from its wording."""

from __future__ import annotations

#: An answer is called moderately certain from this many series on, with an interval no wider than this: five is where
#: leaving one out still leaves a spread to be seen, and a fifth is about what a reader would call a range. A convention.
MODERATE_SERIES = 5
MODERATE_WIDTH = 0.2


def certainty(*, series: int, width: float | None, thin: bool, by_definition: bool) -> tuple[str, str]:
    """How certain an answer is, as one word and why.

    A convention of this package, not a GRADE rating: it looks at how many series there are and how wide the interval is,
    and knows nothing of their quality.
    """
    if by_definition:
        return "by definition", "not counted: it follows from the definitions"
    if width is None:
        return "none", "no series answers this"
    if thin:
        return "very low", "two series or fewer, or a branch that no series reports, decide it"
    why = f"{series} small series; the 95 % interval spans {round(width * 100)} points"
    return ("moderate" if series >= MODERATE_SERIES and width <= MODERATE_WIDTH else "low"), why

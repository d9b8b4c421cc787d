"""How numbers are said: natural frequencies in both frames, ranges, and how certain an answer is.

Frequencies are "n of 100", or "of 1,000" below one in a hundred, with one denominator for a figure and its range; never
"1 in X", the format that readers get wrong most often (Grimes and Snively, Obstetrics and Gynecology 1999).
"""

from __future__ import annotations

from collections.abc import Sequence


def denominator(*probabilities: float) -> int:
    """The denominator that a figure and its range share."""
    figure = probabilities[0]
    return 1000 if 0 < min(figure, 1 - figure) < 0.01 else 100


def frequency(probability: float, of: int) -> str:
    """A probability as a whole number of `of`; the ends are said as near, not as certain."""
    if probability in (0.0, 1.0):
        return f"{int(probability) * of:,}"
    number = round(probability * of)
    if number == 0:
        return "fewer than 1"
    if number == of:
        return f"nearly {of:,}"
    return f"{number:,}"


def frequency_range(interval: Sequence[float], of: int) -> str:
    """A range of probabilities as whole numbers of `of`."""
    low, high = (frequency(end, of) for end in interval)
    return low if low == high else f"{low} to {high}"


def listed(words: Sequence[str]) -> str:
    """Words joined as in a sentence."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"

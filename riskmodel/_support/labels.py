"""What labels say: whether two are one, however they are spelt, and whether one is of a total and not of a series."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

#: Equal counts of fewer fetuses come about by chance.
TELLING_TOTAL = 20
#: Words of a label that is a total; of these `_CORE` say so by themselves.
_CORE = {
    "all", "combined", "ensemble", "gesamt", "gesamtzahl", "insgesamt", "overall", "pooled", "subtotal", "subtotals",
    "sum", "suma", "summary", "summe", "totaal", "total", "totale", "totals",
}  # fmt: skip
_BESIDE = {
    "above", "analysis", "cases", "centers", "centres", "ci", "common", "data", "effect", "effects", "estimate",
    "events", "fetuses", "fixed", "grand", "k", "mean", "meta", "model", "n", "of", "patients", "proportion", "random",
    "result", "results", "risk", "row", "series", "studies", "study", "sub", "the", "trials", "weighted",
}  # fmt: skip
#: What is told of a label that is no publication's, and the way out.
TOTAL = "a total, not a series of its own", "Leave it out: the series that it sums are counted one by one"
_DASHES = re.compile("[\u2010-\u2015\u2212]")


def folded(label: str) -> str:
    """A label without what two spellings of it may differ in: Unicode form, case, blanks, invisible characters."""
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", label).casefold())
    return " ".join(_DASHES.sub("-", "".join(one for one in text if unicodedata.category(one) != "Cf")).split())


def bare(text: str) -> str:
    """Words of a text alone: also without accents and punctuation."""
    plain = unicodedata.normalize("NFKD", folded(text))
    return " ".join(re.findall(r"\w+", "".join(one for one in plain if not unicodedata.combining(one))))


@lru_cache(maxsize=10_000)
def is_total(label: str, *, summed: bool = False) -> bool:
    """Whether a label says that its row is a total: 'Total', 'Pooled (n = 75)'; one with a year only if it is `summed`."""
    words = {word for word in bare(label).split() if not word.isdigit()}
    dated = re.search(r"(19|20)\d\d", label) is not None and not summed
    return not dated and bool(words & _CORE or {"Σ", "∑"} & {*label}) and words <= _CORE | _BESIDE | {"σ"}


def sums(rows: Sequence[tuple[int, int]]) -> Iterator[int]:
    """Places of rows that are the sum of all others, of two at least."""
    events, total = (sum(row[i] for row in rows) for i in (0, 1))
    yield from (i for i, row in enumerate(rows) if len(rows) > 2 and (2 * row[0], 2 * row[1]) == (events, total))


def totals(labels: Sequence[str], rows: Sequence[tuple[int, int]]) -> dict[int, int]:
    """Places of rows that are called a total and are the sum of the series, and how many series these are."""
    plain = [i for i, label in enumerate(labels) if not is_total(label)]
    found = {plain[i] for i in sums([rows[i] for i in plain]) if is_total(labels[plain[i]], summed=True)}
    series = [i for i in plain if i not in found]
    whole = tuple(sum(rows[i][part] for i in series) for part in (0, 1))
    found |= {i for i, row in enumerate(rows) if series and is_total(labels[i]) and row == whole}
    return dict.fromkeys(sorted(found), len(series))

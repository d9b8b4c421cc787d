"""Whether two labels, papers or rows are one, however they are spelt: what is one is never counted twice.

What is sure is a fault: a DOI, a PubMed number, a citation or a label that stands already. What is likely is a question
of the audit: labels or citations that are nearly alike, equal counts, a row that is the sum of the others.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from riskmodel._support.labels import bare, folded
from riskmodel.evidence.finding import Source

#: How alike labels of one year must be to be asked about: 'Simchen' and 'Simchem' are 0.86, 'Muller' and 'Miller' 0.83.
ALIKE = 0.85
#: How alike citations must be: two invented ones of the template, which say much the same, are 0.87.
CITED_ALIKE = 0.92
#: A list is sorted and each compared with so many after it, so that a long one takes no longer by the square.
WINDOW = 10
_SMALL = {"et", "al", "and", "the", "of", "a", "in"}


def _doi(text: str) -> str:
    return re.sub(r"^(https?://)?((dx\.)?doi\.org/|doi:\s*)", "", unquote(folded(text))).rstrip(" .,;/")


#: By column of a table of sources, what one paper has one of.
NORMAL: dict[str, Callable[[str], str]] = {
    "key": folded,
    "doi": _doi,
    "pmid": lambda text: text.strip().lstrip("0"),
    "citation": bare,
}
SAID = {"key": "label", "doi": "DOI", "pmid": "PubMed number", "citation": "citation"}


def stands(column: str, key: str, more: str = "") -> tuple[str, str]:
    """How a paper that stands already is told, and the way out."""
    what = f"{key!r} written otherwise" if column == "key" else f"the {SAID[column]} of {key!r}, which is there already"
    return what, f"One paper has one label: write {key!r}{more}, or correct the {SAID[column]}"


class Papers:
    """Papers that stand already, by all that names one."""

    def __init__(self, sources: Iterable[Source] = ()) -> None:
        self._keys: dict[tuple[str, str], str] = {}
        for one in sources:
            self.add(one.key, vars(one))

    def find(self, cells: Mapping[str, Any]) -> tuple[str, str] | None:
        """The first column by which this is a paper that stands, and the key of that."""
        for column, normal in NORMAL.items():
            found = self._keys.get((column, normal(cells.get(column) or "")))
            if found is not None:
                return column, found
        return None

    def add(self, key: str, cells: Mapping[str, Any]) -> None:
        """Let a paper stand."""
        for column, normal in NORMAL.items():
            if named := normal(cells.get(column) or ""):
                self._keys.setdefault((column, named), key)


def near(sources: Iterable[Source]) -> Iterator[tuple[str, str, str]]:
    """Pairs of sources that may be one paper, by their keys, and why; those that are certainly one are refused before."""
    words = {one.key: bare(one.citation).split() for one in sources}
    told: set[tuple[str, str]] = set()
    by_label = sorted(words, key=lambda key: (_digits(key), bare(key)))
    by_citation = sorted(words, key=lambda key: words[key])

    def cited_alike(one: str, other: str) -> bool:
        return _cited_alike(words[one], words[other])

    for order, alike, what in ((by_label, labels_alike, "labels"), (by_citation, cited_alike, "citations")):
        for i, one in enumerate(order):
            for other in order[i + 1 : i + 1 + WINDOW]:
                first, second = sorted((one, other))
                if (first, second) not in told and alike(one, other):
                    told.add((first, second))
                    yield first, second, f"their {what} are nearly alike"


def labels_alike(one: str, other: str) -> bool:
    """Whether two labels are nearly one: of one year, and of one first author or almost so spelt."""
    years = _digits(one), _digits(other)
    if years[0] != years[1] or _suffix(one) != _suffix(other):
        return False
    names = [" ".join(word for word in bare(text).split() if word not in _SMALL) for text in (one, other)]
    if all(names) and names[0].replace(" ", "") == names[1].replace(" ", ""):
        return True
    letters = [re.sub(r"[\d ]", "", name) for name in names]
    if not years[0] or not all(letters):
        return False
    same = names[0].split()[0] == names[1].split()[0] and not names[0][0].isdigit()
    return same or _ratio(*letters) >= ALIKE


def _digits(label: str) -> str:
    return "".join(re.findall(r"\d+", label))


def _suffix(label: str) -> str:
    """The letter that tells two papers of one year apart."""
    found = re.search(r"\d{4}\s?([a-z])\b", folded(label))
    return found[1] if found else ""


def _cited_alike(one: Sequence[str], other: Sequence[str]) -> bool:
    years = [{word for word in words if re.fullmatch(r"(19|20)\d\d", word)} for words in (one, other)]
    if all(years) and not years[0] & years[1]:
        return False
    few, many = sorted(({*one} - _SMALL, {*other} - _SMALL), key=len)
    return (len(few) >= 6 and few <= many) or _ratio(" ".join(one), " ".join(other)) >= CITED_ALIKE


def _ratio(one: str, other: str) -> float:
    matcher = difflib.SequenceMatcher(None, one[:400], other[:400], autojunk=False)
    return matcher.ratio() if matcher.real_quick_ratio() >= ALIKE and matcher.quick_ratio() >= ALIKE else 0.0

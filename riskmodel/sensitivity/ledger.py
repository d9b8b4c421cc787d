"""A ledger of counts: how each number came about, where it enters, and how far the answers move without it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from riskmodel._support.doors import door
from riskmodel._support.kept import Value
from riskmodel.errors import StaleRecordError, UnknownNameError
from riskmodel.evidence.evidence import Evidence
from riskmodel.evidence.finding import Count, terminations
from riskmodel.report.wording import moves
from riskmodel.sensitivity.count_uses import Place, Use, place, silence, standing, uses
from riskmodel.sensitivity.variants import MOST_TERMS
from riskmodel.tree.answer import joint
from riskmodel.tree.estimate import RiskEstimate
from riskmodel.tree.model import ProbabilityTree, as_tree

if TYPE_CHECKING:
    import pandas as pd

#: Decimals of an answer that are kept: an answer by drawn points is no better, and a page shows fewer.
DECIMALS = 6
#: Change of either bound, where there is no figure, that is told: half of one of a hundred.
BOUND = 0.005
#: Why nothing is left out where every answer takes its time.
SLOW = (
    "not worked out: the counts of wider groups are of so many fetuses that to divide them anew without each count would "
    "take minutes; ask for one source, or for all moves by name"
)


class Said(NamedTuple):
    """A standing answer: its mean, or else its bounds with unknown branches at 0 and 1."""

    probability: float | None
    bounds: tuple[float, float] | None

    @classmethod
    def of(cls, risk: RiskEstimate) -> Said:
        """What a risk says, rounded."""
        if risk.mean is not None:
            return cls(round(risk.mean, DECIMALS), None)
        return cls(None, risk.bounds and (round(risk.bounds[0], DECIMALS), round(risk.bounds[1], DECIMALS)))

    @classmethod
    def stored(cls, numbers: list[float] | float | None) -> Said:
        """As `numbers` was written."""
        return cls(None, (numbers[0], numbers[1])) if isinstance(numbers, list) else cls(numbers, None)

    @property
    def numbers(self) -> list[float] | float | None:
        """As a stored ledger has it: the mean, the two bounds, or nothing."""
        return self.probability if self.bounds is None else [*self.bounds]


@dataclass(frozen=True)
class Entry:
    """A row of ``counts.csv`` and what becomes of it."""

    count: Count
    feeds: tuple[Use, ...]
    feeds_nothing: str  # why, where it enters nowhere

    @property
    def moving(self) -> bool:
        """Whether a risk can move without it: it entered a branch, a wider count or an answer by itself."""
        return any(use.kind in ("branch", "coarse", "answer") for use in self.feeds)


@dataclass(frozen=True, eq=False)
class Ledger(Value):
    """Counts of a finding, each with its chain.

    Parameters
    ----------
    model : ProbabilityTree
        The tree that they are fitted in.
    entries : tuple of Entry
        In the order of the file; rows of other readings too.
    left_out : mapping of (str, int) to tuple of Said
        By source and line of the file, the standing answers without that one count, in the order of the questions.
    not_worked_out : str
        Why nothing was left out; empty where it was.
    """

    model: ProbabilityTree
    entries: tuple[Entry, ...]
    left_out: Mapping[Place, tuple[Said, ...]]
    not_worked_out: str

    def table(self) -> pd.DataFrame:
        """One line for each count.

        Returns
        -------
        pandas.DataFrame
            Columns row (line of ``counts.csv``), key, source, count, events, total, printed, arithmetic, basis, definition,
            population, ascertainment, terminations, tested, reading, role, feeds, places (how many branches or answers it
            enters), feeds_nothing, and of the standing answer that moves most without it: most_moved, before, after; missing
            where none moves or nothing was worked out.
        """
        import pandas as pd

        told = ("row", "key", "source", "count", "events", "total", "printed", "arithmetic", "basis", "definition")
        beside = ("population", "ascertainment", "terminations", "reading", "role")
        rows = []
        for one in self.to_dict()["counts"]:
            row = {name: one[name] for name in (*told, *beside)}
            row["tested"] = "; ".join(f"{name}={number}" for name, number in one["tested"].items())
            row["feeds"] = " ;; ".join(what for use in one["feeds"] for what in use["what"])
            row |= {name: one[name] for name in ("places", "feeds_nothing")}
            told_moves = [move for move in one["left_out"] or () if move["change"] is not None]
            most = max(told_moves, key=lambda move: abs(move["change"]), default=None)
            moved = None if most is None or not most["change"] else most
            row["most_moved"] = moved and moved["question"]
            rows.append(row | {name: moved and moved[name] for name in ("before", "after")})
        return pd.DataFrame(rows).astype({"before": "float64", "after": "float64"})

    def move_table(self) -> pd.DataFrame:
        """One line for each count that was left out and each standing question.

        Returns
        -------
        pandas.DataFrame
            Columns row, key, question, before, after, change (probabilities, missing where there is no figure) and moves:
            whether by more than a fiftieth of the 95 % interval.
        """
        import pandas as pd

        names = ["question", "before", "after", "change", "moves"]
        rows = [
            {"row": one["row"], "key": one["key"]} | {name: move[name] for name in names}
            for one in self.to_dict()["counts"]
            for move in one["left_out"] or ()
        ]
        table = pd.DataFrame(rows, columns=["row", "key", *names])
        return table.astype(dict.fromkeys(("before", "after", "change"), "float64"))

    def to_dict(self) -> dict[str, Any]:
        """As JSON knows it.

        Returns
        -------
        dict
            finding, title, reading, setting, evidence_version; questions, each with its answer now; counts, each with its
            chain; not_worked_out, why no count was left out.
        """
        evidence = self.model.evidence
        asked = standing(self.model)
        return {
            "finding": evidence.finding.key,
            "title": evidence.finding.title,
            "reading": evidence.reading,
            "setting": self.model.setting,
            "evidence_version": evidence.version,
            "questions": [
                {
                    "question": question.text,
                    "title": question.title,
                    "outcome": question.name,
                    "given": dict(question.given),
                    **risk.to_dict(),
                    "bounds": risk.bounds and list(risk.bounds),
                    "terminations": terminations(risk.counts),
                }
                for question, risk in asked
            ],
            "counts": [self._entry(one, asked) for one in self.entries],
            "not_worked_out": self.not_worked_out,
        }

    def _entry(self, entry: Entry, asked: Sequence[tuple[Any, RiskEstimate]]) -> dict[str, Any]:
        row = entry.count
        where = f" where {row.given}" if row.given else ""
        worked, finding = row.basis == "derived", self.model.evidence.finding
        titles = {one.name: one.title for one in finding.populations}
        partly = [one.text for one in finding.partly_tested if row.key in one.counts]
        left_out = None
        if not entry.moving:
            left_out = []
        elif place(row) in self.left_out:
            without = self.left_out[place(row)]
            left_out = [_move(*one, then) for one, then in zip(asked, without, strict=True)]
        return row.to_dict() | {
            "row": row.row,
            "key": row.key,
            "count": f"{row.variable}{'' if row.category == 'yes' else f' {row.category}'}{where}",
            "printed": None if worked else f"{row.events} of {row.total}",
            "arithmetic": row.note if worked else "",
            "population": row.population,
            "population_title": titles.get(row.population, row.population),
            "role": row.role,
            "replaces": list(row.replaces),
            "partly_tested": " ".join(partly),
            "named_in": _named_in(self.model.evidence, row),
            "feeds": [{**vars(use), "what": list(use.what)} for use in entry.feeds],
            "places": sum(len(use.what) for use in entry.feeds),
            "feeds_nothing": entry.feeds_nothing,
            "left_out": left_out,
        }

    def stored(self) -> dict[str, Any]:
        """What took time, to be kept beside a page: `with_stored` takes it back.

        Returns
        -------
        dict
            finding, reading, setting, evidence_version, questions, now (the answers) and left_out: by line of
            ``counts.csv`` the same answers without that count; a number, two bounds, or null.
        """
        evidence, asked = self.model.evidence, standing(self.model)
        return {
            "finding": evidence.finding.key,
            "reading": evidence.reading,
            "setting": self.model.setting,
            "evidence_version": evidence.version,
            "questions": [question.text for question, _ in asked],
            "now": [Said.of(risk).numbers for _, risk in asked],
            "left_out": {str(row): [one.numbers for one in said] for (_, row), said in self.left_out.items()},
        }

    def with_stored(self, kept: Mapping[str, Any]) -> Ledger:
        """The same ledger with answers that were worked out before.

        Parameters
        ----------
        kept : mapping
            As `stored` gives it.

        Returns
        -------
        Ledger
            With them.

        Raises
        ------
        StaleRecordError
            If they are of other evidence, another reading, or other questions.
        """
        mine = self.stored()
        for name in ("finding", "reading", "setting", "evidence_version", "questions"):
            if kept.get(name) != mine[name]:
                raise StaleRecordError(f"the stored answers are of another {name}", remedy="Write them again")
        by_line = {str(one.count.row): place(one.count) for one in self.entries}
        found = {by_line[line]: tuple(map(Said.stored, numbers)) for line, numbers in kept.get("left_out", {}).items()}
        return replace(self, left_out=found, not_worked_out="")

    def __repr__(self) -> str:
        """What it holds."""
        name = self.model.evidence.finding.key
        return f"Ledger({name}: {len(self.entries)} counts, {len(self.left_out)} of them left out in turn)"


@door
def count_ledger(
    model: str | Path | Evidence | ProbabilityTree,
    *,
    source: str | None = None,
    moves: bool | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Ledger:
    """Every published count of a finding with its chain, from the printed number to the answers that it moves.

    Parameters
    ----------
    model : str, Path, Evidence or ProbabilityTree
        The fitted tree, or a finding as `fit` takes it.
    source : str, optional
        Key of one source, whose counts alone are wanted.
    moves : bool, optional
        Whether each count is left out in turn and every standing answer asked again. By default where that takes no
        minutes, or one source is asked for.
    progress : callable, optional
        Called with how many counts have been left out, and of how many.

    Returns
    -------
    Ledger
        With `table`, `move_table` and `to_dict`. A count that is left out lets no other of its source in that only checked
        the same fetuses; one of a wider group that gave way to it speaks.

    Raises
    ------
    UnknownNameError
        If there is no such source, or the finding does not exist.

    Examples
    --------
    >>> ledger = count_ledger("fetal-hepatic-calcification", source="Ocal 2014")
    >>> for one in ledger.to_dict()["counts"]:
    ...     print(one["row"], one["count"], one["printed"], [what for use in one["feeds"] for what in use["what"]])
    46 prevalence 17 of 19200 []
    47 karyotype abnormal where anatomy=isolated 0 of 14 ['karyotype abnormal where anatomy isolated']
    48 infection positive where anatomy=isolated 0 of 17 ['infection positive where anatomy isolated, karyotype normal']
    """
    model = as_tree(model)
    evidence = model.evidence
    if source is not None and source not in evidence.sources:
        raise UnknownNameError("source", source, evidence.sources, where="source")
    wanted = [row for row in evidence.all_counts if source in (None, row.source)]
    feeds, held = uses(model), {place(row) for row in evidence.counts}
    entries = []
    for row in wanted:
        found = feeds.get(place(row), ())
        entries.append(Entry(row, found, "" if found else silence(model, row)))
    together = joint(model)
    quick = source is not None or together.exact or together.terms <= MOST_TERMS
    worked_out = quick if moves is None else moves
    moving = [one.count for one in entries if one.moving and place(one.count) in held]
    left_out = {}
    for number, row in enumerate(moving if worked_out else (), 1):
        left_out[place(row)] = without(model, row)
        if progress is not None:
            progress(number, len(moving))
    why = "" if worked_out else SLOW if moves is None else "not asked for"
    return Ledger(model, tuple(entries), left_out, why)


def without(model: ProbabilityTree, row: Count) -> tuple[Said, ...]:
    """The standing answers with one count left out of the evidence."""
    counts = tuple(one for one in model.evidence.counts if place(one) != place(row))
    # The same ways to divide as with it, weighed anew: what an answer moves by is then not that others were drawn.
    other = model.variant(evidence=replace(model.evidence, counts=counts)).like(joint(model).drawn)
    return tuple(Said.of(risk) for _, risk in standing(other))


def _named_in(evidence: Evidence, row: Count) -> list[str]:
    """Statements of the work-up beside which a count is shown: it moves none of them."""
    if place(row) not in map(place, evidence.counts):
        return []
    groups = ("differential", "prognosis", "pitfalls", "cautions")
    return [f"{name}: {one.key}" for name in groups for one in getattr(evidence.workup, name) if row.key in one.counts]


def _move(question: Any, risk: RiskEstimate, then: Said) -> dict[str, Any]:
    """What one question's answer does without a count."""
    now, interval = Said.of(risk), risk.interval()
    change, told = None, now != then
    if now.probability is not None and then.probability is not None:
        change = then.probability - now.probability
        told = interval is not None and moves(change, interval)
    elif now.bounds and then.bounds:
        told = max(abs(one - other) for one, other in zip(now.bounds, then.bounds, strict=True)) >= BOUND
    return {
        "question": question.text,
        "title": question.title,
        "before": now.probability,
        "after": then.probability,
        "bounds_before": now.bounds and list(now.bounds),
        "bounds_after": then.bounds and list(then.bounds),
        "change": change,
        "moves": told,
    }

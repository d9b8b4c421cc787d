"""What a tree answers: a risk with its uncertainty, what stands behind it, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from riskmodel._support.kept import Value, kept
from riskmodel.distributions.base import Distribution, Headline, IntervalKind
from riskmodel.evidence.finding import Count, Edge, Outcome
from riskmodel.evidence.known import Known


class Joining(Protocol):
    """How the branches of an answer were joined with counts of coarser groups."""

    @property
    def ways(self) -> int:
        """In how many ways the fetuses can have divided, all listed."""

    @property
    def exact(self) -> bool:
        """Whether every way is listed, so that means are exact."""

    @property
    def effective_share(self) -> float:
        """Share of the points of the joint distribution that count, in (0, 1]."""


@dataclass(frozen=True)
class Crude:
    """What the series that report exactly a question count together, no model behind it."""

    events: int
    total: int
    series: int


@dataclass(frozen=True, eq=False, repr=False)
class Route(Value):
    """One way to an answer: from the series that report exactly the question, or through the tree.

    Parameters
    ----------
    new_setting : Distribution or None
        The risk in a setting not among the series; None where there is no answer this way.
    average : Distribution or None
        The average risk across settings.
    counts : tuple of Count
        The rows behind it.
    reason : str
        Why there is no answer; empty where there is one.
    coarse : tuple of Count
        Those of the rows that report a coarser group, and were read through the tree.
    joint : Joining or None
        How branches that such rows tie together were joined; None where none are tied.
    """

    new_setting: Distribution | None
    average: Distribution | None
    counts: tuple[Count, ...]
    reason: str
    coarse: tuple[Count, ...] = ()
    joint: Joining | None = None

    @classmethod
    def none(cls, reason: str) -> Route:
        """No answer this way.

        Parameters
        ----------
        reason : str
            Why.

        Returns
        -------
        Route
            Not estimable.
        """
        return Route(None, None, (), reason)

    @property
    def estimable(self) -> bool:
        """Whether there is an answer."""
        return self.new_setting is not None

    @kept
    def mean(self) -> float | None:
        """The probability for the next fetus, or None."""
        return None if self.new_setting is None else float(self.new_setting.mean)

    @kept
    def median(self) -> float | None:
        """As likely to be below as above for the risk in a new setting, or None."""
        return None if self.new_setting is None else self.new_setting.median

    @property
    def headline(self) -> Headline | None:
        """The figure to tell first: the mean, or the median where the mean lies outside the central 80 % interval."""
        return None if self.new_setting is None else self.new_setting.headline

    def interval(self, prob: float = 0.95, *, kind: IntervalKind = "eti") -> tuple[float, float] | None:
        """Credible interval of the risk in a new setting, or None.

        Parameters
        ----------
        prob : float
            In (0, 1).
        kind : {"eti", "hdi"}
            Equal-tailed or shortest, as `Distribution.interval` takes them.

        Returns
        -------
        tuple of float or None
            Lower and upper end.
        """
        return None if self.new_setting is None else self.new_setting.interval(prob, kind=kind)

    @property
    def telling(self) -> tuple[Count, ...]:
        """The rows that series and fetuses are counted from."""
        return self.counts

    @property
    def series(self) -> int:
        """How many sources."""
        return len({count.source for count in self.telling})

    @property
    def sources(self) -> tuple[str, ...]:
        """Their keys."""
        return tuple(dict.fromkeys(count.source for count in self.counts))

    @property
    def fetuses(self) -> int:
        """How many fetuses: for each source its largest group, since finer ones lie within it."""
        largest: dict[str, int] = {}
        for count in self.telling:
            largest[count.source] = max(largest.get(count.source, 0), count.total)
        return sum(largest.values())

    @property
    def events(self) -> int | None:
        """How many events, where the rows all count the same; None where an answer has several parts or coarser groups."""
        if self.coarse:
            return None
        if len({(count.variable, count.category) for count in self.counts}) != 1:
            return None
        if len({count.source for count in self.counts}) != len(self.counts):
            return None
        return sum(count.events for count in self.counts)

    def to_dict(self, *, ci_prob: float = 0.95) -> dict[str, Any]:
        """As JSON knows it; null with its reason where there is no answer.

        Parameters
        ----------
        ci_prob : float
            Probability of the intervals.

        Returns
        -------
        dict
            Keys probability, median, headline, interval, average, series, fetuses, events, sources, coarse, joint, reason.
        """
        interval = self.interval(ci_prob)
        average = None
        if self.average is not None:
            average = {"probability": float(self.average.mean), "interval": list(self.average.interval(ci_prob))}
        return {
            "probability": self.mean,
            "median": self.median,
            "headline": self.headline and self.headline._asdict(),
            "interval": None if interval is None else list(interval),
            "average": average,
            "series": self.series,
            "fetuses": self.fetuses,
            "events": self.events,
            "sources": list(self.sources),
            "coarse": list(dict.fromkeys(count.source for count in self.coarse)),
            "joint": None if self.joint is None else self._joined(self.joint),
            "reason": self.reason,
        }

    def _joined(self, joint: Joining) -> dict[str, Any]:
        return {
            "ways": joint.ways,
            "exact": joint.exact,
            "effective_share": joint.effective_share,
            "error": 0.0 if joint.exact else float(getattr(self.new_setting, "error", 0.0)),
        }


@dataclass(frozen=True, eq=False, repr=False)
class RiskEstimate(Route):
    """The risk of an outcome given what is known.

    Parameters
    ----------
    outcome : Outcome
        What is asked.
    known : tuple of (str, str)
        Known states.
    setting, reading : str
        Which series speak, and how the disputed rows are read.
    edges : tuple of Edge
        Branches of the tree that the answer depends on.
    definition_only : bool
        Whether the answer is 0 or 1 by a definition, not by counts.
    unknown : tuple of Edge
        Unknown branches that matter.
    fewest : int
        Series behind the branch of the answer that has fewest.
    weighing : tuple of Count
        Rows that tell how likely a later known state is: they weigh the answer, and are no babies behind it.
    direct : Route
        From the series that report exactly this question and nothing finer.
    indirect : Route
        From finer cells through the tree, without any coarser count.
    combined : Route
        Every series once, whichever way it speaks.
    corners : tuple of Route
        The answers with each of the unknown branches at 0 and at 1.
    """

    outcome: Outcome = field(kw_only=True)
    known: Known = field(kw_only=True)
    setting: str = field(kw_only=True)
    reading: str = field(kw_only=True)
    edges: tuple[Edge, ...] = field(kw_only=True)
    definition_only: bool = field(kw_only=True)
    unknown: tuple[Edge, ...] = field(kw_only=True)
    fewest: int = field(kw_only=True)
    weighing: tuple[Count, ...] = field(kw_only=True)
    direct: Route = field(kw_only=True)
    indirect: Route = field(kw_only=True)
    combined: Route = field(kw_only=True)
    corners: tuple[Route, ...] = field(kw_only=True)

    @property
    def telling(self) -> tuple[Count, ...]:
        """The rows that series and fetuses are counted from: all that do not only weigh the answer."""
        return tuple(count for count in self.counts if count not in self.weighing) or self.counts

    @kept
    def bound_routes(self) -> tuple[Route, ...]:
        """The answers at the two ends of `bounds`, with their own uncertainty; none where no unknown branch matters."""
        found = sorted(self.corners, key=lambda one: one.mean or 0.0)
        return (found[0], found[-1]) if found else ()

    @property
    def bounds(self) -> tuple[float, float] | None:
        """Smallest and largest probability with the unknown branches at 0 or 1; None where no unknown branch matters."""
        if not self.bound_routes:
            return None
        low, high = (route.mean for route in self.bound_routes)
        return low or 0.0, high or 0.0

    @property
    def crude(self) -> Crude | None:
        """Counts of the series that report exactly the question, added up; None where none does."""
        rows = () if self.definition_only else self.direct.counts
        if not rows:
            return None
        asked = self.outcome.state or "yes"
        events = sum(row.events if row.category == asked else row.total - row.events for row in rows)
        return Crude(events, sum(row.total for row in rows), len({row.source for row in rows}))

    @property
    def spread_between(self) -> float | None:
        """Share of the variance that is spread between settings; the rest is not knowing the average."""
        if self.new_setting is None or self.average is None or not self.new_setting.sd > 0:
            return None
        return float(min(1.0, max(0.0, 1.0 - self.average.sd**2 / self.new_setting.sd**2)))

    @property
    def only_direct(self) -> bool:
        """Whether the tree has no answer, and the series that report exactly the question are the whole of this one."""
        return self.estimable and not self.combined.estimable

    @property
    def weakness(self) -> str:
        """What makes a figure too weak to come first, of the counts that the answer used; empty where nothing does."""
        if self.definition_only or not self.estimable:
            return ""
        if self.unknown and not self.only_direct:
            names = "; ".join(edge.said for edge in self.unknown)
            return f"no series reports a branch that it depends on ({names})"
        fewest = self.series if self.only_direct else self.fewest
        if fewest > 2:
            return ""
        several = not self.only_direct and len(self.edges) > 1
        words = "one series decides" if fewest == 1 else "two series decide"
        return f"{words} {'one of its branches' if several else 'it'}"

    @property
    def thin(self) -> bool:
        """Whether two series or fewer, or an unknown branch, decide the answer: then words and a range come first."""
        return bool(self.weakness)

    def bounds_interval(self, prob: float = 0.95) -> tuple[float, float] | None:
        """From the lower limit at the lower bound to the upper limit at the upper one.

        Parameters
        ----------
        prob : float
            Probability of each interval.

        Returns
        -------
        tuple of float or None
            None where no unknown branch matters.
        """
        if not self.bound_routes:
            return None
        low, high = (route.interval(prob) for route in self.bound_routes)
        assert low is not None
        assert high is not None
        return low[0], high[1]

    def __repr__(self) -> str:
        """The answer in a line."""
        given = ", ".join(f"{name}={state}" for name, state in self.known) or "nothing known"
        head = f"RiskEstimate({self.outcome.name} | {given}; {self.reading}, {self.setting}: "
        if self.mean is None:
            bounds = f", between {self.bounds[0]:.3f} and {self.bounds[1]:.3f}" if self.bounds else ""
            return f"{head}not estimable{bounds})"
        lower, upper = self.interval() or (self.mean, self.mean)
        return f"{head}{self.mean:.4f}, 95 % interval {lower:.4f} to {upper:.4f}; {self.series} series)"

"""The probability tree: evidence to fitted branches to the risk of any outcome given what is known."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from riskmodel.branches import branch_table, kind_shares
from riskmodel.diagram import Branch, Node, cancel, edges_of, evaluate, restrict
from riskmodel.distribution import Distribution, PointMass
from riskmodel.errors import ContradictionError, UnknownNameError
from riskmodel.estimate import RiskEstimate, Route
from riskmodel.evidence import Evidence
from riskmodel.finding import Count, Edge, Given, Outcome, given_text
from riskmodel.pool import pool
from riskmodel.posterior import NewSetting, Posterior
from riskmodel.propagate import propagate
from riskmodel.questions import NotOnTreeError, Questions

if TYPE_CHECKING:
    import pandas as pd


def fit(
    evidence: Evidence, *, prior: Any = "jeffreys", heterogeneity: Any = "default", setting: str = "any"
) -> ProbabilityTree:
    """Fit every branch of a finding's tree to its counts.

    Parameters
    ----------
    evidence : Evidence
        Checked counts under one reading.
    prior : optional
        On the average risk of each branch, as `pool` takes it.
    heterogeneity : optional
        On how much settings differ, as `pool` takes it.
    setting : str
        ``"any"``, or a setting of the finding, whose series alone then speak.

    Returns
    -------
    ProbabilityTree
        Branches are fitted when first asked for.

    Raises
    ------
    InputError
        If a prior cannot be used or the setting does not exist.

    Examples
    --------
    >>> from riskmodel.evidence import load_evidence
    >>> model = fit(load_evidence("fetal-hepatic-calcification"))
    >>> risk = model.risk("good_outcome", anatomy="isolated", karyotype="normal", infection="negative")
    >>> f"{risk.mean:.3f} from {risk.events} of {risk.fetuses} in {risk.series} series"
    '0.925 from 29 of 30 in 2 series'
    """
    from riskmodel.priors import as_heterogeneity_prior, as_mu_prior

    as_mu_prior(prior)
    as_heterogeneity_prior(heterogeneity)
    evidence.ascertainments(setting)
    return ProbabilityTree(evidence, prior=prior, heterogeneity=heterogeneity, setting=setting)


@dataclass(frozen=True, eq=False)
class ProbabilityTree:
    """A finding's tree with its branches fitted.

    Parameters
    ----------
    evidence : Evidence
        What it is fitted to.
    prior, heterogeneity : object
        As `pool` takes them.
    setting : str
        Whose series speak.
    """

    evidence: Evidence
    prior: Any
    heterogeneity: Any
    setting: str
    _fits: dict[tuple[tuple[int, int], ...], Posterior] = field(default_factory=dict, repr=False)
    _answers: dict[tuple[str, Given], RiskEstimate] = field(default_factory=dict, repr=False)

    @property
    def edges(self) -> tuple[Edge, ...]:
        """Branches in the order of the finding."""
        return self.evidence.finding.edges

    @cached_property
    def _questions(self) -> Questions:
        return Questions(self.evidence.finding)

    @cached_property
    def counts(self) -> tuple[tuple[Count, ...], ...]:
        """Rows that feed each branch."""
        return tuple(
            self.evidence.for_edge(edge, setting=self.setting) if edge.status == "counts" else () for edge in self.edges
        )

    def posterior(self, edge: Edge) -> Posterior | None:
        """What the series say of one branch.

        Parameters
        ----------
        edge : Edge
            A branch of this tree.

        Returns
        -------
        Posterior or None
            None where no series feeds it.
        """
        rows = self.counts[self.edges.index(edge)]
        return self._pooled(rows) if rows else None

    def _pooled(self, rows: tuple[Count, ...]) -> Posterior:
        key = tuple((row.events, row.total) for row in rows)
        if key not in self._fits:
            self._fits[key] = pool(
                [row.events for row in rows],
                [row.total for row in rows],
                prior=self.prior,
                heterogeneity=self.heterogeneity,
                labels=[row.source for row in rows],
            )
        return self._fits[key]

    def risk(self, outcome: str, /, **known: str) -> RiskEstimate:
        """Risk of an outcome given what is known; what is not known is summed over.

        Parameters
        ----------
        outcome : str
            Name of an outcome of the finding.
        **known : str
            Known states by variable, such as ``anatomy="isolated"``.

        Returns
        -------
        RiskEstimate
            Not estimable, with the reason and bounds, where a branch that matters is unknown or empty.

        Raises
        ------
        UnknownNameError
            If an outcome, variable or state does not exist.
        ContradictionError
            If what is known cannot be.
        """
        asked = self.evidence.outcome(outcome)
        given = self.known(known)
        if (outcome, given) not in self._answers:
            self._answers[outcome, given] = self._risk(asked, given)
        return self._answers[outcome, given]

    def _risk(self, asked: Outcome, given: Given) -> RiskEstimate:
        direct_rows = self._direct_rows(asked, given)
        if asked.variable is None:
            return self._counted(asked, given, direct_rows)
        assert asked.state is not None
        try:
            denominator = self._questions.diagram(dict(given))
            numerator = self._joint(given, asked.variable, asked.state)
        except NotOnTreeError as reason:
            none = Route(None, None, (), str(reason))
            return self._estimate(asked, given, none, direct_rows, (), False, (), ())
        if denominator == 0.0:
            raise ContradictionError(
                f"{given_text(given)} cannot be by the finding's definitions",
                where="known",
                remedy="Leave one of them out",
            )
        return self._through_tree(asked, given, *cancel(numerator, denominator), direct_rows)

    def known(self, states: Mapping[str, Any]) -> Given:
        """Check known states and put them in the order of the tree.

        Parameters
        ----------
        states : mapping of str to str
            States by variable; None is not known.

        Returns
        -------
        tuple of (str, str)
            Checked.

        Raises
        ------
        UnknownNameError
            If a variable or state does not exist.
        """
        variables = self.evidence.finding.states
        names = [variable.name for variable in variables]
        for name in states:
            if name not in names:
                raise UnknownNameError("variable", name, names, where="known states")
        given = []
        for variable in variables:
            state = states.get(variable.name)
            if state is None:
                continue
            if state not in variable.states:
                raise UnknownNameError(f"state of {variable.name}", str(state), variable.states, where=variable.name)
            given.append((variable.name, state))
        return tuple(given)

    # ------------------------------------------------------------ questions as diagrams

    def _joint(self, given: Given, variable: str, state: str) -> Node:
        wanted = dict(given)
        if wanted.get(variable, state) != state:
            return 0.0
        return self._questions.diagram(wanted | {variable: state})

    # ------------------------------------------------------------ answers

    def _through_tree(
        self, asked: Outcome, given: Given, numerator: Node, denominator: Node, direct_rows: tuple[Count, ...]
    ) -> RiskEstimate:
        used = sorted(edges_of(numerator) | edges_of(denominator))
        edges = tuple(self.edges[i] for i in used)
        missing = [i for i in used if self.edges[i].status == "unknown" or self._empty(i)]
        unknown = tuple(self.edges[i] for i in missing)
        fixed = {i: self.edges[i].probability for i in missing}
        bounds: tuple[Route, ...] = ()
        if missing:
            corners = itertools.product((0.0, 1.0), repeat=len(missing))
            routes = [
                route
                for corner in corners
                if (route := self._route(numerator, denominator, dict(zip(missing, corner, strict=True)))) is not None
            ]
            ordered = sorted(routes, key=lambda route: route.mean or 0.0)
            bounds = (ordered[0], ordered[-1])
        by_definition = {i: value for i, value in fixed.items() if value is not None}
        route = self._route(numerator, denominator, by_definition) if len(by_definition) == len(missing) else None
        constant = route is not None and isinstance(route.new_setting, PointMass) and not route.counts
        if route is None or (missing and constant):
            # Branches that a definition fills are not what stands in the way, unless there are no others.
            blocking = [i for i in missing if i not in by_definition] or missing
            reason = " ".join(self._why_unknown(self.edges[i]) for i in blocking)
            route = Route(None, None, (), reason)
        one_edge = (
            denominator == 1.0 and isinstance(numerator, Branch) and not {numerator.hit, numerator.miss} - {0.0, 1.0}
        )
        feeding = {(row.source, row.row) for i in used for row in self.counts[i]}
        direct_rows = tuple(row for row in direct_rows if (row.source, row.row) not in feeding)
        return self._estimate(
            asked, given, route, direct_rows, edges, constant and not missing, bounds, unknown, one_edge=one_edge
        )

    def _route(self, numerator: Node, denominator: Node, fixed: Mapping[int, float]) -> Route | None:
        """The answer with some edges fixed; None where what is known then cannot be."""
        top, bottom = cancel(restrict(numerator, fixed), restrict(denominator, fixed))
        if bottom == 0.0:
            return None
        used = sorted(edges_of(top) | edges_of(bottom))
        posteriors = {i: self._pooled(self.counts[i]) for i in used if self.edges[i].status == "counts"}
        judged = {i: PointMass(float(self.edges[i].probability or 0.0)) for i in used if i not in posteriors}
        # The new setting's mean is the average's; its mixture is only made when an interval is asked for.
        new_setting: Mapping[int, Distribution] = judged | {i: NewSetting(one) for i, one in posteriors.items()}
        average: Mapping[int, Distribution] = judged | {i: one.average for i, one in posteriors.items()}
        rows = tuple(row for i in used for row in self.counts[i])
        return Route(propagate(top, bottom, new_setting), propagate(top, bottom, average), rows, "")

    def _why_unknown(self, edge: Edge) -> str:
        if edge.status == "unknown":
            return f"Unknown: {edge.said}. {edge.definition}"
        where = "" if self.setting == "any" else f" of the setting {self.setting!r}"
        return f"No series{where} reports {edge.said}."

    def _direct_rows(self, asked: Outcome, given: Given) -> tuple[Count, ...]:
        variable, category = (asked.name, "yes") if asked.variable is None else (asked.variable, str(asked.state))
        rows = self.evidence.select(variable=variable, category=category, given=given, setting=self.setting)
        return tuple({row.source: row for row in reversed(rows)}.values())[::-1]

    def _pooled_route(self, rows: tuple[Count, ...], reason: str) -> Route:
        if not rows:
            return Route(None, None, (), reason)
        posterior = self._pooled(rows)
        return Route(NewSetting(posterior), posterior.average, rows, "")

    def _counted(self, asked: Outcome, given: Given, rows: tuple[Count, ...]) -> RiskEstimate:
        """An outcome of its own: only the series that count exactly this."""
        elsewhere = sorted(
            {given_text(c.given) or "all" for c in self.evidence.counts if c.variable == asked.name and c.role == "fit"}
        )
        reason = f"no series counts {asked.title} where {given_text(given) or 'nothing more is known'}"
        if elsewhere:
            reason += f"; it is counted where {', '.join(elsewhere)}"
        route = self._pooled_route(rows, reason)
        return self._estimate(asked, given, route, rows, (), False, (), ())

    def _estimate(
        self,
        asked: Outcome,
        given: Given,
        route: Route,
        direct_rows: tuple[Count, ...],
        edges: tuple[Edge, ...],
        definition_only: bool,
        bounds: tuple[Route, ...],
        unknown: tuple[Edge, ...],
        *,
        one_edge: bool = False,
    ) -> RiskEstimate:
        answer = route
        if asked.variable is None or (one_edge and route.estimable and not direct_rows):
            direct = route
            indirect = Route(
                None, None, (), "the question is one branch: no other series speak for it through the tree"
            )
            combined = route
        else:
            direct = self._pooled_route(direct_rows, "no series reports exactly this question and nothing finer")
            indirect = route
            if not direct.estimable:
                combined = route
            else:
                combined = Route(
                    None, None, (),
                    "series that report only the coarser question are not joined with the tree yet; see direct and indirect",
                )  # fmt: skip
            if not route.estimable and direct.estimable:
                # Nothing reaches this question but the series that report it: they are the answer, and bounds still show.
                answer = direct
        if definition_only:
            stated = asked.variable in dict(given)
            definitions = [] if stated else [edge.definition for edge in self._structural(asked, given)]
            note = "; ".join(dict.fromkeys(definitions)) or "it is part of what is known"
            answer = Route(answer.new_setting, answer.average, (), f"by definition: {note}")
        return RiskEstimate(
            new_setting=answer.new_setting,
            average=answer.average,
            counts=answer.counts,
            reason=answer.reason,
            outcome=asked,
            known=given,
            setting=self.setting,
            reading=self.evidence.reading,
            edges=edges,
            definition_only=definition_only,
            bounds=(bounds[0].mean or 0.0, bounds[1].mean or 0.0) if bounds else None,
            bound_routes=bounds,
            unknown=unknown,
            direct=direct,
            indirect=indirect,
            combined=combined,
        )

    def _structural(self, asked: Outcome, given: Given) -> list[Edge]:
        """Branches of the outcome that a definition closes, where what is known allows them."""
        known = dict(given)
        return [
            edge
            for edge in self.edges
            if edge.status == "structural"
            and edge.variable == asked.variable
            and all(known.get(name, state) == state for name, state in edge.given)
            and any(name in known for name, _ in edge.given)
        ]

    def probability(self, wanted: Mapping[str, str], known: Given, corner: Mapping[int, float]) -> float | None:
        """Probability of some states given others, with the unknown branches fixed.

        Parameters
        ----------
        wanted : mapping of str to str
            States by variable.
        known : tuple of (str, str)
            What is known.
        corner : mapping of int to float
            Value of each unknown branch, by its place in `edges`.

        Returns
        -------
        float or None
            None where the tree has no way to the question, or what is known cannot be.
        """
        if any(dict(known).get(name, state) != state for name, state in wanted.items()):
            return 0.0
        try:
            top, bottom = self._questions.diagram(dict(known) | dict(wanted)), self._questions.diagram(dict(known))
        except NotOnTreeError:
            return None
        means: dict[int, float] = dict(corner)
        for i in edges_of(top) | edges_of(bottom):
            edge = self.edges[i]
            if i in means:
                continue
            if edge.status == "counts" and self.counts[i]:
                means[i] = self._pooled(self.counts[i]).average.mean
            elif edge.status == "elicited" and edge.probability is not None:
                means[i] = edge.probability
            else:
                return None
        below = float(evaluate(bottom, means))
        return None if below == 0 else float(evaluate(top, means)) / below

    def blanks(self, questions: Sequence[Mapping[str, str]]) -> tuple[int, ...]:
        """Branches that some questions need and that no count, definition or judgement fills.

        Parameters
        ----------
        questions : sequence of mapping of str to str
            States by variable.

        Returns
        -------
        tuple of int
            Their places in `edges`.
        """
        needed: set[int] = set()
        for wanted in questions:
            try:
                needed |= edges_of(self._questions.diagram(wanted))
            except NotOnTreeError:
                continue
        return tuple(i for i in sorted(needed) if self.edges[i].status == "unknown" or self._empty(i))

    def _empty(self, i: int) -> bool:
        return self.edges[i].status == "counts" and not self.counts[i]

    # ------------------------------------------------------------ variants and tables

    def variant(self, **changes: Any) -> ProbabilityTree:
        """The same tree under another prior, heterogeneity, setting or evidence.

        Parameters
        ----------
        **changes : object
            Fields to replace.

        Returns
        -------
        ProbabilityTree
            Fitted anew.
        """
        refit = "prior" in changes or "heterogeneity" in changes
        return replace(self, _fits={} if refit else self._fits, _answers={}, **changes)

    def branches(self, *, ci_prob: float = 0.95) -> pd.DataFrame:
        """Every branch with its fit: see `riskmodel.branches.branch_table`.

        Parameters
        ----------
        ci_prob : float
            Probability of the equal-tailed intervals.

        Returns
        -------
        pandas.DataFrame
            One row for each branch.
        """
        return branch_table(self.edges, self.counts, [self.posterior(edge) for edge in self.edges], ci_prob=ci_prob)

    def kinds(self, variable: str, *, ci_prob: float = 0.95) -> tuple[dict[str, Any], ...]:
        """How the cases of a variable's other state divide into kinds: see `riskmodel.branches.kind_shares`.

        Parameters
        ----------
        variable : str
            A variable whose kinds the finding names.
        ci_prob : float
            Probability of the equal-tailed intervals.

        Returns
        -------
        tuple of dict
            For each kind its name, events, total, probability, interval and sources; empty where nothing is counted.

        Raises
        ------
        UnknownNameError
            If the finding names no kinds of the variable.
        """
        named = self.evidence.finding.kinds
        if variable not in named:
            raise UnknownNameError("variable with kinds", variable, named, where="kinds")
        rows = [
            count
            for count in self.evidence.fitted(self.setting)
            if count.variable == variable and count.category in named[variable]
        ]
        return kind_shares(named[variable], rows, ci_prob=ci_prob)

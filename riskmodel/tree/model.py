"""The probability tree: evidence to fitted branches to the risk of any outcome given what is known."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from riskmodel.coarsened.agreement import Agreement, Foretold, agreement, log_predictive, predicted
from riskmodel.coarsened.joint import Joint
from riskmodel.coarsened.nodes import HyperNodes
from riskmodel.coarsened.questions import NotOnTreeError, Questions
from riskmodel.coarsened.read_coarse import MOST_UNKNOWN, Reading, read_coarse
from riskmodel.coarsened.reweighted import Tilted
from riskmodel.distributions.base import Distribution, PointMass
from riskmodel.distributions.diagram import Branch, Node, cancel, edges_of, restrict
from riskmodel.distributions.propagated import propagate
from riskmodel.errors import AccuracyError, ContradictionError, InputError, UnavailableError, UnknownNameError
from riskmodel.evidence.evidence import Evidence
from riskmodel.evidence.finding import Count, Edge, Given, Outcome, given_text
from riskmodel.inference.pool import pool
from riskmodel.posterior import Posterior
from riskmodel.tree.estimate import RiskEstimate, Route
from riskmodel.tree.tables import branch_table, kind_shares

if TYPE_CHECKING:
    import pandas as pd

    from riskmodel.tree.sample import TreeSample


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
    >>> from riskmodel.evidence.load import load_evidence
    >>> model = fit(load_evidence("fetal-hepatic-calcification"))
    >>> risk = model.risk("good_outcome", anatomy="isolated", karyotype="normal", infection="negative")
    >>> f"{risk.mean:.3f} from {risk.fetuses} fetuses in {risk.series} series, {len(risk.wider)} of them of wider groups"
    '0.951 from 39 fetuses in 4 series, 2 of them of wider groups'
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
    _nodes: dict[Posterior, HyperNodes] = field(default_factory=dict, repr=False)
    _answers: dict[tuple[str, Given], RiskEstimate] = field(default_factory=dict, repr=False)
    _joints: dict[tuple[tuple[int, float], ...], Joint] = field(default_factory=dict, repr=False)
    _agreements: dict[str, tuple[tuple[Count, Agreement | None, str], ...]] = field(default_factory=dict, repr=False)

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
        """What the series that report one branch say of it; coarser counts are not in it.

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

    def branch(self, edge: Edge) -> Route | None:
        """What all counts together say of one branch, those of wider groups too.

        Parameters
        ----------
        edge : Edge
            A branch of this tree.

        Returns
        -------
        Route or None
            None where no series feeds it.
        """
        i = self.edges.index(edge)
        return self._route(Branch(i, 1.0, 0.0), 1.0, {}) if self.counts[i] else None

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

    def _nodes_of(self, posterior: Posterior) -> HyperNodes:
        if posterior not in self._nodes:
            self._nodes[posterior] = HyperNodes(posterior)
        return self._nodes[posterior]

    # ------------------------------------------------------------ coarser counts

    @cached_property
    def _defined(self) -> tuple[tuple[int, float], ...]:
        """Unknown branches that a definition fills, and its value."""
        return tuple(
            (i, edge.probability)
            for i, edge in enumerate(self.edges)
            if edge.status == "unknown" and edge.probability is not None
        )

    @cached_property
    def _coarse_rows(self) -> tuple[Count, ...]:
        return self.evidence.coarse(self.setting)

    def coarse(self) -> tuple[tuple[Count, Agreement | None, str], ...]:
        """Counts of coarser groups, and how each agrees with the branches that it did not feed.

        Returns
        -------
        tuple of (Count, Agreement or None, str)
            In the order of the file. Where a count cannot be read through the tree, None and the reason; such a count
            enters no combined answer.
        """
        if "coarse" not in self._agreements:
            self._agreements["coarse"] = tuple(self._beside(row) for row in self._coarse_rows)
        return self._agreements["coarse"]

    def _beside(self, row: Count) -> tuple[Count, Agreement | None, str]:
        found, reason, _ = self._read(row, {})
        if found is None:
            return row, None, reason
        own = {i: self._nodes_of(self._pooled(self.counts[i])) for i in edges_of(found.node)}
        return row, agreement(found, own), ""

    def foretold(self, row: Count) -> Foretold:
        """What these counts predict for one more count, of a series that is not among them.

        Parameters
        ----------
        row : Count
            Of any question that the tree or its counts speak of; its events are used for the log score alone.

        Returns
        -------
        Foretold
            Without a prediction, and with the reason, where nothing speaks of the question yet.
        """
        declared = self.evidence.finding.variable(row.variable)
        if row.role != "fit":
            return Foretold(None, None, "it enters no fit")
        if declared is None:
            rows = self._direct_rows_of(row)
            if not rows:
                return Foretold(None, None, "no series counted this before")
            return _scored(self._pooled(rows).predict(row.total), row.events)
        if row.category not in declared.states:
            return Foretold(None, None, "shares of kinds are not predicted")
        found = self._read(row, {})
        if found.coarse is None:
            return Foretold(None, None, found.reason)
        node = found.coarse.node
        if isinstance(node, Branch) and not {node.hit, node.miss} - {0.0, 1.0} and not found.coarse.known:
            pmf = self._pooled(self.counts[node.edge]).predict(row.total)
            return _scored(pmf if node.hit else pmf[::-1], row.events)
        own = {i: self._nodes_of(self._pooled(self.counts[i])) for i in edges_of(node)}
        return Foretold(predicted(found.coarse, own), log_predictive(found.coarse, own), "")

    def _direct_rows_of(self, row: Count) -> tuple[Count, ...]:
        return self.evidence.select(variable=row.variable, category=row.category, given=row.given, setting=self.setting)

    def _read(self, row: Count, fixed: Mapping[int, float]) -> Reading:
        return read_coarse(row, self._questions, self.edges, self.counts, fixed)

    def joint(self, fixed: Mapping[int, float] | None = None) -> Joint:
        """Posterior of the branches given every count that can be read.

        Parameters
        ----------
        fixed : mapping of int to float, optional
            Values of unknown branches that have a definition, by their place in `edges`; the definitions otherwise.

        Returns
        -------
        Joint
            Fitted when first asked for.
        """
        filled = tuple((i, (fixed or {}).get(i, value)) for i, value in self._defined)
        if filled not in self._joints:
            read = (self._read(row, dict(filled)).coarse for row in self._coarse_rows)
            rows = tuple(one for one in read if one is not None)
            self._joints[filled] = Joint(lambda edge: self._nodes_of(self._pooled(self.counts[edge])), rows)
        return self._joints[filled]

    def risk(self, outcome: str, /, **known: str) -> RiskEstimate:
        """Risk of an outcome given what is known; what is not known is summed over.

        Parameters
        ----------
        outcome : str
            Name of an outcome of the finding.
        **known : str
            Known states by variable, such as ``anatomy="isolated"``; where one of several is meant, ``"mild|severe"``.

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
        return self._answer(self.evidence.outcome(outcome), self.known(known, several=True))

    def state_risk(self, variable: str, state: str, /, **known: str) -> RiskEstimate:
        """Risk of a state of a variable, whether or not the finding asks about it as an outcome.

        Parameters
        ----------
        variable, state : str
            Such as ``"karyotype"`` and ``"abnormal"``; several states are joined by ``|``.
        **known : str
            As `risk` takes them.

        Returns
        -------
        RiskEstimate
            As `risk` gives it.

        Raises
        ------
        UnknownNameError
            If a variable or state does not exist.
        ContradictionError
            If what is known cannot be.
        """
        finding, declared = self.evidence.finding, self.evidence.variable(variable)
        for one in state.split("|"):
            if one not in declared.states:
                raise UnknownNameError(f"state of {variable}", one, declared.states, where=variable)
        named = next((one for one in finding.outcomes if (one.variable, one.state) == (variable, state)), None)
        said = " or ".join(declared.state_titles[one] for one in state.split("|"))
        asked = named or Outcome(
            name=f"{variable}={state}",
            title=f"{declared.title}: {said}",
            plain_title=f"{declared.plain_title}: {' or '.join(declared.plain_state_titles[s] for s in state.split('|'))}",
            complement_title=f"{declared.title}: not {said}",
            polarity="neutral",
            variable=variable,
            state=state,
            definition=declared.definition,
            until="",
            denominator="",
            headline=False,
        )
        return self._answer(asked, self.known(known, several=True))

    def _answer(self, asked: Outcome, given: Given) -> RiskEstimate:
        if (asked.name, given) not in self._answers:
            self._answers[asked.name, given] = self._risk(asked, given)
        return self._answers[asked.name, given]

    def _risk(self, asked: Outcome, given: Given) -> RiskEstimate:
        direct_rows = self._direct_rows(asked, given)
        if asked.variable is None:
            return self._counted(asked, given, direct_rows)
        assert asked.state is not None
        try:
            denominator = self._questions.diagram(dict(given))
            numerator = self._joint(given, asked.variable, asked.state)
        except NotOnTreeError as reason:
            none = _none(str(reason))
            direct = self._pooled_route(direct_rows, "no series reports exactly this question")
            return self._estimate(asked, given, direct if direct.estimable else none, none, lambda: (direct, none))
        if denominator == 0.0:
            raise ContradictionError(
                f"{given_text(given)} cannot be by the finding's definitions",
                where="known",
                remedy="Leave one of them out",
            )
        return self._through_tree(asked, given, numerator, denominator, direct_rows)

    def known(self, states: Mapping[str, Any], *, several: bool = False) -> Given:
        """Check known states and put them in the order of the tree.

        Parameters
        ----------
        states : mapping of str to str
            States by variable; None is not known.
        several : bool
            Whether ``"mild|severe"``, one of some states, is taken too.

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
            for one in str(state).split("|") if several else [str(state)]:
                if one not in variable.states:
                    raise UnknownNameError(f"state of {variable.name}", one, variable.states, where=variable.name)
            given.append((variable.name, state))
        return tuple(given)

    # ------------------------------------------------------------ questions as diagrams

    def _joint(self, given: Given, variable: str, state: str) -> Node:
        wanted = dict(given)
        both = [one for one in state.split("|") if one in wanted.get(variable, state).split("|")]
        return self._questions.diagram(wanted | {variable: "|".join(both)}) if both else 0.0

    # ------------------------------------------------------------ answers

    def _through_tree(
        self, asked: Outcome, given: Given, numerator: Node, denominator: Node, direct_rows: tuple[Count, ...]
    ) -> RiskEstimate:
        top, bottom = cancel(numerator, denominator)
        used = sorted(edges_of(top) | edges_of(bottom))
        edges = tuple(self.edges[i] for i in used)
        missing = [i for i in used if self.edges[i].status == "unknown" or self._empty(i)]
        unknown = tuple(self.edges[i] for i in missing)
        by_definition = {i: value for i in missing if (value := self.edges[i].probability) is not None}
        fillable = len(by_definition) == len(missing)
        combined = self._route(numerator, denominator, by_definition) if fillable else None
        constant = combined is not None and isinstance(combined.new_setting, PointMass) and not combined.counts
        if combined is None or (missing and constant):
            # Branches that a definition fills are not what stands in the way, unless there are no others.
            blocking = [i for i in missing if i not in by_definition] or missing
            combined = _none(" ".join(self._why_unknown(self.edges[i]) for i in blocking))
        large = [row for row in direct_rows if row in self._coarse_rows and self._read(row, {}).too_large]
        if large and combined.estimable:
            # Without the series that answers the question most directly a number would be silently wrong.
            named = ", ".join(f"{row.source} ({row.events:,} of {row.total:,})" for row in large)
            why = f"{named}: too many fetuses to divide over the branches. Read direct and indirect apart"
            combined = Route(None, None, (*combined.counts, *large), why, combined.wider)
        reason = combined.reason
        one_branch = bottom == 1.0 and isinstance(top, Branch) and not {top.hit, top.miss} - {0.0, 1.0} and not missing
        feeding = {(row.source, row.row) for i in used for row in self.counts[i]}
        direct_rows = tuple(row for row in direct_rows if (row.source, row.row) not in feeding)
        refused = bool(reason and combined.counts)

        def apart() -> tuple[Route, Route]:
            """From the series that report exactly this, and from finer cells through the tree."""
            through = (
                self._route(numerator, denominator, by_definition, joined=False) if refused or not reason else None
            )
            if one_branch and through is not None:
                return through, _none("the question is one branch: no finer cells speak for it through the tree")
            direct = self._pooled_route(direct_rows, "no series reports exactly this question and nothing finer")
            return direct, through or _none(reason)

        def corners() -> tuple[Route, ...]:
            """The answers with the unknown branches at 0 and 1, smallest first."""
            tried = missing and not large and len(missing) <= MOST_UNKNOWN
            ends = itertools.product((0.0, 1.0), repeat=len(missing)) if tried else ()
            routes = [self._route(numerator, denominator, dict(zip(missing, end, strict=True))) for end in ends]
            return tuple(sorted((one for one in routes if one and one.estimable), key=lambda one: one.mean or 0.0))

        # Where nothing reaches this question but the series that report it, they are the answer, and bounds still show.
        answer = combined
        if not combined.estimable and not refused and direct_rows:
            answer = apart()[0]
        joint = self.joint(by_definition)
        feeds = [{row.source for row in self.counts[i]} | set(joint.sources(i)) for i in used if self.counts[i]]
        return self._estimate(
            asked,
            given,
            answer,
            combined,
            apart,
            edges=edges,
            definition_only=constant and not missing,
            corners=corners,
            unknown=unknown,
            fewest=min((len(one) for one in feeds), default=answer.series),
        )

    def _route(
        self, numerator: Node, denominator: Node, fixed: Mapping[int, float], *, joined: bool = True
    ) -> Route | None:
        """The answer with some edges fixed; None where what is known then cannot be.

        With `joined` the coarser counts are in it; without, only the branches' own.
        """
        numerator, denominator = restrict(numerator, fixed), restrict(denominator, fixed)
        top, bottom = cancel(numerator, denominator)
        if bottom == 0.0:
            return None
        used = edges_of(top) | edges_of(bottom)
        rows = tuple(row for i in sorted(used) for row in self.counts[i])
        if not joined:
            return Route(*self._propagated(top, bottom, lambda i: self._pooled(self.counts[i])), rows, "")
        joint = self.joint(fixed)
        wider = tuple(one.row for one in joint.rows if edges_of(one.node) & used)
        try:
            if not joint.tied & used:
                return Route(*self._propagated(top, bottom, joint.posterior), rows + wider, "", wider)
            joint.check()
        except AccuracyError as refused:
            return Route(None, None, rows + wider, refused.message, wider)
        whole = cancel(numerator, denominator, keep=joint.tied)
        apart = (edges_of(whole[0]) | edges_of(whole[1])) - joint.tied
        others = self._risks(apart, joint.posterior)
        bases = cache(lambda: self._propagated(top, bottom, joint.posterior))
        risk = Tilted(joint, *whole, others[0], lambda: bases()[0], average=False)
        average = Tilted(joint, *whole, others[1], lambda: bases()[1], average=True)
        return Route(risk, average, rows + wider, "", wider, joint)

    def _risks(
        self, used: frozenset[int], posterior: Callable[[int], Posterior]
    ) -> tuple[dict[int, Distribution], dict[int, Distribution]]:
        """Risks of some branches in a new setting, and their averages."""
        fed = {i: posterior(i) for i in used if self.edges[i].status == "counts"}
        judged: dict[int, Distribution] = {
            i: PointMass(float(self.edges[i].probability or 0.0)) for i in used if i not in fed
        }
        # The new setting's mean is the average's; its mixture is only made when an interval is asked for.
        return judged | {i: one.next_setting for i, one in fed.items()}, judged | {
            i: one.average for i, one in fed.items()
        }

    def _propagated(
        self, top: Node, bottom: Node, posterior: Callable[[int], Posterior]
    ) -> tuple[Distribution, Distribution]:
        settings, averages = self._risks(edges_of(top) | edges_of(bottom), posterior)
        return propagate(top, bottom, settings), propagate(top, bottom, averages)

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
            return _none(reason)
        posterior = self._pooled(rows)
        return Route(posterior.next_setting, posterior.average, rows, "")

    def _counted(self, asked: Outcome, given: Given, rows: tuple[Count, ...]) -> RiskEstimate:
        """An outcome of its own: only the series that count exactly this."""
        elsewhere = sorted(
            {given_text(c.given) or "all" for c in self.evidence.counts if c.variable == asked.name and c.role == "fit"}
        )
        reason = f"no series counts {asked.title} where {given_text(given) or 'nothing more is known'}"
        if elsewhere:
            reason += f"; it is counted where {', '.join(elsewhere)}"
        route = self._pooled_route(rows, reason)
        return self._estimate(
            asked, given, route, route, lambda: (route, _none("counted by itself, not through the tree"))
        )

    def _estimate(
        self,
        asked: Outcome,
        given: Given,
        answer: Route,
        combined: Route,
        apart: Callable[[], tuple[Route, Route]],
        *,
        edges: tuple[Edge, ...] = (),
        definition_only: bool = False,
        corners: Callable[[], tuple[Route, ...]] = tuple,
        unknown: tuple[Edge, ...] = (),
        fewest: int | None = None,
    ) -> RiskEstimate:
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
            wider=answer.wider,
            joint=answer.joint,
            outcome=asked,
            known=given,
            setting=self.setting,
            reading=self.evidence.reading,
            edges=edges,
            definition_only=definition_only,
            corners=corners,
            unknown=unknown,
            fewest=answer.series if fewest is None else fewest,
            apart=apart,
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
            and all(state in known.get(name, state).split("|") for name, state in edge.given)
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
        joint = self.joint(corner)
        means: dict[int, float] = dict(corner)
        for i in edges_of(top) | edges_of(bottom):
            edge = self.edges[i]
            if i in means or i in joint.involved:
                continue
            if edge.status == "counts" and self.counts[i]:
                means[i] = self._pooled(self.counts[i]).average.mean
            elif edge.status == "elicited" and edge.probability is not None:
                means[i] = edge.probability
            else:
                return None
        try:
            value = joint.mean(top, bottom, means)
        except AccuracyError:
            return None
        return None if math.isnan(value) else value

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

    # ------------------------------------------------------------ the second opinion

    def sample(
        self,
        *,
        pooled_heterogeneity: bool = False,
        fixed: Mapping[int, float] | None = None,
        draws: int = 2000,
        tune: int = 1500,
        chains: int = 4,
        seed: int = 0,
        target_accept: float | None = None,
        progressbar: bool = False,
    ) -> TreeSample:
        """All branches and every count that can be read, in one model by PyMC's sampler.

        Parameters
        ----------
        pooled_heterogeneity : bool
            Whether the branches' spreads between settings come from one population; see `riskmodel.mcmc.tree.fit_tree`.
        fixed : mapping of int to float, optional
            Values, 0 or 1, of unknown branches, by their place in `edges`; their definitions otherwise.
        draws, tune, chains, seed, target_accept, progressbar : int, float or bool
            As `riskmodel.mcmc.tree.fit_tree` takes them.

        Returns
        -------
        TreeSample
            With `risk`, `diagnostics`, `checks` and `to_datatree`.

        Raises
        ------
        InputError
            If a setting of the sampler or a fixed value cannot be used, or no branch has counts.
        UnavailableError
            If a count is too large for the sampler, or all settings are taken to be alike.
        ConvergenceError
            If the draws cannot be trusted.
        """
        from riskmodel.mcmc.tree import fit_tree
        from riskmodel.priors import as_heterogeneity_prior, as_mu_prior
        from riskmodel.tree.sample import TreeSample

        given = dict(fixed or {})
        for i, value in given.items():
            if i not in range(len(self.edges)) or self.edges[i].status != "unknown" or value not in (0.0, 1.0):
                raise InputError(
                    f"branch {i!r} at {value!r}",
                    where="fixed",
                    remedy="Give 0 or 1 for places in edges whose status is unknown",
                )
        rows = self.joint(given).rows
        drawn = fit_tree(
            {
                i: ([row.events for row in counts], [row.total for row in counts])
                for i, counts in enumerate(self.counts)
                if counts
            },
            [(one.node, one.row.events, one.row.total, one.known) for one in rows],
            mu_prior=as_mu_prior(self.prior),
            heterogeneity_prior=as_heterogeneity_prior(self.heterogeneity),
            pooled_heterogeneity=pooled_heterogeneity,
            draws=draws,
            tune=tune,
            chains=chains,
            seed=seed,
            target_accept=target_accept,
            progressbar=progressbar,
        )
        filled = {i: edge.probability for i, edge in enumerate(self.edges) if edge.probability is not None}
        coarse = tuple(one.row for one in rows)
        return TreeSample(drawn, self.edges, self.counts, coarse, filled | given, self._question)

    def _question(self, outcome: str, known: Mapping[str, str]) -> tuple[Given, Node, Node]:
        asked, given = self.evidence.outcome(outcome), self.known(known)
        if asked.variable is None or asked.state is None:
            raise UnavailableError(
                f"{asked.title} is counted by itself, not through the tree",
                where=outcome,
                remedy="Read it from risk, or pool its counts",
            )
        try:
            return given, self._joint(given, asked.variable, asked.state), self._questions.diagram(dict(given))
        except NotOnTreeError as reason:
            raise UnavailableError(str(reason), where=outcome, remedy="Ask with more or other states known") from None

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
        return replace(
            self,
            _fits={} if refit else self._fits,
            _nodes={} if refit else self._nodes,
            _answers={},
            _joints={},
            _agreements={},
            **changes,
        )

    def branches(self, *, ci_prob: float = 0.95) -> pd.DataFrame:
        """Every branch with its fit: see `riskmodel.tree.tables.branch_table`.

        Parameters
        ----------
        ci_prob : float
            Probability of the equal-tailed intervals.

        Returns
        -------
        pandas.DataFrame
            One row for each branch.
        """
        routes = [self.branch(edge) for edge in self.edges]
        return branch_table(self.edges, self.counts, routes, ci_prob=ci_prob)

    def kinds(self, variable: str, *, ci_prob: float = 0.95) -> tuple[dict[str, Any], ...]:
        """How the cases of a variable's other state divide into kinds: see `riskmodel.tree.tables.kind_shares`.

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


def _scored(pmf: NDArray[np.float64], events: int) -> Foretold:
    probability = float(pmf[events])
    return Foretold(pmf, math.log(probability) if probability > 0 else None, "")


def _none(reason: str) -> Route:
    return Route(None, None, (), reason)

"""The probability tree, and the verbs of a researcher: fit, risk, sample, variant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from riskmodel._support.doors import door
from riskmodel._support.kept import Shelf, Value, brief, once
from riskmodel.coarsened.agreement import Agreement
from riskmodel.coarsened.drawn import Drawn
from riskmodel.distributions.diagram import Branch
from riskmodel.errors import UnknownNameError
from riskmodel.evidence.evidence import Evidence
from riskmodel.evidence.finding import Count, Edge, Outcome
from riskmodel.evidence.known import Known, states_in
from riskmodel.evidence.load import as_evidence
from riskmodel.posterior import Posterior
from riskmodel.priors import as_heterogeneity_prior
from riskmodel.tree.answer import answer, route, unknown
from riskmodel.tree.branches import Branches, allocate
from riskmodel.tree.estimate import RiskEstimate, Route
from riskmodel.tree.prediction import coarse_agreement
from riskmodel.tree.prior import DIRICHLET_TREE, as_branch_priors
from riskmodel.tree.tables import branch_html, branch_table, kind_shares

if TYPE_CHECKING:
    import pandas as pd

    from riskmodel.tree.sample import TreeSample

#: Trees that are asked again: a face asks the same few findings for every consultation.
_TREES = Shelf(32)


@door
def fit(
    evidence: str | Path | Evidence,
    *,
    prior: Any = DIRICHLET_TREE,
    heterogeneity: Any = "default",
    setting: str = "any",
) -> ProbabilityTree:
    """Fit every branch of a finding's tree to its counts.

    Parameters
    ----------
    evidence : str, Path or Evidence
        Checked counts under one reading; or a finding's name or folder, as `load_evidence` takes it.
    prior : optional
        On the average risk of each branch: ``"dirichlet-tree"``, under which an outcome has the prior of one risk however
        many branches lead to it (`riskmodel.tree.prior`), or what `pool` takes, the same for every branch.
    heterogeneity : optional
        On how much settings differ, as `pool` takes it.
    setting : str
        ``"any"``, or a setting of the finding, whose series alone then speak.

    Returns
    -------
    ProbabilityTree
        Each branch has its rows; it is fitted when first asked for. The same arguments give the same tree again while it is
        among those last asked for.

    Raises
    ------
    InputError
        If a prior cannot be used or the setting does not exist, or there is no such finding.
    EvidenceError
        If the finding's folder has faults.

    Examples
    --------
    >>> model = fit("fetal-hepatic-calcification")
    >>> risk = model.risk("good_outcome", anatomy="isolated", karyotype="normal", infection="negative")
    >>> f"{risk.mean:.3f} from {risk.fetuses} fetuses in {risk.series} series, {len(risk.coarse)} of them of coarser groups"
    '0.964 from 39 fetuses in 4 series, 2 of them of coarser groups'
    """
    evidence = as_evidence(evidence)
    mu_prior, mu_priors = as_branch_priors(evidence.finding, prior)
    heterogeneity_prior = as_heterogeneity_prior(heterogeneity)
    evidence.ascertainments(setting)

    def made() -> ProbabilityTree:
        fitted = allocate(evidence, setting, mu_prior, mu_priors, heterogeneity_prior)
        return ProbabilityTree(evidence, prior, heterogeneity, setting, fitted)

    # Evidence of two folders may be equal; a tree is of the folder that was asked about.
    key = (evidence, evidence.path, setting, mu_priors, heterogeneity_prior, str(prior), str(heterogeneity))
    return _TREES.get_or_make(key, made)


def as_tree(model: str | Path | Evidence | ProbabilityTree) -> ProbabilityTree:
    """A fitted tree as it is; or that of a finding's name, folder or evidence, with the usual priors."""
    return model if isinstance(model, ProbabilityTree) else fit(model)


@dataclass(frozen=True, eq=False, repr=False)
class ProbabilityTree(Value):
    """A finding's tree with its branches fitted.

    Parameters
    ----------
    evidence : Evidence
        What it is fitted to.
    prior, heterogeneity : object
        As `pool` takes them.
    setting : str
        Whose series speak.
    fitted : Branches
        The branches, each with its rows.
    near : Drawn or None
        Ways to divide the coarse counts that were drawn for a tree much like this: see `like`.
    """

    evidence: Evidence
    prior: Any
    heterogeneity: Any
    setting: str
    fitted: Branches
    near: Drawn | None = None

    @property
    def edges(self) -> tuple[Edge, ...]:
        """Branches in the order of the finding."""
        return self.evidence.finding.edges

    @property
    def counts(self) -> tuple[tuple[Count, ...], ...]:
        """Rows that feed each branch."""
        return self.fitted.rows

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
        place = self.edges.index(edge)
        return self.fitted.posterior(place) if self.counts[place] else None

    def branch(self, edge: Edge) -> Route | None:
        """What all counts together say of one branch, those of coarser groups too.

        Parameters
        ----------
        edge : Edge
            A branch of this tree.

        Returns
        -------
        Route or None
            None where nothing counted reaches it.
        """
        place = self.edges.index(edge)
        if edge.status not in ("counts", "unknown") or edge.probability is not None or unknown(self, place):
            return None
        return route(self, Branch(place, 1.0, 0.0), 1.0, {})

    def coarse(self) -> tuple[tuple[Count, Agreement | None, str], ...]:
        """Counts of coarser groups, and how each agrees with the branches that it did not feed.

        Returns
        -------
        tuple of (Count, Agreement or None, str)
            In the order of the file. None and the reason where nothing foretells a count, or where it cannot be read
            through the tree; the latter enters no combined answer.
        """
        return once(self, "coarse", lambda: tuple(coarse_agreement(self, row) for row in self.fitted.coarse))

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
        return answer(self, self.evidence.outcome(outcome), Known.of(self.evidence.finding, known))

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
        for one in states_in(state):
            if one not in declared.states:
                raise UnknownNameError(f"state of {variable}", one, declared.states, where=variable)
        named = next((one for one in finding.outcomes if (one.variable, one.state) == (variable, state)), None)
        said = " or ".join(declared.state_titles[one] for one in states_in(state))
        asked = named or Outcome(
            name=f"{variable}={state}",
            title=f"{declared.title}: {said}",
            plain_title=f"{declared.plain_title}: {' or '.join(declared.plain_state_titles[s] for s in states_in(state))}",
            complement_title=f"{declared.title}: not {said}",
            polarity="neutral",
            variable=variable,
            state=state,
            definition=declared.definition,
            until="",
            denominator="",
            headline=False,
        )
        return answer(self, asked, Known.of(finding, known))

    def sample(
        self,
        *,
        method: Literal["nuts", "exact"] = "nuts",
        pooled_heterogeneity: bool = False,
        fixed: Mapping[int, float] | None = None,
        **options: Any,
    ) -> TreeSample:
        """Joint draws of all branches given every count that can be read: in one model by PyMC's sampler, or exactly.

        Parameters
        ----------
        method : {"nuts", "exact"}
            PyMC's sampler, for a second opinion; or independent draws from the exact posterior, of which `draws` and `seed`
            are the only options.
        pooled_heterogeneity : bool
            Whether the branches' spreads between settings come from one population; see `riskmodel.mcmc.tree.fit_tree`.
        fixed : mapping of int to float, optional
            Values, 0 or 1, of unknown branches, by their place in `edges`; their definitions otherwise.
        **options : int, float or bool
            draws, tune, chains, seed, target_accept and progressbar, as `riskmodel.mcmc.tree.fit_tree` takes them.

        Returns
        -------
        TreeSample
            With `risk`, `diagnostics`, `checks` and `to_datatree`.

        Raises
        ------
        InputError
            If an option of the sampler or a fixed value cannot be used, or no branch has counts.
        UnavailableError
            If a count is too large for the sampler, or all settings are taken to be alike.
        ConvergenceError
            If the draws cannot be trusted.
        """
        from riskmodel.tree.sample import sampled

        return sampled(self, method, dict(fixed or {}), pooled_heterogeneity, **options)

    def to_datatree(self, *, draws: int = 4000, seed: int = 0) -> Any:
        """Exact joint draws of all branches as ArviZ knows them.

        Parameters
        ----------
        draws, seed : int
            How many independent draws, and the seed of all.

        Returns
        -------
        xarray.DataTree
            As `TreeSample.to_datatree` gives it.
        """
        return self.sample(method="exact", draws=draws, seed=seed).to_datatree(seed=seed)

    def variant(self, **changes: Any) -> ProbabilityTree:
        """The same tree under another prior, heterogeneity, setting or evidence; fits that it shares are not made again.

        Parameters
        ----------
        **changes : object
            What to replace: evidence, prior, heterogeneity, setting.

        Returns
        -------
        ProbabilityTree
            A value of its own: what it works out changes nothing here.

        Raises
        ------
        InputError
            If a prior cannot be used or the setting does not exist.
        """
        same = {"prior": self.prior, "heterogeneity": self.heterogeneity, "setting": self.setting}
        return fit(changes.pop("evidence", self.evidence), **(same | changes))

    def like(self, near: Drawn | None) -> ProbabilityTree:
        """The same tree, which weighs ways that were drawn for another anew where that does, in place of drawing its own.

        Parameters
        ----------
        near : Drawn or None
            Of the other tree's `riskmodel.coarsened.joint.Joint`; None leaves it as it is.

        Returns
        -------
        ProbabilityTree
            Answers then differ from each other by less than their errors tell, for these are the same.
        """
        return self if near is None else replace(self, near=near)

    def branches(self, *, ci_prob: float = 0.95) -> pd.DataFrame:
        """Every branch with its fit.

        Parameters
        ----------
        ci_prob : float
            Probability of the equal-tailed intervals.

        Returns
        -------
        pandas.DataFrame
            Columns variable, category, given, after (states ruled out), status, series, events, total, coarse, mean, lower,
            upper, average, average_lower, average_upper, ci_prob, ci_kind, definition, and in words variable_title, title
            (of the category) and otherwise (of the states that are left); numbers are missing where there are none.
            series, events and total are the branch's own counts, coarse the number of counts of coarser groups that speak
            for it too.
        """
        routes = [self.branch(edge) for edge in self.edges]
        return branch_table(self.evidence.finding, self.counts, routes, ci_prob=ci_prob)

    def __repr__(self) -> str:
        """What was fitted to what."""
        fed = sum(map(bool, self.counts))
        return (
            f"ProbabilityTree({self.evidence.finding.key}; {self.evidence.reading}, {self.setting}: {len(self.edges)} "
            f"branches, {fed} with counts; prior {brief(self.prior)}, heterogeneity {brief(self.heterogeneity)})"
        )

    def _repr_html_(self) -> str:
        """The branches in a table, for a notebook."""
        return branch_html(
            f"{self.evidence.finding.title}, reading {self.evidence.reading}", self.edges, self.branches()
        )

    def kinds(self, variable: str, *, ci_prob: float = 0.95) -> tuple[dict[str, Any], ...]:
        """How the cases of a variable's other state divide into kinds: a Dirichlet-multinomial of the series that say.

        The share of a kind is among cases, such as abnormal results, in a new setting; the shares sum to one.

        Parameters
        ----------
        variable : str
            A variable whose kinds the finding names.
        ci_prob : float
            Probability of the equal-tailed intervals.

        Returns
        -------
        tuple of dict
            For each kind its name, events, total, probability and interval of its share in a new setting, the average across
            settings, series, sources, and notes of the counts; empty where nothing is counted. The prior on heterogeneity
            is the tree's, the one on the average shares `riskmodel.tree.kinds.pool_kinds`'s own.

        Raises
        ------
        UnknownNameError
            If the finding names no kinds of the variable.
        """
        named = self.evidence.finding.kinds
        if variable not in named:
            raise UnknownNameError("variable with kinds", variable, named, where="kinds")
        fitted = self.evidence.fitted(self.setting)
        rows = [row for row in fitted if row.variable == variable and row.category in named[variable]]
        return kind_shares(named[variable], rows, self.fitted.heterogeneity_prior, ci_prob=ci_prob)

r"""All branches of a tree in one model by the No-U-Turn sampler: a second opinion on `coarsened.joint`.

.. math::

    \theta_{s,e} \sim \mathrm{Beta}(\mu_e\phi_e, (1-\mu_e)\phi_e), \qquad
    y_s \sim \mathrm{Binomial}(n_s, v(\theta_s))

with v the diagram of what a coarse count of the series s says. Where `coarsened.counts` sums over how its fetuses
divided, here the series' own risks are sampled. They are sampled as z, with

.. math::

    \mathrm{logit}\,\theta = \log(a/b) + z \sqrt{(1 + 1/2a)/a + (1 + 1/2b)/b},

which is near a standard normal whatever the shapes a and b are: sampled as they stand, a funnel, a few of 8,000 draws
diverged. Fine cells are integrated out (beta-binomial), those of a coarse count's own series included: its risk is then a
Beta that has seen them. So are coarse counts of one branch alone.

Counts are data of the compiled density, and the latest densities are kept: another tree of the same branches, diagrams and
priors is sampled at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from riskmodel._support.kept import Shelf
from riskmodel.distributions.diagram import Branch, Node
from riskmodel.distributions.special import sigmoid, tau_of
from riskmodel.errors import InputError, UnavailableError
from riskmodel.mcmc.density import (
    Shapes,
    heterogeneity_log_density,
    mu_log_densities,
    own_risks,
    series_log_density,
    shapes_of,
)
from riskmodel.mcmc.diagnostics import about, judge, logits, sample_stats
from riskmodel.mcmc.draws import Hyperparameters, TreeDraws, drawn, replicated, stated
from riskmodel.mcmc.options import Compiled, Options
from riskmodel.mcmc.problem import CoarseCount, Problem
from riskmodel.mcmc.spreads import pooled_spreads
from riskmodel.priors import HeterogeneityPrior, MuPrior

Array = NDArray[np.float64]

#: A coarse count of more fetuses ties the risks of its series along a narrow ridge: steps that aim at an acceptance of 0.95
#: diverged once in 2,000 draws of the echogenic bowel's, at 0.99 never in 8,000 (2026-11).
NARROW = 200

#: Compiled densities, by what they are made from and the acceptance that their steps aim at.
_COMPILED = Shelf(8)


def fit_tree(
    branches: Mapping[int, tuple[Any, Any]],
    coarse: Sequence[CoarseCount] = (),
    *,
    mu_prior: MuPrior | Mapping[int, MuPrior] | Sequence[MuPrior],
    heterogeneity_prior: HeterogeneityPrior | None,
    pooled_heterogeneity: bool = False,
    **options: Any,
) -> TreeDraws:
    r"""Joint posterior of a tree's branches, given their own counts and coarse ones.

    A branch without counts of its own, ``([], [])``, has its prior. `mu_prior` is one prior, or one for each branch, by its
    key or place.

    With `pooled_heterogeneity` the branches' spreads come from one population,
    :math:`\log\tau_e \sim \mathrm{Normal}(m, s)`, so that a branch with many series tells one with few how much settings
    differ (Higgins and Whitehead 1996 borrow heterogeneity so). The hyperpriors :math:`m \sim \mathrm{Normal}(\log t, c)`
    and :math:`s \sim \mathrm{HalfNormal}(c)` have t the median of `heterogeneity_prior` and c its standard deviation of
    log(tau) divided by the square root of 2. A single branch then has the same prior centre and variance of log(tau) as
    without pooling, and half of that variance is common to all branches: what changes is only what they tell each other.

    Higgins JPT, Whitehead A. Borrowing strength from external trials in a meta-analysis. Stat Med 1996;15:2733-49.
    Gelman A. Prior distributions for variance parameters in hierarchical models. Bayesian Analysis 2006;1:515-34, for a
    half-normal scale. Papaspiliopoulos O, Roberts GO, Skold M. A general framework for the parametrization of
    hierarchical models. Statistical Science 2007;22:59-73, for sampling deviations.
    """
    if heterogeneity_prior is None:
        raise UnavailableError(
            "with heterogeneity 0 every series has its branch's risk, and there is no hierarchy to sample",
            where="heterogeneity",
            remedy="Give a heterogeneity prior",
        )
    problem = Problem.checked(branches, coarse)
    largest = max((problem.coarse[row][2] for row, _ in problem.own), default=0)
    asked = Options.given(options, target_accept=0.99 if pooled_heterogeneity or largest > NARROW else 0.95)
    model = _Model(
        problem.edges,
        tuple(
            parts.nodes if any(row == i for row, _ in problem.own) else () for i, parts in enumerate(problem.divided)
        ),
        problem.own,
        _each(mu_prior, problem.edges),
        heterogeneity_prior,
        pooled_heterogeneity,
    )
    compiled = _COMPILED.get_or_make((model, asked.target_accept), lambda: _compiled(model, asked))
    trace = compiled.run(_data(problem, model), _initial(problem, model), asked)
    return _drawn(trace, problem, model, seed=asked.seed)


def _each(prior: MuPrior | Mapping[int, MuPrior] | Sequence[MuPrior], edges: tuple[int, ...]) -> tuple[MuPrior, ...]:
    if isinstance(prior, MuPrior):
        return (prior,) * len(edges)
    try:
        return tuple(prior[edge] for edge in edges)
    except LookupError:
        raise InputError(
            f"none for a branch of {list(edges)}", where="mu_prior", remedy="Give one prior, or one for each branch"
        ) from None


# ---------------------------------------------------------------- the density, symbolically


class _Model(NamedTuple):
    """All that a density is compiled from; counts are not in it."""

    edges: tuple[int, ...]
    nodes: tuple[tuple[Node, ...], ...]  # of the parts of each coarse count; none where it is a series of one branch
    own: tuple[tuple[int, int], ...]  # as a `Problem` has them
    mu_priors: tuple[MuPrior, ...]
    heterogeneity_prior: HeterogeneityPrior
    pooled: bool

    @property
    def on_tau(self) -> bool:
        """What the heterogeneity is sampled on."""
        return self.heterogeneity_prior.scale == "tau"


def _compiled(model: _Model, options: Options) -> Compiled:
    import pymc as pm

    with pm.Model() as compiled:
        place = pm.Data("place", np.zeros(1, np.int64))
        hits, missed = (pm.Data(name, np.zeros(1)) for name in ("hits", "missed"))
        x = pm.Flat("x", shape=len(model.edges))
        if model.pooled:
            w, spreads = pooled_spreads(x, model.heterogeneity_prior)
            shapes = shapes_of(x, w, on_tau=True)
        else:
            w = pm.Flat("w", shape=len(model.edges))
            shapes = shapes_of(x, w, on_tau=model.on_tau)
            spreads = heterogeneity_log_density(model.heterogeneity_prior, shapes)
        prior = mu_log_densities(model.mu_priors, shapes) + spreads.sum()
        pm.Potential("branches", prior + series_log_density(shapes, place, hits, missed).sum())
        if model.own:
            pm.Potential("coarse", _coarse_log_density(model, shapes, pm.Flat("z", shape=len(model.own))))
    return Compiled(compiled, options)


def _data(problem: Problem, model: _Model) -> dict[str, Any]:
    data: dict[str, Any] = dict(zip(("place", "hits", "missed"), problem.series, strict=True))
    if model.own:
        data |= dict(zip(("seen_hits", "seen_missed"), problem.seen[1:], strict=True))
    for i, nodes in enumerate(model.nodes):
        if nodes:
            data |= {f"{name}_{i}": one for name, one in zip(_DIVISIONS, problem.divisions(i), strict=True)}
    return data


def _initial(problem: Problem, model: _Model) -> dict[str, Any]:
    """Where chains start; what is not here starts at 0."""
    spreads = {} if model.pooled else {"w": np.full(len(problem.edges), model.heterogeneity_prior.centre()[0])}
    return {"x": problem.starts} | spreads


#: Data of a coarse count: see `Problem.divisions`.
_DIVISIONS = ("events", "others", "choose")


def _coarse_log_density(model: _Model, shapes: Shapes, z: Any) -> Any:
    """Density of the own risks' deviations z, and the coarse counts' likelihood at those risks."""
    import pymc as pm
    import pytensor.tensor as pt

    places = np.array([model.edges.index(edge) for _, edge in model.own], np.int64)
    hits, missed = (pm.Data(name, np.zeros(places.size)) for name in ("seen_hits", "seen_missed"))
    density, log_theta, log_rest = own_risks(shapes, places, hits, missed, z)
    value = density.sum()
    for i, nodes in enumerate(model.nodes):
        if not nodes:
            continue
        risks = {edge: (log_theta[k], log_rest[k]) for k, (row, edge) in enumerate(model.own) if row == i}
        empty = (np.zeros((1, len(nodes))), np.zeros((1, len(nodes))), np.zeros(1))
        events, others, choose = (pm.Data(f"{name}_{i}", one) for name, one in zip(_DIVISIONS, empty, strict=True))
        both = [_log_value(node, risks) for node in nodes]
        log_value, log_other = (
            pt.stack([_NEVER if pair[side] is None else pair[side] for pair in both]) for side in (0, 1)
        )
        value = value + pt.logsumexp(pt.dot(events, log_value) + pt.dot(others, log_other) + choose)
    return value


#: Logarithm of a probability of 0 whose events are 0 too.
_NEVER = np.float64(-1e300)


def _log_value(node: Node, risks: Mapping[int, tuple[Any, Any]]) -> tuple[Any, Any]:
    """Logarithms of a diagram's value and of its complement, neither a difference; None for that of 0."""
    import pytensor.tensor as pt

    if not isinstance(node, Branch):
        return tuple(np.float64(np.log(one)) if one > 0 else None for one in (node, 1 - node))  # type: ignore[return-value]
    found = []
    sides = [_log_value(one, risks) for one in (node.hit, node.miss)]
    for kind in (0, 1):
        terms = [
            risk + side[kind] if side[kind] != 0.0 else risk
            for risk, side in zip(risks[node.edge], sides, strict=True)
            if side[kind] is not None
        ]
        found.append(pt.logaddexp(*terms) if len(terms) == 2 else terms[0] if terms else None)
    return found[0], found[1]


# ---------------------------------------------------------------- draws


def _drawn(trace: Any, problem: Problem, model: _Model, *, seed: int) -> TreeDraws:
    posterior = drawn(trace)
    hyper = Hyperparameters.of(posterior["x"], posterior["w"], on_tau=model.on_tau)
    mu, rest, rho, g = hyper.mu, hyper.rest, hyper.rho, np.exp(hyper.log_g)
    tau = tau_of(mu, rest, g)[0]
    places, hits, missed = problem.seen
    a, b = (mu / g)[..., places] + hits, (rest / g)[..., places] + missed
    spread = np.sqrt((1 + 0.5 / a) / a + (1 + 0.5 / b) / b)
    theta_logit = np.log(a) - np.log(b) + posterior["z"] * spread if problem.own else np.empty(a.shape)
    pooled = {}
    if "tau_sd" in posterior:
        pooled = {"tau_median": np.exp(posterior["log_tau_median"]), "tau_sd": posterior["tau_sd"]}

    judged = {f"mu[{edge}]": logits(mu[..., i]) for i, edge in enumerate(problem.edges)}
    judged |= {f"rho[{edge}]": logits(rho[..., i]) for i, edge in enumerate(problem.edges)}
    judged |= {f"theta[{row}, {edge}]": theta_logit[..., k] for k, (row, edge) in enumerate(problem.own)}
    judged |= {name: np.log(values) for name, values in pooled.items()}
    diagnostics = judge(judged, about(trace), way_out="read the exact answer of the tree alone")

    rng = np.random.default_rng(seed)
    a, b = hyper.shapes
    again = replicated(problem, a, b, rng)
    # Risks that were summed out are drawn from their Betas.
    lone = [rng.beta(a[..., i] + hits, b[..., i] + missed) for i, hits, missed in problem.lone]
    return TreeDraws(
        branches=problem.edges,
        mu=mu,
        rho=rho,
        tau=tau,
        theta_new=rng.beta(a, b),
        theta=np.concatenate([sigmoid(theta_logit), *(one[..., None] for one in lone)], axis=-1),
        own=problem.own + problem.alone,
        hyper=pooled,
        problem=problem,
        replicated=again,
        sample_stats=sample_stats(trace),
        diagnostics=diagnostics,
        prior=stated(dict(zip(model.edges, model.mu_priors, strict=True))),
        heterogeneity_prior=str(model.heterogeneity_prior) + ("; partially pooled between branches" if pooled else ""),
        priors=() if pooled else tuple((prior, model.heterogeneity_prior) for prior in model.mu_priors),
    )

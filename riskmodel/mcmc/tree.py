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
Beta that has seen them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskmodel._support.checks import checked_counts
from riskmodel.distributions.diagram import Branch, Node, edges_of, evaluate
from riskmodel.distributions.special import sigmoid, tau_of
from riskmodel.errors import ContradictionError, InputError, UnavailableError
from riskmodel.mcmc.density import (
    Shapes,
    counts_log_density,
    heterogeneity_log_density,
    mu_log_density,
    own_risks,
    shapes_of,
    symbolic_tau_of,
)
from riskmodel.mcmc.diagnostics import judge, logits, sample_stats
from riskmodel.mcmc.draws import Checked, Hyperparameters, TreeDraws, drawn
from riskmodel.mcmc.options import Options, check_totals, start
from riskmodel.priors import HeterogeneityPrior, MuPrior, TauPrior

Counts = NDArray[np.int64]
Array = NDArray[np.float64]
Cells = Mapping[int, tuple[int, int]]
CoarseCount = tuple[Node, int, int, Cells]

#: A coarse count of more fetuses would be divided in too many ways where part of its division is known.
LARGEST_COARSE = 1000


def fit_tree(
    branches: Mapping[int, tuple[Any, Any]],
    coarse: Sequence[CoarseCount] = (),
    *,
    mu_prior: MuPrior,
    heterogeneity_prior: HeterogeneityPrior | None,
    pooled_heterogeneity: bool = False,
    **options: Any,
) -> TreeDraws:
    r"""Joint posterior of a tree's branches.

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
    asked = Options.given(options, target_accept=0.99 if pooled_heterogeneity else 0.95)
    if heterogeneity_prior is None:
        raise UnavailableError(
            "with heterogeneity 0 every series has its branch's risk, and there is no hierarchy to sample",
            where="heterogeneity",
            remedy="Give a heterogeneity prior",
        )
    problem = _Problem.checked(branches, coarse)
    import pymc as pm

    on_tau = heterogeneity_prior.scale == "tau"
    initial: dict[str, Any] = {
        "x": np.array([start(y, n) for y, n in zip(problem.events, problem.totals, strict=True)])
    }
    with pm.Model():
        x = pm.Flat("x", shape=len(problem.edges))
        if pooled_heterogeneity:
            w, spreads = _pooled_spreads(x, heterogeneity_prior)
            shapes = shapes_of(x, w, on_tau=True)
            prior = mu_log_density(mu_prior, shapes) + spreads
        else:
            w = pm.Flat("w", shape=len(problem.edges))
            initial["w"] = np.full(len(problem.edges), heterogeneity_prior.centre()[0])
            shapes = shapes_of(x, w, on_tau=on_tau)
            prior = mu_log_density(mu_prior, shapes) + heterogeneity_log_density(heterogeneity_prior, shapes)
        pm.Potential("branches", (prior + counts_log_density(problem.events, problem.totals, shapes)).sum())
        if problem.own:
            pm.Potential("coarse", _coarse_log_density(problem, shapes, pm.Flat("z", shape=len(problem.own))))
        trace = asked.run(initial)
    return _drawn(trace, problem, mu_prior, heterogeneity_prior, on_tau=on_tau, seed=asked.seed)


# ---------------------------------------------------------------- counts, checked


@dataclass(frozen=True)
class _Divided:
    """A coarse count as parts whose sizes are certain: `certain` events and, of each part, as many as a binomial gives."""

    certain: int
    sizes: tuple[int, ...]
    nodes: tuple[Node, ...]

    @classmethod
    def of(cls, node: Node, total: int, known: Cells) -> _Divided:
        if total == 0 or node in (0.0, 1.0):
            return cls(total if node == 1.0 else 0, (), ())
        if not isinstance(node, Branch) or known.get(node.edge, (0, -1))[1] != total:
            return cls(0, (total,), (node,))
        hits = known[node.edge][0]
        one, other = cls.of(node.hit, hits, known), cls.of(node.miss, total - hits, known)
        return cls(one.certain + other.certain, one.sizes + other.sizes, one.nodes + other.nodes)

    def ways(self, events: int) -> Counts:
        """How the events that are not certain can divide over the parts; shape (ways, parts)."""
        left = events - self.certain
        if not self.sizes:
            return np.zeros((int(left == 0), 0), np.int64)
        *rest, last = self.sizes
        firsts = product(*(range(min(size, max(left, -1)) + 1) for size in rest))
        found = [(*first, left - sum(first)) for first in firsts if 0 <= left - sum(first) <= last]
        return np.array(found, np.int64).reshape(len(found), len(self.sizes))


@dataclass(frozen=True)
class _Problem:
    edges: tuple[int, ...]
    events: tuple[Counts, ...]
    totals: tuple[Counts, ...]
    coarse: tuple[CoarseCount, ...]
    divided: tuple[_Divided, ...]
    #: Coarse count and branch of each risk that is a coarse count's series' own.
    own: tuple[tuple[int, int], ...]

    @classmethod
    def checked(cls, branches: Mapping[int, tuple[Any, Any]], coarse: Sequence[CoarseCount]) -> _Problem:
        if not branches:
            raise InputError("no branches", where="branches", remedy="Give at least one with its counts")
        edges = tuple(sorted(branches))
        pairs = [checked_counts(*branches[edge]) for edge in edges]
        for _, totals in pairs:
            check_totals(totals)
        rows, divided, own = [], [], []
        for i, (node, *count, known) in enumerate(coarse):
            where = f"coarse count {i + 1}"
            missing = edges_of(node) - set(edges)
            if missing:
                raise InputError(
                    f"its diagram needs branches {sorted(missing)}, which have no counts",
                    where=where,
                    remedy="Fix them at a value in the diagram, or leave the count out",
                )
            ((events,), (total,)) = (one.tolist() for one in checked_counts(*([one] for one in count)))
            if total > LARGEST_COARSE:
                raise UnavailableError(f"a total of {total:,} is above {LARGEST_COARSE:,}", where=where)
            cells = {}
            for edge, cell in known.items():
                ((hits,), (seen,)) = (one.tolist() for one in checked_counts(*([one] for one in cell)))
                cells[edge] = (hits, seen)
            parts = _Divided.of(node, total, cells)
            if not len(parts.ways(events)):
                raise ContradictionError(
                    f"{events} of {total} cannot be, given its diagram and its series' cells",
                    where=where,
                    remedy="Correct the count or the cells",
                )
            rows.append((node, events, total, cells))
            divided.append(parts)
            own += [(i, edge) for edge in sorted(frozenset().union(*map(edges_of, parts.nodes)))]
        return cls(
            edges, tuple(y for y, _ in pairs), tuple(n for _, n in pairs), tuple(rows), tuple(divided), tuple(own)
        )

    @property
    def seen(self) -> tuple[NDArray[np.int64], Array, Array]:
        """Of each own risk: its branch's place, and the hits and misses in its series' cells."""
        cells = [self.coarse[row][3].get(edge, (0, 0)) for row, edge in self.own]
        hits, totals = np.array(cells, np.float64).reshape(-1, 2).T
        return np.array([self.edges.index(edge) for _, edge in self.own], np.int64), hits, totals - hits


# ---------------------------------------------------------------- the density, symbolically


def _pooled_spreads(x: Any, prior: HeterogeneityPrior) -> tuple[Any, Any]:
    """Each branch's w, from spreads that share a population, and its log-density.

    Deviations from the population's median are sampled, not the spreads: no funnel.
    """
    import pymc as pm
    import pytensor.tensor as pt

    if not isinstance(prior, TauPrior):
        raise UnavailableError(
            "heterogeneity is pooled between branches as log(tau), and this prior is on rho",
            where="pooled_heterogeneity",
            remedy="Use a prior on tau, such as the default",
        )
    median, sd = prior.median_and_spread()
    width = np.float64(sd / np.sqrt(2))
    middle = pm.Normal("log_tau_median", np.float64(np.log(median)), width)
    between = pm.HalfNormal("tau_sd", width)
    deviation = pm.Flat("deviation", shape=x.type.shape)
    w, log_slope = _w_near(x, middle + between * deviation)
    w = pm.Deterministic("w", w)
    tau, exact_slope = symbolic_tau_of(shapes_of(x, w, on_tau=True))
    # The exact log(tau) is normal; sampling by the near one costs the ratio of their slopes.
    apart = (pt.log(tau) - middle) / between
    return w, exact_slope - pt.log(tau) - log_slope - 0.5 * apart**2


def _w_near(x: Any, log_tau: Any) -> tuple[Any, Any]:
    """The w at which a branch of average logit x has nearly a spread tau, and the log of the slope of log(tau) in w.

    With psi_1(z) to 0.05 % by one step of the recurrence and three terms, for a density in which the exact one stands too
    would take minutes to compile. By Newton's method from tau**2 near c + 0.75 c**2 (mu**2 + (1 - mu)**2), c = exp(w): two
    steps that gradients do not see and a third that they do, which gives the implicit function's own derivatives.
    """
    import pytensor.tensor as pt
    from pytensor.gradient import disconnected_grad

    def near(inverse: Any) -> tuple[Any, Any]:
        """psi_1(1/t) and its slope in log(t)."""
        z = 1.0 / inverse
        r = 1.0 / (z + 1.0)
        square = r * r
        return inverse * inverse + r + square * (0.5 + r / 6), 2 * inverse * inverse + z * square * (
            1 + r + 0.5 * square
        )

    def spread(at: Any, w: Any) -> tuple[Any, Any]:
        (left, left_slope), (right, right_slope) = (near(pt.exp(w) * pt.sigmoid(one)) for one in (-at, at))
        return 0.5 * pt.log(left + right), 0.5 * (left_slope + right_slope) / (left + right)

    def better(at: Any, w: Any, aim: Any) -> Any:
        value, slope = spread(at, w)
        return w - (value - aim) / slope

    held, aim = disconnected_grad(x), disconnected_grad(log_tau)
    mu, variance = pt.sigmoid(held), pt.exp(2 * aim)
    w = pt.log(2 * variance / (1 + pt.sqrt(1 + 3.0 * (mu**2 + (1 - mu) ** 2) * variance)))
    for _ in range(2):
        w = better(held, w, aim)
    w = better(x, disconnected_grad(w), log_tau)
    return w, pt.log(spread(x, w)[1])


def _coarse_log_density(problem: _Problem, shapes: Shapes, z: Any) -> Any:
    """Density of the own risks' deviations z, and the coarse counts' likelihood at those risks."""
    import pytensor.tensor as pt
    from scipy.special import gammaln

    density, log_theta, log_rest = own_risks(shapes, *problem.seen, z)
    value = density.sum()
    theta, rest = pt.exp(log_theta), pt.exp(log_rest)
    place = {one: k for k, one in enumerate(problem.own)}
    for i, (parts, (_, events, _, _)) in enumerate(zip(problem.divided, problem.coarse, strict=True)):
        if not parts.sizes:
            continue
        risks = {edge: (theta[k], rest[k]) for (row, edge), k in place.items() if row == i}
        ways, sizes = parts.ways(events), np.array(parts.sizes)
        both = [_value(node, risks) for node in parts.nodes]
        log_value, log_other = (pt.log(pt.stack([pair[side] for pair in both])) for side in (0, 1))
        choose = (gammaln(sizes + 1.0) - gammaln(ways + 1.0) - gammaln(sizes - ways + 1.0)).sum(axis=1)
        if len(ways) == 1:
            value = value + (ways[0] * log_value + (sizes - ways[0]) * log_other).sum() + choose[0]
        else:
            value = value + pt.logsumexp(pt.dot(ways, log_value) + pt.dot(sizes - ways, log_other) + choose)
    return value


def _value(node: Node, risks: Mapping[int, tuple[Any, Any]]) -> tuple[Any, Any]:
    """A diagram's value and its complement, neither a difference."""
    if not isinstance(node, Branch):
        return np.float64(node), np.float64(1 - node)
    (p, q), hit, miss = risks[node.edge], _value(node.hit, risks), _value(node.miss, risks)
    return p * hit[0] + q * miss[0], p * hit[1] + q * miss[1]


# ---------------------------------------------------------------- draws


def _drawn(
    trace: Any,
    problem: _Problem,
    mu_prior: MuPrior,
    heterogeneity_prior: HeterogeneityPrior,
    *,
    on_tau: bool,
    seed: int,
) -> TreeDraws:
    posterior = drawn(trace)
    hyper = Hyperparameters.of(posterior["x"], posterior["w"], on_tau=on_tau)
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
    diagnostics = judge(judged, trace, way_out="read the exact answer of the tree alone")

    rng = np.random.default_rng(seed)
    counts, replicated = _replicated(problem, *hyper.shapes, rng)
    return TreeDraws(
        branches=problem.edges,
        mu=mu,
        rho=rho,
        tau=tau,
        theta_new=rng.beta(*hyper.shapes),
        theta=sigmoid(theta_logit),
        own=problem.own,
        hyper=pooled,
        counts=counts,
        replicated=replicated,
        sample_stats=sample_stats(trace),
        diagnostics=diagnostics,
        prior=str(mu_prior),
        heterogeneity_prior=str(heterogeneity_prior) + ("; partially pooled between branches" if pooled else ""),
    )


def _replicated(
    problem: _Problem, a: Array, b: Array, rng: np.random.Generator
) -> tuple[tuple[Checked, ...], NDArray[np.int64]]:
    """Each count drawn again for another series of its size, with the same cells where it had some."""
    counts, drawn = [], []
    for i, edge in enumerate(problem.edges):
        for series, (y, n) in enumerate(zip(problem.events[i].tolist(), problem.totals[i].tolist(), strict=True)):
            counts.append(Checked("fine", edge, series, y, n))
            drawn.append(rng.binomial(n, rng.beta(a[..., i], b[..., i])))
    for row, (parts, (_, events, total, known)) in enumerate(zip(problem.divided, problem.coarse, strict=True)):
        risks = {}
        for i, edge in enumerate(problem.edges):
            hits, seen = known.get(edge, (0, 0))
            risks[edge] = rng.beta(a[..., i] + hits, b[..., i] + (seen - hits))
        again = np.full(a.shape[:2], parts.certain)
        for size, node in zip(parts.sizes, parts.nodes, strict=True):
            again = again + rng.binomial(size, np.clip(evaluate(node, risks), 0.0, 1.0))
        counts.append(Checked("coarse", row, 0, events, total))
        drawn.append(again)
    return tuple(counts), np.stack(drawn, axis=-1)

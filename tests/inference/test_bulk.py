"""Compiled loops of bulk work: the same numbers as the plain path, asked for by bulk work alone, and done without where they fail."""

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest

import riskmodel as rm
from riskmodel._support.kept import clear
from riskmodel.distributions import bulk as rooms
from riskmodel.distributions.bulk import MANY, bulk, compiled
from riskmodel.distributions.mixture import BetaMixture
from riskmodel.distributions.special import log_sigmoids, tau_of

pytestmark = pytest.mark.usefixtures("nothing_kept")

LEVELS = np.array([0.0005, 0.005, 0.025, 0.1, 0.5, 0.9, 0.975, 0.995])
SOAK = bool(os.environ.get("RISKMODEL_SOAK"))
#: Largest difference that is allowed; observed 2e-12 in log evidence, 5e-13 elsewhere (2026-11).
SAME = 1e-11


def said(events, totals, **choices):
    clear()
    post = rm.pool(events, totals, **choices)
    average, new = post.average, post.new_setting
    means = [post.log_evidence, average.mean, average.sd, new.mean, new.sd, post.series[0].mean]
    grid = [0.01, 0.3, 0.9]
    tails = average.cdf(grid), new.cdf(grid), new.sf(grid)
    return np.concatenate([means, average.ppf(LEVELS), new.ppf(LEVELS), *tails, new.predict(12)])


def drawn(seed, number):
    rng = np.random.default_rng(seed)
    for _ in range(number):
        totals = rng.choice([1, 2, 5, 20, 61, 300, 3000], int(rng.integers(1, 9)))
        yield rng.binomial(totals, rng.beta(0.4, 0.8, totals.size)), totals


EXTREME = [
    ([0], [1]), ([1], [1]), ([0, 0, 0], [10, 20, 30]), ([10, 20, 30], [10, 20, 30]), ([0], [3000]), ([0, 61], [61, 61]),
    ([120_000, 95_000], [1_000_000, 1_000_000]), ([0, 1], [1_000_000, 2]), ([999_999], [1_000_000]),
    (list(range(71)), [80] * 71), ([1] * 400, [30] * 400),
]  # fmt: skip


@pytest.mark.parametrize(
    "counts", [*EXTREME, *drawn(1, 20)], ids=lambda counts: f"{str(counts[0])[:20]} of {str(counts[1])[:20]}"
)
def test_compiled_and_plain_agree(counts):
    plain = said(*counts)
    with bulk():
        assert compiled() is not None
        assert np.abs(said(*counts) - plain).max() < SAME


@pytest.mark.parametrize("heterogeneity", [*rm.priors.HETEROGENEITY_PRIORS, ("exponential", 0.5), ("half-t", 4, 1), 0])
@pytest.mark.parametrize(
    "prior", ["jeffreys", "rbest", BetaMixture(np.array([0.7, 0.3]), np.array([2.0, 1]), np.array([9.0, 1]))]
)
def test_under_every_named_prior_on_either_scale(prior, heterogeneity):
    """Of few events; the soak run has many and two more that are drawn, whose like the test above has under one prior."""
    for counts in (([0, 2], [40, 17]), *((([20, 10, 5], [21, 11, 5]), *drawn(2, 2)) if SOAK else ())):
        plain = said(*counts, prior=prior, heterogeneity=heterogeneity)
        with bulk():
            assert np.abs(said(*counts, prior=prior, heterogeneity=heterogeneity) - plain).max() < SAME


@pytest.mark.parametrize("model", ["contaminated-beta-binomial", "logit-normal", "logit-t"])
def test_models_without_loops_of_their_own_agree_too(model):
    plain = said([3, 1, 9], [20, 30, 11], model=model)
    with bulk():
        assert np.abs(said([3, 1, 9], [20, 30, 11], model=model) - plain).max() < SAME


def test_the_elementary_functions_keep_their_digits():
    x = np.concatenate([np.linspace(-690, 690, 2001), np.linspace(-1e-3, 1e-3, 101)])
    mu, rest = np.exp(np.clip(log_sigmoids(x), -170, 0))
    g = np.exp(np.linspace(-140, 50, x.size))
    plain = *log_sigmoids(x), *tau_of(mu, rest, g)
    with bulk():
        fast = *log_sigmoids(x), *tau_of(mu, rest, g)
    for one, other in zip(plain, fast, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-13)


def test_many_problems_in_one_call_are_the_same_as_few(monkeypatch):
    problems = [([i % 7, i // 7], [9, 30]) for i in range(MANY)]
    fast = rm.pool_many(problems)
    assert "riskmodel.distributions.bulk.kernel" in sys.modules
    clear()
    monkeypatch.setattr("riskmodel.inference.pool_many.MANY", MANY + 1)
    plain = rm.pool_many(problems)
    numbers = ["mean", "sd", "median", "lower", "upper", "log_evidence"]
    assert np.abs(fast[numbers] - plain[numbers]).to_numpy().max() < SAME
    assert not fast[numbers].equals(plain[numbers])  # that is, two paths were taken


def without_numba(code):
    """Run code where Numba cannot be imported."""
    block = "import sys, warnings\nsys.modules['numba'] = None\nimport riskmodel as rm\n"
    return subprocess.run([sys.executable, "-W", "error", "-c", block + code], capture_output=True, text=True)


def test_without_numba_bulk_work_says_so_once_and_gives_the_same():
    done = without_numba(
        "with warnings.catch_warnings(record=True) as told:\n"
        "    warnings.simplefilter('always')\n"
        f"    table = rm.pool_many([([i, 2], [{MANY}, 9]) for i in range({MANY})])\n"
        "    rm.pool_many([([i, 3], [150, 9]) for i in range(150)])\n"
        "print([str(one.message) for one in told], table['lower'].sum(), sep='|')\n"
    )
    assert done.returncode == 0, done.stderr
    told, total = done.stdout.split("|")
    assert told.count("without compiled loops") == 1
    assert "numba" in told
    assert float(total) == pytest.approx(
        rm.pool_many([([i, 2], [MANY, 9]) for i in range(MANY)])["lower"].sum(), abs=1e-9
    )


def test_what_cannot_be_compiled_falls_back(monkeypatch):
    monkeypatch.setitem(sys.modules, "riskmodel.distributions.bulk.kernel", None)
    monkeypatch.delattr(rooms, "kernel", raising=False)
    rooms._loaded.cache_clear()
    with pytest.warns(RuntimeWarning, match="without compiled loops"), bulk():
        assert compiled() is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with bulk():
            assert compiled() is None
    rooms._loaded.cache_clear()


def test_a_consultation_and_a_pool_never_load_numba():
    code = (
        "import sys, riskmodel as rm\n"
        "rm.consult(anatomy='isolated').to_dict()\n"
        "rm.pool([20, 10], [21, 11]).new_setting.interval(0.95)\n"
        "rm.pool_many([([1], [5])])\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('numba', 'llvmlite')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_outside_bulk_work_and_after_it_the_plain_path_is_taken():
    assert compiled() is None
    with bulk(), bulk(many=False):
        assert compiled() is None
    assert compiled() is None


def test_other_processes_read_what_was_compiled(tmp_path, monkeypatch):
    """The first compiles into the folder; the second finds everything there."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    code = (
        "from riskmodel.distributions.bulk import kernel, loops\n"
        "made = {id(one): one for part in (kernel, loops) for one in vars(part).values() if hasattr(one, 'stats')}.values()\n"
        "print(len(made), sum(len(one.stats.cache_misses) for one in made), sum(len(one.stats.cache_hits) for one in made))"
    )
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(2)]
    (made, missed, _), (_, missed_again, hits) = (map(int, one.stdout.split()) for one in runs)
    assert missed == made > 10
    assert (missed_again, hits) == (0, made)


@pytest.mark.slow
def test_processes_give_the_table_of_one(processes):
    problems = [([i % 9, 2, 7], [20, 21, 30]) for i in range(150)] + [([i, 2, 7], [200, 21, 30]) for i in range(150)]
    assert rm.pool_many(problems, executor=processes).equals(rm.pool_many(problems))

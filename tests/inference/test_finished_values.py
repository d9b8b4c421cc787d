"""A posterior and its distributions are data alone: they pickle, compare, travel, and leave nothing behind."""

import gc
import pickle
from dataclasses import fields
from functools import cache, partial

import numpy as np
import pytest

import riskmodel as rm
from riskmodel._support import kept
from riskmodel.distributions.base import Complement, PointMass
from riskmodel.distributions.diagram import Branch
from riskmodel.distributions.draws import Draws
from riskmodel.distributions.propagated import propagate
from riskmodel.priors import MU_PRIORS

COUNTS = ([20, 9, 3], [21, 11, 5])
MIXTURE = rm.BetaMixture([0.5, 0.5], [1, 4], [1, 2])
KINDS = {
    "as usual": {},
    "normal prior": {"prior": ("normal", 0, 2)},
    "alike": {"heterogeneity": 0},
    "alike, mixture prior": {"heterogeneity": 0, "prior": MIXTURE},
    "alike, normal prior": {"heterogeneity": 0, "prior": ("normal", 0, 2)},
    "half-normal": {"heterogeneity": ("half-normal", 1)},
    "on rho": {"heterogeneity": (1, 9)},
    "logit-normal": {"model": "logit-normal"},
    "contaminated": {"model": "contaminated-beta-binomial"},
    "logit-t": {"model": "logit-t"},
    "logit-normal, alike": {"model": "logit-normal", "heterogeneity": 0},
    "by the sampler": {"method": "nuts", "draws": 600, "tune": 500, "chains": 2, "seed": 3},
}
NAMES = [pytest.param(name, marks=pytest.mark.slow if name == "by the sampler" else ()) for name in KINDS]


@cache
def fitted(name):
    return rm.pool(*COUNTS, **KINDS[name])


def asked(one):
    """Everything that a distribution says."""
    levels, at = np.array([0.1, 0.5, 0.99]), np.array([0.2, 0.7])
    return [
        one.mean, one.sd, one.median, one.interval(0.9), one.quick_ppf(levels).tolist(),
        one.cdf(at).tolist(), one.sf(at).tolist(), one.pdf(at).tolist(), one.sample(3, np.random.default_rng(1)).tolist(),
    ]  # fmt: skip


def all_asked(post):
    parts = (post.average, post.new_setting, post.next_setting, post.heterogeneity, *post.series)
    return [*map(asked, parts), post.predict(5).tolist(), post.to_dict(), hash(post), repr(post)]


@pytest.mark.parametrize("name", NAMES)
def test_a_posterior_is_the_same_after_pickling_asked_or_not(name):
    post = rm.pool(*COUNTS, **KINDS[name]) if name != "by the sampler" else fitted(name)
    fresh = pickle.loads(pickle.dumps(post))
    assert fresh == post
    said = all_asked(post)
    raw = pickle.dumps(post)
    again = pickle.loads(raw)
    assert len(pickle.dumps(again)) == len(pickle.dumps(fresh))  # what was worked out is not part of the value
    assert again == post == fresh
    assert all_asked(again) == said
    assert set(vars(post)) == {one.name for one in fields(post)}


def test_posteriors_of_other_counts_and_priors_differ():
    posts = [fitted(name) for name in KINDS if name != "by the sampler"]
    assert len({*posts, rm.pool([20, 9, 3], [21, 11, 6])}) == len(posts) + 1
    assert rm.pool(*COUNTS) == rm.pool(*COUNTS)


def test_a_process_returns_posteriors(processes):
    kinds = [kind for kind in KINDS.values() if "method" not in kind]
    sent = [processes.submit(partial(rm.pool, *COUNTS, **kind)) for kind in kinds]
    found = [one.result() for one in sent]
    here = [rm.pool(*COUNTS, **kind) for kind in kinds]
    assert found == here
    assert [one.new_setting.interval() for one in found] == [one.new_setting.interval() for one in here]


def distributions():
    risks = {0: MIXTURE, 1: fitted("as usual").next_setting, 2: fitted("logit-normal").next_setting}
    yield from risks.values()
    yield from (PointMass(0.3, "rho"), Complement(MIXTURE), Draws(np.array([0.2, 0.4, 0.5, 0.9]), "rho"))
    yield propagate(Branch(0, Branch(1, 1.0, Branch(2, 1.0, 0.0)), 0.0), Branch(0, 1.0, 0.5), risks)


def test_every_distribution_is_the_same_after_pickling():
    for one in distributions():
        said = asked(one)
        again = pickle.loads(pickle.dumps(one))
        assert again == one
        assert hash(again) == hash(one)
        assert asked(again) == said
    assert len(set(distributions())) == 7


def test_the_risk_of_one_series_is_made_without_the_others(monkeypatch):
    made = []
    shifted = rm.BetaMixture.shifted
    monkeypatch.setattr(rm.BetaMixture, "shifted", lambda *counts: made.append(counts[1:]) or shifted(*counts))
    post = rm.pool(*COUNTS)
    assert post.series[1] is post.series[1]
    assert post.series[-2] is post.series[1]
    assert made == [(9, 11)]
    assert [one.mean for one in post.series[1:]] == [post.series[1].mean, post.series[2].mean]
    assert len(post.series) == 3
    with pytest.raises(IndexError):
        post.series[3]


def test_what_was_worked_out_goes_with_its_value(nothing_kept):
    fitted.cache_clear()
    gc.collect()
    for kind in KINDS.values():
        if "method" not in kind:
            all_asked(rm.pool(*COUNTS, **kind))
    for one in distributions():
        asked(one)
    del one
    fitted.cache_clear()
    for shelf in kept._SHELVES:  # parts of derived risks, the latest of them
        shelf.clear()
    gc.collect()
    # What is left belongs to what lives on: the mixture above, and the default prior that every fit names.
    assert all(held[0]() in (MIXTURE, MU_PRIORS["jeffreys"][0].mixture) for held in kept._BESIDE.values())

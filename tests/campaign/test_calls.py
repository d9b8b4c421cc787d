"""The public interface called with garbage: each call ends in a value or in an error of the package's own tree.

Every public function, method and class that a user builds, by its signature: one to three of its arguments are replaced by what
nobody means. A wrong number or name of arguments is Python's own TypeError, and is not tried. One in twenty runs here; ``make
soak`` runs all ten thousand. Seeded: the same calls every time.
"""

import datetime
import inspect
import signal
from contextlib import contextmanager
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from drawn_by_hand import TABLE, by_hand
from workbooks import HEADER, series

import riskmodel as rm
from riskmodel.evidence.manifest import SHIPPED

CALLS = 14_000  # of which a quarter have no argument
#: What PyMC and the quadrature call with arrays of their own, what is no call, and a method whose arguments are names of others.
HOOKS = ("formula", "log_density", "DOCUMENT", "variant")
TEMPLATE = SHIPPED / "template"


class Refusing:
    """An object that fails at whatever it is asked."""

    def _fail(self, *_, **__):
        raise RuntimeError("asked")

    __str__ = __repr__ = __eq__ = __len__ = __iter__ = __float__ = __int__ = __index__ = __bool__ = __array__ = _fail
    __lt__ = __gt__ = __le__ = __ge__ = __getitem__ = __contains__ = __fspath__ = __format__ = _fail
    __hash__ = object.__hash__


def deep(levels):
    found = []
    for _ in range(levels):
        found = [found]
    return found


GARBAGE = (
    *(None, float("nan"), float("inf"), -float("inf"), pd.NA, pd.NaT, np.float64("nan"), np.datetime64("NaT", "D")),
    *("", " ", "x" * 5000, "\0", "~nosuch", "../..", "\ud800", "nan", "-1", "$x$", "=1+1", "\u202e", "٣"),
    *(b"bytes", bytearray(b"x"), memoryview(b"x"), [], (), {}, set(), frozenset({1}), [[]], [None], [1, 2, 3], [[1, 2], [3]]),
    *(["a", 1], {"a": None}, {1: {2: 3}}, {None: None}, deep(3000), np.array([]), np.zeros((2, 3, 4)), np.array(["a"])),
    *(np.array([None]), np.ma.masked, np.ma.masked_all(3), np.zeros(2000), np.array(2.5), np.array([np.nan]), np.int8(-1)),
    *(-1, 0, 1, 2**31, 2**53, 2**64, 10**400, -(10**400), 1e308, 1e-320, -0.0, 0.5, True, False, 3 + 4j, Decimal("NaN")),
    *(Decimal("1e9999"), Fraction(1, 3), Refusing(), lambda *a, **k: None, int, type, datetime.date(2026, 1, 31)),
    *(datetime.timedelta(1), pd.DataFrame(), pd.DataFrame({"a": [1]}), pd.Series([1, 2]), pd.Series([pd.NA]), range(3)),
    *(slice(1), Path("nowhere/x"), Ellipsis, NotImplemented, object(), Exception("x"), pytest, iter([1])),
)  # fmt: skip


def examples(tmp):
    """Each function, method and class with arguments that it takes, by name."""
    new = [dict(zip(HEADER, series("Alder 2011", 3, 20), strict=True))]
    evidence = rm.load_evidence(TEMPLATE)
    tree = rm.fit(evidence)
    outcome = evidence.finding.outcomes[0].name
    state = evidence.finding.states[0]
    corpus = rm.load_corpus()
    record = rm.calibrate(corpus, "naive", ks=[1], most=1)
    post = rm.pool([3, 9, 1], [20, 15, 40])
    stated = rm.priors.stated(mean=0.1, n=20)
    mixture = post.new_setting
    update = rm.refit(tree, new)
    answer = rm.consult(finding=tree)
    ledger = rm.sensitivity.count_ledger(tree, moves=False)
    few = {"priors": ["jeffreys"], "heterogeneities": ["default"], "models": ["beta-binomial"]}
    curve = rm.sensitivity.multiverse(post, **few)
    fitted = rm.FitRecord.of(tree)
    risk, edge = tree.risk(outcome), tree.edges[0]
    saved = tmp / "record.json"
    fitted.save(saved)
    found = rm.fit_all([TEMPLATE])

    def several(events, totals, by, effect, seed):
        """The covariates are read; it would sample if it had more than one draw."""
        return rm.pool(events, totals, by=by, effect=effect, method="nuts", seed=seed, draws=1)

    usual = {
        "finding": TEMPLATE, "findings": [TEMPLATE], "outcome": outcome, "variable": state.name, "state": state.states[0],
        "category": state.states[0], "edge": edge, "events": 3, "total": 20, "others": 4, "x": 0.3, "q": 0.3, "size": 5, "rng": 1,
        "path": saved, "corpus": corpus, "evidence": evidence, "model": tree, "risk": risk, "new": new, "other": fitted,
        "posterior": post, "mix": mixture, "prior": mixture, "first": stated, "second": stated, "threshold": 0.2, "of": stated,
        "text": "P(risk < 0.2) > 0.9", "source": evidence.counts[0].source, "reading": "primary", "setting": "any",
        "totals": {}, "name": outcome, "a": 2.0, "b": 3.0, "median": 0.9, "sigma": 0.5, "width": 1.0, "df": 4.0,
        "location": 0.0, "sd": 1.0, "what": "risk", "side": "<", "bar": 0.9, "mixture": mixture, "weights": [1.0],
        "kept": ledger.stored(), "near": None, "findings_": None, "code": "x", "now": "x", "where": "x", "heterogeneity": "default",
        "logit": np.array([0.0]), "mu": np.array([0.5]), "rest": np.array([0.5]), "g": np.array([0.1]), "values": [0.2, 0.6],
    }  # fmt: skip
    tables = {
        "forest": post.table(), "routes": answer.risk_table(), "icons": answer.risk_table(), "tree": tree.branches(),
        "shrinkage": post.table(), "information_gain": answer.workup_table(), "specification_curve": curve.table(),
        "moves": answer.robustness_table(), "changes": answer.workup_table(), "before_after": update.move_table(),
        "pit_histogram": record.histogram_table(), "pit_ecdf": record.ecdf_table(), "coverage": record.coverage_table(),
    }  # fmt: skip
    own = {
        "pool": {"events": [3, 9, 1], "totals": [20, 15, 40], "prior": "jeffreys"},
        "several": {"events": [3] * 12, "totals": [20] * 12, "by": TABLE, "effect": ("normal", 0, 1), "seed": 1},
        "before_counts": {"prior": "jeffreys"},
        "pool_many": {"problems": {"x": ([3, 9], [20, 15])}, "prior": "jeffreys"},
        "calibrate": {"predictors": "naive", "ks": [1], "most": 1, "resamples": 10},
        "calibration": {"histogram": tables["pit_histogram"], "ecdf": tables["pit_ecdf"], "held": tables["coverage"]},
        "densities": {"distributions": {"a": mixture}}, "save": {"axes": rm.plots.forest(post.table()), "path": tmp / "x.png"},
        "tipping_point": {"outcome": outcome}, "stated": {"mean": 0.1, "n": 20.0}, "fit": {"prior": "jeffreys"},
        "update": {"finding": tree}, "refit": {"finding": tree}, "schema": {"name": "fit"}, "PoolPredictor": {"name": "x", "prior": "jeffreys"},
        "as_mu_prior": {"prior": "jeffreys"}, "consult": {"finding": tree}, "variable": {"name": state.name},
        "with_totals": {}, "of": {"numbers": None}, "fit_all": {}, "BetaMixture": {"a": [2.0], "b": [3.0]}, "met_by": {"prior": stated},
        "conflict": {"prior": stated}, "MapPrior": {"a": [2.0], "b": [3.0]}, "StatedPrior": {"a": [2.0], "b": [3.0]},
        "log_ratio": {"events": 3}, "multiverse": {"subject": post, "outcome": None} | few, "next_series": {"size": 5}, "probability": {}, "met": {},
    }  # fmt: skip
    never = {"adjusted_settings": "draws", "to_datatree": "draws"}
    packages = (rm, rm.between, rm.calibration, rm.plots, rm.priors, rm.sensitivity, rm.updating)
    stub = Path(rm.__file__).with_suffix(".pyi").read_text()
    names = {name: getattr(package, name) for package in packages for name in package.__all__}
    names |= {line.split(" as ")[1]: getattr(rm, line.split(" as ")[1]) for line in stub.splitlines() if " as " in line}
    built = ("BetaMixture", "MixturePrior", "BetaOnRho", "LogNormalOnTau", "BoundedLogNormalOnTau", "HalfTOnTau", "HalfNormalOnTau",
             "HalfCauchyOnTau", "LogitNormalPrior", "PoolPredictor", "Decision", "MapPrior", "StatedPrior")  # fmt: skip
    values = [by_hand(), rm.pool([3, 9, 1], [20, 15, 40], by=[0, 0, 1]), evidence, tree, post, post.average, mixture, stated, update, answer, ledger, fitted, record, corpus, risk, found, curve,
              rm.priors.Decision.parse("P(risk < 0.2) > 0.9"), rm.priors.difference(stated, stated),
              rm.priors.BetaOnRho(1, 9), rm.priors.LogNormalOnTau(0.9, 0.5), rm.priors.LogitNormalPrior(0, 1),
              rm.priors.HalfNormalOnTau(1.0), rm.priors.MixturePrior(mixture), rm.PoolPredictor("x")]  # fmt: skip
    calls = [(name, one) for name, one in names.items() if inspect.isfunction(one) or name in built]
    calls.append(("several", several))
    calls += [
        (f"{type(value).__name__}.{name}", getattr(value, name))
        for value in values for name, one in inspect.getmembers(type(value), callable)
        if not name.startswith("_") and name not in HOOKS
    ]  # fmt: skip
    for label, call in calls:
        if label == "ProbabilityTree.sample":
            continue  # its options are those of adjusted_settings; what is right compiles for a minute
        name = label.rpartition(".")[2]
        spoil = never.get(name) if label != "SampledRegression.to_datatree" else None
        taken = {}
        for one in inspect.signature(call).parameters.values():
            if one.kind is one.VAR_POSITIONAL or one.name in ("executor", "progress", "xp"):
                continue
            if label.startswith("riskmodel.plots") or (name in tables and one.name == "table"):
                taken[one.name] = (one, tables[name])
                continue
            value = own.get(name, {}).get(one.name, usual.get(one.name, one.default))
            taken[one.name] = (one, value if one.default is one.empty or one.name in own.get(name, {}) else one.default)
        yield label, call, taken, spoil


def called(call, taken, changed):
    placed, named = [], {}
    for name, (parameter, value) in taken.items():
        value = changed.get(name, value)
        if parameter.kind is parameter.VAR_KEYWORD:
            named |= {"anatomy": changed[name]} if name in changed else {}
            named |= {name: value for name, value in changed.items() if name not in taken}
        elif value is parameter.empty:
            raise LookupError(name)
        elif parameter.kind is parameter.POSITIONAL_ONLY or (
            parameter.kind is parameter.POSITIONAL_OR_KEYWORD and not named
        ):
            placed.append(value)
        else:
            named[name] = value
    return call(*placed, **named)


@contextmanager
def within(seconds):
    """No call hangs: a minute is a hundred times what the longest takes."""

    def late(*_):
        raise TimeoutError(f"{seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def test_garbage_ends_in_a_value_or_in_an_error_of_the_tree(tally, share, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    import matplotlib
    import matplotlib.pyplot as plt

    matplotlib.use("agg")
    known = list(examples(tmp_path))
    assert len(known) > 150
    with tally("API calls") as found:
        for number in range(0, CALLS, share):
            rng = np.random.default_rng([20261126, number])
            label, call, taken, always = known[number % len(known)]
            names = [always] if always else [*taken]
            if not names:
                continue
            count = min(len(names), int(rng.integers(1, 4)))
            chosen = {names[i]: int(rng.integers(len(GARBAGE))) for i in rng.permutation(len(names))[:count]}
            # Of a sampler the number of draws is always spoilt: else it would sample.
            changed = {name: None if always else GARBAGE[i] for name, i in chosen.items()}
            with (
                found.one(f"{number}: {label}({', '.join(f'{name}=GARBAGE[{i}]' for name, i in chosen.items())})"),
                within(60),
            ):
                try:
                    called(call, taken, changed)
                except rm.RiskModelError as error:
                    assert error.what
                    error.to_dict()
            plt.close("all")

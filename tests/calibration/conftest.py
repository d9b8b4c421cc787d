"""Made-up corpora, and a run that is stopped."""

import numpy as np
import pytest
from scipy.special import expit

from riskmodel.calibration import cross_validation
from riskmodel.calibration.corpus import load_corpus


@pytest.fixture(scope="session")
def written():
    def written(path, arms, series, seed, heterogeneity=True):
        """A corpus drawn from the package's own model: mu from Jeffreys' prior, tau log-normal, theta about as logit-normal."""
        rng = np.random.default_rng(seed)
        lines = ["meta_analysis,arm,study,events,total"]
        for i in range(arms):
            mu = rng.beta(0.5, 0.5)
            tau = 0.8 * np.exp(0.6 * rng.standard_normal()) if heterogeneity else 0.0
            for j in range(series):
                theta = expit(np.log(mu / (1 - mu)) + tau * rng.standard_normal())
                total = int(rng.integers(10, 200))
                lines.append(f"set{i:02},x,{j},{rng.binomial(total, theta)},{total}")
        path.write_text("\n".join(lines) + "\n")
        return path

    return written


@pytest.fixture(scope="session")
def small(written, tmp_path_factory):
    return load_corpus(written(tmp_path_factory.mktemp("corpus") / "small.csv", 4, 4, 1))


@pytest.fixture
def interrupting():
    def interrupting(monkeypatch, at):
        """Ctrl-C when the arm of this number is about to be judged."""
        real, calls = cross_validation.judge_arm, []

        def judge(task):
            calls.append(task)
            if len(calls) == at:
                raise KeyboardInterrupt
            return real(task)

        monkeypatch.setattr(cross_validation, "judge_arm", judge)

    return interrupting

"""What every regression tells: tables of its odds ratios and levels, and the same as JSON knows them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from riskmodel._support.kept import Value
from riskmodel.distributions.base import Distribution

if TYPE_CHECKING:
    import pandas as pd

    from riskmodel.posterior import Posterior


class Told(Value):
    """A regression as tables."""

    @property
    @abstractmethod
    def heterogeneity(self) -> Distribution:
        """How much settings of the same levels differ: tau, or rho where the prior is on that."""

    @abstractmethod
    def _ratios(self) -> Iterable[tuple[str, Any, Any, Distribution]]:
        """Term, level, the level that it is against, and their odds ratio."""

    def odds_ratios(self, *, ci_prob: float = 0.95) -> pd.DataFrame:
        """Odds of the average at a level over those at the first of its covariate, other covariates held.

        Parameters
        ----------
        ci_prob : float
            Probability of the equal-tailed intervals.

        Returns
        -------
        pandas.DataFrame
            Columns term, level, against, median, mean, lower, upper, ci_prob, ci_kind: of a line the last level, of levels
            without an order each but the first.
        """
        import pandas as pd

        rows = []
        for term, level, against, ratio in self._ratios():
            lower, upper = ratio.interval(ci_prob)
            said = {"term": term, "level": level, "against": against, "median": ratio.median, "mean": float(ratio.mean)}
            rows.append(said | {"lower": lower, "upper": upper, "ci_prob": ci_prob, "ci_kind": "eti"})
        return pd.DataFrame(rows)

    @abstractmethod
    def table(self, *, ci_prob: float = 0.95) -> pd.DataFrame:
        """Each level, or combination of levels, that some series has."""

    @property
    @abstractmethod
    def _stated(self) -> dict[str, str]:
        """Model, method and priors, as written down."""

    def to_dict(self, *, ci_prob: float = 0.95) -> dict[str, Any]:
        """As JSON knows it.

        Parameters
        ----------
        ci_prob : float
            Probability of the equal-tailed intervals.

        Returns
        -------
        dict
            Keys model, method, prior, heterogeneity_prior, ci_prob, ci_kind, heterogeneity (scale, mean, median and
            interval), and odds_ratios and levels: the rows of `odds_ratios` and `table`.
        """
        spread = self.heterogeneity
        ends = list(spread.interval(ci_prob))
        return self._stated | {
            "ci_prob": ci_prob,
            "ci_kind": "eti",
            "heterogeneity": {
                "scale": getattr(spread, "scale", ""),
                "mean": float(spread.mean),
                "median": spread.median,
            }
            | {"interval": ends},
            "odds_ratios": self.odds_ratios(ci_prob=ci_prob).to_dict("records"),
            "levels": self.table(ci_prob=ci_prob).to_dict("records"),
        }


def told_of(level: Posterior, ci_prob: float) -> dict[str, Any]:
    """How many series and babies a level has, its risk in a new setting and its average."""
    row: dict[str, Any] = {"series": level.events.size}
    row |= {"events": int(level.events.sum()), "total": int(level.totals.sum())}
    for prefix, one in (("", level.new_setting), ("average_", level.average)):
        lower, upper = one.interval(ci_prob)
        row |= {prefix.rstrip("_") or "mean": one.mean, f"{prefix}lower": lower, f"{prefix}upper": upper}
    return row

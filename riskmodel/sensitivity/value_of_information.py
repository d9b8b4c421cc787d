r"""What one more series would be worth: how much narrower each branch's interval is expected to become.

For a branch with posterior p and a series of n more fetuses in one more setting, the number of events has the posterior
predictive distribution. The expected width of the interval afterwards is

.. math:: \sum_{y=0}^{n} p(y)\, w(\mathrm{counts} + (y, n))

with w the width of the 95 % interval: the expected value of sample information with the interval's width as the loss
(Raiffa and Schlaifer, Applied Statistical Decision Theory, 1961, chapter 4). It is exact where all y are fitted, and for
larger series by y at the middles of equally probable parts of the prediction.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from riskmodel._support.checks import checked_whole
from riskmodel._support.doors import door
from riskmodel.evidence.evidence import Evidence
from riskmodel.posterior import Posterior
from riskmodel.tree.model import ProbabilityTree, as_tree

if TYPE_CHECKING:
    import pandas as pd

#: Outcomes of the next series that are fitted, at most: an expected width is then good to 0.001, and to 0.003 with 13
#: (against all outcomes of 50 and of 200 more fetuses on the shipped tree, 2026-11).
MOST = 25
#: Largest next series that is asked about.
LARGEST = 10_000


@door
def next_series(model: str | Path | Evidence | ProbabilityTree, size: int, *, ci_prob: float = 0.95) -> pd.DataFrame:
    """How much narrower each branch's intervals are expected to become after one more series.

    Parameters
    ----------
    model : str, Path, Evidence or ProbabilityTree
        The fitted tree, or a finding as `fit` takes it; each branch is looked at with its own counts, those of coarser
        groups left out.
    size : int
        Fetuses of the next series who enter the branch, 1 to 10,000.
    ci_prob : float
        Probability of the equal-tailed intervals.

    Returns
    -------
    pandas.DataFrame
        Columns branch, series, total, size, width and expected_width (of the interval for a new setting), narrower (their
        relative difference), average_width, expected_average_width, average_narrower and reason. The branch that needs data
        most comes first: the one whose interval for the average would narrow by most points. A branch without counts has no
        prediction; its reason says so.

    Raises
    ------
    InputError
        If `size` is not a whole number from 1 to 10,000.
    """
    import pandas as pd

    size = checked_whole(size, "size", 1, LARGEST, "number of fetuses")
    model = as_tree(model)
    rows = []
    for edge in model.edges:
        if edge.status != "counts":
            continue
        posterior = model.posterior(edge)
        head: dict[str, Any] = {"branch": edge.said, "size": size}
        if posterior is None:
            rows.append(head | {"series": 0, "total": 0, "reason": "no series feeds it: any would be the first"})
            continue
        head |= {"series": posterior.events.size, "total": int(posterior.totals.sum()), "reason": ""}
        rows.append(head | expected_widths(model, model.edges.index(edge), size, ci_prob))
    columns = ["branch", "series", "total", "size", "width", "expected_width", "narrower"]
    columns += ["average_width", "expected_average_width", "average_narrower", "reason"]
    table = pd.DataFrame(rows, columns=columns)
    gain = table["average_width"].astype("float64") - table["expected_average_width"].astype("float64")
    order = gain.sort_values(ascending=False, na_position="first").index
    return table.loc[order].reset_index(drop=True).astype(dict.fromkeys(columns[4:10], "float64"))


def expected_widths(model: ProbabilityTree, place: int, size: int, ci_prob: float) -> dict[str, float]:
    """Widths of a branch's intervals now, and expected after a series of some size."""
    posterior = model.fitted.posterior(place)
    numbers, weights = representative(posterior.predict(size))
    after = (model.fitted.posterior(place, (("the next series", events, size),)) for events in numbers)
    now, then = _widths(posterior, ci_prob), weights @ np.array([_widths(one, ci_prob) for one in after])
    narrower = 1 - then / now
    return {
        "width": float(now[0]),
        "expected_width": float(then[0]),
        "narrower": float(narrower[0]),
        "average_width": float(now[1]),
        "expected_average_width": float(then[1]),
        "average_narrower": float(narrower[1]),
    }


def representative(pmf: np.ndarray) -> tuple[list[int], np.ndarray]:
    """Numbers of events that stand for a prediction, with their weights."""
    if pmf.size <= MOST:
        return list(range(pmf.size)), pmf / pmf.sum()
    levels = (np.arange(MOST) + 0.5) / MOST
    found, counts = np.unique(np.searchsorted(np.cumsum(pmf) / pmf.sum(), levels), return_counts=True)
    return [int(one) for one in found], counts / counts.sum()


def _widths(posterior: Posterior, ci_prob: float) -> np.ndarray:
    """Of the intervals for a new setting and for the average."""
    return np.array([np.ptp(risk.interval(ci_prob)) for risk in (posterior.new_setting, posterior.average)])

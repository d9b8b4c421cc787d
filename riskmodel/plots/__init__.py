"""Tables to Matplotlib axes: nothing is computed here, and no other room knows Matplotlib.

Imports: `errors`; Matplotlib only when something is drawn.
Belongs here: a picture takes the table that a verb of the library gives and returns the axes it drew on, so that a reader
without Matplotlib has all its numbers.
"""

from riskmodel._support.doors import door
from riskmodel.plots._calibration import calibration, coverage, pit_ecdf, pit_histogram
from riskmodel.plots._changes import before_after, changes, information_gain, moves
from riskmodel.plots._forest import drapery, forest, funnel, shrinkage
from riskmodel.plots._risks import densities, icons, prior_likelihood_posterior, routes
from riskmodel.plots._specifications import specification_curve
from riskmodel.plots._style import plainly, save
from riskmodel.plots._trees import tree

__all__ = [
    "before_after",
    "calibration",
    "changes",
    "coverage",
    "densities",
    "drapery",
    "forest",
    "funnel",
    "icons",
    "information_gain",
    "moves",
    "pit_ecdf",
    "pit_histogram",
    "prior_likelihood_posterior",
    "routes",
    "save",
    "shrinkage",
    "specification_curve",
    "tree",
]

for _name in __all__:
    globals()[_name] = door(plainly(globals()[_name]))

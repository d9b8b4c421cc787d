"""Tables to Matplotlib axes: nothing is computed here, and no other room knows Matplotlib.

Imports: `errors`; Matplotlib only when something is drawn.
Belongs here: a picture takes the table that a verb of the library gives and returns the axes it drew on, so that a reader
without Matplotlib has all its numbers.
"""

from inspect import isfunction

from riskmodel._support.doors import door
from riskmodel.plots._calibration import calibration, coverage, pit_ecdf, pit_histogram
from riskmodel.plots._changes import before_after, changes, moves
from riskmodel.plots._risks import densities, forest, icons, routes
from riskmodel.plots._style import plainly, save
from riskmodel.plots._trees import tree

__all__ = [
    "before_after",
    "calibration",
    "changes",
    "coverage",
    "densities",
    "forest",
    "icons",
    "moves",
    "pit_ecdf",
    "pit_histogram",
    "routes",
    "save",
    "tree",
]

for _name in __all__:
    if isfunction(_value := globals()[_name]):
        globals()[_name] = door(plainly(_value))

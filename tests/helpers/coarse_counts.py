"""Trees of the shipped finding with counts of coarser groups, and what tests compare their answers with."""

from dataclasses import replace

import numpy as np
from scipy.stats import betabinom

import riskmodel as rm
from riskmodel.coarsened.counts import ways
from riskmodel.distributions.diagram import Branch

ISOLATED = (("anatomy", "isolated"),)
NORMAL = (*ISOLATED, ("karyotype", "normal"))
NEGATIVE = (*NORMAL, ("infection", "negative"))
#: P(good | isolated), the outcome after a positive infection work-up not good: abnormal karyotype, infection, good.
CHAIN = Branch(0, 0.0, Branch(1, 0.0, Branch(2, 1.0, 0.0)))
#: Rows of source, variable, category, given, events and total.
FINE = (
    ("Simchen 2002", "karyotype", "abnormal", ISOLATED, 1, 21),
    ("Ocal 2014", "karyotype", "abnormal", ISOLATED, 0, 14),
    ("Simchen 2002", "infection", "positive", NORMAL, 1, 20),
    ("Ocal 2014", "infection", "positive", ISOLATED, 0, 17),
    ("Simchen 2002", "outcome", "good", NEGATIVE, 19, 19),
)
_SOURCES = ("Bronshtein 1995", "Koopman 1998", "Achiron 1996", "Avni 1994", "Kidron 2012", "Olaya 2017")


def coarse(*counts):
    """Good outcomes of isolated fetuses, one source each; None leaves a source out."""
    return [
        (source, "outcome", "good", ISOLATED, *count) for source, count in zip(_SOURCES, counts, strict=False) if count
    ]


def tree(evidence, *rows, prior="jeffreys", heterogeneity="first-default"):
    """A fit to some rows; the priors are those under which the joint model was sampled in PyMC."""
    counts = tuple(
        replace(
            evidence.counts[0], source=source, variable=variable, category=category, given=given, events=events,
            total=total, row=number, role="fit", population="with_finding",
        )
        for number, (source, variable, category, given, events, total) in enumerate(rows, 2)
    )  # fmt: skip
    return rm.fit(replace(evidence, counts=counts, all_counts=counts), prior=prior, heterogeneity=heterogeneity)


def by_ways(node, events, total, shapes, known=None):
    """Probability of a coarse count given each branch's Beta, way by way in SciPy."""
    found = 0.0
    for way in ways(node, events, total, known or {}):
        found = found + np.prod(
            [betabinom.pmf(hits, entered, *shapes[edge]) for edge, (hits, entered) in way.items()], axis=0
        )
    return found

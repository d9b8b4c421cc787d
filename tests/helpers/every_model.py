"""One set of counts fitted by every model of `pool`."""

import os

import riskmodel as rm
from riskmodel.inference.pool import MODELS

EVENTS, TOTALS = [3, 14, 9, 2, 0], [20, 30, 25, 40, 11]
#: The slowest model shares its code with the logit-normal: `make soak` has it too.
TRIED = [one for one in MODELS if one != "logit-t" or os.environ.get("RISKMODEL_SOAK")]


def fitted(model):
    return rm.pool(EVENTS, TOTALS, model=model, labels=list("abcde"))

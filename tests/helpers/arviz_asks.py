"""What a researcher asks ArviZ of a fit: the calls that exact fits, the sampler's and trees must all answer."""

import warnings

import numpy as np


def ask(tree, again, names):
    """Each function of ArviZ once, on a fit and another of the same counts; what `loo` and `compare` say."""
    import arviz as az
    import matplotlib as mpl

    mpl.use("Agg")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ArviZ's own, of Pareto shapes and of Matplotlib
        loo = az.loo(tree, var_name="events")
        sensitivity = az.psense_summary(tree, var_names=names)
        compared = az.compare({"one": tree, "again": again}, var_name="events")
        az.plot_ppc_pit(tree)
        az.plot_prior_posterior(tree, var_names=names[:1])
        mpl.pyplot.close("all")
    assert np.isfinite(loo.elpd)
    assert np.isfinite(sensitivity[["prior", "likelihood"]].to_numpy()).all()
    assert {one.split("[")[0] for one in sensitivity.index} == set(names)
    assert set(compared.index) == {"one", "again"}
    return loo, compared

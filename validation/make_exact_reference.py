"""High-precision posteriors of the beta-binomial by another route than the package's, for `exact_reference.json`.

    python validation/make_exact_reference.py [CASE ...]

Nothing of riskmodel is imported. What differs from the package: the heterogeneity is integrated over log tau (solving
trigamma(mu phi) + trigamma((1 - mu) phi) = tau**2 for phi by bisection) or over logit(rho), the average over logit(mu) on
plain equally spaced rows of 1,601 points, the likelihood is a sum of logarithms term by term (log-gamma functions above
3,000 fetuses), the new setting's distribution is the sum of every node's incomplete beta function, and the average's is a
spline's integral. Rows and columns are doubled as a check: "change" is what that moved.
"""

import json
import sys
from pathlib import Path

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq
from scipy.special import betainc, betaincc, expit, gammaln, polygamma, xlogy

HERE = Path(__file__).parent
CASES = json.loads((HERE / "cases.json").read_text(encoding="utf-8"))
PRIORS = {
    "log-normal-0.8-0.6": ("log-normal", 0.8, 0.6),
    "half-normal-1": ("half-normal", 1.0),
    "rho-beta-1-9": ("rho", 1.0, 9.0),
}
DEPTH = 42.0  # nodes below exp(-42) of the peak are left out


def log_likelihood(events, totals, mu, rest, phi):
    """Log of the beta-binomial without its coefficients, at arrays of hyperparameters."""
    g = 1 / phi
    value = np.zeros_like(mu)
    if totals.max() <= 3000:
        for start, counts, sign in ((mu, events, 1), (rest, totals - events, 1), (np.ones_like(mu), totals, -1)):
            for j in range(int(counts.max())):
                value += sign * (counts > j).sum() * np.log(start + j * g)
        return value
    a, b = mu * phi, rest * phi
    for y, n in zip(events, totals, strict=True):
        near_binomial = xlogy(y, mu) + xlogy(n - y, rest)
        with np.errstate(invalid="ignore"):
            full = gammaln(a + y) - gammaln(a) + gammaln(b + n - y) - gammaln(b) - gammaln(phi + n) + gammaln(phi)
        value += np.where(phi > 1e13, near_binomial, full)
    return value


def phi_of(mu, rest, tau):
    """Solve for phi by bisection on its logarithm; the left side falls in phi."""
    low, high = np.full_like(mu, -60.0), np.full_like(mu, 80.0)
    for _ in range(48):
        middle = 0.5 * (low + high)
        phi = np.exp(middle)
        too_small = polygamma(1, mu * phi) + polygamma(1, rest * phi) > tau**2
        low, high = np.where(too_small, middle, low), np.where(too_small, high, middle)
    return np.exp(0.5 * (low + high))


def log_density(case, prior, x, w):
    """Log of likelihood times prior with respect to logit(mu) and w, and phi."""
    mu, rest = expit(x), expit(-x)
    log_mu, log_rest = -np.logaddexp(0, -x), -np.logaddexp(0, x)
    value = 0.5 * (log_mu + log_rest)  # Jeffreys
    if prior[0] == "rho":
        phi = np.exp(-w)
        value = value + prior[1] * -np.logaddexp(0, -w) + prior[2] * -np.logaddexp(0, w)
    else:
        tau = np.exp(w)
        phi = phi_of(mu, rest, tau)
        if prior[0] == "half-normal":
            value = value - 0.5 * (tau / prior[1]) ** 2 + w
        else:
            value = value - 0.5 * ((w - np.log(prior[1])) / prior[2]) ** 2
    events, totals = np.array(case["events"]), np.array(case["totals"])
    return value + log_likelihood(events, totals, mu, rest, phi), phi


def grid(case, prior, rows, columns):
    """Nodes of the posterior: rows of w, each with its own equally spaced x."""
    coarse_w = np.linspace(-40 if prior[0] == "rho" else -22, 40 if prior[0] == "rho" else 8, 161)
    coarse_x = np.linspace(-90, 90, 1441)
    surface = np.stack([log_density(case, prior, coarse_x, np.full_like(coarse_x, w))[0] for w in coarse_w])
    # A narrow peak can fall between coarse points: look again around the best of each row.
    for i, w in enumerate(coarse_w):
        around = coarse_x[surface[i].argmax()] + np.linspace(-0.25, 0.25, 201)
        surface[i, surface[i].argmax()] = log_density(case, prior, around, np.full_like(around, w))[0].max()
    top = surface.max()
    keep = np.flatnonzero(surface.max(axis=1) > top - DEPTH)
    low, high = coarse_w[max(keep[0] - 1, 0)], coarse_w[min(keep[-1] + 1, coarse_w.size - 1)]
    found = []
    for w in np.linspace(low, high, rows):
        centre = coarse_x[surface[np.abs(coarse_w - w).argmin()].argmax()]
        left, right = span(case, prior, w, centre, top)
        if left is None:
            continue
        x = np.linspace(left, right, columns)
        log_f, phi = log_density(case, prior, x, np.full_like(x, w))
        found.append((x, log_f - top, phi))
    return found, (high - low) / (rows - 1)


def span(case, prior, w, centre, top):
    """Where a row is within DEPTH of the peak, by zooming in on it and then stepping out."""
    width = 0.25
    for _ in range(12):
        x = centre + np.linspace(-width, width, 81)
        values = log_density(case, prior, x, np.full_like(x, w))[0]
        centre = x[values.argmax()]
        if 2 < values.argmax() < 78:
            width /= 4
        if values.max() - values.min() < 1e-3:
            break
    peak = log_density(case, prior, np.array([centre]), np.array([w]))[0][0]
    if peak < top - DEPTH:
        return None, None
    ends = []
    for sign in (-1, 1):
        inside, step = 0.0, max(width, 1e-7)
        while True:
            at = centre + sign * (inside + step)
            if abs(at) > 120 or log_density(case, prior, np.array([at]), np.array([w]))[0][0] < top - DEPTH:
                break
            inside, step = inside + step, step * 2
        outside = inside + step
        for _ in range(20):
            middle = 0.5 * (inside + outside)
            at = centre + sign * middle
            if abs(at) <= 120 and log_density(case, prior, np.array([at]), np.array([w]))[0][0] >= top - DEPTH:
                inside = middle
            else:
                outside = middle
        ends.append(centre + sign * outside)
    return ends


def summarise(case, prior, rows, columns):
    nodes, w_step = grid(case, prior, rows, columns)
    weights = [np.exp(log_f) * (x[1] - x[0]) * w_step for x, log_f, _ in nodes]
    total = sum(weight.sum() for weight in weights)
    mean = sum((weight * expit(x)).sum() for weight, (x, _, _) in zip(weights, nodes, strict=True)) / total
    splines = [CubicSpline(x, np.exp(log_f) * w_step).antiderivative() for x, log_f, _ in nodes]
    mass = sum(float(s(x[-1])) for s, (x, _, _) in zip(splines, nodes, strict=True))

    def average_below(logit):
        parts = [float(s(np.clip(logit, x[0], x[-1]))) for s, (x, _, _) in zip(splines, nodes, strict=True)]
        return sum(parts) / mass

    flat_w = np.concatenate(weights) / total
    flat_x = np.concatenate([x for x, _, _ in nodes])
    flat_phi = np.concatenate([phi for _, _, phi in nodes])
    heavy = flat_w > 1e-13
    flat_w, flat_x, flat_phi = flat_w[heavy], flat_x[heavy], flat_phi[heavy]
    a, b = expit(flat_x) * flat_phi, expit(-flat_x) * flat_phi

    def new_setting_below(logit):
        return float(flat_w @ betainc(a, b, expit(logit)))

    def new_setting_above(logit):
        return float(flat_w @ betaincc(a, b, expit(logit)))

    ends = {}
    for name, below in (("average", average_below), ("new_setting", new_setting_below)):
        quantiles = []
        for level in (0.025, 0.975):
            if below(-690) >= level:
                root = -690.0  # the quantile is below what a double holds
            elif name == "new_setting" and level > 0.5 and new_setting_above(36) >= 0.025:
                root = 36.0  # nearer to one than a double tells
            elif name == "new_setting" and level > 0.5:
                root = brentq(lambda t: new_setting_above(t) - 0.025, -690, 36, xtol=1e-9)
            else:
                root = brentq(lambda t, level=level, below=below: below(t) - level, -690, 110, xtol=1e-9)
            quantiles.append(root)
        ends[name] = quantiles
    events, totals = np.array(case["events"]), np.array(case["totals"])
    first = (a + events[0]) / (a + b + totals[0])
    rho = 1 / (1 + flat_phi)
    return {
        "mean": float(mean),
        "sd_average": float(np.sqrt(flat_w @ (expit(flat_x) - mean) ** 2)),
        "average_logits": ends["average"],
        "new_setting_logits": ends["new_setting"],
        "series_1_mean": float(flat_w @ first),
        "rho_mean": float(flat_w @ rho),
        "log_total": float(np.log(total)),
    }


def main(names):
    path = HERE / "exact_reference.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for name in names or CASES:
        for label, prior in PRIORS.items():
            rows, columns = (160, 1001) if len(CASES[name]["events"]) > 50 else (200, 1601)
            fine = summarise(CASES[name], prior, rows, columns)
            rough = summarise(CASES[name], prior, rows // 2, columns // 2 + 1)
            change = {
                key: float(np.max(np.abs(np.subtract(fine[key], rough[key])))) for key in fine if key != "log_total"
            }
            known[f"{name} | {label}"] = fine | {"change": change}
            print(name, label, fine["mean"], fine["new_setting_logits"], change, flush=True)
            path.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

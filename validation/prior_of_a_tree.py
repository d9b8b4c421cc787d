"""What the prior of a tree does to every answer of the shipped findings: the tables of docs/dirichlet-tree.md.

python validation/prior_of_a_tree.py [--write docs/dirichlet-tree.md]
"""

import argparse
import itertools
import re
from pathlib import Path

import riskmodel as rm

PRIORS = ("jeffreys", "dirichlet-tree")


def said(risk):
    """A mean, or the bounds where there is none."""
    if risk.mean is not None:
        return f"{risk.mean:.3f}"
    return f"{risk.bounds[0]:.3f} to {risk.bounds[1]:.3f}" if risk.bounds else ""


def rows(evidence):
    """Every headline outcome given every set of known states."""
    models = [rm.fit(evidence, prior=prior) for prior in PRIORS]
    states = evidence.finding.states
    for chosen in itertools.product(*((None, *one.states) for one in states)):
        known = {one.name: state for one, state in zip(states, chosen, strict=True) if state}
        for outcome in evidence.finding.outcomes:
            if outcome.variable is None or outcome.variable in known or not outcome.headline:
                continue
            try:
                risks = [model.risk(outcome.name, **known) for model in models]
            except rm.ContradictionError:
                continue
            answers = [said(risk) for risk in risks]
            if any(answers) and not risks[0].definition_only:
                words = ", ".join(f"{name} {state}" for name, state in known.items()).replace("_", " ")
                yield outcome.title, words or "nothing", *answers


def tables():
    """One table for each finding."""
    for name in rm.findings():
        evidence = rm.load_evidence(name)
        yield f"### {evidence.finding.title}\n\n| Risk of | Known | Jeffreys | Dirichlet tree |\n| --- | --- | --- | --- |"
        for row in rows(evidence):
            yield f"| {' | '.join(row)} |"
        yield ""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", type=Path, help="a document whose tables are replaced")
    options = parser.parse_args()
    text = "\n".join(tables())
    if not options.write:
        print(text)
        return
    whole = options.write.read_text()
    kept = re.compile(r"(left out\.\n\n).*?(`python validation/prior_of_a_tree\.py` prints)", re.DOTALL)
    options.write.write_text(kept.sub(lambda found: found[1] + text + "\n" + found[2], whole))


if __name__ == "__main__":
    main()

"""What the first screen says of an answer, as data: one order and one set of words for every page, card and record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from riskmodel.report.wording import (
    capital,
    compact,
    denominator,
    frequency_range,
    given_states,
    headline,
    listed,
    lower,
    named,
    read,
    sentence,
    why,
)

Answer = Mapping[str, Any]
#: Babies behind a number below which a patient is told that they are few.
FEW = 200
#: How sure a number is, for a patient.
SURE = {"very low": "very uncertain", "low": "uncertain", "moderate": "fairly certain"}
#: A card's summary has to be shorter than this (CDS Hooks 2.0, `summary`).
CARD = 140
_ALL_KNOWN = "Everything that is asked about this finding is already known."


@dataclass(frozen=True)
class Outcome:
    """The outcome that is told first, and what it means."""

    name: str
    title: str
    #: As the finding has them, of each the first sentence or clause; empty for a patient, whose title says it all.
    definition: str
    until: str
    denominator: str


@dataclass(frozen=True)
class Row:
    """One line of the screen: an outcome, now or after a result of the next test.

    `kind` says how its numbers are to be read. ``"figure"``: `low`, `figure` and `high` are one number. ``"range"``: from
    `low` to `high`, as babies fare whom no series follows; `figure` is None, since the lower end is no better than another.
    ``"none"``: the same, and no figure either, with the reason in `why`. ``"definition"``: none or all by how it is counted,
    never a fate.
    """

    outcome: str
    label: str
    given: Mapping[str, str]  # the states that it is asked under
    after: bool  # whether it is after a result that is not known yet
    kind: Literal["figure", "range", "none", "definition"]
    number: str  # "92-94", "about 54", "<1"; empty where there is no figure
    text: str  # "92-94 of 100", "3 of 100", "not known, within 48-83 of 100"
    low: float
    figure: float | None
    high: float
    statistic: str  # which the figure is: "mean", "median", or empty
    centre: str  # the 95 % range of one more centre, on the row's denominator; empty where there is none
    centre_low: float | None
    centre_high: float | None
    of: int
    babies: int
    series: int
    rests_on: str  # "64 babies, 6 series"
    why: str  # why there is no figure; empty where there is one
    polarity: Literal["good", "bad", "neutral"]


@dataclass(frozen=True)
class NextStep:
    """A step that is to be taken, in short."""

    step: str
    title: str
    why: str


@dataclass(frozen=True)
class Then:
    """What a result of the next test leads to."""

    given: Mapping[str, str]  # the states that are known then
    label: str
    text: str


@dataclass(frozen=True)
class Brief:
    """The first screen: see `brief`."""

    audience: str
    title: str
    warning: str
    known: str
    stated: str  # what was stated and is part of no number; empty where nothing was
    not_counted: str
    outcome: Outcome | None  # None where all that the finding asks about is known
    rows: tuple[Row, ...]  # the first outcome: now, then after each result of the next test
    others: tuple[Row, ...]  # the other outcomes, now
    sentence: str
    card: str
    confidence: str
    confidence_why: str
    next: tuple[NextStep, ...]
    ends: tuple[str, ...]  # where the published work-up stops, in a few words; told before the steps that are left
    no_step: str  # why nothing of the work-up is left; empty where something is, or no work-up is published
    then: tuple[Then, ...]
    rests_on: str  # evidence, reading and setting; for a patient only where they are not the usual ones
    closing: str


def brief(answer: Answer) -> Brief:
    """What the first screen says of an answer, for its audience; nothing that is asked for by name is needed."""
    plain = answer["audience"] == "patient"
    main = answer["risks"][0] if answer["risks"] else None
    rows: tuple[Row, ...] = ()
    if main is not None:
        after = [
            _row(risk, _result(branch, answer, plain), plain, after=True)
            for branch in answer["branches"]
            for risk in branch["risks"]
            if risk["outcome"] == main["outcome"]
        ]
        rows = (_row(main, "now", plain), *after)
    steps = tuple(_step(step, plain) for step in answer["workup"] if step["state"] in ("due", "awaited", "planned"))
    # What was stated is in a clinician's words.
    stated = "" if plain else "; ".join(answer.get("stated", {}).values())
    names = "plain_not_counted" if plain else "not_counted"
    (word, reason), warning = _confidence(answer, main, rows, plain), _warning(answer, plain)
    return Brief(
        audience=answer["audience"],
        title=_title(answer, plain),
        warning=warning,
        known=_known(answer, plain),
        stated=stated,
        not_counted="; ".join(answer[names]) if plain else listed(answer[names]),
        outcome=main and _outcome(main, plain),
        rows=rows,
        others=tuple(_row(risk, capital(_title(risk, plain)), plain) for risk in answer["risks"][1:]),
        sentence=_sentence(main, rows, plain),
        card=_card(main, rows, warning, plain),
        confidence=word,
        confidence_why=reason,
        next=steps,
        ends=tuple(_title(end, plain) for end in answer["ends"]),
        no_step="" if steps or answer["ends"] else _no_step(answer, plain),
        then=tuple(_then(branch, answer, plain) for branch in answer["branches"] if answer["workup"]),
        rests_on=_rests_on(answer, plain),
        closing=(
            "These are numbers about groups of babies. They cannot say which group your baby is in. "
            "Please read them with your doctor or counselor."
            if plain
            else "Research software: options, not orders. Check each number against its source."
        ),
    )


def _title(one: Answer, plain: bool) -> str:
    """What an outcome, a step or an end is called by its audience."""
    return str(one["plain_title" if plain else "title"])


def _warning(answer: Answer, plain: bool) -> str:
    """What is to be known before the number: who has read what. Empty only of a finding that was reviewed."""
    if answer["review"]["status"] == "reviewed":
        return ""
    if plain:
        return "Read from short summaries of studies. No outside doctor has checked this yet."
    return "Counts read from abstracts, not reviewed by an outside clinician."


def _known(answer: Answer, plain: bool) -> str:
    """What is known, and what was asked for and has no result: pending, or declined."""
    variables, steps = answer["variables"], {step["step"]: step for step in answer["workup"]}

    def told(name: str, state: str) -> str:
        if plain and name in variables:
            return f"{variables[name]['plain_title']}: {variables[name]['states'][state]}"
        return f"{named(name)} {named(state)}"

    def test(name: str) -> str:
        if name in steps:
            return short_title(steps[name], plain)
        return str(variables[name]["plain_title"]) if plain and name in variables else named(name)

    answered, none = answer["answered"], ("pending", "declined")
    results = {name: state for name, state in answered.items() if state not in none}
    parts = [told(*one) for one in results.items()]
    # What a test says of a variable, taken at its word, whatever became of the variable's own.
    read_as = {name: state for name, state in answer["known"].items() if name not in results}
    own = {name: f" (its own test: {answered[name]})" if name in answered else "" for name in read_as}
    parts += [f"read as {told(*one)}{own[one[0]]}" for one in read_as.items()]
    for word in none:
        waiting = [test(name) for name, said in answered.items() if said == word and name not in own]
        parts += [f"{word}: {listed(waiting)}"] if waiting else []
    return ("; " if plain else ", ").join(parts) or ("only that this was seen" if plain else "only that it was seen")


def _outcome(risk: Answer, plain: bool) -> Outcome:
    if plain:  # the plain title is the definition
        return Outcome(risk["outcome"], capital(_title(risk, plain)), "", "", "")
    first = {name: risk[name].split(";")[0] for name in ("until", "denominator")}
    definition = risk["definition"].split(". ")[0].rstrip(".")
    return Outcome(risk["outcome"], capital(_title(risk, plain)), definition, **first)


def _result(branch: Answer, answer: Answer, plain: bool) -> str:
    """A result of the next test, as a label."""
    return plain_result(branch, answer) if plain else given_states(branch["given"], but=answer["known"])


def plain_result(branch: Answer, answer: Answer) -> str:
    """The same for a patient; whether there is one test or several, "the result" is one."""
    variables = answer["variables"]
    new = [(variables[name], state) for name, state in branch["given"].items() if name not in answer["known"]]
    return listed([f'the result of {one["plain_title"]} is "{one["states"][state]}"' for one, state in new])


def _row(risk: Answer, label: str, plain: bool, *, after: bool = False) -> Row:
    kind, ends = read(risk)
    of = denominator(*ends) if kind != "figure" else denominator(headline(risk))
    interval = risk["bounds_interval"] or risk["interval"]
    # What a count of nobody leaves open is no range of centres.
    if kind == "definition" or (kind == "none" and (interval is None or list(interval) == [0.0, 1.0])):
        interval = None
    low, high = ends
    statistic = risk["headline"]["statistic"] if kind == "figure" else ""
    between = compact(ends, of)
    # One or two series do not carry a figure: it is said as about that, and its range beside it.
    about = "about " if kind == "figure" and risk["certainty"] == "very low" and between[0].isdigit() else ""
    number = f"{about}{between}" if kind in ("figure", "range") else ""
    text = f"{number} of {of:,}" + (" median" if statistic == "median" else "")
    if kind == "definition":
        text = ("all count" if risk["probability"] == 1 else "none counts") + " by definition"
    elif kind == "none":
        text = "not known" if ends == (0.0, 1.0) else f"not known, within {between} of {of:,}"
    count, babies = risk["series"], risk["fetuses"]
    studies = ("study" if count == 1 else "studies") if plain else "series"
    return Row(
        outcome=risk["outcome"],
        label=label,
        given=risk["given"],
        after=after,
        kind=kind,
        number=number,
        text=text,
        low=low,
        figure=headline(risk) if kind == "figure" else None,
        high=high,
        statistic=statistic,
        centre="" if interval is None else compact(interval, of),
        centre_low=None if interval is None else interval[0],
        centre_high=None if interval is None else interval[1],
        of=of,
        babies=babies,
        series=count,
        rests_on=f"{babies:,} {'baby' if babies == 1 else 'babies'}, {count} {studies}" if count else "",
        why="" if kind in ("figure", "range") else _why(risk, plain),
        polarity=risk["polarity"],
    )


def _why(risk: Answer, plain: bool) -> str:
    """Why a risk has no figure."""
    if not plain:
        return why(risk["reason"])
    rule = "the studies rule it out by how they count, whatever the health of the child"
    some = "for some of these babies no study tells this"
    none = "no study tells this of such babies" if risk["bounds"] in (None, [0.0, 1.0]) else some
    return rule if risk["by_definition"] else none


def _sentence(main: Answer | None, rows: Sequence[Row], plain: bool) -> str:
    """The number, its range and what stands behind it."""
    if main is None:
        return _ALL_KNOWN
    row, title = rows[0], capital(_title(main, plain))
    if row.kind == "definition":
        return f"{title}: {row.text}; {row.why}."
    between, ranged = f"{frequency_range((row.low, row.high), row.of)} of {row.of:,}", ""
    if row.centre_low is not None and row.centre_high is not None:
        reach = frequency_range((row.centre_low, row.centre_high), row.of)
        ranged = f"; one more {'hospital' if plain else 'centre'} could have {reach}"
    if row.kind == "none":
        within = "" if (row.low, row.high) == (0.0, 1.0) else f", anything from {between}"
        return sentence(f"{title}: not known{within}{ranged}; {row.why}")
    median = " (the median)" if row.statistic == "median" else ""
    return f"{title}: {between}{median}{ranged} ({row.rests_on})."


def _card(main: Answer | None, rows: Sequence[Row], warning: str, plain: bool) -> str:
    """The sentence below the length of a card's summary: what is left out first is who has read it, never a number."""
    if main is None:
        return _ALL_KNOWN
    row = rows[0]
    centre = f"one more {'hospital' if plain else 'centre'} {row.centre}" if row.centre else ""
    behind = "; ".join(filter(None, [centre, row.rests_on or f"no {'study' if plain else 'series'}"]))
    text = f"{capital(_title(main, plain))}: {row.text} ({behind})"
    read = "; from abstracts, unreviewed" if warning and not plain else "; not yet checked" if warning else ""
    longer = text[:-1] + f"{read})"
    return longer if len(longer) < CARD else text if len(text) < CARD else f"{row.text} ({behind})"[: CARD - 1]


def _confidence(answer: Answer, main: Answer | None, rows: Sequence[Row], plain: bool) -> tuple[str, str]:
    """How sure the first number is, and why; where there is none, how sure those after a result are."""
    if main is None:
        return "", ""
    word, reason = main["certainty"], named(main["certainty_why"])
    if plain:
        if word in SURE:
            few = "few babies were counted" if main["fetuses"] < FEW else ""
            lost = "some were not followed" if rows[0].kind == "range" else ""
            return SURE[word], listed([*filter(None, (few, lost)), "hospitals differ"])
        return "no number", rows[0].why
    if word == "none":
        after = {tuple(one["given"].items()): one for branch in answer["branches"] for one in branch["risks"]
                 if one["outcome"] == main["outcome"]}  # fmt: skip
        then = ((row, after[tuple(row.given.items())]["certainty"]) for row in rows[1:])
        reason = "; ".join([reason, *(f"{sure} if {row.label}" for row, sure in then if sure in SURE)])
    return word, reason


def short_title(step: Answer, plain: bool = False) -> str:
    """A step's title within a line."""
    return lower(_title(step, plain))


def _step(step: Answer, plain: bool) -> NextStep:
    title = short_title(step, plain)
    if step["state"] == "awaited" and not plain:
        title = f"await {title}"
    elif step["state"] == "planned" and not plain:
        title = f"plan{' for after birth' * (step['time'] == 'after birth')}: {title}"
    return NextStep(step["step"], title, step["why"])


def _no_step(answer: Answer, plain: bool) -> str:
    """Why no step is due: what waits, or why nothing does."""
    waiting = [step for step in answer["workup"] if step["state"] == "blocked"]
    if plain and answer["workup"]:
        return "; ".join(f"later: {short_title(step, plain)}" for step in waiting) or "ask your team what comes next"
    if waiting:
        return "; ".join(f"{short_title(step)}: {lower(step['why']).rstrip('.')}" for step in waiting)
    left = [step for step in answer["workup"] if step["state"] == "not indicated"]
    reason = f": {lower(left[0]['why']).rstrip('.')}" if left else ""
    return f"no step of the published work-up is left{reason}" if answer["workup"] else ""


def _then(branch: Answer, answer: Answer, plain: bool) -> Then:
    """Steps that a result makes due, and where it leads; else those that stay; else that there is none."""
    steps = {step["step"]: step for step in answer["workup"]}
    new = [key for key in branch["due"] if steps[key]["state"] not in ("due", "awaited", "planned")]
    standing = {end["key"] for end in answer["ends"]}
    ends = [_title(end, plain) for end in branch["ends"] if end["key"] not in standing]
    text = "; ".join([*(short_title(steps[key], plain) for key in new), *ends])
    if branch["due"] and not text:
        text = "go on with the other steps"
    text = text or "; ".join(_title(end, plain) for end in branch["ends"])
    none = "your team will talk with you about what comes next" if plain else "no further step of the published work-up"
    return Then(branch["given"], _result(branch, answer, plain), text or none)


def _rests_on(answer: Answer, plain: bool) -> str:
    usual = answer["setting"] == "any", answer["reading"] == "primary"
    if plain:
        words = ("studies of one kind of hospital only", "some studies read another way")
        return "; ".join(text for text, is_usual in zip(words, usual, strict=True) if not is_usual)
    setting = "all settings" if usual[0] else f"setting {named(answer['setting'])} only"
    return f"evidence {answer['evidence_version'].split('+')[0]}, reading {answer['reading']}, {setting}"

"""``riskmodel consult``: its options are the variables and descriptors of the finding that is asked about."""

from __future__ import annotations

import gc
import itertools
import shlex
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from riskmodel.cli._terminal import drawn_markdown, say, show, show_json
from riskmodel.errors import ContradictionError, InputError

if TYPE_CHECKING:
    from riskmodel.evidence.evidence import Evidence


class _ConsultCommand(click.Command):
    """A command whose options are the variables and descriptors of the finding that is asked about."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        from riskmodel.evidence.load import load_evidence

        # Read once: the options come from it, and so does the answer.
        ctx.obj = load_evidence(_finding_apart(args)[0])
        self.params = _options(ctx.obj)
        try:
            return super().parse_args(ctx, list(args))
        except click.NoSuchOption as error:
            raise _of_another(error, args) or error from None


def _finding_apart(args: Sequence[str]) -> tuple[str, list[str]]:
    """The finding that is asked about, the first that is named or the usual one, and the other words."""
    from riskmodel.consultation.consult import DEFAULT_FINDING

    named, others, words = [], [], iter(args)
    for word in words:
        name, sign, value = word.partition("=")
        if name != "--finding":
            others.append(word)
        else:  # one that is empty names no finding, and is refused
            named += [value] if sign else [*itertools.islice(words, 1)]
    return (named or [DEFAULT_FINDING])[0], others


def _of_another(error: click.NoSuchOption, args: Sequence[str]) -> InputError | None:
    """That an option is of other shipped findings, with the command that asks the first of them; None where it is not."""
    from riskmodel.evidence.load import load_evidence
    from riskmodel.evidence.manifest import findings
    from riskmodel.report.wording import listed

    having = [
        name for name in findings() if any(error.option_name in one.opts for one in _options(load_evidence(name)))
    ]
    if not having:
        return None
    command = shlex.join(["riskmodel", "consult", "--finding", having[0], *_finding_apart(args)[1]])
    what = f"the option {error.option_name} is of {listed(having)}"
    field = error.option_name.lstrip("-").replace("-", "_")
    return InputError(what, where="consult", remedy=f"Ask about that: {command}", field=field)


def _once(default: str | None, _ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> str | None:
    """An option's one value; two that differ are a contradiction, where Click would quietly take the last."""
    different = list(dict.fromkeys(values))
    if len(different) > 1:
        what = f"given as {' and as '.join(map(repr, different))}"
        raise ContradictionError(what, where=param.opts[0], remedy="Leave all but one out")
    return different[0] if different else default


def _show_help(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value:
        say(ctx.get_help())
        ctx.exit()


def _option(target: str, default: str | None, values: str, text: str, **more: Any) -> click.Option:
    """An option that may be given once, by the name of what it is of."""
    flag = f"--{target.removeprefix('state_').replace('_', '-')}"
    shown = f"{text}  [default: {default}]" if default else text
    one = partial(_once, default)
    return click.Option([flag, target], multiple=True, callback=one, metavar=values, help=shown, **more)


def _options(evidence: Evidence) -> list[click.Parameter]:
    """Options of a consultation: those of every finding, and this one's variables and descriptors."""
    from riskmodel.consultation.consult import DEFAULT_FINDING, DETAILS
    from riskmodel.consultation.question import AUDIENCES, TEST_ERRORS, choices
    from riskmodel.evidence.workup import NO_RESULT
    from riskmodel.report.render import SECTIONS

    parsed = evidence.finding
    shown = {name: "|".join(values) for name, values in choices(evidence).items()}
    asked = [
        (one.name, "|".join((*one.states, *NO_RESULT)), f"{what}: {one.title}.")
        for what, several in (("Known", parsed.states), ("Result of one test", evidence.workup.tests))
        for one in several
    ]
    for one in parsed.descriptors:
        form = "WEEKS[+DAYS]" if one.unit == "weeks" else (one.unit or one.kind).upper()
        asked.append((one.name, form, f"Stated: {one.title}; echoed, not part of any number."))
    return [
        *(_option(f"state_{name}", None, *how) for name, *how in asked),
        _option("setting", "any", shown["setting"], "Whose series speak."),
        _option("reading", "primary", shown["reading"], "How disputed rows are read."),
        _option("audience", AUDIENCES[0], shown["audience"], "How it is worded."),
        _option("test_errors", TEST_ERRORS[0], shown["test_errors"], "Also what the tests stated miss."),
        _option(
            "finding", DEFAULT_FINDING, "NAME|DIR", "A shipped finding, or a finding's folder.", expose_value=False
        ),
        click.Option(
            ["--detail"],
            multiple=True,
            metavar="|".join((*SECTIONS, "all")),
            help=f"More than the first screen, by name; --markdown has all. With --json also {', '.join(DETAILS)}.",
        ),
        click.Option(["--json", "as_json"], is_flag=True, help="Print JSON (its schema: riskmodel.schema())."),
        click.Option(["--markdown", "as_markdown"], is_flag=True, help="Print Markdown."),
        click.Option(["--fhir", "as_fhir"], is_flag=True, help="Print a FHIR RiskAssessment (R4)."),
        click.Option(
            ["--help", "-h"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_show_help,
            help="Show this and exit.",
        ),
    ]


@click.command(cls=_ConsultCommand, name="consult", add_help_option=False)
def consult(detail: tuple[str, ...], as_json: bool, as_markdown: bool, as_fhir: bool, **asked: Any) -> None:
    """Risks, work-up and cautions for what is known of a fetus.

    \b
    riskmodel consult --weeks 20 --size 5.5x4.4x3.4 --location umbilical-vein --foci 1
    riskmodel consult --anatomy isolated --detail evidence
    riskmodel consult --anatomy isolated --karyotype normal --infection negative --json
    """  # noqa: D301
    from riskmodel.consultation.consult import consult
    from riskmodel.report import render

    shown = render.sections(detail or (("all",) if as_markdown else ()))
    collecting = gc.isenabled()
    gc.disable()  # one answer fits in memory many times over
    try:
        answer = consult(
            finding=click.get_current_context().obj,
            detail=render.details(detail, whole=False) if as_json or as_fhir else render.details(shown),
            **{name.removeprefix("state_"): value for name, value in asked.items()},
        ).to_dict()
    finally:
        if collecting:
            gc.enable()
    if as_fhir:
        from riskmodel.serve.exchange.fhir import risk_assessment

        show_json(risk_assessment(answer))
    elif as_json:
        show_json(answer)
    elif as_markdown:
        show(render.to_markdown(answer, shown))
    else:
        more = render.body(answer, shown)
        show(render.to_text(answer, shown) + (f"\n{drawn_markdown(more)}" if more else ""))

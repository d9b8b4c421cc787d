"""A query string as a question: strict, since what is misspelt and passed over would be answered as if it were not known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode

from riskmodel.consultation.consult import DEFAULT_FINDING, checked_detail
from riskmodel.consultation.question import AUDIENCES, TEST_ERRORS, choices
from riskmodel.errors import ContradictionError, InputError, UnknownNameError
from riskmodel.evidence.evidence import Evidence

#: What may be asked of every finding, with what is meant where nothing is said.
USUAL: Mapping[str, str] = {
    "reading": "primary",
    "setting": "any",
    "audience": AUDIENCES[0],
    "test_errors": TEST_ERRORS[0],
}
#: Characters of a query string: every name of a finding with its longest state takes a third of it.
LONGEST = 2_000


@dataclass(frozen=True)
class Asked:
    """A question as an address says it."""

    finding: str
    given: tuple[tuple[str, str], ...]  # states, results of tests and descriptors, in the order of the finding
    reading: str
    setting: str
    audience: str
    test_errors: str
    detail: tuple[str, ...]
    descriptors: tuple[str, ...] = ()  # of these names those that were stated, and are part of no number

    @property
    def described(self) -> bool:
        """Whether anything was stated that is part of no number: such an answer is kept nowhere."""
        return bool(self.descriptors)

    def undescribed(self) -> Asked:
        """The same question without what was described."""
        given = tuple(one for one in self.given if one[0] not in self.descriptors)
        return replace(self, given=given, descriptors=())

    def address(self, **changes: str) -> str:
        """The query string of this question, or of one that differs; what is usual is left out."""
        said = {"finding": self.finding} | dict(self.given)
        said |= {name: getattr(self, name) for name in USUAL if getattr(self, name) != USUAL[name]}
        said |= {"detail": ",".join(self.detail)} if self.detail else {}
        said |= changes
        return urlencode({name: one for name, one in said.items() if one})


def pairs(query: bytes) -> dict[str, str]:
    """Names and values of a query string, each name once."""
    if len(query) > LONGEST:
        raise InputError(f"an address of {len(query):,} characters", where="query", remedy=f"At most {LONGEST:,}")
    try:
        found = parse_qsl(query.decode("ascii"), keep_blank_values=True, max_num_fields=100, errors="strict")
    except ValueError as error:
        remedy = "Write name=value&name=value, in UTF-8, percent-encoded"
        raise InputError("the address cannot be read", where="query", remedy=remedy) from error
    given: dict[str, str] = {}
    for name, value in found:
        if given.setdefault(name, value) != value:
            what = f"given twice, as {given[name][:40]!r} and as {value[:40]!r}"
            raise ContradictionError(what, where=name, remedy="Leave all but one out")
    return given


def finding_named(given: Mapping[str, str], findings: Mapping[str, object]) -> str:
    """The finding that is asked about: one of those that are served, and never a path."""
    default = DEFAULT_FINDING if DEFAULT_FINDING in findings else next(iter(findings))
    name = given.get("finding", default)
    if name not in findings:
        raise UnknownNameError("finding", name, list(findings), where="finding")
    return name


def asked(given: Mapping[str, str], finding: str, evidence: Evidence, *, form: bool = False) -> Asked:
    """The question that names and values make; from a form an empty value is one that is not known."""
    descriptors = [one.name for one in evidence.finding.descriptors]
    own = [*evidence.workup.results(evidence.finding), *descriptors]
    chosen = dict(USUAL)
    detail: tuple[str, ...] = ()
    stated: dict[str, str] = {}
    for name, value in given.items():
        if name == "finding" or (form and not value.strip()):
            continue
        if name in own:
            stated[name] = value
        elif name in USUAL:
            chosen[name] = value
        elif name == "detail":
            detail = tuple(value.split(","))
        else:
            error = UnknownNameError("parameter", name, [*own, "finding", *USUAL, "detail"], where="query")
            error.field = name[:80]
            raise error
    for name, known in choices(evidence).items():
        if chosen[name] not in known:
            raise UnknownNameError(name, chosen[name], known, where=name)
    return Asked(
        finding=finding,
        given=tuple((name, stated[name]) for name in own if name in stated),
        detail=checked_detail(detail),
        descriptors=tuple(name for name in descriptors if name in stated),
        **chosen,
    )

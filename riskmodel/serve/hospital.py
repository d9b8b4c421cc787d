"""What a hospital's system asks: CDS Hooks and FHIR. What is said comes from `riskmodel.serve.exchange`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from fastapi import HTTPException, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.routing import BaseRoute, Route

from riskmodel.errors import InputError
from riskmodel.serve.asked import asked
from riskmodel.serve.desk import Desk, answered, as_json
from riskmodel.serve.exchange import fhir, hooks
from riskmodel.serve.exchange.tokens import Trusted
from riskmodel.serve.finished import JSON, plain, unkept


class Hospital:
    """The paths of CDS Hooks and FHIR; without a list of those trusted every call of a hook is answered."""

    def __init__(self, desk: Desk, trusted: Trusted | None) -> None:
        self.desk, self.trusted = desk, trusted
        self.routes: list[BaseRoute] = [
            Route("/cds-services", self.services),
            Route("/cds-services/{id}", self.hook, methods=["POST"]),
            Route("/cds-services/{id}/feedback", self.feedback, methods=["POST"]),
            Route("/fhir/RiskAssessment", self.risk_assessment),
            Route("/fhir/Evidence", self.evidence),
            Route("/fhir/metadata", self.capability),
        ]

    async def risk_assessment(self, request: Request) -> Response:
        """The answer as a FHIR RiskAssessment."""
        return await self._resource(request, "fhir", fhir.MEDIA_TYPE, fhir.risk_assessment)

    async def evidence(self, request: Request) -> Response:
        """What stands behind the answer as FHIR Evidence."""
        return await self._resource(request, "evidence", fhir.MEDIA_TYPE_R5, fhir.evidence)

    async def _resource(self, request: Request, form: str, kind: str, made: Callable[[Any], Any]) -> Response:
        return await answered(self.desk, request, form, kind, lambda one: as_json(made(self.desk.answer(one))))

    async def capability(self, request: Request) -> Response:
        """What of FHIR there is."""
        day = max(one.finding.updated for one in self.desk.evidence.values())
        return plain(as_json(fhir.capability(str(day))), fhir.MEDIA_TYPE)

    async def services(self, request: Request) -> Response:
        """CDS services that are offered."""
        return plain(as_json(hooks.services()))

    async def hook(self, request: Request) -> Response:
        """Cards of a call."""
        hook, call = await self._called(request)
        found = hooks.questions(call, hook, self.desk.evidence)
        base = f"{request.url.scheme}://{request.headers['host']}/"
        cards = [await run_in_threadpool(self._card, *one, base) for one in found]
        return unkept(as_json({"cards": cards}), kind=JSON)

    def _card(self, finding: str, states: dict[str, str], unread: list[str], base: str) -> dict[str, Any]:
        held = self.desk.held[finding]
        one = asked(states, finding, held.evidence)
        link = f"{base}?{one.address()}"
        try:
            return hooks.card(self.desk.answer(one), link, unread)
        except InputError as error:  # what is on file may contradict itself: that is no fault of the call
            return hooks.refused(held.evidence.finding.title, error, link)

    async def _called(self, request: Request) -> tuple[str, Any]:
        """The hook and the body of a call; refused where nobody on the list sends it, if there is one."""
        hook = hooks.hook_of(request.path_params["id"])
        if hook is None:
            raise HTTPException(404)
        address = f"{request.url.scheme}://{request.headers['host']}{request.url.path}".removesuffix("/feedback")
        if self.trusted and not self.trusted.allows(request.headers.get("authorization", ""), address):
            raise HTTPException(401, "no token of a system that is trusted here", {"www-authenticate": "Bearer"})
        return hook, await _read_json(request)

    async def feedback(self, request: Request) -> Response:
        """What became of a card: heard, and kept nowhere."""
        await self._called(request)
        return unkept(b"{}", kind=JSON)


async def _read_json(request: Request) -> Any:
    """The body as JSON; 415 or 400 where it is none."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON:
        raise HTTPException(415, "the body is not said to be application/json")
    body = await request.body()
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "the body is not JSON") from error

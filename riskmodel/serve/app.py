"""The application: paths to handlers. What an answer says comes from `riskmodel.consultation`, its bytes from `Desk`."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from riskmodel._support.version import __version__
from riskmodel.errors import InputError, RiskModelError, UnknownNameError
from riskmodel.evidence.export import describe
from riskmodel.serve import analyst, page
from riskmodel.serve.asked import Asked, asked, finding_named, pairs
from riskmodel.serve.described import openapi
from riskmodel.serve.desk import Desk, Held, as_json
from riskmodel.serve.exchange import fhir, hooks
from riskmodel.serve.exchange.tokens import Trusted
from riskmodel.serve.finished import HTML, JSON, Finished, plain, tagged, unkept
from riskmodel.serve.guard import LOOPBACK, Guard, error_body, fault_of_ours, log, status_of

#: Seconds between looks at the folders.
LOOK = 2.0
#: Beginnings of paths that a program asks: of any other an error is a page.
PROGRAMS = ("/api/v1", "/cds-services", "/fhir", "/healthz", "/version", "/openapi.json", "/static")

Make = Callable[[Asked], bytes]


class Service:
    """A desk with its application.

    Parameters
    ----------
    desk : Desk
        The findings.
    hosts : sequence of str
        Names under which it is asked, without a port.
    origins : sequence of str
        Sites whose scripts may ask for cards; none by default.
    trusted : Trusted, optional
        Systems whose signed calls of hooks are answered; where there is no list every call is.
    background : bool
        Whether answers are worked out in advance, and folders looked at, while it runs.
    """

    def __init__(
        self,
        desk: Desk,
        *,
        hosts: Sequence[str] = LOOPBACK,
        origins: Sequence[str] = (),
        trusted: Trusted | None = None,
        background: bool = True,
    ) -> None:
        self.desk = desk
        self.background, self.trusted = background, trusted
        self.described = as_json(openapi({name: held.evidence for name, held in desk.held.items()}))
        self.stop = threading.Event()
        routes: list[BaseRoute] = [
            Route("/", self.page),
            Route("/api", self.programs),
            Route("/finding", self.finding_page),
            Route("/analyst", self.analyst_page, methods=["GET", "HEAD", "POST"]),
            Route("/analyst/folder", self.folder, methods=["POST"]),
            Route("/api/v1/finding/{finding}", self.finding),
            Route("/api/v1/consultation", self.consultation),
            Route("/api/v1/findings", self.findings),
            Route("/cds-services", self.services),
            Route("/cds-services/{id}", self.hook, methods=["POST"]),
            Route("/cds-services/{id}/feedback", self.feedback, methods=["POST"]),
            Route("/fhir/RiskAssessment", self.risk_assessment),
            Route("/fhir/Evidence", self.evidence),
            Route("/fhir/metadata", self.capability),
            Route("/openapi.json", self.openapi),
            Route("/healthz", self.health),
            Route("/version", self.version),
            Route("/static/{name}", self.static),
        ]
        # The paths are Starlette's own routes: what FastAPI would check of parameters depends here on the finding.
        app = FastAPI(
            title="riskmodel", version=__version__, routes=routes, lifespan=self._lifespan,
            openapi_url=None, docs_url=None, redoc_url=None,
            exception_handlers={
                StarletteHTTPException: self._refused, RiskModelError: self._mistaken, Exception: self._broken,
            },
        )  # fmt: skip
        app.router.redirect_slashes = False
        if origins:
            app.add_middleware(
                CORSMiddleware, allow_origins=list(origins), allow_methods=["GET", "POST"],
                allow_headers=["authorization", "content-type"],
            )  # fmt: skip
        self.app = app
        self.guarded: ASGIApp = Guard(app, hosts=tuple(hosts), finish=_error_page)

    # ------------------------------------------------------------ answers

    async def page(self, request: Request) -> Response:
        """The counselor's page."""
        given: Mapping[str, str] = {}
        try:
            given = pairs(request.scope["query_string"])
            one = self.desk.read(request.scope["query_string"], form=True)
            return await self._answered(request, one, "page", HTML, self._page)
        except InputError as error:
            finding = given.get("finding", "")
            if finding not in self.desk.held:
                if finding:
                    raise
                finding = next(iter(self.desk.held))
            status = status_of(error)
            shown = {name: value for name, value in given.items() if name != "finding"}
            body = error_body(error, status)["error"]
            evidence = self.desk.held[finding].evidence
            content = page.error_page(evidence, shown, self._titles(), finding, body)
            return Response(content, status, {"cache-control": "no-store"}, HTML)

    def _page(self, one: Asked) -> bytes:
        held = self.desk.held[one.finding]
        fault = "" if held.fault is None else (
            f"The folder of this finding has changed and has faults, so that the evidence of {held.evidence.version} is "
            "still shown here."
        )  # fmt: skip
        answer = self.desk.answer(one, *page.ALWAYS)
        return page.answer_page(one, answer, held.evidence, self._titles(), fault)

    async def consultation(self, request: Request) -> Response:
        """The answer as JSON."""
        one = self.desk.read(request.scope["query_string"])
        return await self._answered(request, one, "json", JSON, self._json)

    def _json(self, one: Asked) -> bytes:
        return as_json(self.desk.answer(one))

    async def _answered(self, request: Request, one: Asked, form: str, kind: str, make: Make) -> Response:
        """Finished bytes: those that are kept, or else made beside the loop that answers the others."""
        found = self.desk.kept(one, form)
        if found is None:
            found = await run_in_threadpool(self.desk.finished, one, form, kind, make)
        return tagged(request, found, described=one.described)

    # ------------------------------------------------------------ for a hospital's system

    async def risk_assessment(self, request: Request) -> Response:
        """The answer as a FHIR RiskAssessment."""
        one = self.desk.read(request.scope["query_string"])
        return await self._answered(request, one, "fhir", fhir.MEDIA_TYPE, self._risk_assessment)

    def _risk_assessment(self, one: Asked) -> bytes:
        return as_json(fhir.risk_assessment(self.desk.answer(one)))

    async def evidence(self, request: Request) -> Response:
        """What stands behind the answer as FHIR Evidence."""
        one = self.desk.read(request.scope["query_string"])
        return await self._answered(request, one, "evidence", fhir.MEDIA_TYPE_R5, self._evidence)

    def _evidence(self, one: Asked) -> bytes:
        return as_json(fhir.evidence(self.desk.answer(one)))

    async def capability(self, request: Request) -> Response:
        """What of FHIR there is."""
        day = max(held.evidence.finding.updated for held in self.desk.held.values())
        headers = {"cache-control": "no-cache"}
        return Response(as_json(fhir.capability(str(day))), headers=headers, media_type=fhir.MEDIA_TYPE)

    async def services(self, request: Request) -> Response:
        """CDS services that are offered."""
        return plain(as_json(hooks.services()))

    async def hook(self, request: Request) -> Response:
        """Cards of a call."""
        hook = hooks.hook_of(request.path_params["id"])
        if hook is None:
            raise HTTPException(404)
        self._allowed(request)
        call = await _read_json(request)
        evidence = {name: held.evidence for name, held in self.desk.held.items()}
        asked = hooks.questions(call, hook, evidence)
        base = f"{request.url.scheme}://{request.headers['host']}/"
        cards = [await run_in_threadpool(self._card, *one, base) for one in asked]
        return Response(as_json({"cards": cards}), headers={"cache-control": "no-store"}, media_type=JSON)

    def _card(self, finding: str, states: dict[str, str], unread: list[str], base: str) -> dict[str, Any]:
        held = self.desk.held[finding]
        one = asked(states, finding, held.evidence)
        link = f"{base}?{one.address()}"
        try:
            return hooks.card(self.desk.answer(one), link, unread)
        except InputError as error:  # what is on file may contradict itself: that is no fault of the call
            return hooks.refused(held.evidence.finding.title, error, link)

    def _allowed(self, request: Request) -> None:
        """Refuse a call of nobody on the list, where there is one."""
        if self.trusted is None:
            return
        address = f"{request.url.scheme}://{request.headers['host']}{request.url.path}".removesuffix("/feedback")
        if not self.trusted.allows(request.headers.get("authorization", ""), address):
            raise HTTPException(401, "no token of a system that is trusted here", {"www-authenticate": "Bearer"})

    async def feedback(self, request: Request) -> Response:
        """What became of a card: heard, and kept nowhere."""
        if hooks.hook_of(request.path_params["id"]) is None:
            raise HTTPException(404)
        self._allowed(request)
        await _read_json(request)
        return Response(b"{}", headers={"cache-control": "no-store"}, media_type=JSON)

    # ------------------------------------------------------------ for the analyst

    async def finding_page(self, request: Request) -> Response:
        """A finding with its evidence, audit and fit."""
        one = self.desk.read(request.scope["query_string"], form=True)
        return await self._answered(request, one, "finding", HTML, self._finding_page)

    def _finding_page(self, one: Asked) -> bytes:
        held = self.desk.held[one.finding]
        with held.lock:
            return page.finding_page(held.tree(one.reading, one.setting), self._titles())

    async def finding(self, request: Request) -> Response:
        """A finding's evidence as JSON."""
        held = self.desk.held.get(request.path_params["finding"])
        if held is None or request.scope["query_string"]:
            raise HTTPException(404)
        return tagged(request, Finished.of(as_json(describe(held.evidence)), JSON, held.evidence.content_hash[:12]))

    async def analyst_page(self, request: Request) -> Response:
        """New counts: the form, and what a table that was sent changes."""
        if request.method != "POST":
            one = self.desk.read(request.scope["query_string"], form=True)
            return unkept(page.analyst_page(self.desk.held[one.finding].evidence, self._titles()))
        finding, sent = await self._sent(request)
        return await run_in_threadpool(self._looked_at, finding, sent)

    def _looked_at(self, finding: str, sent: analyst.Sent) -> Response:
        held = self.desk.held[finding]
        with held.lock:
            found = analyst.looked_at(sent, held.tree("primary", "any"))
        content = page.analyst_page(held.evidence, self._titles(), found)
        return unkept(content, 422 if found["faults"] else 200)

    async def folder(self, request: Request) -> Response:
        """The new folder as a zip."""
        finding, sent = await self._sent(request)
        held = self.desk.held[finding]
        content = await run_in_threadpool(self._zipped, held, sent)
        headers = {"content-disposition": f'attachment; filename="{finding}.zip"', "cache-control": "no-store"}
        return Response(content, headers=headers, media_type="application/zip")

    def _zipped(self, held: Held, sent: analyst.Sent) -> bytes:
        with held.lock:
            return analyst.zipped(sent, held.tree("primary", "any"))

    async def _sent(self, request: Request) -> tuple[str, analyst.Sent]:
        """The finding and table of a form; not one that another site's page sends here."""
        # Our pages tell nobody where they come from, so that their own forms have the origin null: the browser says it.
        origin, site = request.headers.get("origin", "null"), request.headers.get("sec-fetch-site", "same-origin")
        if site != "same-origin" or origin not in ("null", f"{request.url.scheme}://{request.headers['host']}"):
            raise HTTPException(403, "a page of another site sends nothing here")
        async with request.form(max_files=1, max_fields=8, max_part_size=1 << 20) as form:
            file = form.get("file")
            name, content = (file.filename or "", await file.read()) if isinstance(file, UploadFile) else ("", b"")
            given = {key: value for key, value in form.items() if isinstance(value, str)}
        return finding_named(given, self.desk.held), analyst.Sent.of(given, name, content)

    # ------------------------------------------------------------ what is served

    async def findings(self, request: Request) -> Response:
        """What is served, and what may be asked of each."""
        health = self.desk.health()["findings"]
        body = []
        for name, held in self.desk.held.items():
            parsed = held.evidence.finding
            tests = held.evidence.workup.tests
            body.append({
                "finding": name,
                "title": parsed.title,
                "plain_title": parsed.plain_title,
                "question": parsed.question,
                "updated": parsed.updated,
                "variables": {one.name: list(one.states) for one in parsed.states},
                "tests": {one.name: {"of": one.of, "states": list(one.states)} for one in tests},
                "descriptors": {one.name: {"title": one.title, "unit": one.unit} for one in parsed.descriptors},
                "readings": {one.name: one.title for one in parsed.readings},
                "settings": {one.name: one.title for one in parsed.settings},
                **health[name],
            })  # fmt: skip
        return plain(as_json({"findings": body}))

    async def openapi(self, request: Request) -> Response:
        """The interface, described."""
        return plain(self.described)

    async def programs(self, request: Request) -> Response:
        """The interface, described for people."""
        body = openapi({name: held.evidence for name, held in self.desk.held.items()})
        return Response(
            page.rendered("programs.html", body=body), headers={"cache-control": "no-cache"}, media_type=HTML
        )

    async def health(self, request: Request) -> Response:
        """Whether every folder is what is served; it serves either way."""
        return plain(as_json(self.desk.health()))

    async def version(self, request: Request) -> Response:
        """Versions of the package and of the evidence."""
        evidence = {name: held.evidence.version for name, held in self.desk.held.items()}
        return plain(as_json({"riskmodel": __version__, "evidence": evidence}))

    async def static(self, request: Request) -> Response:
        """A file of the pages: its address changes with it."""
        found = page.static().get(request.path_params["name"])
        if found is None:
            raise HTTPException(404)
        return Response(found[0], headers={"cache-control": "public, max-age=31536000, immutable"}, media_type=found[1])

    def _titles(self) -> dict[str, str]:
        return {name: held.evidence.finding.title for name, held in self.desk.held.items()}

    # ------------------------------------------------------------ errors

    async def _mistaken(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, RiskModelError)
        return _fault(request, error, status_of(error))

    async def _broken(self, request: Request, error: Exception) -> Response:
        return _fault(request, fault_of_ours(error), 500)

    async def _refused(self, request: Request, error: Exception) -> Response:
        """A status of the framework's as an error of the one tree."""
        assert isinstance(error, StarletteHTTPException)
        said: dict[int, RiskModelError] = {
            404: UnknownNameError("path", request.url.path[:80], [r.path for r in self.app.routes if isinstance(r, Route)],
                                  where="path"),
            405: InputError(f"{request.method[:20]} is not answered here", where="method", remedy="See the header Allow"),
        }  # fmt: skip
        fault = said.get(error.status_code) or InputError(str(error.detail), where="request")
        return _fault(request, fault, error.status_code, error.headers or {})

    # ------------------------------------------------------------ beside the requests

    @contextlib.asynccontextmanager
    async def _lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        if not self.background:
            yield
            return
        forms = {"page": functools.partial(self._warm, "page", HTML, self._page),
                 "json": functools.partial(self._warm, "json", JSON, self._json)}  # fmt: skip
        threading.Thread(target=self.desk.warm, args=(self.stop, forms), daemon=True, name="warm").start()
        looking = asyncio.create_task(self._look())
        yield
        self.stop.set()
        looking.cancel()

    def _warm(self, form: str, kind: str, make: Make, one: Asked) -> Finished:
        return self.desk.finished(one, form, kind, make)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK)
            for line in await run_in_threadpool(self.desk.look):
                log.warning(line)


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


def _error_page(path: str, error: Mapping[str, Any]) -> bytes | None:
    return None if path.startswith(PROGRAMS) else page.rendered("error.html", error=error)


def _fault(request: Request, error: RiskModelError, status: int, headers: Mapping[str, str] | None = None) -> Response:
    body = error_body(error, status)
    shown = _error_page(request.scope["path"], body["error"])
    kind = JSON if shown is None else HTML
    return Response(shown or as_json(body), status, {**(headers or {}), "cache-control": "no-store"}, kind)

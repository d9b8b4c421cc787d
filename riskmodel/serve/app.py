"""The application: paths to handlers. What an answer says comes from `riskmodel.consultation`, its bytes from `Desk`."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
from collections.abc import AsyncIterator, Mapping, Sequence

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
from riskmodel.serve import analyst
from riskmodel.serve.asked import Asked, finding_named, pairs
from riskmodel.serve.described import openapi
from riskmodel.serve.desk import Desk, Held, answered, as_json
from riskmodel.serve.exchange.tokens import Trusted
from riskmodel.serve.faults import as_sent, error_body, fault_of_ours, log, status_of
from riskmodel.serve.finished import HTML, JSON, Finished, plain, tagged, unkept
from riskmodel.serve.guard import LOOPBACK, Guard, host_name, site_origin
from riskmodel.serve.hospital import Hospital
from riskmodel.serve.pages import answer as page
from riskmodel.serve.pages.answer import Frame
from riskmodel.serve.pages.finding import finding_page
from riskmodel.serve.pages.templates import rendered, static

#: Seconds between looks at the folders.
LOOK = 2.0


class Service:
    """A desk with its application; in the background answers are worked out in advance, and folders looked at."""

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
        self.background = background
        self.described = as_json(openapi(desk.evidence))
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
            *Hospital(desk, trusted).routes,
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
                CORSMiddleware, allow_origins=[*map(site_origin, origins)], allow_methods=["GET", "POST"],
                allow_headers=["authorization", "content-type"],
            )  # fmt: skip
        self.app = app
        self.guarded: ASGIApp = Guard(app, hosts=tuple(map(host_name, hosts)))

    # ------------------------------------------------------------ answers

    async def page(self, request: Request) -> Response:
        """The counselor's page."""
        given: Mapping[str, str] = {}
        try:
            given = pairs(request.scope["query_string"])
            return await answered(self.desk, request, "page", HTML, self._page, typed=True)
        except InputError as error:
            finding = finding_named(given if given.get("finding") else {}, self.desk.held)
            status, evidence = status_of(error), self.desk.held[finding].evidence
            body = error_body(error, status)["error"]
            return unkept(page.desk_page(evidence, given, self._titles(), finding, error=body), status)

    def _page(self, one: Asked) -> bytes:
        held = self.desk.held[one.finding]
        fault = "" if held.fault is None else (
            f"The folder of this finding has changed and has faults, so that the evidence of {held.evidence.version} is "
            "still shown here."
        )  # fmt: skip
        kept = self.desk.frame(one, functools.partial(self._frame, held)) if one.described else None
        answer = self.desk.answer(one, *page.ALWAYS)
        return page.answer_page(one, answer, held.evidence, self._titles(), fault, kept)

    def _frame(self, held: Held, one: Asked) -> Frame:
        return page.frame(self.desk.answer(one, *page.ALWAYS), held.evidence)

    async def consultation(self, request: Request) -> Response:
        """The answer as JSON."""
        return await answered(self.desk, request, "json", JSON, self._json)

    def _json(self, one: Asked) -> bytes:
        return as_json(self.desk.consult(one).document)

    # ------------------------------------------------------------ for the analyst

    async def finding_page(self, request: Request) -> Response:
        """A finding with its evidence, audit and fit."""
        return await answered(self.desk, request, "finding", HTML, self._finding_page, typed=True)

    def _finding_page(self, one: Asked) -> bytes:
        held = self.desk.held[one.finding]
        with held.lock:
            return finding_page(held.tree(one.reading, one.setting), self._titles())

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
        for name, evidence in self.desk.evidence.items():
            parsed, tests = evidence.finding, evidence.workup.tests
            body.append({
                "finding": name,
                **{part: getattr(parsed, part) for part in ("title", "plain_title", "question", "updated")},
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
        return plain(rendered("programs.html", body=openapi(self.desk.evidence)), HTML)

    async def health(self, request: Request) -> Response:
        """Whether every folder is what is served; it serves either way."""
        return plain(as_json(self.desk.health()))

    async def version(self, request: Request) -> Response:
        """Versions of the package and of the evidence."""
        evidence = {name: one.version for name, one in self.desk.evidence.items()}
        return plain(as_json({"riskmodel": __version__, "evidence": evidence}))

    async def static(self, request: Request) -> Response:
        """A file of the pages: its address changes with it."""
        found = static().get(request.path_params["name"])
        if found is None:
            raise HTTPException(404)
        return Response(found[0], headers={"cache-control": "public, max-age=31536000, immutable"}, media_type=found[1])

    def _titles(self) -> dict[str, str]:
        return {name: one.finding.title for name, one in self.desk.evidence.items()}

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
        self._warm()
        looking = asyncio.create_task(self._look())
        yield
        self.stop.set()
        looking.cancel()

    def _warm(self) -> None:
        usual = (("page", HTML, self._page), ("json", JSON, self._json))
        last = "finding", HTML, self._finding_page
        threading.Thread(target=self.desk.warm, args=(self.stop, usual, last), daemon=True, name="warm").start()

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK)
            said = await run_in_threadpool(self.desk.look)
            for line in said:
                log.warning(line)
            if said:  # what was read anew has no answers yet
                self._warm()


def _fault(request: Request, error: RiskModelError, status: int, headers: Mapping[str, str] | None = None) -> Response:
    content, kind = as_sent(request.scope["path"], error, status)
    return Response(content, status, {**(headers or {}), "cache-control": "no-store"}, kind)

# SPDX-License-Identifier: Apache-2.0
"""The web application: routes, the built page, and what every answer carries."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from starlette.datastructures import MutableHeaders
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from command_centre.api import routes_facts, routes_live, routes_people, routes_robot, routes_video
from command_centre.api.access import CentreHere
from command_centre.api.centre import Centre
from command_centre.api.refusals import add_refusals
from command_centre.api.requests import Health
from command_centre.api.settings import Settings
from patrol.clock import Clock, SystemClock

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_NOT_BUILT = "The page has not been built. Run: cd command_centre/web && npm ci && npm run build\n"


def create_app(settings: Settings, *, clock: Clock | None = None) -> FastAPI:
    """The command centre as an ASGI application. Call ``prepare`` first: it makes the operator and the robots' tokens."""
    centre = Centre(settings, clock or SystemClock())

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        centre.start()
        yield
        await centre.stop()

    app = FastAPI(title="Patrol command centre", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.centre = centre
    add_refusals(app)
    app.add_middleware(HouseHeaders)
    for routes in (routes_people, routes_facts, routes_live, routes_video, routes_robot):
        app.include_router(routes.router)
    app.add_api_route("/api/health", _health, include_in_schema=False)
    _serve_page(app, settings.web_dist)
    return app


class HouseHeaders:
    """Gives every answer the headers that keep the page to itself; answers of the interface are not cached by default."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                immutable = scope["path"].startswith("/assets/") and message["status"] == 200
                headers.setdefault("Cache-Control", "public, max-age=31536000, immutable" if immutable else "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)


async def _health(centre: CentreHere) -> Health:
    return Health(status="ok", robots_linked=centre.fleet.linked())


def _serve_page(app: FastAPI, dist: Path) -> None:
    if (dist / "index.html").exists():
        app.mount("/", StaticFiles(directory=dist, html=True), name="page")
        return

    async def not_built() -> PlainTextResponse:
        return PlainTextResponse(_NOT_BUILT, status_code=503)

    app.add_api_route("/", not_built, include_in_schema=False)

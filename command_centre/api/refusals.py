# SPDX-License-Identifier: Apache-2.0
"""What the service answers to a request that it does not carry out: every refusal is a ``Problem``, whoever noticed it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from command_centre.api.errors import CentreError, TooMany
from command_centre.api.requests import Problem

LARGEST_BODY_BYTES = 2**20
"""Room for the largest body that is not refused anyway: an order of 100 zones with 200 corners each."""
_MOST_FAULTS = 10


def add_refusals(app: FastAPI) -> None:
    """Make every refusal a ``Problem``: the service's own, those of the framework, and bodies that are too large."""
    app.add_exception_handler(CentreError, _refuse)
    app.add_exception_handler(RequestValidationError, _refuse_content)
    app.add_exception_handler(HTTPException, _refuse_request)
    app.add_middleware(BodyLimit, limit=LARGEST_BODY_BYTES)


class BodyLimit:
    """Refuses a body of more than ``limit`` bytes, announced or not, before it fills the memory."""

    def __init__(self, app: ASGIApp, *, limit: int) -> None:
        self._app, self._limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        because = f"The request is larger than {self._limit} bytes."
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if not announced.isdigit() or int(announced[:20]) > self._limit:
            await _problem(413, because)(scope, receive, send)
            return
        came = 0

        async def limited() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > self._limit:
                raise HTTPException(413, because)
            return message

        await self._app(scope, limited, send)


async def _refuse(_request: Request, error: Exception) -> JSONResponse:
    status = error.status if isinstance(error, CentreError) else 500
    headers = {"Retry-After": str(math.ceil(error.retry_after_s))} if isinstance(error, TooMany) else None
    return _problem(status, str(error), headers)


async def _refuse_content(_request: Request, error: Exception) -> JSONResponse:
    faults: list[Any] = list(error.errors()) if isinstance(error, RequestValidationError) else []
    told = [
        f"{'.'.join(map(str, fault['loc']))}: {fault['msg'].removeprefix('Value error, ')}" for fault in faults[:_MOST_FAULTS]
    ]
    return _problem(422, "; ".join(told))


async def _refuse_request(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        return _problem(500, "The service failed.")
    return _problem(error.status_code, str(error.detail), error.headers)


def _problem(status: int, because: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Text that is no Unicode, such as half of a surrogate pair, is told as question marks."""
    told = because.encode("utf-8", "replace").decode()
    return JSONResponse(Problem(because=told).model_dump(), status_code=status, headers=dict(headers or {}))

# SPDX-License-Identifier: Apache-2.0
"""Signing in and out."""

from __future__ import annotations

import math
import time

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from command_centre.api.access import COOKIE, CentreHere, FromOurPage, PerhapsSignedIn, SignedIn
from command_centre.api.accounts import Person
from command_centre.api.browser import WhoView
from command_centre.api.centre import Centre
from command_centre.api.errors import NotAllowed, SignInRefused, TooMany
from command_centre.api.requests import NewPassword, SignInRequest

router = APIRouter(prefix="/api", tags=["people"])
WRONG_CURRENT = "That is not your present password."
PASSWORD_CHANGED = "The password was changed. Sign in again."


@router.post("/sign-in", dependencies=[FromOurPage])
async def sign_in(body: SignInRequest, request: Request, response: Response, centre: CentreHere) -> WhoView:
    """Open a session. Its token travels in a cookie that scripts can not read and other sites can not send."""
    address = request.client.host if request.client else "unknown"
    attempt = f"{address} {body.username}"
    _begin_attempt(centre, attempt, address)
    try:
        token, person = await _open_session(centre, body, address)
    except SignInRefused as error:
        await centre.note("sign-in refused", body.username, address, {"because": str(error)})
        raise
    centre.attempts.forget(attempt)
    centre.attempts_of_address.take_back(address)
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(centre.settings.session_hours * 3600),
        httponly=True,
        samesite="strict",
        secure=centre.settings.cookie_secure,
        path="/",
    )
    return _who(person)


@router.post("/sign-out", status_code=204)
async def sign_out(person: SignedIn, response: Response, centre: CentreHere) -> None:
    """End the session, and every page and video that it has open."""
    await centre.end_session(person)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict", secure=centre.settings.cookie_secure)


@router.get("/me")
async def me(person: PerhapsSignedIn) -> WhoView | None:
    """Who is signed in; null when nobody is."""
    return _who(person) if person else None


@router.post("/password", status_code=204)
async def choose_password(body: NewPassword, person: SignedIn, request: Request, centre: CentreHere) -> None:
    """Choose a password, in place of the one-time one or of an earlier choice, which must be told. Every other session of this
    person ends. Guesses of the earlier one count as failed sign-ins."""
    address = request.client.host if request.client else "unknown"
    attempt = f"{address} {person.name}"
    _begin_attempt(centre, attempt, address)

    def work(session: Session) -> tuple[int, ...]:
        if not person.one_time and not centre.accounts.knows(session, person, body.current):
            raise NotAllowed(WRONG_CURRENT)
        centre.accounts.set_password(session, person.name, body.password, role=person.role)
        ended = centre.accounts.end_other_sessions(session, person)
        detail = {"sessions_ended": len(ended)}
        centre.audit.append(session, actor=person.name, action="password set", subject=person.name, detail=detail)
        return ended

    try:
        async with centre.hashing:
            ended = await centre.database.write(work)
    except NotAllowed as error:
        await centre.note("password refused", person.name, address, {"because": str(error)})
        raise
    centre.attempts.forget(attempt)
    centre.attempts_of_address.take_back(address)
    for session_id in ended:
        await centre.close_session(session_id, PASSWORD_CHANGED)


def _begin_attempt(centre: Centre, attempt: str, address: str) -> None:
    """Count an attempt of one name from one address, and of that address. Raises TooMany."""
    now_s = time.monotonic()
    wait_s = max(centre.attempts.wait_s(attempt, now_s), centre.attempts_of_address.wait_s(address, now_s))
    if wait_s > 0:
        raise TooMany(f"Too many failed attempts. Try again in {math.ceil(wait_s)} s.", retry_after_s=wait_s)
    centre.attempts.begin(attempt, now_s)
    centre.attempts_of_address.begin(address, now_s)


async def _open_session(centre: Centre, body: SignInRequest, address: str) -> tuple[str, Person]:
    def work(session: Session) -> tuple[str, Person]:
        opened = centre.accounts.sign_in(session, body.username, body.password, address=address)
        centre.audit.append(session, actor=body.username, action="sign-in", subject=address)
        return opened

    async with centre.hashing:
        return await centre.database.write(work)


def _who(person: Person) -> WhoView:
    return WhoView(name=person.name, role=person.role, one_time=person.one_time)

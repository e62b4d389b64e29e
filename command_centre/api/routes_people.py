# SPDX-License-Identifier: Apache-2.0
"""Signing in and out."""

from __future__ import annotations

import time

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from command_centre.api.access import COOKIE, CentreHere, FromOurPage, PerhapsSignedIn, SignedIn
from command_centre.api.accounts import Person
from command_centre.api.browser import WhoView
from command_centre.api.centre import Centre
from command_centre.api.errors import SignInRefused, TooMany
from command_centre.api.requests import NewPassword, SignInRequest

router = APIRouter(prefix="/api", tags=["people"])


@router.post("/sign-in", dependencies=[FromOurPage])
async def sign_in(body: SignInRequest, request: Request, response: Response, centre: CentreHere) -> WhoView:
    """Open a session. Its token travels in a cookie that scripts can not read and other sites can not send."""
    address = request.client.host if request.client else "unknown"
    attempt = f"{address} {body.username}"
    wait_s = centre.attempts.wait_s(attempt, time.monotonic())
    if wait_s > 0:
        raise TooMany(f"Too many failed attempts. Try again in {wait_s:.0f} s.", retry_after_s=wait_s)
    try:
        token, person = await _open_session(centre, body, address)
    except SignInRefused as error:
        centre.attempts.note_failure(attempt, time.monotonic())
        await centre.note("sign-in refused", body.username, address, {"because": str(error)})
        raise
    centre.attempts.forget(attempt)
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
async def choose_password(body: NewPassword, person: SignedIn, centre: CentreHere) -> None:
    """Choose a password, in place of the one-time one or of an earlier choice."""

    def work(session: Session) -> None:
        centre.accounts.set_password(session, person.name, body.password, role=person.role)
        centre.audit.append(session, actor=person.name, action="password set", subject=person.name)

    async with centre.hashing:
        await centre.database.write(work)


async def _open_session(centre: Centre, body: SignInRequest, address: str) -> tuple[str, Person]:
    def work(session: Session) -> tuple[str, Person]:
        opened = centre.accounts.sign_in(session, body.username, body.password, address=address)
        centre.audit.append(session, actor=body.username, action="sign-in", subject=address)
        return opened

    async with centre.hashing:
        return await centre.database.write(work)


def _who(person: Person) -> WhoView:
    return WhoView(name=person.name, role=person.role, one_time=person.one_time)

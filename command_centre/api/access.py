# SPDX-License-Identifier: Apache-2.0
"""Who asks, and may they? Dependencies of the routes."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends
from starlette.requests import HTTPConnection

from command_centre.api.accounts import Person
from command_centre.api.centre import Centre
from command_centre.api.errors import NotAllowed, NotSignedIn

COOKIE = "patrol_session"
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


def centre_of(connection: HTTPConnection) -> Centre:
    """The running centre."""
    centre: Centre = connection.app.state.centre
    return centre


def check_origin(connection: HTTPConnection) -> None:
    """Refuse what another site's page sends in the name of our user. Raises NotAllowed.

    Every browser names the origin with a WebSocket handshake and with a request that changes something; programs need not.
    """
    origin = connection.headers.get("origin")
    if origin is None:
        if connection.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none"):
            return
    elif _host_of(origin) == connection.headers.get("host") or origin in centre_of(connection).settings.allowed_origins:
        return
    raise NotAllowed("The request came from another site's page.")


def _host_of(origin: str) -> str | None:
    """Host and port that an origin names; None when it is none."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


async def signed_in(connection: HTTPConnection) -> Person:
    """The person whose session the cookie names. Raises NotSignedIn, or NotAllowed for a foreign origin."""
    person = await perhaps_signed_in(connection)
    if person is None:
        raise NotSignedIn("Sign in first.")
    return person


async def perhaps_signed_in(connection: HTTPConnection) -> Person | None:
    """As ``signed_in``, but None when nobody is."""
    if connection.scope["type"] == "websocket" or connection.scope["method"] not in _SAFE_METHODS:
        check_origin(connection)
    centre, token = centre_of(connection), connection.cookies.get(COOKIE)
    return await centre.database.read(lambda session: centre.accounts.person_of(session, token)) if token else None


CentreHere = Annotated[Centre, Depends(centre_of)]
SignedIn = Annotated[Person, Depends(signed_in)]
PerhapsSignedIn = Annotated[Person | None, Depends(perhaps_signed_in)]


def operator_only(person: SignedIn) -> Person:
    """Raises NotAllowed unless the person is an operator."""
    if not person.may_command:
        raise NotAllowed("A viewer may watch; only an operator may do this.")
    return person


OperatorHere = Annotated[Person, Depends(operator_only)]
FromOurPage = Depends(check_origin)

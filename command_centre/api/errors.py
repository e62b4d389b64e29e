# SPDX-License-Identifier: Apache-2.0
"""What the service refuses, by name. Each carries the sentence that the person reads."""

from __future__ import annotations

from patrol.errors import PatrolError


class CentreError(PatrolError):
    """Base of everything that the service refuses; ``status`` is its HTTP status."""

    status = 400


class NotSignedIn(CentreError):
    """No session, or one that has ended."""

    status = 401


class SignInRefused(CentreError):
    """Wrong name or password, or a one-time password that has been used."""

    status = 401


class NotAllowed(CentreError):
    """Signed in, but the role does not permit it; or the request came from another origin."""

    status = 403


class NotFound(CentreError):
    """No such alert, picture, robot or stream."""

    status = 404


class Conflict(CentreError):
    """It can not be done in the present state: the alert is settled, the robot is not connected."""

    status = 409


class TooMany(CentreError):
    """A limit is reached; ``retry_after_s`` says when to try again."""

    status = 429

    def __init__(self, because: str, *, retry_after_s: float) -> None:
        super().__init__(because)
        self.retry_after_s = retry_after_s

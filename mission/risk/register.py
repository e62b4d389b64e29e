# SPDX-License-Identifier: Apache-2.0
"""The register of weights: what each weighs, why, until when; every change signed, chained to the one before, and shown."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from mission.risk.signals import Report, Subject
from patrol.errors import PatrolError

Signer = Callable[[bytes], bytes]
Verifier = Callable[[bytes, bytes], bool]
BASE_WEIGHT = 1.0
NO_CHANGE = "0" * 64


class RegisterBroken(PatrolError):
    """A change that was altered, removed, added or moved, or whose signature is not good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change: ``by`` whom (a role or a process, not a name on the site), ``because``, what it adds or removes."""

    number: int
    stamp_ns: int
    by: str
    because: str
    action: Literal["add", "withdraw", "expire"]
    report: Report
    before: str
    signature_hex: str = ""

    def body(self) -> bytes:
        """What is signed: everything but the signature, as JSON with sorted keys."""
        fields: dict[str, Any] = {
            "number": self.number,
            "stamp_ns": self.stamp_ns,
            "by": self.by,
            "because": self.because,
            "action": self.action,
            "report": self.report.model_dump(mode="json"),
            "before": self.before,
        }
        return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()

    @property
    def digest(self) -> str:
        """What the next change is chained to."""
        return hashlib.sha256(self.body() + bytes.fromhex(self.signature_hex)).hexdigest()

    def line(self) -> str:
        """The change as a person reads it."""
        sign = "+" if self.action == "add" else "-"
        subject = f"{self.report.subject.kind} {self.report.subject.subject_id}"
        what = f"{subject}: {sign}{self.report.strength:g} ({self.report.source})"
        return f"#{self.number} {what}, {self.action} by {self.by}: {self.because}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """All changes so far, in order. Nothing is ever taken out."""

    changes: tuple[Change, ...] = ()

    def in_force(self, now_ns: int) -> tuple[Report, ...]:
        """The reports that count at ``now_ns``; one that has expired does not, whether or not anybody has noted it."""
        standing: dict[str, Report] = {}
        for change in self.changes:
            if change.action == "add":
                standing[change.report.report_id] = change.report
            else:
                standing.pop(change.report.report_id, None)
        return tuple(report for report in standing.values() if now_ns < report.expires_ns)

    def weights(self, now_ns: int) -> Mapping[Subject, float]:
        """Weights of the subjects that reports speak of; any other weighs ``BASE_WEIGHT``."""
        weights: dict[Subject, float] = {}
        for report in self.in_force(now_ns):
            weights[report.subject] = weights.get(report.subject, BASE_WEIGHT) + report.strength
        return weights

    def added(self, report: Report, *, by: str, because: str, sign: Signer) -> Register:
        """With one more report, signed; one of the same id is replaced."""
        return self._changed(("add", report), report.stamp_ns, (by, because), sign)

    def withdrawn(self, report_id: str, now_ns: int, *, by: str, because: str, sign: Signer) -> Register:
        """Without a report that is in force, signed. Raises RegisterBroken when there is none of that id."""
        found = [report for report in self.in_force(now_ns) if report.report_id == report_id]
        if not found:
            raise RegisterBroken(f"report {report_id!r} is not in force")
        return self._changed(("withdraw", found[0]), now_ns, (by, because), sign)

    def expired(self, now_ns: int, *, sign: Signer) -> Register:
        """With a signed note of each report that has run out since the last note."""
        standing: dict[str, Report] = {}
        for change in self.changes:
            if change.action == "add":
                standing[change.report.report_id] = change.report
            else:
                standing.pop(change.report.report_id, None)
        register = self
        for report in standing.values():
            if report.expires_ns <= now_ns:
                register = register._changed(("expire", report), now_ns, ("register", "its time is over"), sign)
        return register

    def verify(self, good: Verifier) -> None:
        """Raises RegisterBroken at the first change that is not as it was signed, or not in its place."""
        before = NO_CHANGE
        for number, change in enumerate(self.changes):
            if change.number != number or change.before != before:
                raise RegisterBroken(f"change {number} does not follow the one before it")
            if not good(change.body(), bytes.fromhex(change.signature_hex)):
                raise RegisterBroken(f"change {number}: the signature is not good")
            before = change.digest

    def lines(self) -> tuple[str, ...]:
        """Every change as a person reads it."""
        return tuple(change.line() for change in self.changes)

    def _changed(
        self, what: tuple[Literal["add", "withdraw", "expire"], Report], stamp_ns: int, why: tuple[str, str], sign: Signer
    ) -> Register:
        action, report = what
        by, because = why
        change = Change(
            number=len(self.changes),
            stamp_ns=stamp_ns,
            by=by,
            because=because,
            action=action,
            report=report,
            before=self.changes[-1].digest if self.changes else NO_CHANGE,
        )
        return Register(changes=(*self.changes, replace(change, signature_hex=sign(change.body()).hex())))

# SPDX-License-Identifier: Apache-2.0
"""Alerts, commands and the audit log: what a signed-in person asks for."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from command_centre.api.access import CentreHere, OperatorHere, SignedIn
from command_centre.api.accounts import Person
from command_centre.api.browser import AlertChanged, AlertState, AlertView, CommandView, ZonesView
from command_centre.api.centre import Centre
from command_centre.api.records import alert_picture, newest_alerts, newest_commands, settle_alert
from command_centre.api.requests import AlertNote, AuditEntry, AuditVerdictView, CommandRequest, ZonesRequest
from command_centre.api.tables import AuditRow

router = APIRouter(prefix="/api", tags=["facts"])
Count = Annotated[int, Query(ge=1, le=500)]
_LARGEST = 2**63 - 1
Before = Annotated[int | None, Query(ge=0, le=_LARGEST)]
AlertKey = Annotated[int, Path(ge=0, le=_LARGEST)]


@router.get("/alerts")
async def alerts(_person: SignedIn, centre: CentreHere, count: Count = 100, before: Before = None) -> tuple[AlertView, ...]:
    """The newest alerts, newest first; ``before`` pages on."""
    return await centre.database.read(lambda session: newest_alerts(session, count=count, before=before))


@router.post("/alerts/{alert_key}/acknowledge")
async def acknowledge(alert_key: AlertKey, body: AlertNote, person: OperatorHere, centre: CentreHere) -> AlertView:
    """Say: I have seen it and take care of it."""
    return await _settle(centre, person, alert_key, "acknowledged", body.note)


@router.post("/alerts/{alert_key}/dismiss")
async def dismiss(alert_key: AlertKey, body: AlertNote, person: OperatorHere, centre: CentreHere) -> AlertView:
    """Say: this needs nothing, or no more."""
    return await _settle(centre, person, alert_key, "dismissed", body.note)


@router.get("/alerts/{alert_key}/picture")
async def picture(alert_key: AlertKey, _person: SignedIn, centre: CentreHere) -> Response:
    """The anonymised picture of an alert."""
    jpeg = await centre.database.read(lambda session: alert_picture(session, alert_key))
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})


@router.post("/robots/{robot_id}/commands")
async def command(robot_id: str, body: CommandRequest, person: SignedIn, centre: CentreHere) -> CommandView:
    """Give a command. The answer says ``sent`` or ``refused``; what the robot answers comes over the live connection."""
    return await centre.commands.issue(person, robot_id, body.kind, body.mission_id)


@router.put("/robots/{robot_id}/zones")
async def order_zones(robot_id: str, body: ZonesRequest, person: SignedIn, centre: CentreHere) -> ZonesView:
    """Order the zones that hold on a robot from now on. They are in force once the state is ``accepted``."""
    return await centre.commands.order_zones(person, robot_id, body.zones)


@router.get("/robots/{robot_id}/zones")
async def zones(robot_id: str, _person: SignedIn, centre: CentreHere) -> ZonesView | None:
    """The zones last ordered for a robot, and what it answered."""
    return await centre.commands.zones(robot_id)


@router.get("/commands")
async def commands(_person: SignedIn, centre: CentreHere, count: Count = 50) -> tuple[CommandView, ...]:
    """The newest commands, newest first."""
    return await centre.database.read(lambda session: newest_commands(session, count=count))


@router.get("/audit")
async def audit(_person: OperatorHere, centre: CentreHere, count: Count = 100, before: Before = None) -> tuple[AuditEntry, ...]:
    """The newest entries of the audit log, newest first."""

    def work(session: Session) -> tuple[AuditEntry, ...]:
        query = select(AuditRow).order_by(AuditRow.sequence.desc()).limit(count)
        if before is not None:
            query = query.where(AuditRow.sequence < before)
        return tuple(_audit_entry(row) for row in session.scalars(query))

    return await centre.database.read(work)


@router.get("/audit/verdict")
async def verdict(_person: OperatorHere, centre: CentreHere) -> AuditVerdictView:
    """Whether the audit chain is whole, and which entry breaks it first."""
    found = await centre.database.read(centre.audit.verify)
    return AuditVerdictView(intact=found.intact, entries=found.entries, first_broken=found.first_broken, because=found.because)


async def _settle(centre: Centre, person: Person, alert_key: int, action: AlertState, note: str) -> AlertView:
    def work(session: Session) -> AlertView:
        view = settle_alert(session, alert_key, action, by=person.name, note=note, now_ns=centre.clock.now_ns())
        detail = {"alert_key": alert_key, "alert_id": view.alert_id, "note": note}
        centre.audit.append(session, actor=person.name, action=f"alert {action}", subject=view.robot_id, detail=detail)
        return view

    view = await centre.database.write(work)
    centre.audience.tell(AlertChanged(alert=view))
    return view


def _audit_entry(row: AuditRow) -> AuditEntry:
    return AuditEntry.model_validate({name: getattr(row, name) for name in AuditEntry.model_fields})

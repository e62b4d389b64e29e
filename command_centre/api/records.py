# SPDX-License-Identifier: Apache-2.0
"""Facts that outlive a connection: robots, alerts, waypoint outcomes and commands. Works within the caller's transaction."""

from __future__ import annotations

import base64
import binascii

from sqlalchemy import select
from sqlalchemy.orm import Session

from command_centre.api.browser import AlertAction, AlertState, AlertView, CommandState, CommandView, ZonesView
from command_centre.api.errors import Conflict, NotFound
from command_centre.api.tables import AlertActionRow, AlertRow, CommandRow, OutcomeRow, RobotRow
from patrol.wire import AlertRaised, OutcomeReported, ZonesOrdered

ZONES = "zones"
"""The kind of the command that orders zones."""

_SETTLES: dict[str, tuple[AlertState, ...]] = {"acknowledged": ("new",), "dismissed": ("new", "acknowledged")}


def admit_robot(session: Session, robot_id: str, token_sha256: str, *, now_ns: int) -> None:
    """Let ``robot_id`` dial in with this token; an earlier token of it stops working."""
    row = session.get(RobotRow, robot_id)
    if row is None:
        session.add(RobotRow(robot_id=robot_id, token_sha256=token_sha256, created_ns=now_ns, last_sequence=0))
    else:
        row.token_sha256 = token_sha256


def robot_of_token(session: Session, token_sha256: str) -> str | None:
    """Which robot holds the token; None when none does."""
    return session.scalars(select(RobotRow.robot_id).where(RobotRow.token_sha256 == token_sha256)).first()


def robot_ids(session: Session) -> tuple[str, ...]:
    return tuple(session.scalars(select(RobotRow.robot_id).order_by(RobotRow.robot_id)))


def claim_sequence(session: Session, robot_id: str, sequence: int) -> bool:
    """Whether this durable message is new. Sequences only grow; a gap is a message that the robot has given up."""
    robot = session.get_one(RobotRow, robot_id, with_for_update=True)
    if sequence <= robot.last_sequence:
        return False
    robot.last_sequence = sequence
    return True


def store_alert(session: Session, robot_id: str, alert: AlertRaised, *, now_ns: int) -> AlertView:
    """Keep an alert and its picture. A picture that is no base64 counts as missing."""
    row = AlertRow(
        robot_id=robot_id,
        sequence=alert.sequence,
        alert_id=alert.alert_id,
        received_ns=now_ns,
        state="new",
        body=alert.model_copy(update={"picture_jpeg_base64": ""}).model_dump_json(),
        picture_jpeg=_picture(alert.picture_jpeg_base64),
    )
    row.has_picture = row.picture_jpeg is not None
    session.add(row)
    session.flush()
    return _alert_view(row, ())


def settle_alert(session: Session, alert_key: int, action: AlertState, *, by: str, note: str, now_ns: int) -> AlertView:
    """Acknowledge or dismiss an alert. Raises NotFound, or Conflict when somebody has settled it already."""
    row = session.get(AlertRow, alert_key, with_for_update=True)
    if row is None:
        raise NotFound(f"There is no alert {alert_key}.")
    if row.state not in _SETTLES[action]:
        last = _actions(session, (alert_key,))[-1]
        raise Conflict(f"It has been {row.state} by {last.by_name} already.")
    row.state = action
    session.add(AlertActionRow(alert_key=alert_key, action=action, by_name=by, at_ns=now_ns, note=note))
    session.flush()
    return _alert_view(row, _actions(session, (alert_key,)))


def newest_alerts(session: Session, *, count: int, before: int | None = None) -> tuple[AlertView, ...]:
    """The newest ``count`` alerts, newest first; ``before`` pages on from an alert_key."""
    query = select(AlertRow).order_by(AlertRow.alert_key.desc()).limit(count)
    if before is not None:
        query = query.where(AlertRow.alert_key < before)
    rows = session.scalars(query).all()
    actions = _actions(session, tuple(row.alert_key for row in rows))
    return tuple(_alert_view(row, tuple(each for each in actions if each.alert_key == row.alert_key)) for row in rows)


def alert_picture(session: Session, alert_key: int) -> bytes:
    """The alert's JPEG. Raises NotFound when there is none."""
    picture = session.scalars(select(AlertRow.picture_jpeg).where(AlertRow.alert_key == alert_key)).first()
    if picture is None:
        raise NotFound(f"There is no picture of alert {alert_key}.")
    return picture


def store_outcome(session: Session, robot_id: str, outcome: OutcomeReported, *, now_ns: int) -> None:
    session.add(OutcomeRow(robot_id=robot_id, sequence=outcome.sequence, received_ns=now_ns, body=outcome.model_dump_json()))


def newest_outcomes(session: Session, robot_id: str, *, count: int) -> tuple[OutcomeReported, ...]:
    """The newest ``count`` outcomes of a robot, oldest first."""
    query = select(OutcomeRow.body).where(OutcomeRow.robot_id == robot_id).order_by(OutcomeRow.outcome_key.desc()).limit(count)
    return tuple(OutcomeReported.model_validate_json(body) for body in reversed(session.scalars(query).all()))


def store_command(session: Session, view: CommandView, zones: ZonesOrdered | None = None) -> None:
    """Keep a command, and with one of the kind ``ZONES`` its order."""
    body = "" if zones is None else zones.model_dump_json()
    session.add(CommandRow(**view.model_dump(), settled_ns=None, body=body))


def settle_command(
    session: Session, key: tuple[str, str], state: CommandState, because: str, *, now_ns: int
) -> CommandView | None:
    """Note what became of a command, by robot and command id; None when that robot was given no such command."""
    robot_id, command_id = key
    row = session.get(CommandRow, command_id)
    if row is None or row.robot_id != robot_id:
        return None
    row.state, row.because, row.settled_ns = state, because, now_ns
    return _command_view(row)


def newest_commands(session: Session, *, count: int) -> tuple[CommandView, ...]:
    """The newest ``count`` commands, newest first."""
    query = select(CommandRow).order_by(CommandRow.issued_ns.desc(), CommandRow.command_id).limit(count)
    return tuple(_command_view(row) for row in session.scalars(query))


def newest_zones(session: Session, robot_id: str) -> ZonesView | None:
    """The zones last ordered for a robot, what became of that, and those that it last acknowledged; None before any order."""
    orders = select(CommandRow).where(CommandRow.robot_id == robot_id, CommandRow.kind == ZONES, CommandRow.body != "")
    newest = orders.order_by(CommandRow.issued_ns.desc(), CommandRow.command_id).limit(1)
    last = session.scalars(newest).first()
    if last is None:
        return None
    agreed = session.scalars(newest.where(CommandRow.state == "accepted")).first()
    order = ZonesOrdered.model_validate_json(last.body)
    return ZonesView(
        robot_id=robot_id,
        revision=order.revision,
        zones=order.zones,
        issued_by=last.issued_by,
        state=_command_view(last).state,
        because=last.because,
        in_force=() if agreed is None else ZonesOrdered.model_validate_json(agreed.body).zones,
    )


def _picture(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True) or None
    except binascii.Error:
        return None


def _actions(session: Session, alert_keys: tuple[int, ...]) -> tuple[AlertActionRow, ...]:
    query = select(AlertActionRow).where(AlertActionRow.alert_key.in_(alert_keys)).order_by(AlertActionRow.action_id)
    return tuple(session.scalars(query))


def _alert_view(row: AlertRow, actions: tuple[AlertActionRow, ...]) -> AlertView:
    raised = AlertRaised.model_validate_json(row.body)
    shared = {name: getattr(raised, name) for name in AlertView.model_fields if hasattr(raised, name)}
    return AlertView.model_validate(
        {
            **shared,
            "alert_key": row.alert_key,
            "robot_id": row.robot_id,
            "state": row.state,
            "received_ns": row.received_ns,
            "has_picture": row.has_picture,
            "actions": tuple(
                AlertAction.model_validate({"action": each.action, "by": each.by_name, "at_ns": each.at_ns, "note": each.note})
                for each in actions
            ),
        }
    )


def _command_view(row: CommandRow) -> CommandView:
    return CommandView.model_validate({name: getattr(row, name) for name in CommandView.model_fields})

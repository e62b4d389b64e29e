# SPDX-License-Identifier: Apache-2.0
"""Commands: authorised, sent, logged, and shown as unanswered when the robot says nothing."""

from __future__ import annotations

import asyncio
import logging
import uuid

from sqlalchemy.orm import Session

from command_centre.api.accounts import Person
from command_centre.api.audit import AuditLog
from command_centre.api.browser import CommandChanged, CommandState, CommandView, ZonesView
from command_centre.api.database import Database
from command_centre.api.errors import NotAllowed
from command_centre.api.fleet import Fleet
from command_centre.api.records import ZONES, newest_zones, settle_command, store_command
from command_centre.api.settings import Settings
from command_centre.api.viewers import Audience
from patrol.clock import Clock
from patrol.operations import CommandKind
from patrol.wire import CommandAnswered, CommandIssued, WireZone, ZonesOrdered

_log = logging.getLogger(__name__)
NOT_CONNECTED = "The robot is not connected."
_NS_PER_MS = 1_000_000
CONGESTED = "The robot's link is congested; the command was not sent."


class Commands:
    """Issues commands and follows each until it is answered.

    ``_book`` serves in order of arrival, so that an answer can not be written down before its command.
    """

    def __init__(
        self, *, settings: Settings, database: Database, audit: AuditLog, fleet: Fleet, audience: Audience, clock: Clock
    ) -> None:
        self._settings = settings
        self._database = database
        self._audit = audit
        self._fleet = fleet
        self._audience = audience
        self._clock = clock
        self._deadlines: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._book = asyncio.Lock()

    async def issue(self, person: Person, robot_id: str, kind: CommandKind, mission_id: str) -> CommandView:
        """Send one command. Raises NotFound for an unknown robot, and NotAllowed for a viewer, which is logged as well.

        An e-stop goes out before it is written down, everything else after: nothing may hold up a stop, and nothing else
        may happen without a record.
        """
        await self._authorise(person, robot_id, kind.value)
        view = CommandView(
            command_id=uuid.uuid4().hex,
            robot_id=robot_id,
            kind=kind.value,
            mission_id=mission_id,
            issued_by=person.name,
            issued_ns=self._clock.now_ns(),
            state="sent",
        )
        if kind is CommandKind.ESTOP:
            view = self._send(view, self._command(view))
            await self._record(view)
            return view
        await self._record(view)
        view = self._send(view, self._command(view))
        if view.state == "refused":
            await self._settle(view.robot_id, view.command_id, view.state, view.because)
        return view

    async def order_zones(self, person: Person, robot_id: str, zones: tuple[WireZone, ...]) -> ZonesView:
        """Order the zones that hold on a robot from now on. They are written down before they are sent, and count only once the
        robot has said that they are in force. Raises NotFound and NotAllowed as ``issue`` does."""
        await self._authorise(person, robot_id, ZONES)
        now_ns = self._clock.now_ns()
        view = CommandView(
            command_id=uuid.uuid4().hex,
            robot_id=robot_id,
            kind=ZONES,
            mission_id="",
            issued_by=person.name,
            issued_ns=now_ns,
            state="sent",
        )
        order = ZonesOrdered(
            order_id=view.command_id,
            revision=now_ns // _NS_PER_MS,
            expires_in_s=self._settings.command_expiry_s,
            issued_by=person.name,
            zones=zones,
        )
        await self._record(view, order)
        before = await self.zones(robot_id)
        view = self._send(view, order)
        if view.state == "refused":
            await self._settle(view.robot_id, view.command_id, view.state, view.because)
        return ZonesView(
            robot_id=robot_id,
            revision=order.revision,
            zones=zones,
            issued_by=person.name,
            state=view.state,
            because=view.because,
            in_force=() if before is None else before.in_force,
        )

    async def zones(self, robot_id: str) -> ZonesView | None:
        """What was last ordered for a robot, and what became of it. Raises NotFound."""
        self._fleet.state(robot_id)
        return await self._database.read(lambda session: newest_zones(session, robot_id))

    async def take_answer(self, robot_id: str, answer: CommandAnswered) -> None:
        """The robot accepted or refused a command of its own; what it says of another robot's is dropped."""
        deadline = self._deadlines.pop((robot_id, answer.command_id), None)
        if deadline is not None:
            deadline.cancel()
        state: CommandState = "accepted" if answer.accepted else "refused"
        await self._settle(robot_id, answer.command_id, state, answer.because, actor=robot_id)

    def close(self) -> None:
        for deadline in self._deadlines.values():
            deadline.cancel()
        self._deadlines.clear()

    async def _authorise(self, person: Person, robot_id: str, kind: str) -> None:
        self._fleet.state(robot_id)
        if person.may_command:
            return
        detail = {"kind": kind, "because": f"role {person.role}"}
        await self._database.write(
            lambda session: self._audit.append(
                session, actor=person.name, action="command forbidden", subject=robot_id, detail=detail
            )
        )
        raise NotAllowed("A viewer may watch; only an operator may give commands.")

    def _command(self, view: CommandView) -> CommandIssued:
        return CommandIssued(
            command_id=view.command_id,
            kind=view.kind,
            expires_in_s=self._settings.command_expiry_s,
            issued_by=view.issued_by,
            mission_id=view.mission_id,
        )

    def _send(self, view: CommandView, order: CommandIssued | ZonesOrdered) -> CommandView:
        """Send, start to wait for the answer and tell the viewers, all in one turn of the event loop."""
        if self._fleet.send(view.robot_id, order):
            key = (view.robot_id, view.command_id)
            self._deadlines[key] = asyncio.create_task(self._expect_answer(*key))
        else:
            because = CONGESTED if self._fleet.is_connected(view.robot_id) else NOT_CONNECTED
            view = view.model_copy(update={"state": "refused", "because": because})
        self._audience.tell(CommandChanged(command=view))
        return view

    async def _record(self, view: CommandView, zones: ZonesOrdered | None = None) -> None:
        more = {} if zones is None else {"revision": zones.revision, "zones": [zone.model_dump() for zone in zones.zones]}

        def work(session: Session) -> None:
            store_command(session, view, zones)
            detail = {
                "command_id": view.command_id,
                "kind": view.kind,
                "mission_id": view.mission_id,
                "state": view.state,
                "because": view.because,
                **more,
            }
            self._audit.append(session, actor=view.issued_by, action="command", subject=view.robot_id, detail=detail)

        async with self._book:
            await self._database.write(work)

    async def _expect_answer(self, robot_id: str, command_id: str) -> None:
        await asyncio.sleep(self._settings.answer_timeout_s)
        self._deadlines.pop((robot_id, command_id), None)
        because = f"The robot did not answer within {self._settings.answer_timeout_s:g} s."
        await self._settle(robot_id, command_id, "no answer", because)

    async def _settle(self, robot_id: str, command_id: str, state: CommandState, because: str, *, actor: str = "centre") -> None:
        now_ns = self._clock.now_ns()

        def work(session: Session) -> CommandView | None:
            settled = settle_command(session, (robot_id, command_id), state, because, now_ns=now_ns)
            if settled is None:
                _log.warning("robot %s: there is no command %.40s of it to answer", robot_id, command_id)
            else:
                detail = {"command_id": command_id, "kind": settled.kind, "state": state, "because": because}
                self._audit.append(session, actor=actor, action="command answered", subject=settled.robot_id, detail=detail)
            return settled

        async with self._book:
            settled = await self._database.write(work)
        if settled is not None:
            self._audience.tell(CommandChanged(command=settled))

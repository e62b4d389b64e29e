# SPDX-License-Identifier: Apache-2.0
"""Commands, robot state, progress and waypoint outcomes."""

from __future__ import annotations

from typing import get_args

from patrol_msgs.msg import MissionProgress as ProgressMessage
from patrol_msgs.msg import RobotState as StateMessage
from patrol_msgs.msg import WaypointOutcome as OutcomeMessage
from patrol_msgs.srv import SendCommand

from patrol.checks import require_in
from patrol.operations import (
    Accepted,
    Command,
    CommandAnswer,
    CommandKind,
    MissionProgress,
    Mode,
    OutcomeKind,
    Refused,
    RobotState,
    WaypointOutcome,
)
from patrol_ros.conversions.geometry import pose2d_from_ros, pose2d_to_ros
from patrol_ros.conversions.stamps import header_to_ros, stamp_from_ros, stamp_to_ros


def command_to_ros(command: Command) -> SendCommand.Request:
    """patrol_msgs/SendCommand, the request."""
    return SendCommand.Request(
        command_id=command.command_id,
        kind=command.kind.value,
        expires=stamp_to_ros(command.expires_ns),
        issued_by=command.issued_by,
        mission_id=command.mission_id,
    )


def command_from_ros(request: SendCommand.Request) -> Command:
    """Raises BadValue when the kind is unknown."""
    require_in("kind", request.kind, tuple(kind.value for kind in CommandKind))
    return Command(
        command_id=request.command_id,
        kind=CommandKind(request.kind),
        expires_ns=stamp_from_ros(request.expires),
        issued_by=request.issued_by,
        mission_id=request.mission_id,
    )


def answer_to_ros(answer: CommandAnswer) -> SendCommand.Response:
    """patrol_msgs/SendCommand, the response."""
    if isinstance(answer, Refused):
        return SendCommand.Response(accepted=False, because=answer.because)
    return SendCommand.Response(accepted=True)


def answer_from_ros(command_id: str, response: SendCommand.Response) -> CommandAnswer:
    """The answer to the command called ``command_id``."""
    if response.accepted:
        return Accepted(command_id=command_id)
    return Refused(command_id=command_id, because=response.because)


def progress_to_ros(progress: MissionProgress) -> ProgressMessage:
    """patrol_msgs/MissionProgress."""
    return ProgressMessage(
        mission_id=progress.mission_id,
        lap=int(progress.lap),
        leg=int(progress.leg),
        legs=int(progress.legs),
        waypoint_id=progress.waypoint_id,
        fraction=float(progress.fraction),
        time_left_s=float(progress.time_left_s),
    )


def progress_from_ros(message: ProgressMessage) -> MissionProgress:
    """The progress of a running mission."""
    return MissionProgress(
        mission_id=message.mission_id,
        lap=message.lap,
        leg=message.leg,
        legs=message.legs,
        waypoint_id=message.waypoint_id,
        fraction=message.fraction,
        time_left_s=message.time_left_s,
    )


def state_to_ros(state: RobotState, facts: tuple[str, ...] = ()) -> StateMessage:
    """patrol_msgs/RobotState in map; ``facts`` say in words what is wrong."""
    return StateMessage(
        header=header_to_ros(state.stamp_ns, "map"),
        mode=state.mode.value,
        why=state.why,
        facts=list(facts),
        map_from_base=[] if state.map_from_base is None else [pose2d_to_ros(state.map_from_base)],
        position_std_m=float(state.position_std_m),
        speed_mps=float(state.speed_mps),
        charge=float(state.charge),
        progress=[] if state.progress is None else [progress_to_ros(state.progress)],
    )


def state_from_ros(message: StateMessage) -> RobotState:
    """Raises BadValue when the mode is unknown."""
    require_in("mode", message.mode, tuple(mode.value for mode in Mode))
    return RobotState(
        stamp_ns=stamp_from_ros(message.header.stamp),
        mode=Mode(message.mode),
        why=message.why,
        map_from_base=pose2d_from_ros(message.map_from_base[0]) if message.map_from_base else None,
        position_std_m=message.position_std_m,
        speed_mps=message.speed_mps,
        charge=message.charge,
        progress=progress_from_ros(message.progress[0]) if message.progress else None,
    )


def outcome_to_ros(outcome: WaypointOutcome) -> OutcomeMessage:
    """patrol_msgs/WaypointOutcome."""
    return OutcomeMessage(
        started=stamp_to_ros(outcome.started_ns),
        ended=stamp_to_ros(outcome.ended_ns),
        lap=int(outcome.lap),
        leg=int(outcome.leg),
        waypoint_id=outcome.waypoint_id,
        outcome=outcome.outcome,
        because=outcome.because,
    )


def outcome_from_ros(message: OutcomeMessage) -> WaypointOutcome:
    """Raises BadValue when the outcome is unknown, or does not go with its reason."""
    require_in("outcome", message.outcome, get_args(OutcomeKind))
    return WaypointOutcome(
        lap=message.lap,
        leg=message.leg,
        waypoint_id=message.waypoint_id,
        outcome=message.outcome,
        because=message.because,
        started_ns=stamp_from_ros(message.started),
        ended_ns=stamp_from_ros(message.ended),
    )

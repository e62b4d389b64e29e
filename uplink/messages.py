# SPDX-License-Identifier: Apache-2.0
"""The robot's own types turned into wire messages, and the centre's orders turned into commands.

Durable messages are made with ``sequence`` zero; the outbox numbers them.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from patrol.belief import Belief
from patrol.clock import nanoseconds
from patrol.errors import BadValue
from patrol.geometry import Pose2
from patrol.grid import OCCUPIED, UNKNOWN, OccupancyGrid
from patrol.operations import Accepted, Command, CommandAnswer, CommandKind, MissionProgress, Refused, RobotState, WaypointOutcome
from patrol.percepts import Alert, GroundPosition, Track
from patrol.sei import PictureBox, PictureMetadata
from patrol.wire import (
    TO_ROBOT,
    AlertRaised,
    BeliefUpdate,
    CommandAnswered,
    CommandIssued,
    MapUpdate,
    OutcomeReported,
    RouteUpdate,
    Telemetry,
    ToRobot,
    WireBelief,
    WirePose,
    WireProgress,
    WireReason,
    WireThreshold,
    WireTrack,
    WireZoneMass,
    ZonesOrdered,
)
from patrol.zone_orders import RunTimeZone, ZoneAnswer, ZoneOrder, ZonesRefused

UNNUMBERED = 0
CLOCK_UNKNOWN = "the robot is still starting: its clock is not known yet"
_UNKNOWN_GREY = 128


def telemetry_message(
    state: RobotState,
    tracks: Sequence[Track] = (),
    *,
    commanded_mps: float = 0.0,
    doubt: str = "",
    ages_s: Mapping[str, float] | None = None,
    facts: Sequence[str] = (),
) -> Telemetry:
    """The robot's state and what it follows. ``sent_ns`` is left zero; the client fills it in as the message leaves."""
    return Telemetry(
        stamp_ns=state.stamp_ns,
        sent_ns=0,
        mode=state.mode.value,
        why=state.why,
        pose=None if state.map_from_base is None else _wire_pose(state.map_from_base),
        position_std_m=state.position_std_m,
        doubt=doubt,
        speed_mps=state.speed_mps,
        commanded_mps=commanded_mps,
        charge=state.charge,
        progress=None if state.progress is None else _wire_progress(state.progress),
        tracks=tuple(track_message(track) for track in tracks),
        ages_s=dict(ages_s or {}),
        facts=tuple(facts),
    )


def track_message(track: Track) -> WireTrack:
    """One track; place and box are None where the track has none."""
    box, ground = track.box, track.ground
    return WireTrack(
        track_id=track.track_id,
        label=track.label.value,
        state=track.state,
        score=track.score,
        position_m=None if ground is None else _pair(ground.position_m),
        velocity_mps=None if ground is None else _pair(ground.velocity_mps),
        covariance_m2=None if ground is None else _covariance(ground),
        box_px=None if box is None else (box.x0_px, box.y0_px, box.x1_px, box.y1_px),
    )


def picture_metadata(stamp_ns: int, tracks: Sequence[Track], *, caption: str = "") -> PictureMetadata:
    """What travels inside the picture taken at ``stamp_ns``: the box of every track that has one."""
    boxes = tuple(
        PictureBox(
            track_id=track.track_id,
            label=track.label.value,
            box_px=(track.box.x0_px, track.box.y0_px, track.box.x1_px, track.box.y1_px),
            score=track.score,
            state=track.state,
        )
        for track in tracks
        if track.box is not None
    )
    return PictureMetadata(stamp_ns=stamp_ns, boxes=boxes, caption=caption)


def alert_message(alert: Alert) -> AlertRaised:
    """An alert with its reason and its anonymised picture."""
    reason = WireReason(
        rule=alert.reason.rule,
        sentence=alert.reason.sentence,
        thresholds=tuple(
            WireThreshold(name=each.name, measured=each.measured, limit=each.limit, holds_when=each.holds_when)
            for each in alert.reason.thresholds
        ),
        nearest_change=alert.reason.nearest_change,
    )
    return AlertRaised(
        sequence=UNNUMBERED,
        alert_id=alert.alert_id,
        stamp_ns=alert.stamp_ns,
        severity=alert.severity,
        reason=reason,
        zone_id=alert.zone_id,
        track_id=alert.track_id,
        label=alert.label.value,
        position_m=_pair(alert.ground.position_m),
        covariance_m2=_covariance(alert.ground),
        position_uncertain=alert.position_uncertain,
        picture_jpeg_base64=base64.b64encode(alert.picture_jpeg).decode("ascii"),
        incident_id=alert.incident_id,
        path_m=tuple(_pair(place) for place in alert.path_m),
    )


def outcome_message(outcome: WaypointOutcome) -> OutcomeReported:
    """What became of one waypoint."""
    return OutcomeReported(
        sequence=UNNUMBERED,
        lap=outcome.lap,
        leg=outcome.leg,
        waypoint_id=outcome.waypoint_id,
        outcome=outcome.outcome,
        because=outcome.because,
        started_ns=outcome.started_ns,
        ended_ns=outcome.ended_ns,
    )


def answer_message(answer: CommandAnswer) -> CommandAnswered:
    """Whether a command was accepted, and if not, why."""
    accepted = isinstance(answer, Accepted)
    because = "" if isinstance(answer, Accepted) else answer.because
    return CommandAnswered(sequence=UNNUMBERED, command_id=answer.command_id, accepted=accepted, because=because)


def route_message(stamp_ns: int, route_m: npt.ArrayLike, plan_m: npt.ArrayLike = ()) -> RouteUpdate:
    """The route (N, 2) m and the plan to the next waypoint (M, 2) m, both in map."""
    return RouteUpdate(stamp_ns=stamp_ns, route_m=_points(route_m), plan_m=_points(plan_m))


def beliefs_message(stamp_ns: int, beliefs: Sequence[Belief]) -> BeliefUpdate:
    """Where everybody who is out of sight may be; centimetres and thousandths are enough."""
    return BeliefUpdate(stamp_ns=stamp_ns, beliefs=tuple(_wire_belief(belief) for belief in beliefs))


def map_message(grid: OccupancyGrid) -> MapUpdate:
    """The grid as a grey PNG: 255 free, 0 occupied, 128 unknown; the top row is the highest y."""
    height, width = grid.cells.shape
    encoded, png = cv2.imencode(".png", grey_from_cells(grid.cells)[::-1], [cv2.IMWRITE_PNG_COMPRESSION, 6])
    if not encoded:
        raise BadValue(f"cells: a grid of {height} x {width} cells can not become a PNG")
    return MapUpdate(
        stamp_ns=grid.stamp_ns,
        resolution_m=grid.resolution_m,
        origin_m=(grid.origin_x_m, grid.origin_y_m),
        width=width,
        height=height,
        png_base64=base64.b64encode(png.tobytes()).decode("ascii"),
    )


def grey_from_cells(cells: npt.NDArray[np.int8]) -> npt.NDArray[np.uint8]:
    """Grey (H, W) uint8 of occupancy cells (H, W): no known cell becomes 128, which means unknown."""
    shade = np.round(255.0 * (1.0 - np.clip(cells, 0, OCCUPIED) / OCCUPIED)).astype(np.uint8)
    shade[shade == _UNKNOWN_GREY] = _UNKNOWN_GREY - 1
    shade[cells == UNKNOWN] = _UNKNOWN_GREY
    return shade


def parse_order(frame: str | bytes) -> ToRobot | None:
    """The message in a frame from the command centre; None when it is none."""
    if isinstance(frame, bytes):
        return None
    try:
        return TO_ROBOT.validate_json(frame)
    except ValidationError:
        return None


def command_from_wire(issued: CommandIssued, *, received_ns: int) -> Command | Refused:
    """The order with its expiry on the robot's own clock, counted from ``received_ns``: the two clocks need not agree.

    An order of an unknown kind, or one that had run out before it came, is refused; and while the robot's clock is not known
    (zero, before the first word of a simulated one) every order but an e-stop, since nobody can say when it runs out.
    """
    if issued.kind not in {kind.value for kind in CommandKind}:
        return Refused(command_id=issued.command_id, because=f"{issued.kind!r} is not a command that this robot knows")
    if issued.expires_in_s <= 0:
        return Refused(command_id=issued.command_id, because="it had run out before it reached the robot")
    if received_ns <= 0 and issued.kind != CommandKind.ESTOP:
        return Refused(command_id=issued.command_id, because=CLOCK_UNKNOWN)
    return Command(
        command_id=issued.command_id,
        kind=CommandKind(issued.kind),
        expires_ns=received_ns + nanoseconds(issued.expires_in_s),
        issued_by=issued.issued_by,
        mission_id=issued.mission_id,
    )


def zones_from_wire(ordered: ZonesOrdered, *, received_ns: int) -> ZoneOrder | Refused:
    """The order of zones with its expiry on the robot's own clock; one that makes no sense, or comes while that clock is not
    known, is refused in words."""
    if received_ns <= 0:
        return Refused(command_id=ordered.order_id, because=CLOCK_UNKNOWN)
    try:
        zones = tuple(
            RunTimeZone(
                zone_id=zone.zone_id,
                kind=zone.kind,
                corners_m=zone.corners_m,
                limit_mps=zone.limit_mps,
                heading_rad=zone.heading_rad,
                when_inside=zone.when_inside,
            )
            for zone in ordered.zones
        )
        return ZoneOrder(
            order_id=ordered.order_id,
            revision=ordered.revision,
            expires_ns=received_ns + nanoseconds(ordered.expires_in_s),
            issued_by=ordered.issued_by,
            zones=zones,
        )
    except BadValue as error:
        return Refused(command_id=ordered.order_id, because=str(error))


def zones_answer_message(answer: ZoneAnswer) -> CommandAnswered:
    """What the robot answers to an order of zones."""
    if isinstance(answer, ZonesRefused):
        because = f"{answer.because} (revision {answer.revision} stays in force)"
        return CommandAnswered(sequence=UNNUMBERED, command_id=answer.order_id, accepted=False, because=because)
    told = f"Revision {answer.revision} is in force. {answer.exit_by}".strip()
    return CommandAnswered(sequence=UNNUMBERED, command_id=answer.order_id, accepted=True, because=told)


def _wire_belief(belief: Belief) -> WireBelief:
    rows = np.column_stack((belief.centres_m.round(2), belief.mass.round(3))).tolist()
    return WireBelief(
        track_id=belief.track_id,
        label=belief.label.value,
        last_seen_ns=belief.last_seen_ns,
        age_s=belief.age_s,
        cell_m=belief.cell_m,
        cells=tuple((x_m, y_m, mass) for x_m, y_m, mass in rows if mass > 0.0),
        zones=tuple(WireZoneMass(zone_id=zone.zone_id, mass=round(zone.mass, 3)) for zone in belief.zones),
        contact=belief.contact,
    )


def _wire_pose(pose: Pose2) -> WirePose:
    return WirePose(x_m=pose.x_m, y_m=pose.y_m, yaw_rad=pose.yaw_rad)


def _wire_progress(progress: MissionProgress) -> WireProgress:
    return WireProgress(
        mission_id=progress.mission_id,
        lap=progress.lap,
        leg=progress.leg,
        legs=progress.legs,
        waypoint_id=progress.waypoint_id,
        fraction=progress.fraction,
        time_left_s=progress.time_left_s,
    )


def _pair(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    return float(values[0]), float(values[1])


def _covariance(ground: GroundPosition) -> tuple[float, float, float]:
    covariance = ground.covariance_m2
    return float(covariance[0, 0]), float(covariance[0, 1]), float(covariance[1, 1])


def _points(points_m: npt.ArrayLike) -> tuple[tuple[float, float], ...]:
    points = np.asarray(points_m, dtype=np.float64).reshape(-1, 2)
    return tuple((float(x), float(y)) for x, y in points)

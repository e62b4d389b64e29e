# SPDX-License-Identifier: Apache-2.0
"""Own types on the wire and back."""

from __future__ import annotations

import base64

import cv2
import numpy as np
import pytest

from patrol.geometry import Pose2
from patrol.grid import OccupancyGrid
from patrol.operations import Accepted, Command, CommandKind, MissionProgress, Mode, Refused, RobotState, WaypointOutcome
from patrol.percepts import Alert, Box, GroundPosition, Label, Reason, Threshold, Track
from patrol.wire import FROM_ROBOT, CommandIssued, WireZone, ZonesOrdered
from patrol.zone_orders import ZoneOrder, ZonesInForce, ZonesRefused
from uplink.messages import (
    alert_message,
    answer_message,
    command_from_wire,
    grey_from_cells,
    map_message,
    outcome_message,
    picture_metadata,
    route_message,
    telemetry_message,
    zones_answer_message,
    zones_from_wire,
)

GROUND = GroundPosition(
    position_m=np.array([3.0, 4.0]), velocity_mps=np.array([0.5, 0.0]), covariance_m2=np.array([[0.4, 0.1], [0.1, 0.2]])
)


def track(track_id: int, *, box: Box | None, ground: GroundPosition | None) -> Track:
    return Track(
        track_id=track_id,
        label=Label.PERSON,
        state="confirmed",
        stamp_ns=9,
        first_seen_ns=1,
        last_seen_ns=9,
        hits=5,
        score=0.75,
        box=box,
        ground=ground,
    )


def test_telemetry_keeps_what_is_missing_missing() -> None:
    state = RobotState(
        stamp_ns=5,
        mode=Mode.HELD,
        why="The way is blocked.",
        map_from_base=None,
        position_std_m=2.0,
        speed_mps=0.0,
        charge=0.4,
        progress=None,
    )
    seen = track(1, box=Box(x0_px=1, y0_px=2, x1_px=3, y1_px=5), ground=None)
    message = telemetry_message(state, [seen], doubt="the scan does not fit", facts=("link lost",), ages_s={"scan": 0.1})
    assert message.pose is None
    assert message.progress is None
    assert message.tracks[0].position_m is None
    assert message.tracks[0].box_px == (1, 2, 3, 5)
    assert FROM_ROBOT.validate_json(message.model_dump_json()) == message


def test_telemetry_carries_pose_and_progress() -> None:
    progress = MissionProgress(mission_id="m", lap=1, leg=2, legs=9, waypoint_id="w", fraction=0.3, time_left_s=60.0)
    state = RobotState(
        stamp_ns=5,
        mode=Mode.PATROLLING,
        why="On leg 2.",
        map_from_base=Pose2(1.0, 2.0, 0.5),
        position_std_m=0.04,
        speed_mps=1.1,
        charge=0.9,
        progress=progress,
    )
    message = telemetry_message(state, [track(1, box=None, ground=GROUND)])
    assert message.pose is not None
    assert (message.pose.x_m, message.pose.y_m, message.pose.yaw_rad) == (1.0, 2.0, 0.5)
    assert message.progress is not None
    assert message.progress.waypoint_id == "w"
    assert message.tracks[0].covariance_m2 == (0.4, 0.1, 0.2)
    assert message.tracks[0].box_px is None


def test_only_tracks_with_a_box_travel_inside_the_picture() -> None:
    tracks = [track(1, box=Box(x0_px=1, y0_px=2, x1_px=3, y1_px=5), ground=None), track(2, box=None, ground=GROUND)]
    metadata = picture_metadata(77, tracks, caption="A person at the gate.")
    assert metadata.stamp_ns == 77
    assert [box.track_id for box in metadata.boxes] == [1]


def test_an_alert_keeps_its_whole_reason() -> None:
    threshold = Threshold(name="dwell_s", measured=2.5, limit=2.0, holds_when="at least")
    reason = Reason(rule="restricted", sentence="A person stood there.", thresholds=(threshold,), nearest_change="0.5 s less")
    source = Alert(
        alert_id="a1",
        stamp_ns=3,
        severity="critical",
        reason=reason,
        zone_id="z",
        track_id=4,
        label=Label.PERSON,
        ground=GROUND,
        position_uncertain=False,
        picture_jpeg=b"\xff\xd8picture",
    )
    message = alert_message(source)
    assert message.reason.thresholds[0].measured == 2.5
    assert message.reason.nearest_change == "0.5 s less"
    assert base64.b64decode(message.picture_jpeg_base64) == source.picture_jpeg
    assert message.position_m == (3.0, 4.0)


def test_the_map_is_a_png_with_the_north_on_top() -> None:
    cells = np.array([[0, 100, -1], [0, 0, 50]], dtype=np.int8)
    grid = OccupancyGrid(stamp_ns=1, resolution_m=0.1, origin_x_m=-1.0, origin_y_m=-2.0, cells=cells)
    message = map_message(grid)
    png = np.frombuffer(base64.b64decode(message.png_base64), dtype=np.uint8)
    picture = cv2.imdecode(png, cv2.IMREAD_UNCHANGED)
    assert picture is not None
    assert picture.tolist() == [[255, 255, 127], [255, 0, 128]]
    assert (message.width, message.height, message.origin_m) == (3, 2, (-1.0, -2.0))


def test_no_known_cell_looks_unknown() -> None:
    cells = np.arange(-1, 101, dtype=np.int8).reshape(1, -1)
    grey = grey_from_cells(cells)[0]
    assert grey[0] == 128
    assert 128 not in grey[1:]
    assert (np.diff(grey[1:].astype(int)) <= 0).all()


def test_outcomes_answers_and_routes_pass_the_wire() -> None:
    outcome = WaypointOutcome(lap=1, leg=2, waypoint_id="w", outcome="missed", because="blocked", started_ns=1, ended_ns=2)
    messages = [
        outcome_message(outcome),
        answer_message(Accepted(command_id="c")),
        answer_message(Refused(command_id="c", because="too late")),
        route_message(5, [(0.0, 1.0), (2.0, 3.0)]),
    ]
    for message in messages:
        assert FROM_ROBOT.validate_json(message.model_dump_json()) == message
    assert messages[1].model_dump()["accepted"] is True
    assert messages[2].model_dump()["because"] == "too late"


def test_expiry_is_counted_from_receipt_on_the_robots_own_clock() -> None:
    issued = CommandIssued(command_id="c", kind="estop", expires_in_s=1.5, issued_by="op")
    command = command_from_wire(issued, received_ns=10_000_000_000)
    assert isinstance(command, Command)
    assert command.kind is CommandKind.ESTOP
    assert command.expires_ns == 11_500_000_000


@pytest.mark.parametrize(("kind", "expires_in_s", "because"), [("dance", 5.0, "dance"), ("start", 0.0, "run out")])
def test_orders_that_can_not_be_carried_out_are_refused(kind: str, expires_in_s: float, because: str) -> None:
    issued = CommandIssued(command_id="c", kind=kind, expires_in_s=expires_in_s, issued_by="op")
    refused = command_from_wire(issued, received_ns=1)
    assert isinstance(refused, Refused)
    assert because in refused.because


def test_before_the_robots_clock_is_known_only_an_emergency_stop_is_taken() -> None:
    for kind in CommandKind:
        issued = CommandIssued(command_id="c", kind=kind, expires_in_s=5.0, issued_by="op")
        taken = command_from_wire(issued, received_ns=0)
        assert isinstance(taken, Command if kind is CommandKind.ESTOP else Refused)
        assert isinstance(taken, Command) or "still starting" in taken.because
    refused = zones_from_wire(ZonesOrdered(order_id="o", revision=1, expires_in_s=5.0, issued_by="op", zones=()), received_ns=0)
    assert isinstance(refused, Refused)


def test_zones_from_the_wire_are_the_robots_words_and_bad_ones_are_refused() -> None:
    zone = WireZone(zone_id="pit", kind="keep out", corners_m=((0.0, 0.0), (4.0, 0.0), (4.0, 4.0)), when_inside="hold")
    ordered = ZonesOrdered(order_id="o", revision=7, expires_in_s=5.0, issued_by="olga", zones=(zone,))
    order = zones_from_wire(ordered, received_ns=10)
    assert isinstance(order, ZoneOrder)
    assert (order.revision, order.expires_ns, order.zones[0].when_inside) == (7, 5_000_000_010, "hold")
    crooked = ordered.model_copy(update={"zones": (zone.model_copy(update={"kind": "slow"}),)})
    refused = zones_from_wire(crooked, received_ns=10)
    assert isinstance(refused, Refused)
    assert "limit_mps" in refused.because


def test_the_answer_to_zones_says_what_the_robot_does_about_them() -> None:
    in_force = zones_answer_message(ZonesInForce(order_id="o", revision=7, inside=("pit",), exit_by="It leaves."))
    assert (in_force.accepted, in_force.because) == (True, "Revision 7 is in force. It leaves.")
    refused = zones_answer_message(ZonesRefused(order_id="o", revision=3, because="too late"))
    assert (refused.command_id, refused.accepted, refused.because) == ("o", False, "too late (revision 3 stays in force)")

# SPDX-License-Identifier: Apache-2.0
"""What was heard survives being written as a record and read back, with and without ROS; sound itself has no record."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from evidence import percept_records, sound_records
from evidence.percept_records import sky_in, stamp_in
from evidence.sound_records import sounds_in, sounds_record
from patrol.air import Sky
from patrol.errors import BadValue
from patrol.geometry import Pose2
from patrol.percepts import Label
from patrol.sound import Bearing, Listener, SoundBlock, SoundEvent
from tests.evidence.test_percept_records import written

STAMP_NS = 1_790_000_000_123_456_789
HEARD = SoundEvent(
    event_id=STAMP_NS // 1_000_000,
    label=Label.SHOUT,
    onset_ns=STAMP_NS - 900,
    heard_ns=STAMP_NS,
    score=0.875,
    level_db=12.5,
    bearing=Bearing(azimuth_rad=-0.25, std_rad=0.0625),
    listener=Listener(map_from_base=Pose2(1.5, -2.0, 0.5), position_std_m=0.125, yaw_std_rad=0.03125),
)
EVENTS = (HEARD, replace(HEARD, bearing=None), replace(HEARD, listener=None, label=Label.ROTOR))


def test_events_come_back_as_they_were() -> None:
    _, message = written("sounds", sounds_record(STAMP_NS, EVENTS, sky=Sky.RAIN, pose_doubt="lost"))
    assert sounds_in(message) == EVENTS
    assert (stamp_in(message), sky_in(message), message.pose_doubt) == (STAMP_NS, Sky.RAIN, "lost")


def test_ros_writes_the_same_and_reads_it_back() -> None:
    pytest.importorskip("patrol_msgs.msg", reason="the ROS interfaces are not built: make setup")
    from rclpy.serialization import deserialize_message, serialize_message

    from patrol_ros.conversions.sounds import sounds_from_ros, sounds_to_ros

    data, _ = written("sounds", sounds_record(STAMP_NS, EVENTS, sky=None, pose_doubt=""))
    message = sounds_to_ros(STAMP_NS, EVENTS, sky=None, pose_doubt="")
    assert sounds_from_ros(deserialize_message(data, type(message))) == EVENTS
    assert deserialize_message(serialize_message(message), type(message)) == deserialize_message(data, type(message))


def test_sound_goes_from_simulator_to_listener_and_is_refused_when_it_is_torn() -> None:
    pytest.importorskip("patrol_msgs.msg", reason="the ROS interfaces are not built: make setup")
    from rclpy.serialization import deserialize_message, serialize_message

    from patrol_ros.conversions.sounds import block_from_ros, block_to_ros

    samples = np.arange(-6, 6, dtype=np.int16).reshape(4, 3)
    block = SoundBlock(
        stamp_ns=STAMP_NS, frame_id="m", rate_hz=16_000.0, full_scale_pa=20.0, positions_m=np.eye(3), samples=samples
    )
    message = deserialize_message(serialize_message(block_to_ros(block)), type(block_to_ros(block)))
    again = block_from_ros(message)
    assert np.array_equal(again.samples, samples)
    assert np.array_equal(again.positions_m, np.eye(3))
    assert (again.stamp_ns, again.end_ns - again.stamp_ns) == (STAMP_NS, 250_000)
    message.positions_m = message.positions_m[:7]
    with pytest.raises(BadValue, match="whole microphones"):
        block_from_ros(message)


@pytest.mark.parametrize("wrong", [{"label": "person"}, {"azimuth_std_rad": []}, {"map_from_base": [1.0, 2.0]}])
def test_what_is_no_event_is_refused(wrong: dict[str, Any]) -> None:
    _, message = written("sounds", sounds_record(STAMP_NS, (HEARD,), sky=None, pose_doubt=""))
    event = message.events[0]
    fields = {name: getattr(event, name) for name in event.__slots__} | wrong
    with pytest.raises(BadValue):
        sounds_in(SimpleNamespace(events=[SimpleNamespace(**fields)]))


def test_nothing_makes_a_record_of_sound_itself() -> None:
    makers = [name for module in (sound_records, percept_records) for name in dir(module) if name.endswith("_record")]
    assert sorted(set(makers)) == ["alert_record", "localisation_record", "sounds_record", "tracks_record"]

# SPDX-License-Identifier: Apache-2.0
"""Sound, which stays on the robot, and what was heard."""

from __future__ import annotations

import numpy as np
from patrol_msgs.msg import SoundBlock as BlockMessage
from patrol_msgs.msg import SoundEvent as EventMessage
from patrol_msgs.msg import SoundEventArray

from evidence.sound_records import sounds_in
from patrol.air import Sky
from patrol.errors import BadValue
from patrol.sound import MICROPHONE_FRAME, SoundBlock, SoundEvent
from patrol_ros.conversions.arrays import array_from_ros, array_to_ros
from patrol_ros.conversions.stamps import header_to_ros, stamp_from_ros, stamp_to_ros


def block_to_ros(block: SoundBlock) -> BlockMessage:
    """patrol_msgs/SoundBlock."""
    return BlockMessage(
        header=header_to_ros(block.stamp_ns, block.frame_id),
        rate_hz=float(block.rate_hz),
        full_scale_pa=float(block.full_scale_pa),
        positions_m=array_to_ros(block.positions_m.reshape(-1)),
        samples=array_to_ros(block.samples),
    )


def block_from_ros(message: BlockMessage) -> SoundBlock:
    """Raises BadValue when positions are not triples, or samples do not come in rounds of all microphones."""
    positions = array_from_ros(message.positions_m, np.float64)
    samples = array_from_ros(message.samples, np.int16)
    count, rest = divmod(len(positions), 3)
    if rest or not count or len(samples) % count:
        raise BadValue(f"samples: {len(samples)} samples and {len(positions)} coordinates are not those of whole microphones")
    return SoundBlock(
        stamp_ns=stamp_from_ros(message.header.stamp),
        frame_id=message.header.frame_id,
        rate_hz=message.rate_hz,
        full_scale_pa=message.full_scale_pa,
        positions_m=positions.reshape(-1, 3),
        samples=samples.reshape(-1, count),
    )


def sounds_to_ros(stamp_ns: int, events: tuple[SoundEvent, ...], *, sky: Sky | None, pose_doubt: str) -> SoundEventArray:
    """patrol_msgs/SoundEventArray."""
    return SoundEventArray(
        header=header_to_ros(stamp_ns, MICROPHONE_FRAME),
        events=[_event_to_ros(event) for event in events],
        sky="" if sky is None else sky.value,
        pose_doubt=pose_doubt,
    )


def sounds_from_ros(message: SoundEventArray) -> tuple[SoundEvent, ...]:
    """As from a recording, whose messages have the same fields. Raises BadValue when an event is not one."""
    return sounds_in(message)


def _event_to_ros(event: SoundEvent) -> EventMessage:
    bearing, listener = event.bearing, event.listener
    pose = None if listener is None else listener.map_from_base
    return EventMessage(
        event_id=int(event.event_id),
        label=event.label.value,
        onset=stamp_to_ros(event.onset_ns),
        heard=stamp_to_ros(event.heard_ns),
        score=float(event.score),
        level_db=float(event.level_db),
        azimuth_rad=[] if bearing is None else [float(bearing.azimuth_rad)],
        azimuth_std_rad=[] if bearing is None else [float(bearing.std_rad)],
        map_from_base=[] if pose is None else [float(pose.x_m), float(pose.y_m), float(pose.yaw_rad)],
        position_std_m=0.0 if listener is None else float(listener.position_std_m),
        yaw_std_rad=0.0 if listener is None else float(listener.yaw_std_rad),
    )

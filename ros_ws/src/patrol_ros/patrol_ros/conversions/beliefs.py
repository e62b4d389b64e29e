# SPDX-License-Identifier: Apache-2.0
"""Where somebody out of sight may be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from patrol_msgs.msg import Belief as BeliefMessage
from patrol_msgs.msg import BeliefArray

from patrol.belief import Belief, ZoneMass
from patrol_ros.conversions.arrays import array_from_ros, array_to_ros
from patrol_ros.conversions.percepts import label_from_text
from patrol_ros.conversions.stamps import header_to_ros, stamp_from_ros, stamp_to_ros


def beliefs_to_ros(stamp_ns: int, beliefs: Sequence[Belief]) -> BeliefArray:
    """patrol_msgs/BeliefArray in map."""
    return BeliefArray(header=header_to_ros(stamp_ns, "map"), beliefs=[_belief_to_ros(belief) for belief in beliefs])


def beliefs_from_ros(message: BeliefArray) -> tuple[Belief, ...]:
    """Raises BadValue when a label is unknown or a belief is none."""
    stamp_ns = stamp_from_ros(message.header.stamp)
    return tuple(_belief_from_ros(belief, stamp_ns) for belief in message.beliefs)


def _belief_to_ros(belief: Belief) -> BeliefMessage:
    x_m, y_m = belief.centres_m.astype(np.float32).T
    return BeliefMessage(
        track_id=int(belief.track_id),
        label=belief.label.value,
        last_seen=stamp_to_ros(belief.last_seen_ns),
        cell_m=float(belief.cell_m),
        x_m=array_to_ros(x_m),
        y_m=array_to_ros(y_m),
        mass=array_to_ros(belief.mass.astype(np.float32)),
        zone_ids=[zone.zone_id for zone in belief.zones],
        zone_mass=array_to_ros(np.array([zone.mass for zone in belief.zones], dtype=np.float32)),
        contact=float(belief.contact),
    )


def _belief_from_ros(message: BeliefMessage, stamp_ns: int) -> Belief:
    x_m, y_m, mass = (array_from_ros(field, np.float32).astype(np.float64) for field in (message.x_m, message.y_m, message.mass))
    zones = zip(message.zone_ids, message.zone_mass, strict=True)
    return Belief(
        track_id=message.track_id,
        label=label_from_text(message.label),
        stamp_ns=stamp_ns,
        last_seen_ns=stamp_from_ros(message.last_seen),
        cell_m=message.cell_m,
        centres_m=np.column_stack((x_m, y_m)),
        mass=mass,
        zones=tuple(ZoneMass(zone_id=zone_id, mass=float(part)) for zone_id, part in zones),
        contact=message.contact,
    )

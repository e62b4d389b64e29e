# SPDX-License-Identifier: Apache-2.0
"""Something is heard. Where it is, is known as a direction at best: its place is a Gaussian along that, or around the robot."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from shapely.geometry import Polygon

from patrol.checks import Floats
from patrol.percepts import GroundPosition, Track
from patrol.site import Zone
from patrol.sound import Listener, SoundEvent
from perception.rulebook.config import SoundRule
from perception.rulebook.ground_plan import GroundPlan
from perception.rulebook.memory import Memory
from perception.rulebook.places import inside_probability, moved
from perception.rulebook.scene import Measures, Observation, Scene

ANYWHERE_DEG = 180.0 / math.sqrt(3.0)
"""The standard deviation of a bearing of which nothing is known."""


@dataclass(slots=True)
class Sounds:
    """One rule about what is heard."""

    rule: SoundRule

    def observe(self, scene: Scene, plan: GroundPlan, memory: Memory) -> Iterator[Observation]:
        """Per event at most one observation: in the zone where it most probably is. An event that was heard while the pose was
        not known at all has no place, and is left to whoever listens to events."""
        del memory
        exceptions = tuple(zone.outline for zone in plan.exceptions(self.rule, scene.stamp_ns))
        for event in scene.sounds:
            if event.label not in self.rule.labels or event.listener is None:
                continue
            ground = place_of(event, event.listener, self.rule.reach_m)
            best: tuple[float, Zone] | None = None
            for zone in plan.zones(self.rule, 0, scene.stamp_ns):
                sure = zone is plan.everywhere and not exceptions
                inside = 1.0 if sure else inside_probability(ground, zone.outline, exceptions)
                best = (inside, zone) if best is None or inside > best[0] else best
            if best is not None:
                yield self._observation(event, ground, best, exceptions, everywhere=best[1] is plan.everywhere)

    def _observation(
        self,
        event: SoundEvent,
        ground: GroundPosition,
        best: tuple[float, Zone],
        exceptions: tuple[Polygon, ...],
        *,
        everywhere: bool,
    ) -> Observation:
        inside, zone = best
        std_deg = ANYWHERE_DEG if event.bearing is None else math.degrees(event.bearing.std_rad)
        measures = {"score": event.score, "level_db": event.level_db, "bearing_std_deg": std_deg, "inside_probability": inside}

        def if_moved(by_m: Floats) -> Measures:
            return {**measures, "inside_probability": inside_probability(moved(ground, by_m), zone.outline, exceptions)}

        return Observation(
            track=track_of(event, ground),
            ground=ground,
            place_id=zone.zone_id,
            what=f"{_heard(event)}, {event.level_db:.0f} dB above the background, at most {self.rule.reach_m:g} m away",
            measures=measures,
            if_moved=None if everywhere else if_moved,
            episode=f"{event.label.value} in {zone.zone_id}",
        )


def place_of(event: SoundEvent, listener: Listener, reach_m: float) -> GroundPosition:
    """The Gaussian with mean and covariance of a thing that is as likely at any distance up to ``reach_m``, in the direction of
    the bearing; in a disk around the robot without one."""
    robot_m = np.array([listener.map_from_base.x_m, listener.map_from_base.y_m])
    own = np.eye(2) * listener.position_std_m**2
    if event.bearing is None:
        return GroundPosition(position_m=robot_m, velocity_mps=np.zeros(2), covariance_m2=own + np.eye(2) * (0.5 * reach_m) ** 2)
    angle_rad = listener.map_from_base.yaw_rad + event.bearing.azimuth_rad
    along = np.array([math.cos(angle_rad), math.sin(angle_rad)])
    aside = np.array([-along[1], along[0]])
    off_rad = math.hypot(event.bearing.std_rad, listener.yaw_std_rad)
    wide_m = reach_m / math.sqrt(3.0) * min(math.tan(min(off_rad, 1.0)), 1.0)
    covariance = own + np.outer(along, along) * reach_m**2 / 12.0 + np.outer(aside, aside) * wide_m**2
    return GroundPosition(position_m=robot_m + 0.5 * reach_m * along, velocity_mps=np.zeros(2), covariance_m2=covariance)


def track_of(event: SoundEvent, ground: GroundPosition) -> Track:
    """The event as alerts name it: by its number, and by when it began."""
    return Track(
        track_id=event.event_id,
        label=event.label,
        state="confirmed",
        stamp_ns=event.heard_ns,
        first_seen_ns=event.onset_ns,
        last_seen_ns=event.heard_ns,
        hits=1,
        score=event.score,
        box=None,
        ground=ground,
    )


def _heard(event: SoundEvent) -> str:
    """ "was heard from 045° (± 3°)": a compass heading, 0 north and 90 east."""
    if event.bearing is None or event.listener is None:
        return "was heard, from where is not known"
    heading_deg = (90.0 - math.degrees(event.listener.map_from_base.yaw_rad + event.bearing.azimuth_rad)) % 360.0
    off_rad = math.hypot(event.bearing.std_rad, event.listener.yaw_std_rad)
    return f"was heard from {round(heading_deg) % 360:03d}° (± {math.degrees(off_rad):.0f}°)"

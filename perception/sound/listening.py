# SPDX-License-Identifier: Apache-2.0
"""A robot that listens: sound and poses in, events and alerts out. Nothing but those leaves this module."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from patrol.air import Sky
from patrol.clock import seconds
from patrol.estimate import PoseEstimate
from patrol.percepts import Alert
from patrol.site import Site
from patrol.sound import Listener, SoundBlock, SoundEvent
from perception.rulebook.config import RuleBook
from perception.rulebook.scene import Scene
from perception.rulebook.watch import Watch
from perception.sound.config import SoundConfig
from perception.sound.detector import Heard, SoundDetector

NO_POSE = "the pose is not known"
_POSES_KEPT, _OLD_S = 60, 2.0
_NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What came of a block: its events, what rules looked at, and the alerts."""

    stamp_ns: int
    events: tuple[SoundEvent, ...]
    alerts: tuple[Alert, ...]
    sky: Sky | None
    pose_doubt: str


class Listening:
    """Hand in poses and blocks as they come. ``sky``: what the lidar makes of the air, for rules that ask for it."""

    def __init__(self, config: SoundConfig, site: Site | None, *, rules: RuleBook | None = None) -> None:
        """Without a site nothing raises an alert."""
        self._detector = SoundDetector(config)
        self._watch = None if site is None else Watch(site, rules)
        self._poses: deque[PoseEstimate] = deque(maxlen=_POSES_KEPT)
        self.sky: Sky | None = None

    @property
    def trouble(self) -> str:
        """What is wrong with the microphones; empty when nothing is."""
        return self._detector.trouble

    def on_estimate(self, estimate: PoseEstimate) -> None:
        """Remember where the robot was."""
        self._poses.append(estimate)

    def on_block(self, block: SoundBlock) -> Told | None:
        """Listen to a block; None while there is nothing to tell. Raises BadValue for a rate other than 16 kHz."""
        heard = self._detector.on_block(block)
        if not heard:
            return None
        events = tuple(self._event(each) for each in heard)
        doubt = self._doubt(heard[0].bearing_ns)
        scene = Scene(stamp_ns=block.end_ns, tracks=(), sounds=events, sky=self.sky, pose_doubt=doubt)
        alerts = () if self._watch is None else self._watch.evaluate(scene)
        return Told(stamp_ns=block.end_ns, events=events, alerts=alerts, sky=self.sky, pose_doubt=doubt)

    def _event(self, heard: Heard) -> SoundEvent:
        pose = self._pose_at(heard.bearing_ns)
        return SoundEvent(
            event_id=heard.onset_ns // _NS_PER_MS,
            label=heard.label,
            onset_ns=heard.onset_ns,
            heard_ns=heard.heard_ns,
            score=heard.score,
            level_db=heard.level_db,
            bearing=heard.bearing,
            listener=None if pose is None else _listener(pose),
        )

    def _pose_at(self, stamp_ns: int) -> PoseEstimate | None:
        return min(self._poses, key=lambda pose: abs(pose.stamp_ns - stamp_ns), default=None)

    def _doubt(self, stamp_ns: int) -> str:
        pose = self._pose_at(stamp_ns)
        if pose is None:
            return NO_POSE
        age_s = seconds(stamp_ns - pose.stamp_ns)
        return pose.doubt or (f"the pose is {age_s:.0f} s old" if age_s > _OLD_S else "")


def _listener(pose: PoseEstimate) -> Listener:
    yaw_std_rad = float(np.sqrt(max(pose.covariance[2, 2], 0.0)))
    return Listener(map_from_base=pose.map_from_base, position_std_m=pose.position_std_m, yaw_std_rad=yaw_std_rad)

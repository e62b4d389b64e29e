# SPDX-License-Identifier: Apache-2.0
"""Where who went out of sight may be, worked out beside the mission's steps and told on ``beliefs``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from mission.facts.eyes import WELL, PictureSeen
from mission.inputs import ExecutiveInputs
from patrol.belief import Belief
from patrol.clock import seconds
from patrol.geometry import Pose2
from patrol.grid import OccupancyGrid
from patrol.percepts import Track
from patrol.sensors import CameraModel
from patrol.site import Site
from patrol_ros.backend import CAMERA_FRAME
from patrol_ros.conversions.beliefs import beliefs_to_ros
from patrol_ros.conversions.pictures import camera_from_ros
from patrol_ros.link import Link
from patrol_ros.mounts import Mounts
from patrol_ros.slot import Worker
from perception.belief.beliefs import Beliefs
from perception.belief.config import BeliefConfig
from perception.belief.looking import Look

_LENS_STALE_S = 3.0
_WAITING = 32


class BeliefKeeper:
    """``step`` with what the mission hears; ``told`` is the newest answer. The work is done in a thread, once a second."""

    def __init__(self, link: Link, config: BeliefConfig, site: Site, mounts: Mounts) -> None:
        self._beliefs, self._every_s = Beliefs(config, site), config.every_s
        self._publisher = link.publisher("beliefs")
        self._mounts = mounts
        self._camera: CameraModel | None = None
        self._lens = PictureSeen(stamp_ns=0, lens="")
        self._tracks: tuple[Track, ...] = ()
        self._asked_ns: int | None = None
        self._told: tuple[Belief, ...] = ()
        self._published: tuple[Belief, ...] = ()
        self._worker: Worker[Callable[[], None]] = Worker("beliefs", lambda work: work(), limit=_WAITING)
        link.subscribe("camera/camera_info", self._on_camera)
        link.closing.add(self._worker.close)

    @property
    def told(self) -> tuple[Belief, ...]:
        """The newest beliefs."""
        return self._told

    @property
    def trouble(self) -> str:
        """Why the last update was left out; empty: nothing is wrong."""
        return self._worker.trouble

    def step(self, inputs: ExecutiveInputs, base_from_lidar: Pose2) -> None:
        """Hand over what has come; tell what is known."""
        now_ns = inputs.now_ns
        for heard in inputs.heard:
            self._lens = heard if isinstance(heard, PictureSeen) else self._lens
        if inputs.tracks is not self._tracks:
            self._tracks = inputs.tracks
            self._worker.offer(partial(self._beliefs.hear, inputs.tracks))
        if inputs.alerts:
            self._worker.offer(partial(self._beliefs.heed, inputs.alerts))
        if self._asked_ns is None or not 0.0 <= seconds(now_ns - self._asked_ns) < self._every_s:
            self._asked_ns = now_ns
            self._worker.offer(partial(self._update, now_ns, self._look(inputs, base_from_lidar), inputs.grid))
        if self._told is not self._published:
            self._publisher.publish(beliefs_to_ros(now_ns, self._told))
            self._published = self._told

    def _look(self, inputs: ExecutiveInputs, base_from_lidar: Pose2) -> Look | None:
        """The newest scan as a look; the camera counts while its pictures are well and somebody looks at them."""
        scan, estimate = inputs.scan, inputs.estimate
        if scan is None or estimate is None:
            return None
        is_well = self._lens.lens == WELL and seconds(inputs.now_ns - self._lens.stamp_ns) <= _LENS_STALE_S
        return Look.taken(scan, estimate, base_from_lidar, twist=inputs.twist, camera=self._camera if is_well else None)

    def _update(self, now_ns: int, look: Look | None, grid: OccupancyGrid | None) -> None:
        """In the worker's thread."""
        if grid is not None:
            self._beliefs.take_grid(grid)
        told = self._beliefs.update(now_ns, look)
        if told or self._told:
            self._told = told

    def _on_camera(self, message: Any) -> None:
        mount = self._mounts.base_from(CAMERA_FRAME)
        if self._camera is None and mount is not None:
            self._camera = camera_from_ros(message, mount)

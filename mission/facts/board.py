# SPDX-License-Identifier: Apache-2.0
"""The board of facts: every monitor reads what came in, and says what is wrong now."""

from __future__ import annotations

import math
from collections.abc import Iterator

from pydantic import Field

from mission.facts.clocks import ClockConfig, ClockWatch
from mission.facts.eyes import EyeConfig, LensWatch, ModelWatch, PictureSeen
from mission.facts.fact import Fact, Observed
from mission.facts.gnss import GnssConfig, GnssWatch
from mission.facts.links import LinkConfig, LinkWatch, NodeConfig, NodeWatch, Pulse
from mission.facts.motion import MotionConfig, MotionWatch
from mission.facts.sanity import Measured, digest_of, garbage_in
from mission.facts.streams import Stream
from mission.geofence import Geofence
from mission.inputs import ExecutiveInputs
from patrol.clock import seconds
from patrol.config import Config
from patrol.sensors import Battery, Fix, Imu, Odometry, Scan
from patrol.site import Datum


class FactsConfig(Config):
    """Limits beyond which an input becomes a fact. Every monitor is on by default."""

    estimate_silent_s: float = Field(default=0.4, gt=0)
    estimate_stale_s: float = Field(default=0.55, gt=0)
    scan_stale_s: float = Field(default=0.35, gt=0)
    odometry_stale_s: float = Field(default=0.3, gt=0)
    imu_stale_s: float = Field(default=0.5, gt=0)
    fix_stale_s: float = Field(default=3.0, gt=0)
    battery_stale_s: float = Field(default=5.0, gt=0)
    camera_stale_s: float = Field(default=2.5, gt=0)
    delayed_s: float = Field(default=0.3, gt=0)
    equal_scans: int = Field(default=4, ge=2)
    equal_imu: int = Field(default=20, ge=2)
    position_std_most_m: float = Field(default=1.5, gt=0)
    battery_low: float = Field(default=0.25, ge=0, le=1)
    battery_critical: float = Field(default=0.08, ge=0, le=1)
    disk_least_bytes: int = Field(default=500_000_000, ge=0)
    person_close_m: float = Field(default=2.5, gt=0)
    teleop_silent_s: float = Field(default=0.25, gt=0)
    motion: MotionConfig = MotionConfig()
    clock: ClockConfig = ClockConfig()
    link: LinkConfig = LinkConfig()
    nodes: NodeConfig = NodeConfig()
    eyes: EyeConfig = EyeConfig()
    gnss: GnssConfig = GnssConfig()


class FactBoard:
    """Call ``facts`` once a step with everything that came in since the last one."""

    def __init__(self, config: FactsConfig, geofence: Geofence, datum: Datum) -> None:
        self._config, self._geofence = config, geofence
        self._motion = MotionWatch(config.motion)
        self._clock = ClockWatch(config.clock)
        self._link = LinkWatch(config.link)
        self._nodes = NodeWatch(config.nodes)
        self._lens = LensWatch()
        self._model = ModelWatch(config.eyes)
        self._gnss = GnssWatch(config.gnss, datum)
        self._streams = _streams(config)
        self._heard_tracks = False
        self._pose_stamp_ns: int | None = None
        self._pose_heard_ns = 0

    def facts(self, inputs: ExecutiveInputs, *, nearest_person_m: float = math.inf) -> tuple[Observed, ...]:
        """What is wrong at ``inputs.now_ns``, and what ``inputs`` bring along. ``nearest_person_m`` is how near something that
        moves was at the last step."""
        self._take(inputs)
        return tuple(self._all(inputs, nearest_person_m))

    def _take(self, inputs: ExecutiveInputs) -> None:
        now_ns, estimate = inputs.now_ns, inputs.estimate
        self._clock.tick(now_ns, inputs.steady_ns)
        if inputs.link_up is not None:
            self._link.hear(up=inputs.link_up, now_ns=now_ns)
        if inputs.scan is not None:
            self._hear(inputs.scan, now_ns)
        for measured in inputs.heard:
            self._take_in(measured, inputs)
        if inputs.tracks:
            self._heard_tracks = True
        if self._heard_tracks:
            self._model.hear(inputs.tracks, now_ns)
        if estimate is not None:
            self._motion.look(estimate, inputs.driven)
            if estimate.stamp_ns != self._pose_stamp_ns:
                self._pose_stamp_ns, self._pose_heard_ns = estimate.stamp_ns, now_ns

    def _take_in(self, measured: Measured | PictureSeen | Pulse, inputs: ExecutiveInputs) -> None:
        match measured:
            case PictureSeen():
                self._lens.hear(measured)
                self._streams["camera"].hear(measured.stamp_ns, inputs.now_ns, digest=None)
            case Pulse():
                self._nodes.hear(measured)
            case Fix():
                self._gnss.hear(measured, inputs.estimate)
                self._hear(measured, inputs.now_ns)
            case Imu():
                self._motion.hear_imu(measured)
                self._hear(measured, inputs.now_ns)
            case Scan() | Odometry() | Battery():
                self._hear(measured, inputs.now_ns)

    def _hear(self, measured: Measured, now_ns: int) -> None:
        stream = self._streams[_NAMES[type(measured)]]
        stream.hear(measured.stamp_ns, now_ns, digest=digest_of(measured), garbage=garbage_in(measured))

    def _all(self, inputs: ExecutiveInputs, nearest_person_m: float) -> Iterator[Observed]:
        now_ns = inputs.now_ns
        yield from inputs.facts
        yield from self._about_pose(inputs)
        for stream in self._streams.values():
            yield from stream.facts(now_ns)
        yield from self._motion.facts()
        yield from self._clock.facts()
        yield from self._link.facts(now_ns)
        yield from self._nodes.facts(inputs.steady_ns if inputs.steady_ns is not None else now_ns)
        yield from self._lens.facts()
        yield from self._model.facts()
        yield from self._gnss.facts()
        yield from self._about_power(inputs)
        if nearest_person_m < self._config.person_close_m:
            yield Observed(fact=Fact.PERSON_CLOSE)
        if inputs.disk_free_bytes is not None and inputs.disk_free_bytes < self._config.disk_least_bytes:
            yield Observed(fact=Fact.DISK_FULL, detail=f"less than {self._config.disk_least_bytes / 1e9:g} GB left")

    def _about_pose(self, inputs: ExecutiveInputs) -> Iterator[Observed]:
        estimate, config = inputs.estimate, self._config
        if estimate is None:
            yield Observed(fact=Fact.LOCALISATION_LOST, detail="no position estimate yet")
            return
        if seconds(inputs.now_ns - self._pose_heard_ns) > config.estimate_silent_s:
            yield Observed(fact=Fact.LOCALISATION_LOST, detail=f"no new position for {config.estimate_silent_s:g} s")
        elif seconds(inputs.now_ns - estimate.stamp_ns) > config.estimate_stale_s:
            detail = f"the last position is older than {config.estimate_stale_s:g} s"
            yield Observed(fact=Fact.LOCALISATION_LOST, detail=detail)
        if estimate.doubt:
            yield Observed(fact=Fact.LOCALISATION_DOUBTFUL, detail=estimate.doubt)
        elif not estimate.position_std_m <= config.position_std_most_m:
            detail = f"it is known to {config.position_std_most_m:g} m at best"
            yield Observed(fact=Fact.LOCALISATION_DOUBTFUL, detail=detail)
        elif self._geofence.is_outside(estimate.map_from_base):
            yield Observed(fact=Fact.OUTSIDE_GEOFENCE)
        elif self._geofence.is_near(estimate.map_from_base, estimate.position_std_m):
            yield Observed(fact=Fact.GEOFENCE_NEAR)

    def _about_power(self, inputs: ExecutiveInputs) -> Iterator[Observed]:
        if inputs.battery is None:
            return
        charge, config = inputs.battery.charge, self._config
        if charge < config.battery_critical:
            yield Observed(fact=Fact.BATTERY_CRITICAL, detail=f"below {config.battery_critical:.0%}")
        elif charge < config.battery_low:
            yield Observed(fact=Fact.BATTERY_LOW, detail=f"below {config.battery_low:.0%}")


_NAMES: dict[type, str] = {Scan: "scan", Odometry: "odometry", Imu: "imu", Fix: "fix", Battery: "battery"}
_NEVER = 10**9


def _streams(config: FactsConfig) -> dict[str, Stream]:
    """Scan and odometry are needed to drive; the others are missed once they were there."""
    drives, late_s = Fact.SENSOR_SILENT, config.delayed_s
    return {
        "scan": Stream(
            "scan", silent_s=config.scan_stale_s, delayed_s=late_s, repeats=config.equal_scans, silent=drives, needed=True
        ),
        "odometry": Stream("odometry", silent_s=config.odometry_stale_s, delayed_s=late_s, repeats=_NEVER, silent=drives),
        "imu": Stream("imu", silent_s=config.imu_stale_s, delayed_s=late_s, repeats=config.equal_imu),
        "fix": Stream("fix", silent_s=config.fix_stale_s, delayed_s=config.fix_stale_s, repeats=_NEVER),
        "battery": Stream("battery", silent_s=config.battery_stale_s, delayed_s=config.battery_stale_s, repeats=_NEVER),
        "camera": Stream(
            "pictures",
            silent_s=config.camera_stale_s,
            delayed_s=config.camera_stale_s,
            repeats=_NEVER,
            silent=Fact.CAMERA_SILENT,
        ),
    }

# SPDX-License-Identifier: Apache-2.0
"""The facts that the executive reads off its own inputs; others are told to it from outside."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field
from shapely import contains_xy
from shapely.geometry import Polygon

from mission.inputs import ExecutiveInputs
from mission.supervisor import Fact, Observed
from patrol.clock import seconds
from patrol.config import Config
from patrol.estimate import PoseEstimate


class WatchConfig(Config):
    """Limits beyond which an input becomes a fact."""

    estimate_stale_s: float = Field(default=0.6, gt=0)
    scan_stale_s: float = Field(default=0.4, gt=0)
    position_std_most_m: float = Field(default=1.0, gt=0)
    battery_low: float = Field(default=0.25, ge=0, le=1)
    battery_critical: float = Field(default=0.08, ge=0, le=1)
    fence_slack_m: float = Field(default=0.5, ge=0)


class Watch:
    """Holds the limits and the fence."""

    def __init__(self, config: WatchConfig, perimeter: Polygon) -> None:
        self._config = config
        self._fence = perimeter.buffer(config.fence_slack_m)

    def facts(self, inputs: ExecutiveInputs) -> tuple[Observed, ...]:
        """What ``inputs`` show, and what they bring along."""
        return (*self._about_pose(inputs), *self._about_scan(inputs), *self._about_battery(inputs), *inputs.facts)

    def _about_pose(self, inputs: ExecutiveInputs) -> Iterator[Observed]:
        estimate, config = inputs.estimate, self._config
        if estimate is None:
            yield Observed(fact=Fact.POSE_MISSING, detail="no position estimate yet")
            return
        age_s = seconds(inputs.now_ns - estimate.stamp_ns)
        if age_s > config.estimate_stale_s:
            yield Observed(fact=Fact.POSE_MISSING, detail=f"the last position is older than {config.estimate_stale_s:g} s")
        if estimate.doubt:
            yield Observed(fact=Fact.LOCALISATION_DOUBTFUL, detail=estimate.doubt)
        elif estimate.position_std_m > config.position_std_most_m:
            yield Observed(fact=Fact.LOCALISATION_DOUBTFUL, detail=f"it is known to {config.position_std_most_m:g} m at best")
        elif not self._is_inside(estimate):
            yield Observed(fact=Fact.OUTSIDE_GEOFENCE)

    def _about_scan(self, inputs: ExecutiveInputs) -> Iterator[Observed]:
        if inputs.scan is None:
            yield Observed(fact=Fact.SENSOR_SILENT, detail="no scan yet")
        elif seconds(inputs.now_ns - inputs.scan.stamp_ns) > self._config.scan_stale_s:
            yield Observed(fact=Fact.SENSOR_SILENT, detail=f"no scan for {self._config.scan_stale_s:g} s")

    def _about_battery(self, inputs: ExecutiveInputs) -> Iterator[Observed]:
        if inputs.battery is None:
            return
        charge = inputs.battery.charge
        if charge < self._config.battery_critical:
            yield Observed(fact=Fact.BATTERY_CRITICAL, detail=f"below {self._config.battery_critical:.0%}")
        elif charge < self._config.battery_low:
            yield Observed(fact=Fact.BATTERY_LOW, detail=f"below {self._config.battery_low:.0%}")

    def _is_inside(self, estimate: PoseEstimate) -> bool:
        pose = estimate.map_from_base
        return bool(contains_xy(self._fence, pose.x_m, pose.y_m))

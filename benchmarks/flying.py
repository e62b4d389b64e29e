# SPDX-License-Identifier: Apache-2.0
"""Drones and thrown things over the fence, among birds, by day and night: found, false per hour, how soon, and what it costs.

``python -m benchmarks.flying --runs 30 [--site depot border] [--seed 1] [--log FILE]``. Every scene has its own place
by the fence, birds, and in two of three a drone or something thrown; the robot stands, drives or turns. Rules see perception's
tracks with the pose that the wheels tell; no person detector runs. Something is to be found once it showed whole and with 12
pixels or more in so many pictures of the colour camera (a drone 15, something thrown 7); at night, when that sees nothing in
the sky, what the thermal camera has not in view does not count. It is found when the rule's alert comes; an alert of the other
rule, or where there was nothing, is false. Intervals are exact, 95 %. ``late_s`` counts from the first picture that shows it.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np

from benchmarks.figures import tell
from benchmarks.flying_cast import FlyingCast, Kind
from benchmarks.intervals import rate_interval, share_interval
from patrol.clock import seconds
from patrol.estimate import PoseEstimate
from patrol.geometry import IDENTITY2, Pose2, Twist2
from patrol.percepts import Alert, Detection, Label
from patrol.sensors import Image, Odometry, PointCloud
from patrol.site_file import read_site
from perception.flying.config import FlyingConfig
from perception.flying.tracks import FlyerTracks
from perception.pipeline import Perception, PerceptionConfig
from perception.rulebook.book import read_book
from sim.casting_call import SITES
from sim.robot import ROVER, RobotModel, read_robot
from sim.scenario import Scenario
from sim.simulator import TRUTH_FILE, Simulator

AIR_WATCH = SITES.parent / "rules" / "air_watch.yaml"

_KINDS: tuple[Kind, ...] = ("drone", "thrown", "nothing")
_LABELS = {"drone": Label.DRONE, "thrown": Label.THROWN}
_STEP_NS = 50_000_000
_EDGE_PX, _SHOWS_PX, _LOOKS = 2.0, 12, {"drone": 15, "thrown": 7}
_TWISTS = (
    Twist2(forward_mps=0.0, left_mps=0.0, turn_radps=0.0),
    Twist2(forward_mps=0.25, left_mps=0.0, turn_radps=0.0),
    Twist2(forward_mps=0.0, left_mps=0.0, turn_radps=0.12),
)
_TURNS_BACK_S = 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One scene: what was to be found in it and when it first showed, the alert about it, and all other alerts of such rules."""

    scene: str
    seed: int
    kind: str
    night: bool
    was_to_be_found: bool
    late_s: float | None
    off_m: float | None
    false_alarms: tuple[str, ...]
    cost_ms: float
    lasted_s: float


class Blind:
    """A detector of people that sees nobody."""

    def detect(self, image: Image) -> tuple[Detection, ...]:
        del image
        return ()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--site", nargs="+", default=["depot", "border"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=14.0, help="length of a scene")
    parser.add_argument("--log", type=Path, help="a JSON line per scene is added here")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    outcomes = []
    for number in range(given.runs):
        outcomes.append(
            scene(given.site[number // 3 % len(given.site)], _KINDS[number % 3], given.seed * 10_000 + number, given.seconds)
        )
        if given.log is not None:
            with given.log.open("a", encoding="utf-8") as log:
                log.write(json.dumps(asdict(outcomes[-1])) + "\n")
    tell("flying", figures(outcomes), sites=given.site, seed=given.seed, runs=given.runs)


def scene(name: str, kind: Kind, seed: int, lasts_s: float) -> Outcome:
    """One random scene, watched and judged."""
    rng = np.random.default_rng(seed)
    site, robot = read_site(SITES / f"{name}.geojson"), read_robot(ROVER)
    night = bool(rng.random() < 0.5)
    scenario = FlyingCast(name, site, rng).draw(kind, light="night" if night else "day")
    onlooker = Onlooker(scenario, robot, seed)
    twist = _TWISTS[int(rng.integers(len(_TWISTS)))]
    while onlooker.lasted_s < lasts_s:
        onlooker.step(twist)
    onlooker.close()
    return onlooker.outcome(kind, seed, night=night)


class Onlooker:
    """A robot in one scene: simulator, perception, and what became of it."""

    def __init__(self, scenario: Scenario, robot: RobotModel, seed: int) -> None:
        self._scenario, self._robot = scenario, robot
        self._folder = tempfile.TemporaryDirectory()
        self._log = Path(self._folder.name) / TRUTH_FILE
        sensors = frozenset({"camera", "thermal", "points", "odom"})
        self._sim = Simulator.open(scenario, seed=seed, sensors=sensors, truth_path=self._log)
        site, lidar = read_site(scenario.site), robot.base_from_lidar
        self._perception = Perception(
            PerceptionConfig(),
            robot.camera,
            site,
            rules=read_book(AIR_WATCH),
            detector=Blind(),
            base_from_lidar=lidar,
            thermal=robot.thermal,
        )
        self._timed = FlyerTracks(FlyingConfig(), robot.camera, thermal=robot.thermal, base_from_lidar=lidar)
        self._map_from_odom = _start(scenario)
        self._began_ns = self._sim.now_ns
        self._estimate: PoseEstimate | None = None
        self._alerts: list[Alert] = []
        self._rows: list[dict[str, Any]] = []
        self._took_s: list[float] = []
        self._pictures = 0

    @property
    def lasted_s(self) -> float:
        return seconds(self._sim.now_ns - self._began_ns)

    def step(self, twist: Twist2) -> None:
        """Drive on, and hear what is measured. A turning robot turns to and fro."""
        back = -1.0 if int(self.lasted_s / _TURNS_BACK_S + 0.5) % 2 else 1.0
        self._sim.command(Twist2(forward_mps=twist.forward_mps, left_mps=0.0, turn_radps=back * twist.turn_radps))
        for measurement in self._sim.advance(_STEP_NS):
            if isinstance(measurement, Odometry):
                self._estimate = self._estimated(measurement)
            elif isinstance(measurement, PointCloud) and self._estimate is not None:
                self._perception.on_cloud(measurement, self._estimate)
                self._timed.on_cloud(measurement, self._estimate.odom_from_base)
            elif isinstance(measurement, Image) and self._estimate is not None:
                self._look(measurement, self._estimate)

    def _look(self, image: Image, estimate: PoseEstimate) -> None:
        began_s = time.thread_time()
        if image.encoding == "mono16":
            self._timed.on_thermal(image, estimate.odom_from_base)
            self._took_s.append(time.thread_time() - began_s)
            self._perception.on_thermal(image, estimate)
            return
        self._pictures += 1
        self._timed.on_image(image, estimate)
        self._took_s.append(time.thread_time() - began_s)
        self._alerts += self._perception.on_image(image, estimate).alerts

    def _estimated(self, odometry: Odometry) -> PoseEstimate:
        return PoseEstimate(
            stamp_ns=odometry.stamp_ns,
            map_from_odom=self._map_from_odom,
            odom_from_base=Pose2(odometry.odom_from_base.x_m, odometry.odom_from_base.y_m, odometry.odom_from_base.yaw_rad),
            covariance=np.diag([0.05**2, 0.05**2, 0.01**2]),
        )

    def close(self) -> None:
        """Give back the simulator; what was true is read now."""
        self._sim.close()
        self._rows = [json.loads(line) for line in self._log.read_text("utf-8").splitlines()]
        self._folder.cleanup()

    def outcome(self, kind: Kind, seed: int, *, night: bool) -> Outcome:
        """What became of it, once it is closed."""
        right = [alert for alert in self._alerts if alert.label is _LABELS.get(kind)]
        others = [alert for alert in self._alerts if alert.label in _LABELS.values() and alert.label is not _LABELS.get(kind)]
        shown = [
            int(row["stamp_ns"])
            for row in self._rows
            if any(_shows(row, actor, kind, self._robot, night=night) for actor in row["actors"])
        ]
        return Outcome(
            scene=self._scenario.name,
            seed=seed,
            kind=kind,
            night=night,
            was_to_be_found=kind != "nothing" and len(shown) >= _LOOKS[kind],
            late_s=seconds(right[0].stamp_ns - shown[0]) if right and shown else None,
            off_m=_off_m(right[0], self._rows, kind) if right else None,
            false_alarms=tuple(alert.reason.sentence for alert in others),
            cost_ms=1e3 * float(np.sum(self._took_s)) / max(self._pictures, 1),
            lasted_s=self.lasted_s,
        )


def _start(scenario: Scenario) -> Pose2:
    at = scenario.robot
    return IDENTITY2 if at is None else Pose2(at.x_m, at.y_m, math.radians(at.yaw_deg))


def _shows(row: dict[str, Any], actor: dict[str, Any], kind: str, robot: RobotModel, *, night: bool) -> bool:
    """Whether the colour camera shows it whole and large enough; by night, when that is blind, the thermal one must as well."""
    if actor["kind"] != kind or not actor["present"] or actor["visible_px"] < _SHOWS_PX:
        return False
    box, at, base = actor["box"], actor["map_from_actor"], row["map_from_base"]
    camera, thermal = robot.camera, robot.thermal
    is_whole = bool(
        min(box["x0_px"], box["y0_px"]) >= _EDGE_PX
        and box["x1_px"] <= camera.width_px - _EDGE_PX
        and box["y1_px"] <= camera.height_px - _EDGE_PX
    )
    if not (night and is_whole):
        return is_whole
    ahead = Pose2(base["x_m"], base["y_m"], base["yaw_rad"]).inverse().apply(np.array([[at["x_m"], at["y_m"]]]))[0]
    place = thermal.base_from_optical.inverse().apply([[*ahead, actor["height_m"]]])
    ((x_px, y_px),) = thermal.project(place).tolist()
    return bool(1.0 <= x_px <= thermal.width_px - 1.0 and 1.0 <= y_px <= thermal.height_px - 1.0)


def _off_m(alert: Alert, rows: Sequence[dict[str, Any]], kind: str) -> float:
    row = min(rows, key=lambda item: abs(int(item["stamp_ns"]) - alert.stamp_ns))
    (at,) = [actor["map_from_actor"] for actor in row["actors"] if actor["kind"] == kind]
    return float(np.hypot(alert.ground.position_m[0] - at["x_m"], alert.ground.position_m[1] - at["y_m"]))


def figures(outcomes: Sequence[Outcome]) -> dict[str, float | int]:
    """Shares found and false alarms per hour with their intervals, medians of the rest. The cost is the
    processor's time, on one thread, for a colour picture and the thermal ones and revolutions that come beside it."""
    told: dict[str, float | int] = {}
    for kind in ("drone", "thrown"):
        for light in ("day", "night"):
            wanted = [
                item for item in outcomes if item.kind == kind and item.was_to_be_found and item.night is (light == "night")
            ]
            found = [item for item in wanted if item.late_s is not None]
            low, high = share_interval(len(found), len(wanted)) if wanted else (0.0, 1.0)
            told |= {f"{kind}_{light}": len(wanted), f"{kind}_{light}_found": len(found)}
            told |= {f"{kind}_{light}_share_low": round(low, 3), f"{kind}_{light}_share_high": round(high, 3)}
        found = [item for item in outcomes if item.kind == kind and item.late_s is not None]
        told[f"{kind}_late_s"] = _median([cast(float, item.late_s) for item in found])
        told[f"{kind}_off_m"] = _median([cast(float, item.off_m) for item in found])
    hours = sum(item.lasted_s for item in outcomes) / 3600.0
    false = sum(len(item.false_alarms) for item in outcomes)
    least, most = rate_interval(false, hours)
    told |= {"hours": round(hours, 3), "false_alarms": false, "false_per_hour": round(false / hours, 2) if hours else 0.0}
    told |= {"false_per_hour_low": round(least, 2), "false_per_hour_high": round(most, 2)}
    return told | {"cost_ms": _median([item.cost_ms for item in outcomes])}


def _median(values: Sequence[float]) -> float:
    return round(float(np.median(values)), 2) if values else 0.0


if __name__ == "__main__":
    main()

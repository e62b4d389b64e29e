# SPDX-License-Identifier: Apache-2.0
"""Hours of random patrols in lockstep, whole chain, own detector: intrusions found, and false alarms per patrol-hour.

``python -m benchmarks.scenario_hours --hours 1 [--site depot prison] [--seed 1] [--log FILE]``. Each patrol has its own cast,
weather and light: staff, guards and inmates where they belong, foxes, swaying trees, and in half of them somebody who climbs in.
An intrusion counts as one to be found once the intruder has stood on forbidden ground for a second in all while the camera could
see it: 40 px high or more, whole in the picture. It is found when an alert of a person is raised within 3 m of it, at most 10 s
after that second. An alert that is not within 3 m of an intruder is false. Intervals are exact, 95 %: Clopper and Pearson for the
share, Garwood for the rate.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from shapely.geometry import Point

from app.lockstep import LockstepPlan, run_lockstep
from app.paths import MISSIONS
from benchmarks.figures import tell
from benchmarks.intervals import rate_interval, share_interval
from benchmarks.scenario_cast import Casting, write_scenario
from patrol.clock import seconds
from patrol.percepts import Alert, Label
from patrol.site import Purpose, Site
from patrol.site_file import read_site
from sim.casting_call import SITES
from sim.simulator import TRUTH_FILE
from sim.weather import Sky

_NEAR_M, _LATE_S, _SEEN_LOOKS = 3.0, 10.0, 10
_TALL_PX, _EDGE_PX, _PICTURE_PX = 40.0, 2.0, (640.0, 480.0)
_SKIES = (Sky.CLEAR, Sky.CLEAR, Sky.RAIN, Sky.FOG)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What became of one patrol."""

    scenario: str
    seed: int
    hours: float
    intrusions: int
    found: int
    false_alarms: tuple[str, ...]
    missed: tuple[str, ...]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--site", nargs="+", default=["depot", "prison"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=5.0, help="length of one patrol")
    parser.add_argument("--log", type=Path, help="a JSON line per patrol is added here")
    given = parser.parse_args()
    tallies = []
    for tally in patrols(given.site, given.seed, given.hours, given.minutes):
        tallies.append(tally)
        if given.log is not None:
            with given.log.open("a", encoding="utf-8") as log:
                log.write(json.dumps({name: getattr(tally, name) for name in Tally.__slots__}) + "\n")
    tell("scenario_hours", figures(tallies), sites=given.site, seed=given.seed, patrols=len(tallies))


def patrols(sites: Sequence[str], seed: int, hours: float, minutes: float) -> Iterator[Tally]:
    """Patrols until so many hours are done."""
    done_h, number = 0.0, 0
    while done_h < hours:
        tally = patrol(sites[number % len(sites)], seed * 100_000 + number, minutes)
        done_h += tally.hours
        number += 1
        yield tally


def patrol(name: str, seed: int, minutes: float) -> Tally:
    """One random patrol, driven and judged."""
    rng = np.random.default_rng(seed)
    site = read_site(SITES / f"{name}.geojson")
    sky, light = _SKIES[int(rng.integers(len(_SKIES)))], "night" if rng.random() < 0.4 else "day"
    scenario = Casting(name, site, rng).draw(weather=sky, light=light, intruders=int(rng.integers(0, 2)))
    with tempfile.TemporaryDirectory() as folder:
        path = write_scenario(scenario, Path(folder) / "scenario.yaml")
        plan = LockstepPlan(
            scenario=path,
            mission=MISSIONS / "perimeter.yaml",
            folder=Path(folder) / "patrol",
            seed=seed % 1000,
            limit_s=60.0 * minutes,
        )
        result = run_lockstep(plan)
        truth = [json.loads(line) for line in (plan.folder / TRUTH_FILE).read_text("utf-8").splitlines()]
    return judged(scenario.name, seed, result.lasted_s / 3600.0, truth, (site, result.alerts))


def judged(
    scenario: str, seed: int, hours: float, truth: Sequence[dict[str, Any]], raised: tuple[Site, Sequence[Alert]]
) -> Tally:
    """Alerts against where intruders really were."""
    site, alerts = raised
    seen_ns = seen_inside(truth, site)
    near = {alert.alert_id: intruders_near(truth, alert) for alert in alerts}
    found = {
        name
        for alert in alerts
        for name in near[alert.alert_id]
        if alert.label is Label.PERSON and name in seen_ns and seconds(alert.stamp_ns - seen_ns[name]) <= _LATE_S
    }
    false = tuple(_told(alert) for alert in alerts if not near[alert.alert_id])
    return Tally(
        scenario=scenario,
        seed=seed,
        hours=hours,
        intrusions=len(seen_ns),
        found=len(found),
        false_alarms=false,
        missed=tuple(sorted(set(seen_ns) - found)),
    )


def seen_inside(truth: Sequence[dict[str, Any]], site: Site) -> dict[str, int]:
    """Of each intruder who could be seen on forbidden ground for a second in all: the stamp of that second's end."""
    since: dict[str, int] = {}
    looks: dict[str, int] = {}
    for row in truth:
        for actor in row["actors"]:
            if actor["kind"] != "intruder" or not actor["present"] or not is_whole(actor["box"]):
                continue
            pose, name = actor["map_from_actor"], actor["name"]
            if is_forbidden(site, pose["x_m"], pose["y_m"], int(row["stamp_ns"])):
                looks[name] = looks.get(name, 0) + 1
                if looks[name] >= _SEEN_LOOKS:
                    since.setdefault(name, int(row["stamp_ns"]))
    return since


def is_forbidden(site: Site, x_m: float, y_m: float, stamp_ns: int) -> bool:
    """Whether nobody may stand there then."""
    held = [zone for zone in site.zones if zone.is_active(stamp_ns) and zone.outline.contains(Point(x_m, y_m))]
    purposes = {zone.purpose for zone in held}
    return bool(purposes & {Purpose.RESTRICTED, Purpose.STERILE}) and Purpose.WORK not in purposes


def is_whole(box: dict[str, float] | None) -> bool:
    """Whether a trained eye would see a person there."""
    if box is None:
        return False
    edges = [box["x0_px"], box["y0_px"], _PICTURE_PX[0] - box["x1_px"], _PICTURE_PX[1] - box["y1_px"]]
    return min(edges) > _EDGE_PX and box["y1_px"] - box["y0_px"] >= _TALL_PX


def intruders_near(truth: Sequence[dict[str, Any]], alert: Alert) -> tuple[str, ...]:
    """The intruders within 3 m of an alert when it was raised."""
    row = min(truth, key=lambda item: abs(int(item["stamp_ns"]) - alert.stamp_ns))
    x_m, y_m = alert.ground.position_m.tolist()
    return tuple(
        actor["name"]
        for actor in row["actors"]
        if actor["kind"] == "intruder"
        and np.hypot(actor["map_from_actor"]["x_m"] - x_m, actor["map_from_actor"]["y_m"] - y_m) <= _NEAR_M
    )


def figures(tallies: Sequence[Tally]) -> dict[str, float | int]:
    """Share found and false alarms per hour, each with its interval."""
    hours = sum(tally.hours for tally in tallies)
    intrusions, found = sum(tally.intrusions for tally in tallies), sum(tally.found for tally in tallies)
    false = sum(len(tally.false_alarms) for tally in tallies)
    low, high = share_interval(found, intrusions)
    least, most = rate_interval(false, hours)
    return {
        "hours": round(hours, 3),
        "intrusions": intrusions,
        "found": found,
        "found_share": round(found / intrusions, 4) if intrusions else 1.0,
        "found_share_low": round(low, 4),
        "found_share_high": round(high, 4),
        "false_alarms": false,
        "false_per_hour": round(false / hours, 3) if hours else 0.0,
        "false_per_hour_low": round(least, 3),
        "false_per_hour_high": round(most, 3),
    }


def _told(alert: Alert) -> str:
    x_m, y_m = alert.ground.position_m.tolist()
    return f"{alert.reason.rule} at ({x_m:.1f}, {y_m:.1f}) m, {alert.label}: {alert.reason.sentence}"


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""Hours of random patrols in lockstep, whole chain, own detector: intrusions found, and false alarms per patrol-hour.

``python -m benchmarks.scenario_hours --hours 1 [--site depot prison] [--seed 1] [--log FILE] [--jobs 8]``. Each patrol has its
own cast, weather and light: staff, guards and inmates where they belong, foxes, swaying trees, and in two thirds of them one or
two who climb in. With ``--log`` it may be stopped at any time: a patrol that the log tells of is not driven again by the same
commit.
An intrusion counts as one to be found once the intruder has stood on forbidden ground for a second in all while the camera could
see it: 40 px high or more, whole in the picture. It is found when an alert of a person is raised within 3 m of it, at most 10 s
after that second. An alert that is not within 3 m of an intruder is false. Intervals are exact, 95 %: Clopper and Pearson for the
share, Garwood for the rate.
"""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass
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
from patrol.errors import BadInput, Fault
from patrol.percepts import Alert, Label
from patrol.site import Purpose, Site
from patrol.site_file import read_site
from patrol.version import software
from sim.casting_call import SITES
from sim.simulator import TRUTH_FILE
from sim.weather import Sky

_NEAR_M, _LATE_S, _SEEN_LOOKS = 3.0, 10.0, 10
_TALL_PX, _EDGE_PX, _PICTURE_PX = 40.0, 2.0, (640.0, 480.0)
_SKIES = (Sky.CLEAR, Sky.CLEAR, Sky.RAIN, Sky.FOG)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """One patrol to drive: all that decides it but the code."""

    site: str
    seed: int
    minutes: float


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
    parser.add_argument("--log", type=Path, help="a JSON line per patrol is added here; those that stand there count as driven")
    parser.add_argument("--jobs", type=int, default=1, help="so many patrols at once, each on about one core")
    given = parser.parse_args()
    log = PatrolLines(given.log, software()[1])
    with ProcessPoolExecutor(given.jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        tallies = list(patrols(draws(given.site, given.seed, given.minutes), given.hours, log, pool, at_once=given.jobs))
    tell("scenario_hours", figures(tallies), sites=given.site, seed=given.seed, patrols=len(tallies))


class PatrolLines:
    """The log of patrols, a JSON line each; without ``path`` nothing is kept. Of what stands there counts what the same
    ``commit`` drove; a checkout with changes is never the same."""

    def __init__(self, path: Path | None, commit: str) -> None:
        """Raises BadInput for a file that is no such log."""
        self._path, self._commit = path, commit
        lines = [] if path is None or not path.is_file() else path.read_text("utf-8").splitlines()
        told = [_read_line(path, number, line) for number, line in enumerate(lines, 1) if path is not None]
        self._driven = {draw: tally for draw, tally, by in told if by == commit and not commit.endswith("-dirty")}

    def find(self, draw: Draw) -> Tally | None:
        """What became of a patrol, if it has been driven."""
        return self._driven.get(draw)

    def add(self, draw: Draw, tally: Tally) -> None:
        """Keep what became of a patrol."""
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as log:
                log.write(json.dumps({"commit": self._commit, **asdict(draw), **asdict(tally)}) + "\n")


def _read_line(path: Path, number: int, line: str) -> tuple[Draw, Tally, str]:
    """A line of the log: which patrol, what became of it, and the commit that drove it."""
    try:
        told = json.loads(line)
        draw = Draw(**{name: told[name] for name in Draw.__slots__})
        lists = {name: tuple(told[name]) for name in ("false_alarms", "missed")}
        return draw, Tally(**{name: told[name] for name in Tally.__slots__} | lists), str(told["commit"])
    except (ValueError, TypeError, KeyError) as error:
        raise BadInput(path, [Fault(field=f"line {number}", value=line, because="tells of no patrol")]) from error


def draws(sites: Sequence[str], seed: int, minutes: float) -> Iterator[Draw]:
    """Patrols without end, each site in turn."""
    for number in itertools.count():
        yield Draw(site=sites[number % len(sites)], seed=seed * 100_000 + number, minutes=minutes)


def patrols(
    wanted: Iterable[Draw],
    hours: float,
    log: PatrolLines,
    pool: Executor,
    *,
    at_once: int,
    drive: Callable[[Draw], Tally] | None = None,
) -> Iterator[Tally]:
    """Patrols until so many hours are done, ``at_once`` at a time, as they end. Which ones does not depend on how long they take:
    one more begins once those before it can not be enough."""
    coming, done_h, driven = iter(wanted), 0.0, dict[Future[Tally], Draw]()
    while True:
        while len(driven) < at_once and done_h + sum(draw.minutes for draw in driven.values()) / 60.0 < hours:
            draw = next(coming)
            known = log.find(draw)
            if known is None:
                driven[pool.submit(drive or patrol, draw)] = draw
                continue
            done_h += known.hours
            yield known
        if not driven:
            return
        for future in wait(driven, return_when=FIRST_COMPLETED).done:
            draw, tally = driven.pop(future), future.result()
            log.add(draw, tally)
            done_h += tally.hours
            yield tally


def patrol(draw: Draw) -> Tally:
    """One random patrol, driven and judged."""
    rng = np.random.default_rng(draw.seed)
    site = read_site(SITES / f"{draw.site}.geojson")
    sky, light = _SKIES[int(rng.integers(len(_SKIES)))], "night" if rng.random() < 0.4 else "day"
    scenario = Casting(draw.site, site, rng).draw(weather=sky, light=light, intruders=int(rng.integers(0, 3)))
    with tempfile.TemporaryDirectory() as folder:
        path = write_scenario(scenario, Path(folder) / "scenario.yaml")
        plan = LockstepPlan(
            scenario=path,
            mission=MISSIONS / "perimeter.yaml",
            folder=Path(folder) / "patrol",
            seed=draw.seed % 1000,
            limit_s=60.0 * draw.minutes,
        )
        result = run_lockstep(plan)
        truth = [json.loads(line) for line in (plan.folder / TRUTH_FILE).read_text("utf-8").splitlines()]
    return judged(scenario.name, draw.seed, result.lasted_s / 3600.0, truth, (site, result.alerts))


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

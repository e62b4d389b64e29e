# SPDX-License-Identifier: Apache-2.0
"""What share of changes on simulated sites is found, and how many false findings a lap gives.

    python -m benchmarks.map_changes --laps 6 --sites depot prison --seeds 1 2

Each site is mapped by one lap. Each further lap is driven in a world with five changes, one of a kind, put in at places that the
seed chooses: a new object, a missing one, a hole of 0.5 m in the fence, an open gate, a parked vehicle that moved. The lidar is
the simulator's; the pose comes from the localiser, with odometry that drifts. The first lap after mapping has no change; a doubt
of the pose in it is a false trip of the trust monitor. The last line is one JSON object; what was missed or made up is told
before it.

A run can be split: ``--laps 3 --first-lap 3`` drives the last three of six, ``--keep FOLDER`` keeps maps for the other parts, and
``--add LOG...`` puts what several parts wrote together. Intervals are exact, 95 %.

``--keep`` keeps the laps as well: what was seen, and where the localiser had it. A run with the same folder drives none of them
again; it tells what the search for changes alone makes of them, as it is now.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from benchmarks.figures import read_parts, tell
from benchmarks.intervals import share_interval
from benchmarks.lap_logs import Sight, keep_lap, kept_lap
from benchmarks.site_drives import PERIOD_S, PREMISES, ROOT, Premises, away_from_box, driven, mapped, way, world_of
from patrol.checks import Floats
from patrol.geometry import Pose2, Pose3
from patrol.site_file import read_site
from sim.robot import read_robot
from sim.sdf import Collision, Shape, World
from slam.config import ChangeConfig, LocaliserConfig
from slam.findings import Finding, FindingKind, findings_of
from slam.localiser import Localiser
from slam.map_changes import Baseline, ChangeWatch
from slam.map_files import SavedMap
from slam.scan_points import BodyRate

log = logging.getLogger(__name__)
_HOLE_M = 0.5
_HOLE_SEEN_WITHIN_M = 6.0
_FOUND_WITHIN_M = 1.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Injected:
    """One change: what a finding must be called, and where it may be found (any of the places)."""

    kind: FindingKind
    places_m: tuple[tuple[float, float], ...]
    reach_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """What one lap said: its findings, how often the pose came into doubt, and the largest error of the pose."""

    findings: tuple[Finding, ...]
    doubts: int
    worst_m: float


def sights(premises: Premises, saved: SavedMap, world: World, *, seed: int) -> Iterator[Sight]:
    """Drive one lap of ``world`` and localise in ``saved``."""
    poses, mount = way(premises), read_robot().base_from_lidar.to_pose2()
    localiser = Localiser(saved, LocaliserConfig(), mount, start=poses[0])
    for step in driven(world, poses, seed=seed):
        update = localiser.add_scan(step.scan, step.odom_from_base, odom_at_end=step.odom_at_end)
        yield Sight(scan=step.scan, estimate=update.estimate, rate=update.rate or BodyRate(), true_pose=step.true_pose)


def review(premises: Premises, baseline: Baseline, lap: Iterable[Sight]) -> Reviewed:
    """What changed, by all that was seen on one lap."""
    config = ChangeConfig()
    watch = ChangeWatch(baseline, config, read_robot().base_from_lidar.to_pose2())
    worst_m, doubts, was_doubting = 0.0, 0, False
    for sight in lap:
        watch.look(sight.scan, sight.estimate, sight.rate)
        worst_m = max(worst_m, sight.off_m)
        doubts += bool(sight.estimate.doubt) and not was_doubting
        was_doubting = bool(sight.estimate.doubt)
    site = read_site(ROOT / "config" / "sites" / f"{premises.name}.geojson")
    return Reviewed(findings=findings_of(watch, site, config), doubts=doubts, worst_m=worst_m)


class Injector:
    """Changes a world, a kind at a time."""

    def __init__(self, premises: Premises, world: World, poses: tuple[Pose2, ...], rng: np.random.Generator) -> None:
        self._premises, self._parts, self._rng = premises, list(world.collisions), rng
        self._world, self._way = world, np.array([(pose.x_m, pose.y_m) for pose in poses])
        self.injected: list[Injected] = []

    def world(self) -> World:
        return replace(self._world, collisions=tuple(self._parts))

    def all_kinds(self) -> None:
        """One change of each kind."""
        self.fence_hole()
        self.gate_open()
        self.missing_object()
        self.vehicle_moved()
        self.new_object()

    def new_object(self) -> None:
        """A crate or a cabinet beside the way."""
        while True:
            here = self._way[self._rng.integers(len(self._way))] + self._rng.uniform(-5.0, 5.0, 2)
            is_inside = bool((np.abs(here) < self._premises.half_m).all())
            if is_inside and self._away_from_way(here) > 1.2 and self._is_free(here, 1.2):
                break
        width_m, depth_m = self._rng.uniform(0.4, 1.2, 2)
        pose = Pose3.from_xyz_rpy(float(here[0]), float(here[1]), 0.6, 0.0, 0.0, float(self._rng.uniform(0.0, 3.0)))
        shape = Shape(kind="box", size_m=(float(width_m), float(depth_m), 1.2))
        self._parts.append(Collision(name="crate/link/wood_0", surface="wood", world_from_shape=pose, shape=shape))
        self._note(FindingKind.NEW_OBJECT, (here,), 0.6)

    def missing_object(self) -> None:
        self._note(FindingKind.MISSING_OBJECT, (self._taken(str(self._rng.choice(self._premises.removable))),), 3.0)

    def gate_open(self) -> None:
        self._note(FindingKind.GATE_OPEN, (self._taken(f"{self._rng.choice(self._premises.gates)}/link/fence_0"),), 3.0)

    def vehicle_moved(self) -> None:
        """A parked car, moved to where nothing stands."""
        name = str(self._rng.choice(self._premises.vehicles))
        parts = [part for part in self._parts if part.name.startswith(f"{name}/")]
        before = parts[0].world_from_shape.translation_m[:2]
        for part in parts:
            self._parts.remove(part)
        while True:
            shift = self._rng.uniform(-9.0, 9.0, 2)
            after = before + shift
            if np.linalg.norm(shift) > 1.0 and self._away_from_way(after) > 3.5 and self._is_free(after, 2.6):
                break
        for part in parts:
            moved = part.world_from_shape.translation_m + np.append(shift, 0.0)
            self._parts.append(replace(part, world_from_shape=Pose3(moved, part.world_from_shape.rotation)))
        self._note(FindingKind.VEHICLE_MOVED, (after, before), 2.0)

    def fence_hole(self) -> None:
        """A gap of 0.5 m, cut from top to bottom where no post of the fence stands in it."""
        model = self._rng.choice(self._premises.fences)
        fence = next(part for part in self._parts if part.name == f"{model}/link/fence_0")
        posts = [part for part in self._parts if part.name.startswith(f"{model}/") and part is not fence]
        length_m, depth_m, height_m = fence.shape.size_m
        while True:
            gap = float(self._rng.uniform(-0.5 * length_m + 3.0, 0.5 * length_m - 3.0))
            middle_m = fence.world_from_shape.apply([[gap, 0.0, 0.0]])[0, :2]
            is_whole = all(away_from_box(post, middle_m) > 0.5 * _HOLE_M for post in posts)
            if is_whole and self._away_from_way(middle_m) < _HOLE_SEEN_WITHIN_M:
                break
        self._parts.remove(fence)
        for low, high in ((-0.5 * length_m, gap - 0.5 * _HOLE_M), (gap + 0.5 * _HOLE_M, 0.5 * length_m)):
            pose = fence.world_from_shape @ Pose3.from_xyz_rpy(0.5 * (low + high), 0.0, 0.0, 0.0, 0.0, 0.0)
            shape = Shape(kind="box", size_m=(high - low, depth_m, height_m))
            self._parts.append(replace(fence, world_from_shape=pose, shape=shape))
        self._note(FindingKind.FENCE_HOLE, (middle_m,), 0.3)

    def _taken(self, prefix: str) -> Floats:
        """Take away the parts whose name begins with ``prefix``; where they stood."""
        parts = [part for part in self._parts if part.name.startswith(prefix)]
        for part in parts:
            self._parts.remove(part)
        where: Floats = np.mean([part.world_from_shape.translation_m[:2] for part in parts], axis=0)
        return where

    def _note(self, kind: FindingKind, places: tuple[Floats, ...], reach_m: float) -> None:
        self.injected.append(Injected(kind=kind, places_m=tuple((float(x), float(y)) for x, y in places), reach_m=reach_m))

    def _away_from_way(self, here: Floats) -> float:
        return float(np.linalg.norm(self._way - here, axis=1).min())

    def _is_free(self, here: Floats, room_m: float) -> bool:
        """Whether nothing but the ground stands within ``room_m``."""
        return all(
            away_from_box(part, here) > room_m for part in self._parts if not part.name.startswith(("ground", "tree"))
        ) and all(np.linalg.norm(np.array(place) - here) > room_m + 2.0 for item in self.injected for place in item.places_m)


def matched(injected: list[Injected], findings: tuple[Finding, ...]) -> tuple[list[bool], list[bool], list[Finding]]:
    """Of each change whether it was found, and under its kind; and the findings that belong to no change. A vehicle that moved
    tells two places."""
    found, typed, used = [], [], set[int]()
    for item in injected:
        rows = [row for row, finding in enumerate(findings) if _away_m(item, finding) < item.reach_m + _FOUND_WITHIN_M]
        used.update(rows)
        found.append(bool(rows))
        typed.append(any(findings[row].kind is item.kind for row in rows))
    return found, typed, [finding for row, finding in enumerate(findings) if row not in used]


def _away_m(item: Injected, finding: Finding) -> float:
    told = [finding.position_m] if finding.from_m is None else [finding.position_m, finding.from_m]
    return min(float(np.linalg.norm(place - np.array(other))) for place in told for other in item.places_m)


@dataclass(slots=True, kw_only=True)
class Tally:
    """What came of all laps so far, as lists, so that several runs can be put together: each change's kind, whether it was found,
    and under its kind; false findings of changed and of unchanged laps; seconds and doubts of the pose in unchanged laps; the
    largest errors of the pose."""

    changes: list[tuple[str, bool, bool]] = field(default_factory=list)
    false: list[int] = field(default_factory=list)
    quiet_false: list[int] = field(default_factory=list)
    quiet_s: list[float] = field(default_factory=list)
    quiet_doubts: list[int] = field(default_factory=list)
    worst_m: list[float] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Put what another run saw to this."""
        for name, values in asdict(other).items():
            getattr(self, name).extend(values)

    def add_lap(self, injected: list[Injected], reviewed: Reviewed, where: str) -> None:
        """A lap with changes."""
        found, typed, unused = matched(injected, reviewed.findings)
        for item, is_found, is_typed in zip(injected, found, typed, strict=True):
            self.changes.append((item.kind.name.lower(), is_found, is_typed))
            if not is_typed:
                log.info("%s: %s at %s %s", where, item.kind, item.places_m, "is called otherwise" if is_found else "is missed")
        self.false.append(len(unused))
        self._note(unused, reviewed, where)

    def add_unchanged(self, reviewed: Reviewed, *, lasted_s: float, where: str) -> None:
        """A lap without any."""
        self.quiet_false.append(len(reviewed.findings))
        self.quiet_s.append(round(lasted_s, 1))
        self.quiet_doubts.append(reviewed.doubts)
        self._note(reviewed.findings, reviewed, where)

    def _note(self, unused: Sequence[Finding], reviewed: Reviewed, where: str) -> None:
        self.worst_m.append(round(reviewed.worst_m, 3))
        for finding in unused:
            log.info("%s: false: %s", where, finding.sentence)
        log.info("%s: pose %.3f m off at most, in doubt %d time(s)", where, reviewed.worst_m, reviewed.doubts)

    def figures(self) -> dict[str, float | int | None]:
        kinds = sorted({kind for kind, _, _ in self.changes})
        found, false = [is_found for _, is_found, _ in self.changes], self.false + self.quiet_false
        low, high = share_interval(sum(found), len(found))
        return {
            "laps": len(self.false),
            "injected": len(found),
            "found_share": _share(found),
            "found_share_low": round(low, 4),
            "found_share_high": round(high, 4),
            "typed_share": _share([is_typed for _, _, is_typed in self.changes]),
            **{f"found_share_{kind}": _share([yes for other, yes, _ in self.changes if other == kind]) for kind in kinds},
            "false_per_lap": round(float(np.mean(false)), 3) if false else None,
            "false_most_in_a_lap": max(false, default=0),
            "unchanged_laps": len(self.quiet_false),
            "false_in_unchanged_laps": sum(self.quiet_false),
            "unchanged_hours": round(sum(self.quiet_s) / 3600.0, 3),
            "doubts_in_unchanged_laps": sum(self.quiet_doubts),
            "pose_error_max_m": max(self.worst_m, default=None),
        }


def _share(values: list[bool]) -> float | None:
    return round(float(np.mean(values)), 4) if values else None


def run_site(premises: Premises, seed: int, laps: range, keep: Path | None, tally: Tally) -> None:
    """Map a site and drive ``laps`` of it with five changes each; before lap 0 one unchanged."""
    world, poses = world_of(premises), way(premises)
    saved = mapped(premises, seed, keep)
    baseline = Baseline.of(saved, ChangeConfig(), read_robot().base_from_lidar.to_pose2())
    for lap in (-1, *laps) if laps.start == 0 else laps:
        where = f"{premises.name}, seed {seed}, lap {lap}"
        injector = Injector(premises, world, poses, np.random.default_rng(1000 * seed + lap + 1))
        if lap >= 0:
            injector.all_kinds()
        kept = None if keep is None else keep / f"{premises.name}-{seed}" / f"lap{lap}.npz"
        if kept is not None and kept.is_file():
            seen = kept_lap(kept)
        else:
            seen = sights(premises, saved, injector.world(), seed=1000 * seed + 500 + lap)
            seen = seen if kept is None else keep_lap(kept, seen)
        reviewed = review(premises, baseline, seen)
        if lap < 0:
            tally.add_unchanged(reviewed, lasted_s=len(poses) * PERIOD_S, where=where)
        else:
            tally.add_lap(injector.injected, reviewed, where)


def main() -> None:
    """Drive and tell, or put the parts of a run together."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--laps", type=int, default=6, help="laps with five changes each, per site and seed")
    parser.add_argument("--first-lap", type=int, default=0, help="number of the first of them; before lap 0 one is unchanged")
    parser.add_argument("--sites", nargs="+", choices=sorted(PREMISES), default=["depot", "prison"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[1])
    parser.add_argument("--keep", type=Path, help="keep maps and laps in this folder, and use those that are there")
    parser.add_argument("--add", nargs="+", type=Path, help="drive nothing: put together what other runs wrote last")
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    tally = Tally()
    for part in read_parts("map_changes", chosen.add or ()):
        tally.add(Tally(**part))
    laps = range(chosen.first_lap, chosen.first_lap + chosen.laps)
    for name in chosen.sites if chosen.add is None else ():
        for seed in chosen.seeds:
            run_site(PREMISES[name], seed, laps, chosen.keep, tally)
    tell("map_changes", tally.figures(), part=asdict(tally))


if __name__ == "__main__":
    main()

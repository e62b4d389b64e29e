# SPDX-License-Identifier: Apache-2.0
"""Prepares missions for a site: joins the mission file, the site, the register of risk and the search for a walk."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from app.risk_keys import verifier_from
from mission.mission_file import MissionFile, read_mission_file
from mission.pace import Pace
from mission.planning.deadline import Deadline
from mission.risk.book import place_weights, read_register
from mission.unpredictable import Weighing, prepare
from mission.walk_file import walk_path
from patrol.errors import BadInput, Fault
from patrol.geometry import Pose2
from patrol.promise import Promise
from patrol.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Where the walk was kept, and what it promises."""

    path: Path
    promise: Promise


def prepare_mission(path: Path, site: Site, *, now_ns: int, seconds: float) -> Prepared:
    """Prepare the mission file at ``path`` for ``site`` and keep its walk beside it. Raises BadInput, NoWalk, WayMissing, and
    RegisterBroken for a register of risk that is not as it was signed."""
    file = read_mission_file(path)
    if file.mode != "unpredictable":
        raise BadInput(path, [Fault(field="mode", value=file.mode, because="needs no preparing; only 'unpredictable' does")])
    weigh = None if file.risk is None else _weighing(path, file, site, now_ns)
    deadline = Deadline.after(seconds, time.monotonic)
    walk = prepare(file, path.stem, site, pace=Pace(site), deadline=deadline, weigh=weigh)
    kept = walk_path(path, site)
    beside = kept.with_suffix(".new")
    beside.write_text(walk.model_dump_json(), "utf-8")
    beside.replace(kept)
    return Prepared(path=kept, promise=walk.promise)


class _Weigh:
    """Weighs places by a register, every change of which is as it was signed."""

    def __init__(self, path: Path, site: Site, now_ns: int) -> None:
        self._register, self._site, self._now_ns = read_register(path), site, now_ns
        if self._register.changes:
            self._register.verify(verifier_from(path))
        self._name = path.name

    def __call__(self, places: dict[str, Pose2]) -> Weighing:
        weights = place_weights(self._register, self._site, places, self._now_ns)
        standing = self._register.in_force(self._now_ns)
        told = [f"{one.subject.kind} {one.subject.subject_id} +{one.strength:g} ({one.source})" for one in standing]
        newest = self._register.changes[-1].digest[:12] if self._register.changes else "none"
        words = f"weights from {self._name}, change {len(self._register.changes)} ({newest}): {', '.join(told) or 'all alike'}"
        heaviest = sorted(weights.items(), key=lambda pair: -pair[1])[:3]
        most = ", ".join(f"{name} {weight:.2f}" for name, weight in heaviest)
        return Weighing(weights=weights, because=(words, f"the heaviest places weigh {most} times the mean"))


def _weighing(path: Path, file: MissionFile, site: Site, now_ns: int) -> _Weigh:
    return _Weigh(path.with_name(file.risk or ""), site, now_ns)

# SPDX-License-Identifier: Apache-2.0
"""How soon a covered, dazzled, dirty, frozen or dark camera is noticed, and how often one that is well is not believed.

``python -m benchmarks.lens_health [VIDEO...] [--scenario FILE...] [--limit-s 300] [--every-s 6]``. Videos are real clips;
scenarios are driven in lockstep by the whole stack, so that the camera moves as on patrol. Every ``--every-s`` seconds each of
the five faults begins, with another seed each time, and the pictures from there on are spoilt for four seconds; the pictures as
they are tell the false alarms. A fault counts as noticed when any fault is told within 3 s, and as named when it is the right
one. Spoilt pictures are those of the simulator's own sensor faults.
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from app.lockstep import LockstepPlan, run_lockstep
from app.track import open_video
from benchmarks.figures import tell
from patrol.clock import nanoseconds, seconds
from patrol.percepts import Detection
from patrol.sensors import Image
from perception.lens_health import LensConfig, LensFault, LensHealth
from sim.lens_faults import LENS_FAULTS, LensFaultKind, LensSpoiler

ROOT = Path(__file__).resolve().parents[1]
_SCENARIO = ROOT / "sim" / "scenarios" / "depot_quiet.yaml"
_MISSION = ROOT / "config" / "missions" / "perimeter.yaml"
_LASTS_S, _BOUND_S, _SETTLED_S = 4.0, 3.0, 3.0


@dataclass(slots=True, kw_only=True)
class _Trial:
    kind: LensFaultKind
    began_ns: int
    health: LensHealth
    spoiler: LensSpoiler
    noticed_s: float | None = None
    named: bool = False


@dataclass(slots=True)
class Exam:
    """Hand in the pictures of one camera; it keeps the answers."""

    every_s: float
    delays_s: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    named: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    false_alarms: list[tuple[float, str]] = field(default_factory=list)
    watched_s: float = 0.0
    _health: LensHealth = field(default_factory=lambda: LensHealth(LensConfig()))
    _trials: list[_Trial] = field(default_factory=list)
    _began_ns: int | None = None
    _looked_ns: int = 0
    _next_ns: int = 0
    _seed: int = 0

    def look(self, image: Image) -> None:
        """Take one picture in."""
        if self._began_ns is None:
            self._began_ns = self._looked_ns = image.stamp_ns
            self._next_ns = image.stamp_ns + nanoseconds(_SETTLED_S)
        elif seconds(image.stamp_ns - self._looked_ns) < LensConfig().every_s:
            return
        before = self._health.fault
        self.watched_s += seconds(image.stamp_ns - self._looked_ns)
        self._looked_ns = image.stamp_ns
        if image.stamp_ns >= self._next_ns:
            self._begin(image)
        fault = self._health.hear(image)
        if fault is not None and fault is not before:
            self.false_alarms.append((round(seconds(image.stamp_ns - self._began_ns), 1), fault.value))
        for trial in self._trials:
            self._go_on(trial, image)
        self._trials = [trial for trial in self._trials if not self._is_over(trial, image.stamp_ns)]

    def _begin(self, image: Image) -> None:
        self._next_ns = image.stamp_ns + nanoseconds(self.every_s)
        if self._health.fault is not None:
            return
        for kind in LENS_FAULTS:
            self._seed += 1
            spoiler = LensSpoiler(kind, image.pixels.shape, self._seed)
            health = copy.deepcopy(self._health)
            self._trials.append(_Trial(kind=kind, began_ns=image.stamp_ns, health=health, spoiler=spoiler))

    def _go_on(self, trial: _Trial, image: Image) -> None:
        pixels = np.asarray(trial.spoiler.spoil(np.asarray(image.pixels)))
        fault = trial.health.hear(dataclasses.replace(image, pixels=pixels))
        if fault is not None and trial.noticed_s is None:
            trial.noticed_s = seconds(image.stamp_ns - trial.began_ns)
        trial.named = trial.named or fault is LensFault(trial.kind)

    def _is_over(self, trial: _Trial, now_ns: int) -> bool:
        if seconds(now_ns - trial.began_ns) < _LASTS_S:
            return False
        self.delays_s[trial.kind].append(float("inf") if trial.noticed_s is None else trial.noticed_s)
        self.named[trial.kind] += int(trial.named)
        return True


class _Tap:
    """Takes the detector's place in the stack: it hands the pictures on and finds nothing."""

    def __init__(self, exam: Exam) -> None:
        self._exam = exam

    def detect(self, image: Image) -> tuple[Detection, ...]:
        self._exam.look(image)
        return ()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", type=Path, nargs="*")
    parser.add_argument("--scenario", type=Path, nargs="*", default=None, help=f"default without videos: {_SCENARIO.name}")
    parser.add_argument("--mission", type=Path, default=_MISSION)
    parser.add_argument("--limit-s", type=float, default=300.0)
    parser.add_argument("--every-s", type=float, default=6.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    exams: dict[str, Exam] = {}
    for video in given.videos:
        exams[video.stem] = exam = Exam(given.every_s)
        for image in open_video(video).images():
            exam.look(image)
    for scenario in given.scenario if given.scenario is not None else ([] if given.videos else [_SCENARIO]):
        exams[scenario.stem] = exam = Exam(given.every_s)
        drive(scenario, given.mission, exam, limit_s=given.limit_s, seed=given.seed)
    false_alarms = {name: exam.false_alarms for name, exam in exams.items()}
    tell("lens_health", figures(list(exams.values())), clips=list(exams), false_alarms=false_alarms)


def drive(scenario: Path, mission: Path, exam: Exam, *, limit_s: float, seed: int) -> None:
    """Patrol in ``scenario`` and hand every picture to ``exam``."""
    sensors = frozenset({"scan", "odom", "battery", "camera"})
    with tempfile.TemporaryDirectory() as folder:
        plan = LockstepPlan(
            scenario=scenario, mission=mission, folder=Path(folder) / "lap", seed=seed, laps=1, limit_s=limit_s, sensors=sensors
        )
        run_lockstep(plan, detector=_Tap(exam))


def figures(exams: list[Exam]) -> dict[str, float | int | None]:
    """Over all clips: per fault how many began, the share noticed in time and rightly named, median and 95th percentile of the
    delay; and the false alarms."""
    metrics: dict[str, float | int | None] = {}
    for kind in LENS_FAULTS:
        delays = np.array([delay for exam in exams for delay in exam.delays_s[kind]])
        if len(delays):
            metrics[f"{kind}_trials"] = len(delays)
            metrics[f"{kind}_noticed_in_3_s"] = round(float((delays <= _BOUND_S).mean()), 3)
            metrics[f"{kind}_named"] = round(sum(exam.named[kind] for exam in exams) / len(delays), 3)
            metrics |= {f"{kind}_delay_p{q}_s": _finite(np.quantile(delays, q / 100.0, method="higher")) for q in (50, 95)}
    watched_s = sum(exam.watched_s for exam in exams)
    metrics["watched_s"] = round(watched_s, 1)
    metrics["false_alarms"] = sum(len(exam.false_alarms) for exam in exams)
    metrics["false_alarms_per_h"] = round(3600.0 * sum(len(exam.false_alarms) for exam in exams) / max(watched_s, 1e-9), 2)
    return metrics


def _finite(value: float) -> float | None:
    return round(float(value), 2) if np.isfinite(value) else None


if __name__ == "__main__":
    main()

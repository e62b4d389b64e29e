# SPDX-License-Identifier: Apache-2.0
"""Measures whether a detector treats people alike, on a site's own labelled pictures or on rendered ones."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from patrol.version import software
from perception.detector import DetectorConfig, open_detector
from perception.fairness.gaps import FairnessConfig
from perception.fairness.labels import RENDERED_FILE, read_labels
from perception.fairness.report import FairnessReport, judge
from perception.fairness.trials import ask
from perception.tracker import TrackerConfig
from sim.casting_call import WORLDS
from sim.dataset import render

PICTURES = "pictures"


@dataclass(frozen=True, slots=True, kw_only=True)
class FairnessPlan:
    """``data`` is a folder of labelled pictures. People count as found from the score at which a track is surely seen."""

    data: Path
    detector: DetectorConfig = field(default_factory=DetectorConfig)
    score_min: float = TrackerConfig().strong_score
    config: FairnessConfig = field(default_factory=FairnessConfig)


def measure_fairness(plan: FairnessPlan) -> FairnessReport:
    """Ask the detector about every picture. Raises BadInput, ModelMissing and DetectorFailed."""
    pictures = read_labels(plan.data)
    answers = ask(open_detector(plan.detector), pictures, plan.score_min)
    version, commit = software()
    return judge(
        answers,
        plan.config,
        detector=plan.detector.detector,
        score_min=plan.score_min,
        data=f"{plan.data.resolve().name}, {len(pictures)} pictures",
        software=f"{version} ({commit})",
    )


def render_people(folder: Path, *, count: int, seed: int) -> Path:
    """Render ``count`` labelled pictures of all worlds into ``folder`` and return it. The seed should be a fresh one."""
    records = list(render(folder, count=count, seed=seed, worlds=sorted(path.stem for path in WORLDS.glob("*.sdf"))))
    (folder / RENDERED_FILE).write_text(json.dumps({"images": records}), encoding="utf-8")
    return folder

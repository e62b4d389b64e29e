# SPDX-License-Identifier: Apache-2.0
"""Inspections in lockstep with the whole stack: a package that somebody puts down by the way, and a van that has been parked.

python benchmarks/inspection.py --only package
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from pathlib import Path

from app.lockstep import LockstepPlan, run_lockstep
from app.paths import SCENARIOS
from benchmarks.figures import tell

SITE = SCENARIOS.parent.parent / "config" / "sites" / "depot.geojson"
MISSION = """
name: Inspection
route: [wp_south_east_corner]
laps: 1
then: stay
attend: [inspect]
leg_deadline_factor: 5.0
"""
RULES = {
    "package": """
rules:
  - name: abandoned object
    enabled: true
    limits:
      unattended_s: {at_least: 4.0}
      stood_s: {at_least: 4.0}
""",
    "van": """
rules:
  - name: vehicle left standing
    kind: presence
    labels: [vehicle]
    limits:
      inside_probability: {at_least: 0.5}
      dwell_s: {at_least: 3.0}
      hits: {at_least: 15}
      score: {at_least: 0.7}
      position_std_m: {at_most: 0.5}
      speed_mps: {at_most: 0.3}
""",
}
ACTORS = {
    "package": """
  - name: somebody
    kind: loiterer
    appearance_seed: 41
    route:
      - {x_m: 51.0, y_m: -25.0, pause_s: 1.0}
      - {x_m: 50.0, y_m: -29.0, speed_mps: 1.0, pause_s: 2.0, drops: package}
      - {x_m: 54.0, y_m: -14.0, speed_mps: 1.3, pause_s: 600.0}
  - name: package
    kind: package
    appearance_seed: 42
    hidden_until: dropped
    route: [{x_m: 50.0, y_m: -29.0}]
""",
    "van": """
  - name: van
    kind: van
    appearance_seed: 43
    heading_deg: -90.0
    route: [{x_m: 54.0, y_m: -28.0}]
""",
}
TRUTH_M = {"package": (50.0, -29.0), "van": (54.0, -28.0)}


def main() -> None:
    """Inspect, compare with the truth, tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=sorted(ACTORS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit-s", type=float, default=400.0)
    parser.add_argument("--keep", type=Path, help="Leave the patrol folders here.")
    given = parser.parse_args()
    figures: dict[str, float | int | None] = {}
    with tempfile.TemporaryDirectory() as name:
        for case in [given.only] if given.only else sorted(ACTORS):
            figures |= _figures(case, _inspected(case, given.keep or Path(name), given.seed, given.limit_s))
    tell("inspection", figures, seed=given.seed)


def _inspected(case: str, folder: Path, seed: int, limit_s: float) -> Path:
    """The folder of one patrol."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {"mission.yaml": MISSION, "rules.yaml": RULES[case], "scenario.yaml": _scenario(case)}
    for file, text in files.items():
        (folder / f"{case}.{file}").write_text(text, "utf-8")
    plan = LockstepPlan(
        scenario=folder / f"{case}.scenario.yaml",
        mission=folder / f"{case}.mission.yaml",
        rules=folder / f"{case}.rules.yaml",
        folder=folder / case,
        seed=seed,
        limit_s=limit_s,
    )
    run_lockstep(plan)
    return folder / case


def _scenario(case: str) -> str:
    world = SCENARIOS.parent / "worlds" / "depot.sdf"
    head = f"name: {case}\nabout: one thing to inspect\nworld: {world}\nsite: {SITE}\nstart: 2026-06-16T10:00:00Z\nactors:"
    return head + ACTORS[case]


def _figures(case: str, folder: Path) -> dict[str, float | int | None]:
    """What the report nearest to the thing says; others may be of the site's own parked cars."""
    reports = [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("inspection-*.json"))]
    figures: dict[str, float | int | None] = {f"{case}_inspections": len(reports)}
    if reports:
        kept = min(reports, key=lambda report: math.dist(report["position_m"], TRUTH_M[case]))
        figures |= {
            f"{case}_seen_deg": kept["seen_deg"],
            f"{case}_off_m": round(math.dist(kept["position_m"], TRUTH_M[case]), 2),
            f"{case}_length_m": kept["length_m"],
            f"{case}_width_m": kept["width_m"],
            f"{case}_height_m": kept["height_m"],
            f"{case}_warmest_c": kept["warmest_c"],
            f"{case}_pictures": sum(1 for view in kept["views"] if view["picture"]),
            f"{case}_took_s": round((kept["ended_ns"] - kept["began_ns"]) / 1e9, 1),
        }
    return figures


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""The urn test: does a patrol that learns from its own finds learn the truth, or only where it likes to go?

Every day of every run the patrol makes one visit, to a place drawn by its visit shares, and finds something there or not with
the place's true chance. The peers learn from the plain counts (Ensign et al., 2018), with and without the floor and the cap.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.figures import tell
from mission.risk.effort import EffortConfig, visit_shares
from mission.risk.learning import Findings
from patrol.checks import Floats

WITHIN = 0.02
TRUTHS: dict[str, tuple[float, ...]] = {
    "two alike": (0.3, 0.3),
    "two": (0.3, 0.2),
    "two far apart": (0.5, 0.05),
    "five": (0.3, 0.25, 0.2, 0.15, 0.1),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class UrnResult:
    """``shares`` (R, N) learned by each run; the runs (R,) in which all are near the truth at the end (``near``), and also on
    every hundredth day of the second half (``stays``)."""

    shares: Floats
    near: npt.NDArray[np.bool_]
    stays: npt.NDArray[np.bool_]


def learn(
    truth: Floats, *, days: int, seed: int, corrected: bool = True, limited: bool = True, replan_days: int = 1
) -> UrnResult:
    """Let patrols learn for ``days`` and plan anew every ``replan_days``; ``truth`` (R, N) holds each run's chances of a find.
    ``corrected`` off: they learn from counts; ``limited`` off: no floor, no cap, no even part."""
    rng = np.random.default_rng(seed)
    rows = np.arange(len(truth))
    stays = np.ones(len(truth), dtype=np.bool_)
    findings = Findings.none(*truth.shape)
    shares = np.full(truth.shape, 1.0 / truth.shape[1])
    for day in range(days):
        if day % replan_days == 0:
            believed = findings.shares() if corrected else _counted(findings)
            shares = visit_shares(believed, EffortConfig()) if limited else believed
            stays &= _near(believed, truth) | (day <= days // 2) | (day % (100 * replan_days) != 0)
        goes = (rng.random(len(truth))[:, None] > shares.cumsum(axis=1)[:, :-1]).sum(axis=1)
        visits = np.zeros(truth.shape)
        visits[rows, goes] = 1.0
        found = visits * (rng.random(len(truth)) < truth[rows, goes])[:, None]
        findings = findings.after_day(visits, found)
    learned = findings.shares() if corrected else _counted(findings)
    near = _near(learned, truth)
    return UrnResult(shares=learned, near=near, stays=stays & near)


def _near(learned: Floats, truth: Floats) -> npt.NDArray[np.bool_]:
    near: npt.NDArray[np.bool_] = np.abs(learned - truth / truth.sum(axis=1, keepdims=True)).max(axis=1) <= WITHIN
    return near


def _counted(findings: Findings) -> Floats:
    """Shares of the plain counts, as a system believes that forgets where it looked; one find is in the urn at first."""
    counts = findings.found + 1.0
    shares: Floats = counts / counts.sum(axis=-1, keepdims=True)
    return shares


def main() -> None:
    """Run it; the last line is JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    metrics: dict[str, float | int | None] = {}
    for name, truth in TRUTHS.items():
        label = name.replace(" ", "_")
        runs = np.tile(truth, (given.runs, 1))
        result = learn(runs, days=given.days, seed=given.seed)
        metrics[f"{label}_within_share"] = float(result.near.mean())
        metrics[f"{label}_stays_share"] = float(result.stays.mean())
        counts = learn(runs, days=given.days, seed=given.seed, corrected=False)
        metrics[f"{label}_counts_within_share"] = float(counts.near.mean())
        unlimited = learn(runs, days=given.days, seed=given.seed, corrected=False, limited=False)
        metrics[f"{label}_counts_unlimited_within_share"] = float(unlimited.near.mean())
        metrics[f"{label}_counts_unlimited_first_share"] = float(unlimited.shares[:, 0].mean())
    tell("risk_urn", metrics, days=given.days, runs=given.runs, within=WITHIN, truths={k: list(v) for k, v in TRUTHS.items()})


if __name__ == "__main__":
    main()

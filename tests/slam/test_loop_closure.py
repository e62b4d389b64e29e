# SPDX-License-Identifier: Apache-2.0
"""Places seen again down a corridor: found where something tells them apart, left alone where nothing does."""

from __future__ import annotations

import numpy as np
import pytest

from patrol.checks import Floats
from patrol.geometry import IDENTITY2, Pose2
from slam.config import LoopConfig, MatchConfig
from slam.keyframe import Keyframe
from slam.loop_closure import LoopCloser
from slam.pose_graph import Edge, PoseGraph
from tests.slam.raycaster import box, keyframe_at, room, scan_at

STEP_M, WIDTH_M, AWAY_M = 0.6, 2.5, 200.0
DRIFT = Pose2(2.2, 0.1, 0.01)
SURE, LOST = np.diag([1e-4, 1e-4, 1e-6]), np.diag([1.2**2, 1.2**2, 0.01**2])


def corridor(*things: Floats, side_m: tuple[float, float] | None = None) -> Floats:
    """Sixty metres with doors alike every 5 m, and a side corridor between two places if wanted."""
    low: list[tuple[float, float]] = []
    for x in np.arange(0.0, 60.0, 5.0):
        low += [(x + 2.0, 0.0), (x + 2.0, -0.15), (x + 2.9, -0.15), (x + 2.9, 0.0)]
    high = [(x, WIDTH_M - y) for x, y in low]
    if side_m is not None:
        high = [(x, y) for x, y in high if not side_m[0] - 1.0 < x < side_m[1] + 1.0]
        high += [(side_m[0], WIDTH_M), (side_m[0], 10.0), (side_m[1], 10.0), (side_m[1], WIDTH_M)]
        high.sort(key=lambda corner: corner[0])
    return np.vstack([room([(-1.0, 0.0), *low, (61.0, 0.0), (61.0, WIDTH_M), *high[::-1], (-1.0, WIDTH_M)]), *things])


def passed(
    walls: Floats, first: int, from_m: float, to_m: float, *, path_m: float, drift: Pose2, step_m: float = STEP_M
) -> list[Keyframe]:
    """Keyframes of a pass down the middle, seen truly, tracked with ``drift``."""
    rng, found = np.random.default_rng(first), []
    for number, x_m in enumerate(np.arange(from_m, to_m, step_m), start=first):
        pose = Pose2(float(x_m), 0.5 * WIDTH_M, 0.0)
        scan = scan_at(walls, pose, stamp_ns=number, rng=rng)
        found.append(keyframe_at(pose, scan, drift=drift, path_m=path_m + step_m * (number - first)))
    return found


def closures(before: Floats, after: Floats, config: LoopConfig, *, step_m: float = STEP_M) -> list[Edge]:
    """What is believed on a second pass with a keyframe every ``step_m``, the drift between the passes unknown."""
    once = passed(before, 0, 20.0, 44.0, path_m=0.0, drift=IDENTITY2)
    again = passed(after, len(once), 24.0, 37.0, path_m=AWAY_M, drift=DRIFT, step_m=step_m)
    graph, closer, found = PoseGraph(once[0].track_from_base, 2.0), LoopCloser(config, MatchConfig()), list[Edge]()
    for last, keyframe in zip([None, *once, *again], [*once, *again], strict=False):
        if last is not None:
            moved = last.track_from_base.inverse() @ keyframe.track_from_base
            covariance = LOST if keyframe is again[0] else SURE
            graph.add_keyframe(Edge(from_id=last.id, to_id=keyframe.id, from_to=moved, covariance=covariance))
        closer.add_keyframe(keyframe)
        found += closer.find(keyframe, graph)
    return found


def errors_m(edges: list[Edge]) -> list[float]:
    """How far each edge is from the truth, the drift taken out."""
    once = np.arange(20.0, 44.0, STEP_M)
    again = np.arange(24.0, 37.0, STEP_M)
    return [
        Pose2(float(again[edge.to_id - len(once)] - once[edge.from_id]), 0.0, 0.0).distance_to(edge.from_to) for edge in edges
    ]


def test_doors_all_alike_close_no_loop() -> None:
    assert closures(corridor(), corridor(), LoopConfig()) == []


def test_a_cabinet_tells_where_along_the_corridor_it_is() -> None:
    walls = corridor(box(30.0, 0.0, 1.2, 0.6), box(33.5, 2.1, 0.5, 0.4))
    errors = errors_m(closures(walls, walls, LoopConfig()))
    assert errors
    assert max(errors) < 0.15


@pytest.mark.parametrize(("contradicted_max_m", "is_believed"), [(1.0, False), (50.0, True)])
def test_a_corridor_that_goes_off_where_the_other_has_a_wall_is_another(*, contradicted_max_m: float, is_believed: bool) -> None:
    cabinets = box(30.0, 0.0, 1.2, 0.6), box(33.5, 2.1, 0.5, 0.4)
    config = LoopConfig(contradicted_max_m=contradicted_max_m)
    found = closures(corridor(*cabinets), corridor(*cabinets, side_m=(26.0, 28.5)), config)
    assert (10 in {edge.from_id for edge in found}) is is_believed


@pytest.mark.parametrize(("far_window_m", "is_believed"), [(0.6, False), (100.0, True)])
def test_the_less_the_track_may_have_drifted_the_less_a_closure_must_show(*, far_window_m: float, is_believed: bool) -> None:
    cabinets = box(30.0, 0.0, 1.2, 0.6), box(33.5, 2.1, 0.5, 0.4)
    config = LoopConfig(far_overlap_min=1.0, far_score_min=1.0, far_window_m=far_window_m)
    found = closures(corridor(*cabinets), corridor(*cabinets, box(31.5, 2.2, 0.6, 0.3)), config)
    assert bool(found) is is_believed


@pytest.mark.parametrize(("step_m", "every"), [(0.6, 3), (1.0, 2), (1.6, 1)])
def test_keyframes_far_apart_are_all_searched_for(monkeypatch: pytest.MonkeyPatch, step_m: float, every: int) -> None:
    searched: set[int] = set()
    monkeypatch.setattr(LoopCloser, "_far_match", lambda _self, keyframe, _candidate: searched.add(keyframe.id))
    assert closures(corridor(), corridor(), LoopConfig(), step_m=step_m) == []
    ids = sorted(searched)
    assert len(ids) >= 4
    assert set(np.diff(ids).tolist()) == {every}

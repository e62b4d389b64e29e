# SPDX-License-Identifier: Apache-2.0
"""Places on the ground from the tracks of a camera that stands still."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrol.checks import Floats
from patrol.errors import BadInput
from perception.fixed_camera import FixedCamera, calibrated, read_fixed_camera
from perception.ground_path import PathConfig, ground_paths, hidden_feet
from perception.metrics.mot_file import MotRows
from perception.walk_filter import WalkConfig, WalkFilter, sighted

RATE_HZ = 10.0
SIZE = (640, 480)
GRID = np.array([(x, y) for x in np.linspace(8.0, 30.0, 6) for y in np.linspace(-4.0, 4.0, 5)])


def camera(height_m: float = 5.0, down_deg: float = 15.0, focal_px: float = 700.0) -> FixedCamera:
    """A camera over the origin of the map that looks east."""
    down = np.radians(down_deg)
    ahead = np.array([np.cos(down), 0.0, -np.sin(down)])
    right = np.array([0.0, -1.0, 0.0])
    axes = np.vstack((right, np.cross(ahead, right), ahead))
    inner = np.array([[focal_px, 0.0, 320.0], [0.0, focal_px, 240.0], [0.0, 0.0, 1.0]])
    seen = inner @ np.column_stack((axes, -axes @ np.array([0.0, 0.0, height_m])))
    return FixedCamera(picture_from_map=seen, width_px=SIZE[0], height_px=SIZE[1])


def at(places_m: Floats, height_m: float) -> Floats:
    """Points (N, 3) at one height above ``places_m`` (N, 2)."""
    return np.column_stack((places_m, np.full(len(places_m), height_m)))


def boxes(seen: FixedCamera, places_m: Floats, height_m: float) -> Floats:
    """The boxes (N, 4) px of a person who is so tall."""
    foot, head = seen.project(at(places_m, 0.0)), seen.project(at(places_m, height_m))
    half, middle = 0.2 * (foot[:, 1] - head[:, 1]), 0.5 * (foot[:, 0] + head[:, 0])
    return np.column_stack((middle - half, head[:, 1], middle + half, foot[:, 1]))


def rows(*tracks: Floats) -> MotRows:
    """One track for every array of boxes (N, 4), all from the first picture on."""
    picture = np.concatenate([np.arange(1, len(track) + 1) for track in tracks])
    order = np.argsort(picture, kind="stable")
    number = np.concatenate([np.full(len(track), 1 + index) for index, track in enumerate(tracks)])
    return MotRows(
        picture=picture[order],
        track_id=number[order],
        boxes=np.concatenate(tracks)[order],
        score=np.ones(len(picture)),
        ground_m=np.full((len(picture), 2), np.nan),
    )


def walk(start: tuple[float, float], end: tuple[float, float], pictures: int) -> Floats:
    return np.linspace(start, end, pictures)


def off_m(found: Floats, places_m: Floats) -> Floats:
    gap: Floats = np.hypot(*(found - places_m).T)
    return gap


@settings(max_examples=20, deadline=None)
@given(st.floats(1.5, 12.0), st.floats(5.0, 25.0), st.floats(400.0, 1500.0))
def test_points_on_the_ground_tell_the_whole_camera(height_m: float, down_deg: float, focal_px: float) -> None:
    """Also what stands above the ground."""
    real = camera(height_m, down_deg, focal_px)
    found = calibrated(real.project(at(GRID, 0.0)), GRID, SIZE)
    np.testing.assert_allclose(found.on_ground(real.project(at(GRID, 0.0))), GRID, atol=0.02)
    np.testing.assert_allclose(found.project(at(GRID, 1.8)), real.project(at(GRID, 1.8)), atol=1.0)


def test_a_calibration_file_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    real = camera()

    def file(name: str, map_m: Floats, picture_px: Floats) -> Path:
        points = (f"  - {{picture_px: {p.tolist()}, map_m: {m.tolist()}}}\n" for p, m in zip(picture_px, map_m, strict=True))
        (tmp_path / name).write_text("width_px: 640\nheight_px: 480\npoints:\n" + "".join(points), "ascii")
        return tmp_path / name

    corners = GRID[[0, 4, 25, 29]]
    good = read_fixed_camera(file("good.yaml", corners, real.project(at(corners, 0.0))))
    np.testing.assert_allclose(good.on_ground(real.project(at(GRID, 0.0))), GRID, atol=0.02)
    line = walk((8.0, 0.0), (20.0, 0.0), 5)
    with pytest.raises(BadInput, match="one line"):
        read_fixed_camera(file("line.yaml", line, real.project(at(line, 0.0))))
    with pytest.raises(BadInput, match="points"):
        read_fixed_camera(file("few.yaml", corners[:3], real.project(at(corners[:3], 0.0))))
    assert np.isnan(real.on_ground(np.array([[320.0, -300.0]]))).all(), "the sky is nowhere on the ground"


@pytest.mark.parametrize(("mast_m", "down_deg"), [(5.0, 15.0), (1.7, 0.0), (0.8, 0.0)])
def test_whole_boxes_tell_the_place(mast_m: float, down_deg: float) -> None:
    """From a mast, at the height of the eyes, and at that of a robot; people are not as tall as is usual."""
    seen, way = camera(mast_m, down_deg), walk((10.0, -2.0), (16.0, 3.0), 60)
    paths = ground_paths(rows(boxes(seen, way, 1.88)), seen, RATE_HZ)
    assert off_m(paths.position_m, way).max() < 0.15
    assert (np.linalg.eigvalsh(paths.covariance_m2) > 0.0).all()


def test_places_are_told_better_than_each_foot_tells_them() -> None:
    seen, way = camera(), walk((12.0, -3.0), (20.0, 3.0), 90)
    clean = boxes(seen, way, 1.75)
    noise = np.random.default_rng(5).normal(0.0, 0.03, (90, 4)) * (clean[:, 3] - clean[:, 1])[:, None]
    shaken = rows(clean + noise)
    feet = seen.on_ground(np.column_stack((shaken.boxes[:, [0, 2]].mean(axis=1), shaken.boxes[:, 3])))
    by_foot, by_path = (np.median(off_m(found, way)) for found in (feet, ground_paths(shaken, seen, RATE_HZ).position_m))
    assert by_path < 0.6 * by_foot


def test_whose_feet_go_behind_somebody_keeps_their_place() -> None:
    seen, way = camera(), walk((18.0, -3.0), (18.0, 3.0), 60)
    behind, before = boxes(seen, way, 1.7), boxes(seen, walk((8.0, 0.0), (8.0, 0.0), 60), 1.8)
    assert hidden_feet(rows(behind, before)).max() == 0.0, "who is that near does not reach up to them"
    before = boxes(seen, walk((16.0, 0.0), (16.0, 0.0), 60), 1.8)
    hidden = (behind[:, 2] > before[:, 0]) & (behind[:, 0] < before[:, 2])
    behind[hidden, 3] = before[0, 1] + 8.0
    both = rows(behind, before)
    mine = both.track_id == 1
    feet = seen.on_ground(np.column_stack((behind[:, [0, 2]].mean(axis=1), behind[:, 3])))
    assert off_m(feet, way)[hidden].min() > 1.5, "cut boxes look far away"
    assert off_m(ground_paths(both, seen, RATE_HZ).position_m[mine], way).max() < 0.6


def test_feet_below_the_picture_are_not_missed() -> None:
    seen, way = camera(3.0, 5.0), walk((12.0, 0.0), (5.0, 0.5), 60)
    whole = boxes(seen, way, 1.7)
    assert whole[-1, 3] > SIZE[1] + 40.0
    cut = rows(np.clip(whole, 0.0, np.array(SIZE * 2)))
    assert off_m(ground_paths(cut, seen, RATE_HZ).position_m, way).max() < 0.5


def test_nothing_later_than_the_delay_is_used() -> None:
    seen, way = camera(), walk((12.0, -3.0), (20.0, 3.0), 40)
    clean = boxes(seen, way, 1.75)
    shaken = clean + np.random.default_rng(2).normal(0.0, 2.0, clean.shape)
    config = PathConfig(later_s=0.5)
    whole = ground_paths(rows(shaken), seen, RATE_HZ, config).position_m
    half = ground_paths(rows(shaken[:20]), seen, RATE_HZ, config).position_m
    np.testing.assert_allclose(half[:15], whole[:15])
    assert off_m(half[15:], whole[15:20]).max() > 1e-3, "what follows within it is"


def test_a_box_that_is_elsewhere_is_another_walk() -> None:
    """Two people are mistaken for each other: the place follows at once, and is nowhere between them."""
    seen = camera()
    first, second = walk((14.0, -3.0), (14.0, -1.0), 30), walk((22.0, 2.0), (22.0, 4.0), 30)
    swapped = np.concatenate((boxes(seen, first, 1.7), boxes(seen, second, 1.7)))
    assert off_m(ground_paths(rows(swapped), seen, RATE_HZ).position_m, np.concatenate((first, second))).max() < 0.5


def test_a_walker_is_measured() -> None:
    seen, config = camera(), WalkConfig()
    tall = boxes(seen, walk((10.0, -2.0), (18.0, 2.0), 80), 1.92)
    following = WalkFilter(seen, config, sighted(tall[0], 0.0, 0.0, seen, config))
    for index, row in enumerate(tall):
        state, _ = following.step(sighted(row, 0.0, 0.1 * index, seen, config), 0.1)
    assert abs(state.value[4] - 1.92) < 0.04
    assert state.covariance[4, 4] < 0.05**2
    np.testing.assert_allclose(state.value[2:4], (8.0 / 7.9, 4.0 / 7.9), atol=0.1)

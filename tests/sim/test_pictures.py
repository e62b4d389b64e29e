# SPDX-License-Identifier: Apache-2.0
"""What the cameras see: people where the camera model says, warm in the thermal picture, darker at night; and training data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from patrol.geometry import Pose2
from patrol.percepts import Label
from patrol.sensors import Image
from sim.dataset import DRAWN, render
from sim.eye import Eye
from sim.picture_labels import BoxRecord, Labeller
from sim.robot import read_robot
from sim.sensor_suite import view_of
from sim.simulator import Simulator
from sim.stage import Stage
from sim.surfaces import SURFACES, texture_pixels
from sim.truth import Truth
from tests.sim.stand import NIGHT, yard_scenario

ROBOT = read_robot()
GUARD = {"name": "guard", "kind": "guard", "route": [{"x_m": 6.0, "y_m": 1.0}]}
BEHIND_FENCE = {"name": "guard", "kind": "guard", "route": [{"x_m": 0.0, "y_m": 7.0}]}
AT_FENCE = {"x_m": 0.0, "y_m": 0.0, "yaw_deg": 90.0}


def look(tmp_path: Path, **changes: Any) -> tuple[dict[str, npt.NDArray[np.generic]], Truth]:
    sim = Simulator(yard_scenario(tmp_path, **changes), ROBOT, seed=2, sensors=frozenset({"camera", "thermal"}))
    images = {item.frame_id: item.pixels for item in sim.advance(200_000_000) if isinstance(item, Image)}
    truth = sim.truth()
    sim.close()
    return images, truth


@pytest.fixture(scope="module")
def daytime(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, npt.NDArray[np.generic]], Truth]:
    return look(tmp_path_factory.mktemp("day"), actors=[GUARD])


def test_a_person_shows_where_the_camera_model_puts_it(daytime: tuple[dict[str, npt.NDArray[np.generic]], Truth]) -> None:
    images, truth = daytime
    assert images["camera_optical_frame"].shape == (480, 640, 3)
    (guard,) = truth.actors
    assert guard.label is Label.PERSON
    assert guard.box is not None
    optical_from_base = ROBOT.camera.base_from_optical.inverse()
    foot, head = ROBOT.camera.project(optical_from_base.apply([[6.0, 1.0, 0.0], [6.0, 1.0, 1.75]]))
    assert guard.box.foot_px[0] == pytest.approx(foot[0], abs=12.0)
    assert guard.box.y1_px == pytest.approx(foot[1], abs=8.0)
    assert guard.box.y0_px == pytest.approx(head[1], abs=14.0)
    pixels = images["camera_optical_frame"].astype(float)
    inside = pixels[int(guard.box.y0_px) : int(guard.box.y1_px), int(guard.box.x0_px) : int(guard.box.x1_px)]
    beside = pixels[int(guard.box.y0_px) : int(guard.box.y1_px), int(guard.box.x1_px) + 20 : int(guard.box.x1_px) + 60]
    assert np.abs(inside.mean(axis=(0, 1)) - beside.mean(axis=(0, 1))).max() > 8.0


def test_thermal_is_centikelvin_with_a_warm_person_under_a_cold_sky(
    daytime: tuple[dict[str, npt.NDArray[np.generic]], Truth],
) -> None:
    kelvin = daytime[0]["thermal_optical_frame"].astype(float) / 100.0
    assert daytime[0]["thermal_optical_frame"].dtype == np.uint16
    assert kelvin[:5].mean() < 255.0
    optical_from_base = ROBOT.thermal.base_from_optical.inverse()
    column, row = ROBOT.thermal.project(optical_from_base.apply([[6.0, 1.0, 1.6]]))[0]
    around = kelvin[int(row) - 2 : int(row) + 3, int(column) - 2 : int(column) + 3]
    assert around.max() > 302.0
    assert 290.0 < np.median(kelvin[-10:]) < 302.0


def warmth(image: Image) -> npt.NDArray[np.float64]:
    """What is a kelvin and more warmer than the sky, in hundredths (55, W)."""
    sky = image.pixels[:55].astype(np.float64)
    warm: npt.NDArray[np.float64] = np.clip(sky - float(np.median(sky)) - 100.0, 0.0, None)
    return warm


def test_a_drone_smaller_than_a_few_pixels_of_the_thermal_camera_does_not_flicker(tmp_path: Path) -> None:
    drone = {"name": "drone", "kind": "drone", "appearance_seed": 3, "route": [{"x_m": -14.0, "y_m": 0.0, "height_m": 4.0}]}
    scenario = yard_scenario(tmp_path, robot={"x_m": 0.0, "y_m": 0.0, "yaw_deg": 180.0}, actors=[drone])
    sim = Simulator(scenario, ROBOT, seed=2, sensors=frozenset({"thermal"}))
    shines = [float(warmth(item).sum()) for item in sim.advance(3_000_000_000) if isinstance(item, Image)]
    sim.close()
    assert len(shines) > 20
    assert min(shines) > 0.75 * max(shines) > 0.0


def test_a_picture_between_two_steps_of_an_actor_shows_it_between_their_places(tmp_path: Path) -> None:
    ways = [{"x_m": -14.0, "y_m": y_m, "height_m": 3.5, "speed_mps": 8.0} for y_m in (-6.0, 6.0)]
    scenario = yard_scenario(
        tmp_path,
        robot={"x_m": 0.0, "y_m": 0.0, "yaw_deg": 180.0},
        actors=[{"name": "drone", "kind": "drone", "appearance_seed": 3, "route": ways}],
    )
    sim = Simulator(scenario, ROBOT, seed=2, sensors=frozenset({"thermal"}))
    pictures = [item for item in sim.advance(1_400_000_000) if isinstance(item, Image)][3:]
    sim.close()
    columns = []
    for image in pictures:
        warm = warmth(image)
        columns.append(float(warm.sum(axis=0) @ np.arange(warm.shape[1]) / warm.sum()))
    times_s = np.array([(image.stamp_ns - scenario.start_ns) / 1e9 for image in pictures])
    assert len(columns) > 7
    assert np.abs(columns - np.polyval(np.polyfit(times_s, columns, 1), times_s)).max() < 0.6


def test_night_is_darker(tmp_path: Path, daytime: tuple[dict[str, npt.NDArray[np.generic]], Truth]) -> None:
    night, _ = look(tmp_path, actors=[GUARD], start=NIGHT)
    assert night["camera_optical_frame"].mean() < 0.5 * daytime[0]["camera_optical_frame"].mean()


def test_faults_of_a_lens_reach_the_pictures_of_both_cameras(
    tmp_path: Path, daytime: tuple[dict[str, npt.NDArray[np.generic]], Truth]
) -> None:
    faults = [{"kind": "covered", "sensor": sensor, "at_s": 0, "for_s": 5} for sensor in ("camera", "thermal")]
    covered, _ = look(tmp_path, actors=[GUARD], faults=faults)
    for frame, pixels in covered.items():
        well = daytime[0][frame].astype(float)
        assert (
            np.abs(cv2.Laplacian(cv2.blur(pixels.astype(float), (9, 9)), cv2.CV_64F)).mean()
            < 0.5 * np.abs(cv2.Laplacian(cv2.blur(well, (9, 9)), cv2.CV_64F)).mean()
        )


def test_fog_takes_the_contrast_away(tmp_path: Path, daytime: tuple[dict[str, npt.NDArray[np.generic]], Truth]) -> None:
    foggy, _ = look(tmp_path, actors=[GUARD], weather="fog")
    assert foggy["camera_optical_frame"][:300].std() < 0.6 * daytime[0]["camera_optical_frame"][:300].std()


def test_cameras_see_through_chain_link(tmp_path: Path) -> None:
    images, truth = look(tmp_path, actors=[BEHIND_FENCE], robot=AT_FENCE)
    assert truth.actors[0].visible_px > 1000
    assert images["thermal_optical_frame"].max() > 30000


def test_a_wall_hides_people(tmp_path: Path) -> None:
    _, truth = look(tmp_path, actors=[{"name": "guard", "kind": "guard", "route": [{"x_m": 14.0, "y_m": 0.0}]}])
    assert truth.actors[0].visible_px == 0
    assert truth.actors[0].box is None


@pytest.mark.parametrize("name", sorted(SURFACES))
def test_textures_are_seeded_and_bright(name: str) -> None:
    pixels = texture_pixels(name, 1)
    assert pixels.shape[2] == (4 if SURFACES[name].see_through else 3)
    assert 150 < pixels[..., :3].mean() < 250
    assert not np.array_equal(pixels, texture_pixels(name, 2))


@pytest.mark.parametrize("world", ["depot", DRAWN])
def test_training_pictures_are_labelled_and_seeded(world: str, tmp_path: Path) -> None:
    first = list(render(tmp_path / "a", count=6, seed=9, worlds=[world]))
    again = list(render(tmp_path / "b", count=6, seed=9, worlds=[world]))
    assert {record["world"] for record in first} == {world}
    assert json.dumps(first) == json.dumps(again)
    boxes = [box for record in first for box in record["boxes"]]
    assert len(boxes) >= 4
    for box in boxes:
        x0, y0, x1, y1 = box["box"]
        assert 0 <= x0 < x1 <= 640
        assert 0 <= y0 < y1 <= 480
        assert 0.0 < box["visible"] <= 1.0
        assert box["label"] in ("person", "vehicle", "animal")
    picture = cv2.imread(str(tmp_path / "a" / first[0]["file"]))
    assert picture is not None
    assert picture.shape == (480, 640, 3)
    assert (tmp_path / "a" / "000003.jpg").read_bytes() == (tmp_path / "b" / "000003.jpg").read_bytes()


def labelled(tmp_path: Path, places: list[tuple[float, float, float]]) -> list[BoxRecord | None]:
    """The label of one van at each of these x, y (m) and headings (deg) before the camera, None where it has none."""
    van = {"name": "van", "kind": "van", "route": [{"x_m": 5.0, "y_m": 0.0}]}
    stage = Stage(yard_scenario(tmp_path, actors=[van]), ROBOT, seed=0)
    eye = Eye(stage.model)
    labeller, (actor,) = Labeller(stage, eye, view_of("camera", ROBOT.camera_part), 0), stage.cast.actors
    labels: list[BoxRecord | None] = []
    for x_m, y_m, heading_deg in places:
        actor.state.visible, actor.state.pose = True, Pose2(x_m, y_m, float(np.radians(heading_deg)))
        stage.settle(within_m=np.inf)
        labels.append(next(iter(labeller.labels()), None))
    eye.close()
    return labels


def test_what_the_edge_of_a_picture_cuts_off_is_not_visible(tmp_path: Path) -> None:
    whole, half, sliver = labelled(tmp_path, [(7.0, 0.0, 90.0), (7.0, 5.4, 90.0), (7.0, 7.8, 90.0)])
    assert whole is not None
    assert half is not None
    assert sliver is not None
    assert whole["visible"] > 0.98
    assert 0.4 < half["visible"] < 0.7
    assert sliver["box"][0] == 0.0
    assert 0.0 < sliver["visible"] < 0.2

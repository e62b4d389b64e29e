# SPDX-License-Identifier: Apache-2.0
"""Bodies: what the simulator may rely on, and that people move as people do."""

from __future__ import annotations

import math
from collections.abc import Mapping

import mujoco
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrol.checks import Floats
from patrol.geometry import Pose3
from patrol.percepts import Label
from sim.bodies import KINDS, Body, make_body
from sim.bodies.appearance import PERSON_KINDS, look_of
from sim.bodies.base import ACTOR_CONTYPE, COLLISION_GROUP, VISIBLE_GROUP
from sim.bodies.gait import KNEE, climbing, stride_length_m, walking
from sim.bodies.groups import groups_of

HERE = Pose3(np.zeros(3), np.eye(3))
PHASES = np.linspace(0.0, 2.0 * math.pi, 12, endpoint=False)


def compiled(*bodies: Body) -> mujoco.MjModel:
    spec = mujoco.MjSpec()
    for body in bodies:
        body.add_to(spec)
    return spec.compile()


def visible_points(model: mujoco.MjModel, body: Body, poses: Mapping[str, Pose3]) -> Floats:
    """Vertices (N, 3) of all visible meshes, and the centres of the other visible geoms, in the world."""
    data = mujoco.MjData(model)
    for part, pose in poses.items():
        mocap = model.body(f"{body.name}/{part}").mocapid[0]
        x, y, z, w = pose.quaternion_xyzw()
        data.mocap_pos[mocap], data.mocap_quat[mocap] = pose.translation_m, (w, x, y, z)
    mujoco.mj_kinematics(model, data)
    points = []
    for geom in np.flatnonzero(model.geom_group == VISIBLE_GROUP):
        rotation, at = data.geom_xmat[geom].reshape(3, 3), data.geom_xpos[geom]
        mesh = model.geom_dataid[geom]
        local = np.zeros((1, 3))
        if mesh >= 0:
            first = model.mesh_vertadr[mesh]
            local = model.mesh_vert[first : first + model.mesh_vertnum[mesh]]
        points.append(local @ rotation.T + at)
    return np.concatenate(points)


@pytest.mark.parametrize("kind", KINDS)
def test_keeps_the_contract(kind: str) -> None:
    body = make_body(kind, "it", 3)
    model = compiled(body)
    poses = body.limb_poses(HERE, 1.0, 0.5)
    bodies = {model.body(index).name for index in range(1, model.nbody)}
    assert bodies == {f"it/{part}" for part in poses}
    assert set(body.temperatures_k) == set(poses) - {"collision"}
    assert all(model.body(index).mocapid[0] >= 0 for index in range(1, model.nbody))
    touched = np.flatnonzero(model.geom_group == COLLISION_GROUP)
    assert len(touched) == 1
    assert model.geom_contype[touched[0]] == ACTOR_CONTYPE
    seen = model.geom_group == VISIBLE_GROUP
    assert seen.sum() == model.ngeom - 1
    assert not model.geom_contype[seen].any()
    assert not model.geom_conaffinity.any()
    assert 0 < model.mesh_facenum.sum() < 6000 or kind in ("package", "drone", "bird", "thrown")


@pytest.mark.parametrize("kind", KINDS)
def test_stays_within_its_cylinder_and_on_the_ground(kind: str) -> None:
    body = make_body(kind, "it", 5)
    model = compiled(body)
    for phase in PHASES[::2]:
        points = visible_points(model, body, body.limb_poses(HERE, 1.4, float(phase)))
        assert np.hypot(points[:, 0], points[:, 1]).max() <= body.radius_m
        assert points[:, 2].min() > -0.05
        assert points[:, 2].max() < body.height_m + 0.12


@pytest.mark.parametrize("kind", KINDS)
def test_moves_rigidly_with_its_frame(kind: str) -> None:
    body = make_body(kind, "it", 1)
    there = Pose3.from_xyz_rpy(3.0, -4.0, 0.1, 0.0, 0.0, 2.0)
    here_poses, there_poses = body.limb_poses(HERE, 1.2, 0.7), body.limb_poses(there, 1.2, 0.7)
    for part, pose in here_poses.items():
        moved = there @ pose
        np.testing.assert_allclose(there_poses[part].translation_m, moved.translation_m, atol=1e-9)
        np.testing.assert_allclose(there_poses[part].rotation, moved.rotation, atol=1e-9)


@pytest.mark.parametrize("kind", ["guard", "car", "fox", "tree", "package", "drone", "bird", "thrown"])
def test_same_seed_same_body_other_seed_another(kind: str) -> None:
    first, again, other = (compiled(make_body(kind, "it", seed)) for seed in (7, 7, 8))
    assert np.array_equal(first.mesh_vert, again.mesh_vert)
    assert np.array_equal(first.tex_data, again.tex_data)
    looks_same = np.array_equal(first.mesh_vert, other.mesh_vert) and np.array_equal(first.tex_data, other.tex_data)
    assert (
        not looks_same
        or not np.array_equal(first.mat_rgba, other.mat_rgba)
        or not np.array_equal(first.geom_size, other.geom_size)
    )


def test_many_bodies_share_one_model() -> None:
    bodies = [make_body(kind, f"actor_{index}", index) for index, kind in enumerate(KINDS)]
    model = compiled(*bodies)
    assert model.nmocap == sum(len(body.limb_poses(HERE, 0.0, 0.0)) for body in bodies)


@pytest.mark.parametrize(("kind", "name"), [("ghost", "it"), ("guard", "a/b"), ("guard", "")])
def test_refuses_unknown_kinds_and_bad_names(kind: str, name: str) -> None:
    with pytest.raises(ValueError, match=r"kind|name"):
        make_body(kind, name, 0)


def test_labels_and_temperatures_tell_the_living_from_things() -> None:
    labels = {kind: make_body(kind, "it", 0).label for kind in KINDS}
    assert all(labels[kind] is Label.PERSON for kind in PERSON_KINDS)
    assert (labels["car"], labels["fox"], labels["package"], labels["tree"]) == (Label.VEHICLE, Label.ANIMAL, Label.OBJECT, None)
    person, package, car = (make_body(kind, "it", 0).temperatures_k for kind in ("staff", "package", "car"))
    assert person["head"] == pytest.approx(307.15)
    assert max(package.values()) < min(value for part, value in person.items() if part != "bag")
    assert car["hood"] > car["chassis"] + 10.0


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**31), kind=st.sampled_from(PERSON_KINDS))
def test_looks_are_plausible(seed: int, kind: str) -> None:
    look = look_of(kind, seed)
    assert (1.1 if look.age == "child" else 1.45) < look.stature_m < (1.52 if look.age == "child" else 2.0)
    assert 0.19 * look.stature_m < look.height_m <= look.stature_m
    assert look == look_of(kind, seed)
    colours = (look.skin, look.hair, look.top_rgb, look.trousers_rgb, look.shoes_rgb, look.headwear_rgb, look.bag_rgb)
    assert all(0.0 <= channel <= 1.0 for colour in colours for channel in colour)
    if kind == "intruder":
        assert max(look.top_rgb) < 0.35
        assert look.headwear == "hood"


def test_bearings_are_as_high_as_they_say() -> None:
    """The wheelchair's wheels and the soles stand on the ground; who lies is low, who crouches lower than who stands."""
    tops = {}
    for kind in ("visitor", "wheelchair", "crouching", "lying"):
        body = make_body(kind, "it", 6)
        points = visible_points(compiled(body), body, body.limb_poses(HERE, 0.0, 0.0))
        tops[kind] = points[:, 2].max()
        assert points[:, 2].min() > -0.06
        assert tops[kind] == pytest.approx(body.height_m, abs=0.14)
    assert tops["lying"] < 0.6 < tops["crouching"] < tops["visitor"]
    assert tops["wheelchair"] < tops["visitor"]


def test_groups_cover_what_people_look_like() -> None:
    """Every group of every attribute comes up, and each agrees with the look that it was taken from."""
    looks = [look_of(kind, seed) for kind in PERSON_KINDS for seed in range(25)]
    groups = [groups_of(look) for look in looks]
    assert {name: {item[name] for item in groups} for name in groups[0]} == {
        "skin": {"light", "medium", "dark"},
        "clothing": {"dark", "medium", "light", "high visibility"},
        "body": {"slim", "average", "stout"},
        "age": {"child", "adult", "elder"},
        "aid": {"none", "wheelchair"},
        "pose": {"upright", "sitting", "crouching", "lying"},
    }
    assert all((item["aid"] == "wheelchair") == (look.bearing == "sitting") for item, look in zip(groups, looks, strict=True))
    dark, light = (
        [sum(look.skin) for look, item in zip(looks, groups, strict=True) if item["skin"] == tone] for tone in ("dark", "light")
    )
    assert max(dark) < min(light)


def test_people_differ() -> None:
    looks = [look_of("loiterer", seed) for seed in range(40)]
    assert len({look.skin for look in looks}) >= 5
    assert len({look.top_rgb for look in looks}) >= 20
    assert np.std([look.stature_m for look in looks]) > 0.04


@given(phase=st.floats(-50.0, 50.0), speed=st.floats(0.0, 4.0))
def test_joints_stay_within_reach_and_repeat(phase: float, speed: float) -> None:
    now, later = walking(phase, speed), walking(phase + 2.0 * math.pi, speed)
    for limbs, again in ((now.left, later.left), (now.right, later.right)):
        assert -0.1 < limbs.knee < math.radians(150)
        assert abs(limbs.hip) < math.radians(75)
        assert -0.2 < limbs.elbow < math.radians(150)
        assert limbs.hip == pytest.approx(again.hip, abs=1e-6)


def test_walking_mirrors_after_half_a_stride() -> None:
    now, half = walking(0.4, 1.3), walking(0.4 + math.pi, 1.3)
    assert now.left.hip == pytest.approx(half.right.hip)
    assert now.right.knee == pytest.approx(half.left.knee)
    assert now.chest_yaw == pytest.approx(-half.chest_yaw)


def test_arms_swing_against_legs() -> None:
    hips = [walking(float(phase), 1.3).left.hip for phase in PHASES]
    shoulders = [walking(float(phase), 1.3).left.shoulder for phase in PHASES]
    assert np.corrcoef(hips, shoulders)[0, 1] < -0.7


def test_knee_bends_most_in_swing() -> None:
    assert 0.65 < np.argmax(KNEE) / len(KNEE) < 0.8
    assert math.degrees(KNEE.max()) == pytest.approx(64, abs=3)


def test_standing_is_still() -> None:
    assert walking(0.3, 0.0) == walking(2.0, 0.0)
    assert walking(0.3, 0.0).left.hip == pytest.approx(0.0, abs=1e-9)


def test_strides_grow_with_speed() -> None:
    strides = [stride_length_m(speed) for speed in (0.0, 0.5, 1.3, 2.5)]
    assert strides == sorted(strides)
    assert strides[2] == pytest.approx(1.42, abs=0.05)


def test_planted_foot_moves_back_as_fast_as_the_body_goes_ahead() -> None:
    person = make_body("loiterer", "it", 2)
    speed, stride = 1.3, stride_length_m(1.3)
    early, late = 2.0 * math.pi * 0.12, 2.0 * math.pi * 0.42
    feet = [person.limb_poses(HERE, speed, phase)["foot_left"].translation_m[0] for phase in (early, late)]
    assert feet[0] - feet[1] == pytest.approx(0.30 * stride, rel=0.25)


def test_whoever_climbs_reaches_up() -> None:
    person = make_body("intruder", "it", 2)
    up = Pose3.from_xyz_rpy(0.0, 0.0, 1.2, 0.0, 0.0, 0.0)
    poses = person.limb_poses(up, 0.5, 0.0)
    walking_poses = person.limb_poses(HERE, 0.5, 0.0)
    for side in ("left", "right"):
        assert poses[f"hand_{side}"].translation_m[2] > poses["head"].translation_m[2]
        assert walking_poses[f"hand_{side}"].translation_m[2] < walking_poses["torso"].translation_m[2]
    assert climbing(0.0).left.knee != climbing(math.pi / 2).left.knee

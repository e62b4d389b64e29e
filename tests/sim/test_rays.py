# SPDX-License-Identifier: Apache-2.0
"""Rays against shapes, checked by properties of the point that is met; and triangles of shapes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrol.checks import Floats
from sim.lidar_rays import meet_boxes, meet_capsules, meet_cylinders, meet_ellipsoids, to_local
from sim.meshes import COARSE_M, FINE_M, mesh_of
from sim.sdf import Shape, ShapeKind

RAYS = 200


def rays_from_outside(seed: int) -> tuple[Floats, Floats]:
    """Unit rays (1, N, 3) from 5 m away, most of them aimed near the origin."""
    rng = np.random.default_rng(seed)
    origins = rng.standard_normal((1, RAYS, 3))
    origins *= 5.0 / np.linalg.norm(origins, axis=2, keepdims=True)
    directions = rng.normal(0.0, 0.8, (1, RAYS, 3)) - origins
    return origins, directions / np.linalg.norm(directions, axis=2, keepdims=True)


def capsule_gap(points: Floats, radius: float, half: float) -> Floats:
    on_axis = np.clip(points[..., 2], -half, half)
    gap: Floats = np.linalg.norm(points - np.stack((0 * on_axis, 0 * on_axis, on_axis), axis=-1), axis=-1) - radius
    return gap


def box_gap(points: Floats, half: Floats) -> Floats:
    outside = np.abs(points) - half
    gap: Floats = np.linalg.norm(np.maximum(outside, 0.0), axis=-1) + np.minimum(outside.max(axis=-1), 0.0)
    return gap


@given(seed=st.integers(0, 10_000), radius=st.floats(0.1, 1.0), half=st.floats(0.05, 1.5))
@settings(max_examples=30, deadline=None)
def test_capsule_is_met_on_its_skin_and_never_passed(seed: int, radius: float, half: float) -> None:
    origins, directions = rays_from_outside(seed)
    distances = meet_capsules(origins, directions, np.array([radius]), np.array([half]))
    assert_first_touch(origins, directions, distances, lambda points: capsule_gap(points, radius, half))


@given(seed=st.integers(0, 10_000), sizes=st.tuples(*[st.floats(0.1, 1.5)] * 3))
@settings(max_examples=30, deadline=None)
def test_box_is_met_on_its_skin_and_never_passed(seed: int, sizes: tuple[float, float, float]) -> None:
    origins, directions = rays_from_outside(seed)
    distances = meet_boxes(origins, directions, np.array([sizes]))
    assert_first_touch(origins, directions, distances, lambda points: box_gap(points, np.array(sizes)))


@given(seed=st.integers(0, 10_000), sizes=st.tuples(*[st.floats(0.2, 1.5)] * 3))
@settings(max_examples=30, deadline=None)
def test_ellipsoid_is_met_on_its_skin(seed: int, sizes: tuple[float, float, float]) -> None:
    origins, directions = rays_from_outside(seed)
    distances = meet_ellipsoids(origins, directions, np.array([sizes]))
    hit = np.isfinite(distances)
    points = origins[hit] + distances[hit][:, None] * directions[hit]
    np.testing.assert_allclose(np.linalg.norm(points / sizes, axis=1), 1.0, atol=1e-6)
    on_way = origins + np.linspace(0, 10, 300)[:, None, None] * directions
    inside = (np.linalg.norm(on_way / sizes, axis=2) < 0.999).any(axis=0)
    assert (hit[0] | ~inside).all()


def assert_first_touch(origins: Floats, directions: Floats, distances: Floats, gap: object) -> None:
    """What is met lies on the skin; nothing inside the shape was crossed before it, or by a miss."""
    assert callable(gap)
    hit = np.isfinite(distances[0])
    points = origins[0, hit] + distances[0, hit, None] * directions[0, hit]
    np.testing.assert_allclose(gap(points), 0.0, atol=1e-6)
    steps = np.linspace(0.0, 10.0, 400)
    reach = np.where(hit, distances[0], np.inf)
    along = origins[0][None] + steps[:, None, None] * directions[0][None]
    crossed = (gap(along) < -1e-3) & (steps[:, None] < reach[None] - 1e-6)
    assert not crossed.any()


def test_cylinder_wall_and_lid() -> None:
    origins = np.array([[[5.0, 0.0, 0.0], [0.2, 0.0, 5.0], [5.0, 0.0, 1.2]]])
    directions = np.array([[[-1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [-1.0, 0.0, 0.0]]])
    distances = meet_cylinders(origins, directions, np.array([0.5]), np.array([1.0]))
    np.testing.assert_allclose(distances[0], [4.5, 4.0, np.inf])


def test_to_local_puts_rays_into_each_shapes_frame() -> None:
    quarter = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    origins, directions = to_local(
        np.array([[1.0, 3.0, 0.0]]), np.array([[0.0, 1.0, 0.0]]), np.array([[1.0, 1.0, 0.0]]), quarter[None]
    )
    np.testing.assert_allclose(origins, [[[2.0, 0.0, 0.0]]], atol=1e-12)
    np.testing.assert_allclose(directions, [[[1.0, 0.0, 0.0]]], atol=1e-12)


@pytest.mark.parametrize(
    ("kind", "size", "volume"),
    [
        ("box", (1.0, 2.0, 3.0), 6.0),
        ("cylinder", (0.5, 2.0), np.pi * 0.5),
        ("sphere", (0.8,), 4.0 / 3.0 * np.pi * 0.512),
    ],
)
def test_triangles_close_around_the_volume_and_face_outwards(kind: ShapeKind, size: tuple[float, ...], volume: float) -> None:
    mesh = mesh_of(Shape(kind=kind, size_m=size), FINE_M)
    a, b, c = (mesh.vertices_m[mesh.faces[:, corner]] for corner in range(3))
    enclosed = np.einsum("ni,ni->n", a, np.cross(b, c)).sum() / 6.0
    assert enclosed == pytest.approx(volume, rel=0.03)
    face_normals = np.cross(b - a, c - a)
    real = np.linalg.norm(face_normals, axis=1) > 1e-9
    agree = np.einsum("ni,ni->n", face_normals, mesh.normals[mesh.faces[:, 0]])
    assert (agree[real] > 0.0).all()
    assert len(mesh_of(Shape(kind=kind, size_m=size), COARSE_M).faces) <= len(mesh.faces)

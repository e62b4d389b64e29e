# SPDX-License-Identifier: Apache-2.0
"""A spinning 3D lidar: rays against the static world (Open3D) and against actors (closed form), with noise and weather."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import open3d as o3d

from patrol.checks import Bytes, Floats, Floats32
from patrol.sensors import PointCloud, Scan
from sim.actor_shapes import ActorTarget
from sim.meshes import joined, mesh_of
from sim.robot import Lidar
from sim.sdf import World
from sim.surfaces import surface_named
from sim.weather import Weather, lidar_effects

_ACTOR_REFLECTIVITY = 0.35
_CULL_MARGIN_RAD = 0.02
_SAME_SURFACE_M = 0.1
_DROPS_WITHIN_M, _BESIDE_M, _BESIDE_PER_M, _BESIDES = 10.0, 0.2, 0.05, 2
_NOTHING_M = 1e6
_BESIDE_STEPS = ((0, 1), (0, 2), (0, 3), (1, 0), (2, 0), (1, 1), (-1, 1))
_MARGIN = 3
_Array = TypeVar("_Array", Floats32, Bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revolution:
    """Ranges of one revolution, before they become messages: ``ranges_m`` and ``intensity`` (columns, rings), inf: no return.
    ``starts_ns`` is the time of the first column."""

    starts_ns: int
    period_s: float
    ranges_m: Floats32
    intensity: Floats32


class StaticTargets:
    """The world's collision shapes as triangles, and how strongly each returns light."""

    def __init__(self, world: World) -> None:
        meshes = [mesh_of(item.shape).moved(item.world_from_shape) for item in world.collisions]
        whole = joined(meshes)
        shine = [
            np.full(len(mesh.faces), surface_named(item.surface).reflectivity, dtype=np.float32)
            for mesh, item in zip(meshes, world.collisions, strict=True)
        ]
        self._reflectivity = np.append(np.concatenate(shine), np.float32(0.0))
        self._scene = o3d.t.geometry.RaycastingScene()
        self._scene.add_triangles(
            o3d.core.Tensor.from_numpy(whole.vertices_m.astype(np.float32)),
            o3d.core.Tensor.from_numpy(whole.faces.astype(np.uint32)),
        )

    def cast(self, rays: Floats32) -> tuple[Floats32, Floats32]:
        """Distance and intensity (N,) of rays (N, 6) origin and unit direction in the world."""
        hits = self._scene.cast_rays(o3d.core.Tensor.from_numpy(rays))
        distances = hits["t_hit"].numpy()
        triangles = np.minimum(hits["primitive_ids"].numpy(), len(self._reflectivity) - 1)
        cosine = np.abs(np.einsum("ni,ni->n", hits["primitive_normals"].numpy(), rays[:, 3:]))
        return distances, self._reflectivity[triangles] * (0.3 + 0.7 * cosine)

    def cast_inside(self, rays: Floats32) -> tuple[Floats32, npt.NDArray[np.bool_]]:
        """Distance (N,) of rays (N, 6), and whether each meets its surface from behind: it started inside something."""
        hits = self._scene.cast_rays(o3d.core.Tensor.from_numpy(rays))
        behind = np.einsum("ni,ni->n", hits["primitive_normals"].numpy(), rays[:, 3:]) > 0.0
        return hits["t_hit"].numpy(), behind


class SpinningLidar:
    """Casts one revolution at a time. Columns fire one after another, counter-clockwise from straight back (-π)."""

    def __init__(self, part: Lidar, world: World, rng: np.random.Generator) -> None:
        self._part, self._targets, self._rng = part, StaticTargets(world), rng
        self.azimuths_rad = -np.pi + 2.0 * np.pi * np.arange(part.columns) / part.columns
        elevations = part.elevations_rad()
        azimuth, elevation = self.azimuths_rad[:, None], elevations[None, :]
        directions = np.stack(
            (
                np.cos(elevation) * np.cos(azimuth),
                np.cos(elevation) * np.sin(azimuth),
                np.broadcast_to(np.sin(elevation), (part.columns, part.rings)),
            ),
            axis=-1,
        )
        self._directions: Floats32 = directions.astype(np.float32)
        self._elevations = elevations
        self._cos_azimuth, self._sin_azimuth = np.cos(self.azimuths_rad), np.sin(self.azimuths_rad)
        self._lift = np.stack((np.cos(elevations), np.sin(elevations))).astype(np.float32)
        self._fractions = np.arange(part.columns) / part.columns
        self._turn = np.repeat(self._fractions, part.rings).astype(np.float32)
        self._ring = np.tile(np.arange(part.rings, dtype=np.uint8), part.columns)

    def revolve(
        self, trail: Floats, starts_ns: int, actors: Sequence[ActorTarget], weather: Weather, *, noise_gain: float = 1.0
    ) -> Revolution:
        """One revolution that began at ``starts_ns``.

        ``trail`` (K, 6): poses of ``base_link`` (x, y, z, roll, pitch, yaw; yaw without jumps), equally spaced over the
        revolution. Actors stand where they are at its end and move in a straight line during it.
        """
        rays = self._rays(trail)
        ranges, intensity = self._targets.cast(rays)
        for actor in actors:
            self._meet(actor, rays, ranges, intensity)
        return self.spoiled(ranges, intensity, starts_ns, weather, noise_gain=noise_gain)

    def spoiled(
        self,
        ranges: Floats32,
        intensity: Floats32,
        starts_ns: int,
        weather: Weather,
        *,
        noise_gain: float = 1.0,
        period_s: float | None = None,
    ) -> Revolution:
        """What the sensor makes of true ``ranges`` and ``intensity`` (columns x rings,), which it changes in place.
        ``period_s`` is the time of one revolution; 0 where every beam was fired at once."""
        self._spoil(ranges, intensity, weather, noise_gain)
        shape = (self._part.columns, self._part.rings)
        return Revolution(
            starts_ns=starts_ns,
            period_s=1.0 / self._part.rate_hz if period_s is None else period_s,
            ranges_m=ranges.reshape(shape),
            intensity=intensity.reshape(shape),
        )

    def _rays(self, trail: Floats) -> Floats32:
        """Origins and unit directions (columns x rings, 6) in the world, each column at its own time."""
        x, y, z, roll, pitch, yaw = _between(trail, self._fractions)
        forward, left, up = _axes(roll, pitch, yaw)
        ahead, beside, above = self._part.position_m
        origins = np.stack((x, y, z)) + ahead * forward + beside * left + above * up
        level = self._cos_azimuth * forward + self._sin_azimuth * left
        directions = np.stack((level, up), axis=-1).astype(np.float32).reshape(-1, 2) @ self._lift
        rays = np.empty((self._part.columns, self._part.rings, 6), dtype=np.float32)
        rays[:, :, :3] = origins.T[:, None, :]
        for axis, along in enumerate(directions.reshape(3, self._part.columns, self._part.rings), start=3):
            rays[:, :, axis] = along
        return rays.reshape(-1, 6)

    def _meet(self, actor: ActorTarget, rays: Floats32, ranges: Floats32, intensity: Floats32) -> None:
        """Let the rays that may meet ``actor`` meet it; shortens ``ranges`` in place."""
        chosen = self._candidates(actor, rays, ranges)
        if not len(chosen):
            return
        delay = (self._turn[chosen] - np.float32(1.0)) / np.float32(self._part.rate_hz)
        origins = rays[chosen, :3].astype(np.float64) - delay[:, None] * actor.velocity_mps
        distances = actor.meet(origins, rays[chosen, 3:].astype(np.float64)).astype(np.float32)
        nearer = distances < ranges[chosen]
        hit = chosen[nearer]
        ranges[hit] = distances[nearer]
        intensity[hit] = _ACTOR_REFLECTIVITY

    def _candidates(self, actor: ActorTarget, rays: Floats32, ranges: Floats32) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Indices of the rays that may meet ``actor`` before they meet the world."""
        rings = self._part.rings
        middle = rays[len(rays) // 2, :3]
        dx, dy = actor.centre_m[0] - middle[0], actor.centre_m[1] - middle[1]
        distance = float(np.hypot(dx, dy))
        radius = actor.radius_m + 0.05
        if distance - radius > self._part.range_m[1]:
            return np.empty(0, dtype=np.int64)
        if distance <= radius + 0.3:
            return np.arange(len(rays))
        half_angle = np.arcsin(radius / distance) + _CULL_MARGIN_RAD
        toward = rays[rings // 2 :: rings, 3:5]
        cosine = (toward[:, 0] * dx + toward[:, 1] * dy) / (np.hypot(toward[:, 0], toward[:, 1]) * distance)
        columns = np.flatnonzero(cosine >= np.cos(min(half_angle, np.pi)))
        near = max(distance - radius, 0.3)
        top = np.arctan2(actor.top_m - middle[2], near if actor.top_m > middle[2] else distance + radius)
        bottom = np.arctan2(actor.bottom_m - middle[2], near if actor.bottom_m < middle[2] else distance + radius)
        inside = (self._elevations >= bottom - _CULL_MARGIN_RAD) & (self._elevations <= top + _CULL_MARGIN_RAD)
        chosen: np.ndarray[tuple[int], np.dtype[np.int64]] = (columns[:, None] * rings + np.flatnonzero(inside)[None, :]).ravel()
        moved_m = float(np.hypot(*actor.velocity_mps[:2])) / self._part.rate_hz
        return chosen[ranges[chosen] > distance - radius - moved_m]

    def _spoil(self, ranges: Floats32, intensity: Floats32, weather: Weather, noise_gain: float) -> None:
        """Add noise, drop-outs, weather and the sensor's limits, in place."""
        part, rng = self._part, self._rng
        ranges += rng.standard_normal(len(ranges), dtype=np.float32) * np.float32(part.range_noise_m * noise_gain)
        lost = rng.random(len(ranges), dtype=np.float32) < part.dropout * noise_gain
        lidar_effects(ranges, intensity, weather, rng)
        lost |= ~((ranges >= part.range_m[0]) & (ranges <= part.range_m[1]))
        ranges[lost] = np.inf

    def cloud(self, revolution: Revolution) -> PointCloud:
        """The 3D points in ``lidar_link``, each as seen from where the lidar was at that point's time."""
        ranges = revolution.ranges_m.ravel()
        keep = np.flatnonzero(np.isfinite(ranges))
        points = np.take(self._directions.reshape(-1, 3), keep, axis=0)
        points *= np.repeat(ranges[keep], 3).reshape(-1, 3)
        return PointCloud(
            stamp_ns=revolution.starts_ns,
            frame_id="lidar_link",
            points_m=_sealed(points),
            intensity=_sealed(np.clip(revolution.intensity.ravel()[keep], 0.0, 1.0)),
            ring=_sealed(self._ring[keep]),
            time_s=_sealed(self._turn[keep] * np.float32(revolution.period_s)),
        )

    def scan(self, revolution: Revolution) -> Scan:
        """The 2D scan in ``lidar_link``: per column, the nearest surface in the height band, as a distance along the ground.
        Drops of fog and rain, which return light here and there by themselves, are no surface."""
        part = self._part
        ranges_m = np.ascontiguousarray(revolution.ranges_m.T)
        heights = part.position_m[2] + ranges_m * self._lift[1][:, None]
        low, high = part.scan_band_m
        flat = ranges_m * self._lift[0][:, None]
        is_surface = _is_surface(np.where(heights >= 0.5 * low, flat, np.float32(_NOTHING_M)))
        flat = np.where((heights >= low) & (heights <= high) & is_surface, flat, np.float32(np.inf))
        return Scan(
            stamp_ns=revolution.starts_ns,
            frame_id="lidar_link",
            angle_min_rad=-np.pi,
            angle_step_rad=2.0 * np.pi / part.columns,
            range_min_m=part.range_m[0],
            range_max_m=part.range_m[1],
            ranges_m=_sealed(_nearest_surface(flat)),
            beam_step_s=revolution.period_s / part.columns,
        )


def _is_surface(flat_m: Floats32) -> npt.NDArray[np.bool_]:
    """Which returns (rings, columns) have others of a surface beside them. A drop has none, but for chance; near by, where drops
    are seen at all, two are asked for (as in Charron, Phillips, Waslander, "De-noising of lidar point clouds corrupted by
    snowfall", CRV 2018: a neighbourhood that widens with the range)."""
    rings, columns = flat_m.shape
    wide = columns + 2 * _MARGIN  # columns go around, rings do not; each neighbour is then a step in one long array
    around_m = np.full((rings + 2 * _MARGIN, wide), np.float32(-_NOTHING_M))
    inner_m = around_m[_MARGIN:-_MARGIN]
    inner_m[:, _MARGIN:-_MARGIN] = np.minimum(flat_m, np.float32(_NOTHING_M))
    inner_m[:, :_MARGIN], inner_m[:, -_MARGIN:] = inner_m[:, columns : columns + _MARGIN], inner_m[:, _MARGIN : 2 * _MARGIN]
    all_m, first = around_m.ravel(), _MARGIN * wide
    here_m = all_m[first:-first]
    reach_m = np.maximum(np.float32(_BESIDE_M), np.float32(_BESIDE_PER_M) * here_m)
    beside = np.zeros(len(here_m), dtype=np.uint8)
    for column, ring in _BESIDE_STEPS:
        step = ring * wide + column
        apart_m = np.abs(all_m[step:] - all_m[:-step])
        for begin in (first - step, first):
            beside += (apart_m[begin : begin + len(here_m)] < reach_m).view(np.uint8)
    is_surface: npt.NDArray[np.bool_] = (beside >= _BESIDES) | (here_m > _DROPS_WITHIN_M)
    return is_surface.reshape(rings, wide)[:, _MARGIN:-_MARGIN]


def _nearest_surface(flat_m: Floats32) -> Floats32:
    """Range (N,) of the nearest surface that the rings (R, N) of each column see, averaged over the rings that see it: the
    least of several noisy ranges alone would lie too near, the more so the more rings meet the surface."""
    near = flat_m.min(axis=0)
    same = flat_m < near + _SAME_SURFACE_M
    mean = np.where(same, flat_m, np.float32(0.0)).sum(axis=0) / np.maximum(same.sum(axis=0), 1).astype(np.float32)
    ranges: Floats32 = np.where(np.isfinite(near), mean, np.float32(np.inf))
    return ranges


def _between(trail: Floats, fractions: Floats) -> list[Floats]:
    """Each column of ``trail`` (K, D), equally spaced from 0 to 1, at ``fractions`` (N,)."""
    steps = np.linspace(0.0, 1.0, len(trail))
    return [np.interp(fractions, steps, column) for column in trail.T]


def _axes(roll: Floats, pitch: Floats, yaw: Floats) -> tuple[Floats, Floats, Floats]:
    """Where x, y and z of a frame turned by fixed-axis roll, pitch, yaw (N,) point: three arrays (3, N)."""
    cr, sr, cp, sp, cy, sy = np.cos(roll), np.sin(roll), np.cos(pitch), np.sin(pitch), np.cos(yaw), np.sin(yaw)
    forward = np.stack((cy * cp, sy * cp, -sp))
    left = np.stack((cy * sp * sr - sy * cr, sy * sp * sr + cy * cr, cp * sr))
    up = np.stack((cy * sp * cr + sy * sr, sy * sp * cr - cy * sr, cp * cr))
    return forward, left, up


def _sealed(array: _Array) -> _Array:
    """The same array, read-only, so that no copy is made of it."""
    array.setflags(write=False)
    return array

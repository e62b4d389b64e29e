# SPDX-License-Identifier: Apache-2.0
"""Surface elements: the points of a scan with the lines they lie on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from patrol.checks import Floats
from patrol.geometry import Pose2
from slam.scan_points import ScanPoints

_NEIGHBOURS = 7
_NEIGHBOUR_RADIUS_M = 0.8
_NEIGHBOURS_MIN = 3
_LINE_RATIO = 0.2
_BLOB_WEIGHT = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """``points_m`` (N, 2) m and unit ``normals`` (N, 2) towards where they were seen from.

    ``across`` and ``along`` (N,) weigh an error along the normal and along the line: (1, 0) where the neighbours form a line,
    (b, b) with a small b where they form none, (0, 0) where there are too few of them to tell.
    """

    points_m: Floats
    normals: Floats
    across: Floats
    along: Floats

    def moved(self, frame_from_this: Pose2) -> Surface:
        """The same elements in another frame."""
        turn = Pose2(0.0, 0.0, frame_from_this.yaw_rad)
        return Surface(
            points_m=frame_from_this.apply(self.points_m),
            normals=turn.apply(self.normals),
            across=self.across,
            along=self.along,
        )


def surface_from_scan(scan: ScanPoints) -> Surface:
    """Fit a line to the neighbours of each point of one scan, N above 0."""
    points = scan.points_m
    tree = cKDTree(points, balanced_tree=False)
    fit = line_fit(tree, points, points, _NEIGHBOUR_RADIUS_M)
    normals = fit.normals
    normals[np.einsum("ij,ij->i", normals, scan.rays) > 0] *= -1.0
    return Surface(points_m=points, normals=normals, across=fit.across, along=fit.along)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFit:
    """Unit normals (N, 2), either way round, and the weights across and along (N,) as in ``Surface``."""

    normals: Floats
    across: Floats
    along: Floats


def line_fit(tree: cKDTree[None], points_m: Floats, at_m: Floats, radius_m: float) -> LineFit:
    """Lines through the nearest of ``points_m`` (M, 2) m, which ``tree`` holds, at places (N, 2) m among them."""
    distance, index = tree.query(at_m, k=_NEIGHBOURS, distance_upper_bound=radius_m)
    present = np.isfinite(distance)
    count = present.sum(axis=1)
    near = points_m[np.where(present, index, 0)]
    centre = (near * present[:, :, None]).sum(axis=1) / count[:, None]
    offsets = (near - centre[:, None, :]) * present[:, :, None]
    xx, xy, yy = ((offsets[:, :, a] * offsets[:, :, b]).sum(axis=1) / count for a, b in ((0, 0), (0, 1), (1, 1)))
    angle = 0.5 * np.arctan2(2.0 * xy, xx - yy)
    spread, middle = np.hypot(0.5 * (xx - yy), xy), 0.5 * (xx + yy)
    ratio = np.sqrt(np.maximum(middle - spread, 0.0) / np.maximum(middle + spread, 1e-12))
    told, is_line = count >= _NEIGHBOURS_MIN, ratio < _LINE_RATIO
    return LineFit(
        normals=np.column_stack((-np.sin(angle), np.cos(angle))),
        across=np.where(told, np.where(is_line, 1.0, _BLOB_WEIGHT), 0.0),
        along=np.where(told & ~is_line, _BLOB_WEIGHT, 0.0),
    )


def joined(surfaces: Sequence[Surface]) -> Surface:
    """All elements of several surfaces in one frame."""
    return Surface(
        points_m=np.concatenate([surface.points_m for surface in surfaces]),
        normals=np.concatenate([surface.normals for surface in surfaces]),
        across=np.concatenate([surface.across for surface in surfaces]),
        along=np.concatenate([surface.along for surface in surfaces]),
    )

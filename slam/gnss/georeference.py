# SPDX-License-Identifier: Apache-2.0
"""Where the map lies on Earth: the rigid transform that lays places of the map on where GNSS had the robot, with its covariance.

Robust least squares by reweighting (Cauchy weights; closed-form start after Umeyama, PAMI 1991).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from patrol.checks import Floats, frozen_array
from patrol.geometry import IDENTITY2, Pose2

_ROUNDS = 15
_FREE_STD = (1e4, 1e4, 10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Georeference:
    """``enu_from_map`` takes map to the site's east-north frame. ``covariance`` (3, 3) over x m, y m of the map's origin and
    yaw rad, in ENU."""

    enu_from_map: Pose2
    covariance: Floats
    pairs: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "covariance", frozen_array("covariance", self.covariance, (3, 3)))

    @property
    def yaw_std_rad(self) -> float:
        return math.sqrt(max(float(self.covariance[2, 2]), 0.0))

    def covariance_at(self, map_m: Floats) -> Floats:
        """Covariance (2, 2) m² in ENU that the transform's own doubt gives a place (2,) m of the map."""
        jacobian = np.column_stack((np.eye(2), _turned_about(self.enu_from_map.yaw_rad, map_m[None])[0]))
        covariance: Floats = jacobian @ self.covariance @ jacobian.T
        return covariance


def dock_reference(std_m: float, std_rad: float) -> Georeference:
    """The map began at a dock whose pose on the site's plan is known that well: map is ENU."""
    return Georeference(enu_from_map=IDENTITY2, covariance=np.diag([std_m**2, std_m**2, std_rad**2]))


def aligned(map_m: Floats, enu_m: Floats, std_m: Floats, *, prior: Georeference | None, robust_sigma: float) -> Georeference:
    """Lay places (N, 2) m of the map on their fixes (N, 2) m, whose standard deviations per axis are (N,) m.

    ``robust_sigma``: from how many deviations on a pair counts less. Without a prior the yaw is told by pairs that lie apart
    only; the covariance says how well.
    """
    prior_pose = prior.enu_from_map if prior is not None else IDENTITY2
    prior_covariance = prior.covariance if prior is not None else np.diag(np.square(_FREE_STD))
    prior_information = np.linalg.inv(prior_covariance)
    pose = prior_pose if prior is not None else _closed_form(map_m, enu_m, 1.0 / np.square(std_m))
    information = prior_information
    for _ in range(_ROUNDS):
        rest = (pose.apply(map_m) - enu_m) / std_m[:, None]
        weights = 1.0 / (1.0 + np.square(rest).sum(axis=1) / robust_sigma**2)
        turned = _turned_about(pose.yaw_rad, map_m)
        rows = np.zeros((len(map_m), 2, 3))
        rows[:, 0, 0] = rows[:, 1, 1] = 1.0
        rows[:, :, 2] = turned
        scaled = rows / std_m[:, None, None]
        information = prior_information + np.einsum("n,nij,nik->jk", weights, scaled, scaled)
        off = (prior_pose.x_m - pose.x_m, prior_pose.y_m - pose.y_m, Pose2(0.0, 0.0, prior_pose.yaw_rad - pose.yaw_rad).yaw_rad)
        gradient = prior_information @ np.array(off) - np.einsum("n,nij,ni->j", weights, scaled, rest)
        step = np.linalg.solve(information, gradient)
        pose = Pose2(pose.x_m + float(step[0]), pose.y_m + float(step[1]), pose.yaw_rad + float(step[2]))
    return Georeference(enu_from_map=pose, covariance=np.linalg.inv(information), pairs=len(map_m))


def _turned_about(yaw_rad: float, map_m: Floats) -> Floats:
    """Derivative (N, 2) of the turned places by the yaw."""
    turned: Floats = Pose2(0.0, 0.0, yaw_rad + 0.5 * math.pi).apply(map_m)
    return turned


def _closed_form(map_m: Floats, enu_m: Floats, weights: Floats) -> Pose2:
    share = weights / weights.sum()
    map_mean, enu_mean = share @ map_m, share @ enu_m
    one, two = map_m - map_mean, enu_m - enu_mean
    cosine = float(share @ (one[:, 0] * two[:, 0] + one[:, 1] * two[:, 1]))
    sine = float(share @ (one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]))
    yaw_rad = math.atan2(sine, cosine)
    shift = enu_mean - Pose2(0.0, 0.0, yaw_rad).apply(map_mean[None])[0]
    return Pose2(float(shift[0]), float(shift[1]), yaw_rad)

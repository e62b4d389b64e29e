# SPDX-License-Identifier: Apache-2.0
"""The relations metric for SLAM trajectories (Kümmerle et al., "On measuring the accuracy of SLAM algorithms", 2009).

Relative poses between pairs of stamps are compared with checked ones, so that no global alignment takes part.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from patrol.checks import Floats
from patrol.errors import BadInput, BadValue, Fault
from patrol.geometry import Pose2
from slam.text_lines import words_of_lines
from slam.trajectory import Trajectory

NEAREST_WITHIN_NS = 100_000_000
_FAULTS_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """The checked pose of the robot at ``to_ns`` seen from its pose at ``from_ns``."""

    from_ns: int
    to_ns: int
    from_to: Pose2


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationErrors:
    """Error of every relation (N,): translation m, rotation deg, the translation of d·ref⁻¹ m, and the odometry path m."""

    translation_m: Floats
    rotation_deg: Floats
    translation_swapped_m: Floats
    path_m: Floats


def read_relations(path: Path) -> tuple[Relation, ...]:
    """Lines of ``t1 t2 x y z roll pitch yaw``, split by blanks or commas, plain or compressed; what follows a ``#`` is a comment.
    Raises BadInput naming the broken lines."""
    relations, faults = [], []
    for number, words in words_of_lines(path):
        try:
            t1, t2, x, y, _z, _roll, _pitch, yaw = (float(word) for word in " ".join(words).replace(",", " ").split())
            relations.append(Relation(from_ns=round(t1 * 1e9), to_ns=round(t2 * 1e9), from_to=Pose2(x, y, yaw)))
        except (ValueError, OverflowError, BadValue):
            text = " ".join(words)[:80]
            faults.append(Fault(field=f"line {number}", value=text, because="is not t1 t2 x y z roll pitch yaw"))
    if faults or not relations:
        raise BadInput(path, faults[:_FAULTS_MAX] or [Fault(field="(file)", value=str(path), because="holds no relation")])
    return tuple(relations)


def relations_outside(relations: tuple[Relation, ...], trajectory: Trajectory) -> int:
    """How many have a stamp that lies outside the trajectory's time: they say little of it."""
    first_ns, last_ns = int(trajectory.stamps_ns[0]) - NEAREST_WITHIN_NS, int(trajectory.stamps_ns[-1]) + NEAREST_WITHIN_NS
    return sum(
        min(relation.from_ns, relation.to_ns) < first_ns or max(relation.from_ns, relation.to_ns) > last_ns
        for relation in relations
    )


def score_relations(relations: tuple[Relation, ...], trajectory: Trajectory, odometry: Trajectory) -> RelationErrors:
    """Compare ``trajectory`` with the relations; nothing is aligned and nothing left out.

    A stamp takes the nearest pose; one farther than 0.1 s is carried on with ``odometry``.
    """
    rows = [_score(relation, trajectory, odometry) for relation in relations]
    table = np.array(rows, dtype=np.float64)
    return RelationErrors(
        translation_m=table[:, 0], rotation_deg=table[:, 1], translation_swapped_m=table[:, 2], path_m=table[:, 3]
    )


def _score(relation: Relation, trajectory: Trajectory, odometry: Trajectory) -> tuple[float, float, float, float]:
    first = trajectory.pose_at(relation.from_ns, odometry, NEAREST_WITHIN_NS)
    second = trajectory.pose_at(relation.to_ns, odometry, NEAREST_WITHIN_NS)
    delta, reference = first.inverse() @ second, relation.from_to
    rest = delta @ reference.inverse()
    return (
        delta.distance_to(reference),
        math.degrees(abs(rest.yaw_rad)),
        math.hypot(rest.x_m, rest.y_m),
        odometry.path_between_m(relation.from_ns, relation.to_ns),
    )

# SPDX-License-Identifier: Apache-2.0
"""Tracks of a fixed camera as paths on the ground, told a moment late.

Every person's boxes go through a filter (``walk_filter``), and each place is then improved by what the next moment shows
(Rauch, Tung, Striebel 1965, over a fixed lag). Nothing later is used. Feet behind a nearer person's box weigh less. A track whose
box is at once somewhere else and stays there, as when two people are mistaken for each other, becomes two paths.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from patrol.checks import Floats
from perception.fixed_camera import FixedCamera
from perception.metrics.mot_file import MotRows
from perception.walk_filter import Sighting, WalkConfig, WalkFilter, WalkState, sighted

_JUMP = 16.0
_FEET = 0.15


class PathConfig(WalkConfig):
    """``later_s``: places are told that much later than the boxes. A box that is elsewhere for ``jump_s`` has jumped."""

    later_s: float = Field(default=0.4, ge=0.0)
    jump_s: float = Field(default=0.6, gt=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundPaths:
    """For every row of the tracks: ``position_m`` (N, 2) and ``covariance_m2`` (N, 2, 2)."""

    position_m: Floats
    covariance_m2: Floats


def ground_paths(rows: MotRows, camera: FixedCamera, rate_hz: float, config: PathConfig | None = None) -> GroundPaths:
    """Where everybody in ``rows`` stands, in the map of ``camera``, which took ``rate_hz`` pictures a second."""
    told = config or PathConfig()
    hidden = hidden_feet(rows)
    position_m, covariance_m2 = np.empty((len(hidden), 2)), np.empty((len(hidden), 2, 2))
    for track_id in np.unique(rows.track_id).tolist():
        mine = np.flatnonzero(rows.track_id == track_id)
        seen = [sighted(rows.boxes[index], hidden[index], rows.picture[index] / rate_hz, camera, told) for index in mine.tolist()]
        position_m[mine], covariance_m2[mine] = _path(seen, camera, 1.0 / rate_hz, told)
    return GroundPaths(position_m=position_m, covariance_m2=covariance_m2)


def hidden_feet(rows: MotRows) -> Floats:
    """The share (N,) of the lower middle of each box that one box hides which reaches lower: somebody nearer."""
    hidden = np.zeros(len(rows.picture))
    for number in np.unique(rows.picture).tolist():
        here = np.flatnonzero(rows.picture == number)
        left, top, right, bottom = rows.boxes[here].T
        quarter, strip = 0.25 * (right - left), _FEET * (bottom - top)
        low, high = (left + quarter)[:, None], (right - quarter)[:, None]
        across = np.minimum(high, right) - np.maximum(low, left)
        down = np.minimum(bottom[:, None], bottom) - np.maximum((bottom - strip)[:, None], top)
        nearer = bottom[None, :] > (bottom + 0.01 * (bottom - top))[:, None]
        covered = np.where(nearer, np.maximum(across, 0.0) * np.maximum(down, 0.0), 0.0)
        hidden[here] = covered.max(axis=1) / ((high - low)[:, 0] * strip)
    return hidden


def _path(seen: Sequence[Sighting], camera: FixedCamera, shortest_s: float, config: PathConfig) -> tuple[Floats, Floats]:
    """Places (N, 2) and covariances (N, 2, 2) of one track."""
    begin, places, covariances = 0, list[Floats](), list[Floats]()
    while begin < len(seen):
        states = _until_jump(seen[begin:], camera, shortest_s, config)
        begin += len(states)
        for index in range(len(states)):
            place, covariance = _improved(states, index, config.later_s)
            places.append(place)
            covariances.append(covariance)
    return np.array(places), np.array(covariances)


def _until_jump(seen: Sequence[Sighting], camera: FixedCamera, shortest_s: float, config: PathConfig) -> list[WalkState]:
    """The states of one walk: up to where the box is elsewhere for good."""
    following, states = WalkFilter(camera, config, seen[0]), list[WalkState]()
    apart: int | None = None
    for index, sighting in enumerate(seen):
        state, surprise = following.step(sighting, shortest_s)
        states.append(state)
        if index == 0 or surprise.max() <= _JUMP:
            apart = None
            continue
        apart = index if apart is None else apart
        if sighting.time_s - seen[apart].time_s >= config.jump_s:
            return states[:apart]
    return states


def _improved(states: Sequence[WalkState], index: int, later_s: float) -> tuple[Floats, Floats]:
    """The place (2,) m and its covariance (2, 2) m² at ``index``, by all states up to ``later_s`` after it."""
    last = index
    while last + 1 < len(states) and states[last + 1].time_s - states[index].time_s <= later_s:
        last += 1
    value, covariance = states[last].value, states[last].covariance
    for number in range(last - 1, index - 1, -1):
        state, after = states[number], states[number + 1]
        gain = np.linalg.solve(after.predicted_covariance, after.carry @ state.covariance).T
        value = state.value + gain @ (value - after.predicted)
        covariance = state.covariance + gain @ (covariance - after.predicted_covariance) @ gain.T
    return value[:2], covariance[:2, :2]

# SPDX-License-Identifier: Apache-2.0
"""Low things that were put down, or taken away, while the robot was on its rounds.

A grid over the ground remembers where the lidar's low beams passed and where they ended. A thing is new where beams end that used
to pass; it is missing where beams pass that used to end, again and again, on something small. What stands tall, and what is near
a person, an animal or a vehicle, is neither; nor is a mesh that beams now meet and now miss, or a post that the pose's error
shifts by a cell. A thing keeps its number for as long as no beam passes through it, so that the one
of the next lap is the one of this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from pydantic import Field

from patrol.checks import Floats
from patrol.clock import seconds
from patrol.config import Config
from patrol.geometry import Pose3
from patrol.percepts import GroundPosition, Label, Track, TrackState
from perception.remembered_ground import Cells, Mask, RememberedGround

FIRST_ID = 1_000_001
_SOLID_MOST = 20
_LIVING = (Label.PERSON, Label.ANIMAL, Label.VEHICLE)


class StillThingsConfig(Config):
    """Heights above the ground, distances and times. ``passed_looks``: beams must have passed a cell in so many looks before a
    thing in it is new; ``ended_s``: and have ended in it over so long before the thing there can be missing."""

    every_s: float = Field(default=1.0, gt=0.0)
    cell_m: float = Field(default=0.2, gt=0.0)
    reach_m: float = Field(default=12.0, gt=0.0)
    lowest_m: float = Field(default=0.10, gt=0.0)
    rise: float = Field(default=0.012, ge=0.0, description="what is lost to the ground's slope and the robot's pitch, per metre")
    highest_m: float = Field(default=1.0, gt=0.0)
    largest_m: float = Field(default=1.4, gt=0.0)
    passed_looks: int = Field(default=3, ge=1)
    ended_s: float = Field(default=10.0, gt=0.0)
    sure_looks: int = Field(default=3, ge=1)
    clear_of_m: float = Field(default=1.2, ge=0.0, description="from what lives")
    keep_most: int = Field(default=64, ge=1)
    tiles_most: int = Field(default=512, ge=16, description="of 25 m by 25 m, about 150 kB each")


@dataclass(slots=True, kw_only=True)
class _Thing:
    track_id: int
    label: Label
    position_m: Floats
    first_ns: int
    seen_ns: int
    looks: int = 1
    gone_looks: int = 0


class StillThings:
    """Looks at a lidar revolution now and then."""

    def __init__(self, config: StillThingsConfig) -> None:
        self._config = config
        self._ground = RememberedGround(config.cell_m, tiles_most=config.tiles_most)
        self._size = self._ground.size_of(config.reach_m)
        self._corner = (0, 0)
        self._things: list[_Thing] = []
        self._next_id = FIRST_ID
        self._began_ns: int | None = None
        self._looked_ns: int | None = None

    def look(self, points_m: Floats, map_from_lidar: Pose3, tracks: Sequence[Track], stamp_ns: int) -> None:
        """Take in the returns (N, 3) m of a revolution in the lidar's frame; ``tracks`` say what lives."""
        self._looked_ns = stamp_ns
        self._began_ns = stamp_ns if self._began_ns is None else self._began_ns
        origin, ends = map_from_lidar.translation_m, map_from_lidar.apply(points_m)
        reach = np.hypot(*(ends[:, :2] - origin[:2]).T)
        living = [track.ground.position_m for track in tracks if track.ground is not None and track.label in _LIVING]
        self._corner = self._ground.corner_of(origin[:2], self._config.reach_m)
        cells = self._ground.load(self._corner, self._size)
        stops = self._cells_ended(ends, reach, living)
        passes = self._cells_passed(origin, ends, reach) & ~stops
        self._find_new(cells, stops, stamp_ns)
        self._find_missing(cells, passes & ~_grown(stops), stamp_ns)
        self._follow(stops, passes, stamp_ns)
        self._remember(cells, stops, passes, 1.0 + seconds(stamp_ns - self._began_ns))
        self._ground.store(self._corner, cells)

    @property
    def tiles(self) -> int:
        """How many tiles of ground are remembered."""
        return self._ground.tiles

    def tracks(self, stamp_ns: int) -> tuple[Track, ...]:
        """The things as tracks at ``stamp_ns``: confirmed while the last look saw them, coasting before and after."""
        return tuple(self._track(thing, stamp_ns) for thing in self._things)

    def _track(self, thing: _Thing, stamp_ns: int) -> Track:
        sure = thing.looks >= self._config.sure_looks
        state: TrackState = "tentative" if not sure else "confirmed" if thing.seen_ns == self._looked_ns else "coasting"
        spread = (0.5 * self._config.cell_m) ** 2 + 0.05**2
        ground = GroundPosition(position_m=thing.position_m, velocity_mps=np.zeros(2), covariance_m2=np.eye(2) * spread)
        return Track(
            track_id=thing.track_id,
            label=thing.label,
            state=state,
            stamp_ns=stamp_ns,
            first_seen_ns=thing.first_ns,
            last_seen_ns=thing.seen_ns,
            hits=thing.looks,
            score=min(thing.looks / (thing.looks + 1.0), 1.0),
            box=None,
            ground=ground,
        )

    def _cells_passed(self, origin: Floats, ends: Floats, reach: Floats) -> Mask:
        """Where beams went by low above the ground, up to half a metre before they ended."""
        config = self._config
        steps = np.arange(1.0, config.reach_m, config.cell_m)
        slope = (ends[:, 2] - origin[2]) / np.maximum(reach, 1e-6)
        down = slope < -0.02
        way = (ends[down, :2] - origin[:2]) / reach[down, None]
        height = origin[2] + slope[down, None] * steps[None, :]
        goes = (steps[None, :] < reach[down, None] - 0.5) & (height < 0.5 * config.highest_m)
        rows, columns = np.nonzero(goes)
        return self._mask(origin[:2] + way[rows] * steps[columns, None])

    def _cells_ended(self, ends: Floats, reach: Floats, living: Sequence[Floats]) -> Mask:
        """Where beams ended on something low that has nothing tall above it and nothing alive beside it."""
        config = self._config
        near = reach <= config.reach_m
        low = near & (ends[:, 2] >= config.lowest_m + config.rise * reach) & (ends[:, 2] <= config.highest_m)
        tall = near & (ends[:, 2] > config.highest_m)
        beside = np.zeros_like(low)
        for place in living:
            beside |= np.hypot(*(ends[:, :2] - place).T) <= config.clear_of_m
        return self._mask(ends[low & ~beside, :2]) & ~_grown(self._mask(ends[tall | (low & beside), :2]))

    def _mask(self, places_m: Floats) -> Mask:
        """The window's cells that hold ``places_m`` (N, 2) in map."""
        cells = np.floor(places_m / self._config.cell_m).astype(np.int64) - np.array(self._corner)
        inside = np.all((cells >= 0) & (cells < self._size), axis=1)
        mask: Mask = np.zeros((self._size, self._size), dtype=np.bool_)
        mask[cells[inside, 0], cells[inside, 1]] = True
        return mask

    def _find_new(self, cells: Cells, stops: Mask, stamp_ns: int) -> None:
        fresh = stops & (cells.passed >= self._config.passed_looks) & ~_grown(cells.solid > 0)
        for place in self._lumps(fresh, stops):
            self._add(Label.OBJECT, place, stamp_ns)

    def _find_missing(self, cells: Cells, passes: Mask, stamp_ns: int) -> None:
        stood = (cells.first_end_s > 0.0) & (cells.last_end_s - cells.first_end_s >= self._config.ended_s)
        for place in self._lumps(passes & stood, stood):
            self._add(Label.MISSING, place, stamp_ns)

    def _lumps(self, changed: Mask, there: Mask) -> list[Floats]:
        """Middles (2,) m in map of ``changed`` cells, connected but for small gaps; those that are part of something large are
        left out."""
        if not changed.any():
            return []
        _, labels = cv2.connectedComponents(_grown(there).astype(np.uint8), connectivity=8)
        middles = []
        for label in np.unique(labels[changed]).tolist():
            cells = np.argwhere((labels == label) & there)
            size_m = float((cells.max(axis=0) - cells.min(axis=0) + 1).max()) * self._config.cell_m
            if label and size_m <= self._config.largest_m and changed[cells[:, 0], cells[:, 1]].mean() >= 0.5:
                middles.append((cells.mean(axis=0) + self._corner + 0.5) * self._config.cell_m)
        return middles

    def _add(self, label: Label, place_m: Floats, stamp_ns: int) -> None:
        """A thing at ``place_m``, unless one of its kind is known there."""
        near = [float(np.hypot(*(item.position_m - place_m))) for item in self._things if item.label is label]
        known = min(near, default=np.inf) <= self._config.largest_m
        if not known and len(self._things) < self._config.keep_most:
            self._things.append(
                _Thing(track_id=self._next_id, label=label, position_m=place_m, first_ns=stamp_ns, seen_ns=stamp_ns)
            )
            self._next_id += 1

    def _follow(self, stops: Mask, passes: Mask, stamp_ns: int) -> None:
        """Count the looks that speak for each thing; forget those that looks speak against."""
        for thing in self._things:
            row, column = (np.floor(thing.position_m / self._config.cell_m).astype(np.int64) - np.array(self._corner)).tolist()
            if not (1 <= row < self._size - 1 and 1 <= column < self._size - 1):
                continue
            around = (slice(row - 1, row + 2), slice(column - 1, column + 2))
            ends, goes = bool(stops[around].any()), bool(passes[around].any())
            is_there = ends if thing.label is Label.OBJECT else goes and not ends
            if is_there:
                thing.looks += int(thing.first_ns != stamp_ns)
                thing.seen_ns, thing.gone_looks = stamp_ns, 0
            elif goes or ends:
                thing.gone_looks += 1
        self._things = [thing for thing in self._things if thing.gone_looks < self._config.sure_looks]

    def _remember(self, cells: Cells, stops: Mask, passes: Mask, now_s: float) -> None:
        cells.passed[passes] = np.minimum(cells.passed[passes], 254) + 1
        cells.first_end_s[passes] = cells.last_end_s[passes] = 0.0
        cells.first_end_s[stops & (cells.first_end_s == 0.0)] = now_s
        cells.last_end_s[stops] = now_s
        cells.solid[stops] = np.minimum(cells.solid[stops] + 2, _SOLID_MOST)
        cells.solid[passes] = np.maximum(cells.solid[passes] - 1, 0)
        cells.passed[stops & (now_s - cells.first_end_s >= self._config.ended_s)] = 0


def _grown(mask: Mask) -> Mask:
    """The mask and the cells about it."""
    grown: Mask = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), dtype=np.uint8)).astype(np.bool_)
    return grown

# SPDX-License-Identifier: Apache-2.0
"""Beliefs about whoever raised an alert and went out of sight: begun when the track is lost, moved on once a second, ended when
it is found, looked for in vain everywhere, or too old."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from patrol.belief import Belief
from patrol.clock import nanoseconds, seconds
from patrol.grid import OccupancyGrid
from patrol.percepts import Alert, GroundPosition, Track
from patrol.site import Site
from perception.belief.config import BeliefConfig, Gait
from perception.belief.ground import WalkableGround
from perception.belief.looking import Look
from perception.belief.particles import Particles
from perception.belief.telling import cells_of, zones_of

_LEAST_VARIANCE_M2 = 0.01
_REMEMBERED_MOST = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """A sure track as it was seen last."""

    track: Track
    ground: GroundPosition
    gait: Gait


@dataclass(slots=True, kw_only=True)
class _Lost:
    seen: _Seen
    particles: Particles


class Beliefs:
    """``hear`` tracks and ``heed`` alerts as they come, and call ``update`` as often as you like: it works every ``every_s``.

    The same tracks, maps and looks give the same beliefs for the same ``seed``.
    """

    def __init__(self, config: BeliefConfig, site: Site | None = None, *, seed: int = 0) -> None:
        self._config, self._site, self._seed = config, site, seed
        self._zones = () if site is None else tuple(zone for zone in site.zones if zone.floor == 0)
        self._grid: OccupancyGrid | None = None
        self._ground: WalkableGround | None = None
        self._ground_ns = 0
        self._seen: dict[int, _Seen] = {}
        self._heeded: dict[int, None] = {}
        self._lost: dict[int, _Lost] = {}
        self._updated_ns: int | None = None
        self._told: tuple[Belief, ...] = ()

    @property
    def told(self) -> tuple[Belief, ...]:
        """The beliefs as of the last update, the newest loss first."""
        return self._told

    def is_due(self, now_ns: int) -> bool:
        """Whether ``update`` would do its work."""
        return self._updated_ns is None or not 0.0 <= seconds(now_ns - self._updated_ns) < self._config.every_s

    def take_grid(self, grid: OccupancyGrid) -> None:
        """Walk on this map from now on. Without one there are no beliefs."""
        self._grid = grid

    def hear(self, tracks: Iterable[Track]) -> None:
        """Remember everybody who is surely seen."""
        for track in tracks:
            gait = self._config.gait_of(track.label)
            if gait is None or track.ground is None or track.state != "confirmed" or track.hits < self._config.hits_least:
                continue
            self._seen.pop(track.track_id, None)
            self._seen[track.track_id] = _Seen(track=track, ground=track.ground, gait=gait)
            if len(self._seen) > _REMEMBERED_MOST:
                del self._seen[next(iter(self._seen))]

    def heed(self, alerts: Iterable[Alert]) -> None:
        """Whom these are about is worth a belief; others come and go."""
        for alert in alerts:
            self._heeded.pop(alert.track_id, None)
            self._heeded[alert.track_id] = None
            if len(self._heeded) > _REMEMBERED_MOST:
                del self._heeded[next(iter(self._heeded))]

    def update(self, now_ns: int, look: Look | None) -> tuple[Belief, ...]:
        """The beliefs at ``now_ns``; ``look`` is the newest one, None while nothing can be ruled out."""
        if not self.is_due(now_ns):
            return self._told
        began_ns, self._updated_ns = self._updated_ns, now_ns
        if began_ns is None or now_ns < began_ns:
            began_ns = now_ns
            self._forget_after(now_ns)
        self._end_found()
        gone = self._gone(now_ns)
        ground = self._walkable(now_ns) if gone or self._lost else None
        if ground is not None:
            self._begin(gone, ground)
            for lost in self._lost.values():
                self._move_on(lost, ground, max(began_ns, lost.seen.track.stamp_ns), now_ns)
                self._look(lost, look, seconds(now_ns - began_ns))
        self._end_vain(now_ns)
        self._told = tuple(self._tell(lost, now_ns) for lost in sorted(self._lost.values(), key=_newest_first))
        return self._told

    def _forget_after(self, now_ns: int) -> None:
        """Time has jumped back: a replay began again."""
        self._lost.clear()
        self._ground_ns = 0
        self._seen = {name: seen for name, seen in self._seen.items() if seen.track.stamp_ns <= now_ns}

    def _walkable(self, now_ns: int) -> WalkableGround | None:
        """The ground of the newest map; made when it is needed and not too often, as that is most of the work."""
        config = self._config
        is_old = seconds(now_ns - self._ground_ns) >= config.map_every_s
        if self._grid is not None and (self._ground is None or is_old):
            self._ground_ns = now_ns
            self._ground = WalkableGround(self._grid, self._site, cell_m=config.cell_m, occupied_from=config.occupied_from)
        return self._ground

    def _end_found(self) -> None:
        """The same track again, or a new one of the kind where the belief says that it may be."""
        config = self._config
        for name, lost in tuple(self._lost.items()):
            newer = [seen for seen in self._seen.values() if seen.track.stamp_ns > lost.seen.track.stamp_ns]
            again = any(seen.track.track_id == name for seen in newer)
            fresh = [seen for seen in newer if seen.track.first_seen_ns > lost.seen.track.stamp_ns and _alike(seen, lost.seen)]
            places = [seen.ground.position_m for seen in fresh]
            if again or any(lost.particles.mass_near(place, config.found_m) >= config.found_mass for place in places):
                del self._lost[name]

    def _gone(self, now_ns: int) -> tuple[_Seen, ...]:
        """Sure tracks that have just been out of sight for long enough; they are not remembered any longer."""
        waited_ns = nanoseconds(self._config.lost_after_s)
        gone = tuple(seen for seen in self._seen.values() if now_ns - seen.track.stamp_ns >= waited_ns)
        for seen in gone:
            del self._seen[seen.track.track_id]
        heeded = (seen for seen in gone if seen.track.track_id in self._heeded)
        return tuple(seen for seen in heeded if seconds(now_ns - seen.track.stamp_ns) <= self._config.longest_s)

    def _begin(self, gone: tuple[_Seen, ...], ground: WalkableGround) -> None:
        """A belief for each; over the bound the oldest goes."""
        for seen in gone:
            track_id, at = seen.track.track_id, _placed(seen.ground)
            seed = (self._seed, track_id, seen.track.stamp_ns)
            particles = Particles(at, seen.gait, ground, count=self._config.particles, seed=seed)
            self._lost[track_id] = _Lost(seen=seen, particles=particles)
        for name in sorted(self._lost, key=lambda name: _newest_first(self._lost[name]))[self._config.most :]:
            del self._lost[name]

    def _move_on(self, lost: _Lost, ground: WalkableGround, began_ns: int, now_ns: int) -> None:
        left_s = seconds(now_ns - began_ns)
        steps = max(1, math.ceil(left_s / self._config.every_s))
        for _ in range(steps):
            lost.particles.walk(left_s / steps, ground)

    def _look(self, lost: _Lost, look: Look | None, since_s: float) -> None:
        """Rule out what the look cleared; looks long apart say no more than one."""
        if look is None:
            return
        config, particles = self._config, lost.particles
        looked_s = min(since_s, config.every_s)
        particles.rule_out(look.lidar_clears(particles.places_m, config.lidar_reach_m), config.overlooked_lidar**looked_s)
        particles.rule_out(look.camera_clears(particles.places_m, config.camera_reach_m), config.overlooked_camera**looked_s)

    def _end_vain(self, now_ns: int) -> None:
        config = self._config
        for name, lost in tuple(self._lost.items()):
            too_old = seconds(now_ns - lost.seen.track.stamp_ns) > config.longest_s
            if too_old or lost.particles.contact < config.contact_least:
                del self._lost[name]

    def _tell(self, lost: _Lost, now_ns: int) -> Belief:
        config, particles = self._config, lost.particles
        cell_m, centres, mass = cells_of(particles, cell_m=config.told_cell_m, most=config.told_cells_most)
        return Belief(
            track_id=lost.seen.track.track_id,
            label=lost.seen.track.label,
            stamp_ns=now_ns,
            last_seen_ns=lost.seen.track.stamp_ns,
            cell_m=cell_m,
            centres_m=centres,
            mass=mass,
            zones=zones_of(particles, self._zones),
            contact=min(particles.contact, 1.0),
        )


def _newest_first(lost: _Lost) -> tuple[int, int]:
    return -lost.seen.track.stamp_ns, lost.seen.track.track_id


def _alike(one: _Seen, other: _Seen) -> bool:
    return one.track.label is other.track.label and one.track.floor == other.track.floor


def _placed(ground: GroundPosition) -> GroundPosition:
    """The place with a covariance that can be drawn from."""
    values, vectors = np.linalg.eigh(0.5 * (ground.covariance_m2 + ground.covariance_m2.T))
    covariance = (vectors * np.maximum(values, _LEAST_VARIANCE_M2)) @ vectors.T
    return GroundPosition(position_m=ground.position_m, velocity_mps=ground.velocity_mps, covariance_m2=covariance)

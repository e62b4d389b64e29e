# SPDX-License-Identifier: Apache-2.0
"""Local control: follow the planned path, turn aside for what is in the way, stop for what can not be passed.

Regulated pure pursuit (Macenski, Singh, Martin, Gines, 2023) names the twist; arcs rolled out against the surroundings check
it. While the pursued arc is free it is driven as it is, so nothing makes the robot swing; only when it is not free are
other arcs weighed, with a price on changing the side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from pydantic import Field

from mission.body import Body
from mission.rollouts import Rollouts, roll_out
from mission.surroundings import Surroundings
from patrol.checks import Floats
from patrol.config import Config
from patrol.geometry import STOPPED, Twist2


class ControllerConfig(Config):
    lookahead_s: float = Field(default=1.2, gt=0)
    lookahead_least_m: float = Field(default=0.7, gt=0)
    lookahead_most_m: float = Field(default=1.8, gt=0)
    turn_first_rad: float = Field(default=0.9, gt=0)
    turn_done_rad: float = Field(default=0.25, gt=0)
    radius_slow_m: float = Field(default=1.2, gt=0)
    least_mps: float = Field(default=0.15, gt=0)
    near_obstacle_m: float = Field(default=0.7, gt=0)
    near_person_m: float = Field(default=3.0, gt=0)
    beside_person_mps: float = Field(default=0.4, gt=0)
    horizon_s: float = Field(default=2.4, gt=0)
    margin_m: float = Field(default=0.08, ge=0)
    side_price: float = Field(default=0.6, ge=0)
    windup_mps: float = Field(default=0.5, gt=0)


Driving = Literal["following", "turning", "passing", "waiting", "giving way"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """The twist wanted, what it is doing, and whether a mover (not a thing) is the cause of passing or waiting."""

    twist: Twist2
    doing: Driving
    for_mover: bool = False


class Controller:
    """Call ``follow`` 20 times a second; keeps the last twist and whether it is turning on the spot."""

    def __init__(self, config: ControllerConfig, body: Body) -> None:
        self._config = config
        self._body = body
        self._turning = True
        self._last = STOPPED

    def restart(self) -> None:
        """Forget the path followed so far: a robot that stands still begins by turning towards the new one."""
        self._turning = True
        self._last = STOPPED

    def feel(self, measured: Twist2) -> None:
        """Keep the twist that is carried on from near the measured one: whatever holds the wheels back is not wound up."""
        slack, last = self._config.windup_mps, self._last
        speed = min(max(last.forward_mps, measured.forward_mps - slack), measured.forward_mps + slack)
        self._last = Twist2(speed, 0.0, last.turn_radps)

    def follow(self, path_base_m: Floats, around: Surroundings, *, speed_limit_mps: float, dt_s: float) -> Control:
        """One step along a path (N, 2) m in ``base_link`` that leads from near the robot to the goal."""
        wanted = self._pursue(path_base_m, around, speed_limit_mps)
        ahead = roll_out(_row(wanted), self._body, around, horizon_s=self._config.horizon_s, margin_m=self._config.margin_m)
        if np.isinf(ahead.free_s[0]):
            doing: Driving = "turning" if self._turning else "following"
            return self._drive(wanted, doing, dt_s, for_mover=False)
        return self._around(wanted, path_base_m, around, dt_s)

    def back_off(self, around: Surroundings, dt_s: float, *, turn_radps: float = 0.0) -> Control:
        """Creep backwards (or turn, when asked) if that is free; for getting unstuck."""
        wanted = Twist2(0.0 if turn_radps else -0.2, 0.0, turn_radps)
        ahead = roll_out(_row(wanted), self._body, around, horizon_s=0.9, margin_m=0.03)
        free = bool(np.isinf(ahead.free_s[0]))
        return self._drive(wanted if free else STOPPED, "turning" if free else "waiting", dt_s, for_mover=False)

    def stop(self, dt_s: float) -> Twist2:
        """Slow down to a stand at the body's deceleration."""
        return self._drive(STOPPED, "waiting", dt_s, for_mover=False).twist

    def _pursue(self, path: Floats, around: Surroundings, limit_mps: float) -> Twist2:
        config, body = self._config, self._body
        reach = min(max(config.lookahead_s * self._last.forward_mps, config.lookahead_least_m), config.lookahead_most_m)
        x, y = carrot_on(path, reach)
        bearing = math.atan2(y, x)
        self._turning = abs(bearing) > (config.turn_done_rad if self._turning else config.turn_first_rad)
        if self._turning:
            rate = min(max(1.8 * abs(bearing), 0.25), body.turn_max_radps)
            return Twist2(0.0, 0.0, math.copysign(rate, bearing))
        curvature = 2.0 * y / max(x * x + y * y, 1e-6)
        speed = self._regulated(curvature, path, around, min(limit_mps, body.speed_max_mps))
        turn = speed * curvature
        if abs(turn) > body.turn_max_radps:
            speed, turn = speed * body.turn_max_radps / abs(turn), math.copysign(body.turn_max_radps, turn)
        return Twist2(speed, 0.0, turn)

    def _regulated(self, curvature: float, path: Floats, around: Surroundings, limit_mps: float) -> float:
        """Slower in curves, close to things, near people, and towards the end of the path."""
        config = self._config
        speed = limit_mps * min(1.0, 1.0 / (max(abs(curvature), 1e-6) * config.radius_slow_m))
        front = float(around.clearance_at([(0.0, 0.0), (0.5, 0.0)]).min()) - 0.5 * self._body.width_m
        speed *= min(1.0, max(front, 0.0) / config.near_obstacle_m)
        person = around.nearest_mover_m()
        if person < config.near_person_m:
            share = max(person - 0.8, 0.0) / (config.near_person_m - 0.8)
            speed = min(speed, config.beside_person_mps + share * max(limit_mps - config.beside_person_mps, 0.0))
        to_go = float(np.hypot(*path[-1]))
        speed = min(speed, math.sqrt(2.0 * 0.5 * self._body.decel_mps2 * max(to_go, 0.0)))
        return min(max(speed, config.least_mps), limit_mps)

    def _around(self, wanted: Twist2, path: Floats, around: Surroundings, dt_s: float) -> Control:
        twists = self._candidates(wanted)
        config = self._config
        tried = roll_out(twists, self._body, around, horizon_s=config.horizon_s, margin_m=config.margin_m)
        for_mover = self._mover_blocks(wanted, around)
        need_s = np.abs(twists[:, 0]) / self._body.decel_mps2 + 0.9
        usable = tried.free_s > need_s
        if not usable.any():
            return self._drive(STOPPED, "waiting", dt_s, for_mover=for_mover)
        best = int(np.where(usable, self._prices(twists, tried, wanted, path), np.inf).argmin())
        chosen = Twist2(float(twists[best, 0]), 0.0, float(twists[best, 1]))
        doing: Driving = "waiting" if chosen == STOPPED else ("giving way" if chosen.forward_mps < 0 else "passing")
        return self._drive(chosen, doing, dt_s, for_mover=for_mover)

    def _candidates(self, wanted: Twist2) -> Floats:
        """Twists (K, 2) to choose from: standing, slower and bent arcs, turns on the spot and, last, backing away."""
        body = self._body
        top = max(wanted.forward_mps, 0.4)
        speeds = np.array([1.0, 0.7, 0.45, 0.25]) * top
        turns = np.linspace(-1.0, 1.0, 15) * 0.9 * body.turn_max_radps
        arcs = np.array([(speed, turn) for speed in speeds for turn in turns])
        slower = np.outer([1.0, 0.7, 0.45, 0.25], [wanted.forward_mps, wanted.turn_radps])
        back = [(-0.35, 0.0), (-0.35, 0.5), (-0.35, -0.5)]
        return np.vstack(([(0.0, 0.0)], slower, arcs, back))

    def _prices(self, twists: Floats, tried: Rollouts, wanted: Twist2, path: Floats) -> Floats:
        config = self._config
        reach = min(max(1.6 * max(wanted.forward_mps, 0.4), 1.0), 2.5)
        carrot = np.array(carrot_on(path, reach))
        ends = tried.poses[:, -1, :2]
        to_carrot = np.hypot(*(ends - carrot).T)
        tight = np.clip(0.5 - tried.clearance_m, 0.0, 0.5)
        other_side = (twists[:, 1] * self._last.turn_radps < -0.02) & (abs(self._last.turn_radps) > 0.05)
        backwards = twists[:, 0] < 0.0
        short = np.where(np.isinf(tried.free_s), 0.0, config.horizon_s - tried.free_s)
        prices: Floats = to_carrot + 1.5 * tight + config.side_price * other_side + 3.0 * backwards + 1.5 * short
        return prices

    def _mover_blocks(self, wanted: Twist2, around: Surroundings) -> bool:
        still = replace(around, movers=())
        ahead = roll_out(_row(wanted), self._body, still, horizon_s=self._config.horizon_s, margin_m=self._config.margin_m)
        return bool(np.isinf(ahead.free_s[0])) or around.nearest_mover_m() < self._config.near_person_m

    def _drive(self, wanted: Twist2, doing: Driving, dt_s: float, *, for_mover: bool) -> Control:
        body, last = self._body, self._last
        speed = _towards(last.forward_mps, wanted.forward_mps, body.accel_mps2 * dt_s, body.decel_mps2 * dt_s)
        turn = _towards(last.turn_radps, wanted.turn_radps, body.turn_accel_radps2 * dt_s, body.turn_accel_radps2 * dt_s)
        self._last = Twist2(speed, 0.0, turn)
        return Control(twist=self._last, doing=doing, for_mover=for_mover)


def carrot_on(path_m: Floats, reach_m: float) -> tuple[float, float]:
    """The point of the path (N, 2) m in ``base_link`` that lies ``reach_m`` ahead of the path's nearest point."""
    away = np.hypot(*path_m.T)
    near = int(away.argmin())
    along = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(path_m[near:], axis=0).T))))
    return float(np.interp(reach_m, along, path_m[near:, 0])), float(np.interp(reach_m, along, path_m[near:, 1]))


def _row(twist: Twist2) -> Floats:
    return np.array([[twist.forward_mps, twist.turn_radps]])


def _towards(now: float, wanted: float, faster: float, slower: float) -> float:
    """Move ``now`` towards ``wanted``, by ``slower`` at most while the magnitude falls and by ``faster`` while it grows."""
    if now * wanted < 0.0:
        wanted = 0.0
    step = slower if abs(wanted) < abs(now) else faster
    return min(max(wanted, now - step), now + step)

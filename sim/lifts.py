# SPDX-License-Identifier: Apache-2.0
"""Lifts of a site as their own controllers would behave: they serve one session at a time, close their doors before they move,
open them where they were asked to, and forget who asks no more. What can go wrong with a lift can be asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from patrol.clock import nanoseconds, seconds
from patrol.lifts import LiftDoors, LiftMotion, LiftRequest, LiftState
from patrol.site import Lift

LiftFault = Literal["silent", "never comes", "people inside", "door stays open", "stuck between floors", "wrong floor"]
_TICK_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class LiftTimes:
    """``door_s`` to open or to close, ``floor_s`` from a floor to the next, ``forgets_s`` after a session was last heard of."""

    door_s: float = 3.0
    floor_s: float = 6.0
    forgets_s: float = 10.0


@dataclass(slots=True)
class _Cabin:
    """``height`` is in floors, from the lowest that the lift serves; ``open_share`` 0..1 is how far the doors are open."""

    levels: tuple[int, ...]
    height: float = 0.0
    open_share: float = 0.0
    stamp_ns: int = 0
    session: str = ""
    wanted: int = 0
    heard_ns: int = 0

    @property
    def floor(self) -> int:
        """The number of the floor that it is at, or passed last on its way."""
        return int(self.height + 1e-6) if self.wanted >= self.height else -int(-(self.height - 1e-6) // 1)


class SimulatedLifts:
    """``ask`` as robots do, ``states`` as often as they should hear. ``faults`` by the lift's id; cabins begin at the
    lowest floor."""

    def __init__(
        self, lifts: Iterable[Lift], *, times: LiftTimes | None = None, faults: Mapping[str, LiftFault] | None = None
    ) -> None:
        self._times = times or LiftTimes()
        self._faults: dict[str, LiftFault] = dict(faults or {})
        self._cabins = {lift.lift_id: _Cabin(levels=tuple(sorted(lift.levels))) for lift in lifts}

    def set_fault(self, lift_id: str, fault: LiftFault | None) -> None:
        """From now on the lift has ``fault``, or none."""
        self._faults.pop(lift_id, None)
        if fault is not None:
            self._faults[lift_id] = fault

    def ask(self, request: LiftRequest) -> None:
        """Take one request; one for a lift or a floor that is not here, or while another session is served, passes by."""
        cabin = self._cabins.get(request.lift_id)
        if cabin is None:
            return
        self._move(request.lift_id, cabin, request.stamp_ns)
        if self._faults.get(request.lift_id) == "people inside" or cabin.session not in ("", request.session):
            return
        if request.wish == "end":
            cabin.session = ""
        elif request.level in cabin.levels:
            cabin.session, cabin.heard_ns = request.session, request.stamp_ns
            cabin.wanted = self._served(request.lift_id, cabin, cabin.levels.index(request.level))

    def states(self, now_ns: int) -> tuple[LiftState, ...]:
        """How every lift that speaks stands at ``now_ns``."""
        told = []
        for name, cabin in self._cabins.items():
            self._move(name, cabin, now_ns)
            if self._faults.get(name) != "silent":
                told.append(self._state(name, cabin, now_ns))
        return tuple(told)

    def height(self, lift_id: str) -> float:
        """Where the cabin really is, in floors from the lowest; for worlds that show it."""
        return self._cabins[lift_id].height

    def is_open_at(self, lift_id: str, level: int) -> bool:
        """Whether the doors of ``level`` really stand open; for worlds that show them."""
        cabin = self._cabins[lift_id]
        return cabin.open_share >= 1.0 - 1e-9 and abs(cabin.height - cabin.levels.index(level)) < 1e-6

    def _served(self, name: str, cabin: _Cabin, asked: int) -> int:
        """The floor that it makes for; a confused one makes for the next above, or the lowest."""
        confused = self._faults.get(name) == "wrong floor" and asked != round(cabin.height)
        return (asked + 1) % len(cabin.levels) if confused else asked

    def _move(self, name: str, cabin: _Cabin, now_ns: int) -> None:
        """Carry the cabin on in small steps from its last stamp."""
        left_s = seconds(now_ns - cabin.stamp_ns) if cabin.stamp_ns else 0.0
        while left_s > 1e-9:
            step_s = min(_TICK_S, left_s)
            left_s -= step_s
            self._tick(name, cabin, now_ns - nanoseconds(left_s), step_s)
        cabin.stamp_ns = max(cabin.stamp_ns, now_ns)

    def _tick(self, name: str, cabin: _Cabin, now_ns: int, step_s: float) -> None:
        fault = self._faults.get(name)
        if cabin.session and seconds(now_ns - cabin.heard_ns) > self._times.forgets_s:
            cabin.session = ""
        there = abs(cabin.height - cabin.wanted) < 1e-6
        if there or not cabin.session:
            opens = there and cabin.session != ""
            self._turn_doors(cabin, 1.0 if opens else 0.0, step_s, stays_open=fault == "door stays open")
        elif cabin.open_share > 0.0:
            self._turn_doors(cabin, 0.0, step_s, stays_open=fault == "door stays open")
        elif fault != "never comes" and not self._is_stuck(cabin, fault):
            way = step_s / self._times.floor_s
            cabin.height += min(max(cabin.wanted - cabin.height, -way), way)

    def _turn_doors(self, cabin: _Cabin, wanted: float, step_s: float, *, stays_open: bool) -> None:
        if stays_open and wanted < cabin.open_share:
            return
        way = step_s / self._times.door_s
        cabin.open_share += min(max(wanted - cabin.open_share, -way), way)

    def _is_stuck(self, cabin: _Cabin, fault: LiftFault | None) -> bool:
        """Whether it has come to the middle between two floors, where a stuck one stays."""
        return fault == "stuck between floors" and 0.4 < cabin.height % 1.0 < 0.6

    def _state(self, name: str, cabin: _Cabin, now_ns: int) -> LiftState:
        fault = self._faults.get(name)
        stuck = self._is_stuck(cabin, fault)
        moves = abs(cabin.height - round(cabin.height)) > 1e-6
        motion: LiftMotion = "fault" if stuck else ("moving" if moves else "standing")
        session = "people" if fault == "people inside" else cabin.session
        level = cabin.levels[min(max(cabin.floor, 0), len(cabin.levels) - 1)]
        return LiftState(
            stamp_ns=now_ns, lift_id=name, level=level, doors=_doors(cabin.open_share), motion=motion, session=session
        )


def _doors(open_share: float) -> LiftDoors:
    if open_share >= 1.0 - 1e-9:
        return "open"
    return "closed" if open_share <= 1e-9 else "moving"

# SPDX-License-Identifier: Apache-2.0
"""Doors of a site as their own controllers would behave: asked to open they take a while, asked to close they take a while, and
one that nobody asks for any more closes by itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from patrol.clock import nanoseconds
from patrol.doors import DoorPosition, DoorRequest, DoorState
from patrol.site import Door


@dataclass(slots=True)
class _Leaf:
    """``open_share`` 0..1 at ``stamp_ns``; it is wanted open until ``open_until_ns``."""

    open_share: float = 0.0
    stamp_ns: int = 0
    open_until_ns: int = 0


class SimulatedDoors:
    """``ask`` as robots do, ``states`` as often as they should hear. ``takes_s`` from closed to open; a door stays open for
    ``holds_s`` after it was last asked for; those in ``jammed`` never move and say so."""

    def __init__(
        self, doors: Iterable[Door], *, takes_s: float = 3.0, holds_s: float = 10.0, jammed: frozenset[str] = frozenset()
    ) -> None:
        self._leaves = {door.door_id: _Leaf() for door in doors}
        self._takes_s, self._holds_ns, self._jammed = takes_s, nanoseconds(holds_s), jammed

    def ask(self, request: DoorRequest) -> None:
        """Take one request; one for a door that is not here passes by."""
        leaf = self._leaves.get(request.door_id)
        if leaf is None:
            return
        self._move(leaf, request.stamp_ns)
        leaf.open_until_ns = request.stamp_ns + self._holds_ns if request.wish == "open" else request.stamp_ns

    def states(self, now_ns: int) -> tuple[DoorState, ...]:
        """How every door stands at ``now_ns``."""
        for leaf in self._leaves.values():
            self._move(leaf, now_ns)
        return tuple(
            DoorState(stamp_ns=now_ns, door_id=name, position="fault" if name in self._jammed else _position(leaf))
            for name, leaf in self._leaves.items()
        )

    def _move(self, leaf: _Leaf, now_ns: int) -> None:
        """Carry the leaf on from its last stamp: towards open as long as it was wanted so, then back."""
        if now_ns <= leaf.stamp_ns:
            return
        wanted_ns = min(max(leaf.open_until_ns, leaf.stamp_ns), now_ns)
        span_ns = nanoseconds(self._takes_s)
        opened = min(1.0, leaf.open_share + (wanted_ns - leaf.stamp_ns) / span_ns)
        leaf.open_share = max(0.0, opened - (now_ns - wanted_ns) / span_ns)
        leaf.stamp_ns = now_ns


def _position(leaf: _Leaf) -> DoorPosition:
    if leaf.open_share >= 1.0:
        return "open"
    return "closed" if leaf.open_share <= 0.0 else "moving"

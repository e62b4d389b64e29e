# SPDX-License-Identifier: Apache-2.0
"""The link to the command centre, and the other processes of the stack."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import Field

from mission.facts.fact import Fact, Observed
from patrol.clock import seconds
from patrol.config import Config


class LinkConfig(Config):
    """So many losses within ``flapping_s`` are flapping."""

    flapping_losses: int = Field(default=4, ge=2)
    flapping_s: float = Field(default=60.0, gt=0)


class LinkWatch:
    """A link that never was can not be lost: a robot may patrol without a command centre."""

    def __init__(self, config: LinkConfig) -> None:
        self._config = config
        self._up: bool | None = None
        self._losses_ns: deque[int] = deque(maxlen=config.flapping_losses)

    def hear(self, *, up: bool, now_ns: int) -> None:
        """Whether the link stands at ``now_ns``."""
        if self._up and not up:
            self._losses_ns.append(now_ns)
        if up or self._up is not None:
            self._up = up

    def facts(self, now_ns: int) -> Iterator[Observed]:
        """Lost, or lost too often."""
        if self._up is False:
            yield Observed(fact=Fact.LINK_LOST)
        full = len(self._losses_ns) == self._config.flapping_losses
        if full and seconds(now_ns - self._losses_ns[0]) <= self._config.flapping_s:
            yield Observed(fact=Fact.LINK_FLAPPING, detail=f"lost {len(self._losses_ns)} times in {self._config.flapping_s:g} s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """A sign of life of one process: ``work`` counts what it has done, None where it does not say."""

    name: str
    stamp_ns: int
    work: int | None = None


class NodeConfig(Config):
    """``drivers`` are needed to drive. One is dead once silent for ``dead_s``, and hangs when it gives signs of life for
    ``hung_s`` while its work does not go on."""

    drivers: tuple[str, ...] = ("slam", "stop")
    dead_s: float = Field(default=3.0, gt=0)
    hung_s: float = Field(default=4.0, gt=0)


@dataclass(slots=True)
class _Life:
    last_ns: int
    work: int | None
    worked_ns: int


class NodeWatch:
    """Follows the pulses by name; a process that never spoke is not missed. Stamps may be of any one clock."""

    def __init__(self, config: NodeConfig) -> None:
        self._config = config
        self._lives: dict[str, _Life] = {}

    def hear(self, pulse: Pulse) -> None:
        """Take one sign of life; older ones than the last are left out."""
        life = self._lives.get(pulse.name)
        if life is None:
            self._lives[pulse.name] = _Life(last_ns=pulse.stamp_ns, work=pulse.work, worked_ns=pulse.stamp_ns)
        elif pulse.stamp_ns > life.last_ns:
            life.last_ns = pulse.stamp_ns
            if pulse.work is None or pulse.work != life.work:
                life.work, life.worked_ns = pulse.work, pulse.stamp_ns

    def facts(self, now_ns: int) -> Iterator[Observed]:
        """Who is dead and who hangs at ``now_ns``."""
        dead = [name for name, life in self._lives.items() if seconds(now_ns - life.last_ns) > self._config.dead_s]
        hung = [
            name
            for name, life in self._lives.items()
            if name not in dead and name in self._config.drivers and seconds(life.last_ns - life.worked_ns) > self._config.hung_s
        ]
        yield from self._told(Fact.NODE_DEAD, [name for name in dead if name in self._config.drivers])
        yield from self._told(Fact.NODE_HUNG, hung)
        yield from self._told(Fact.HELPER_DEAD, [name for name in dead if name not in self._config.drivers])

    def _told(self, fact: Fact, names: list[str]) -> Iterator[Observed]:
        if names:
            yield Observed(fact=fact, detail=", ".join(sorted(names)))

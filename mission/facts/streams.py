# SPDX-License-Identifier: Apache-2.0
"""One stream of measurements: is it silent, late, repeating itself, or telling nonsense?"""

from __future__ import annotations

from collections.abc import Iterator

from mission.facts.fact import Fact, Observed
from patrol.clock import seconds

_FUTURE_S = 0.25
_SHARE = 0.2


class Stream:
    """``silent_s``: oldest that the newest data may be; ``delayed_s``: how late data may come in on average; ``repeats``: so
    many equal payloads in a row are no coincidence. ``needed`` streams are missed from the start, others once heard."""

    def __init__(
        self, name: str, *, silent_s: float, delayed_s: float, repeats: int, silent: Fact = Fact.HELPER_DEAD, needed: bool = False
    ) -> None:
        self._name, self._silent_s, self._delayed_s, self._repeats = name, silent_s, delayed_s, repeats
        self._silent, self._needed = silent, needed
        self._stamp_ns: int | None = None
        self._late_s = 0.0
        self._digest: int | None = None
        self._equal = 0
        self._garbage = ""

    def hear(self, stamp_ns: int, now_ns: int, *, digest: int | None, garbage: str = "") -> None:
        """A measurement stamped ``stamp_ns`` came in at ``now_ns``. ``digest`` is a checksum of its payload, None where equal
        payloads prove nothing; ``garbage`` says why it can not be right. One that is no newer than the last is left out."""
        if self._stamp_ns is not None and stamp_ns <= self._stamp_ns:
            return
        late_s = seconds(now_ns - stamp_ns)
        self._late_s = late_s if self._stamp_ns is None else self._late_s + _SHARE * (late_s - self._late_s)
        self._stamp_ns = stamp_ns
        self._equal = self._equal + 1 if digest is not None and digest == self._digest else 0
        self._digest = digest
        self._garbage = garbage or (f"stamps up to {_FUTURE_S:g} s in the future and more" if late_s < -_FUTURE_S else "")

    def facts(self, now_ns: int) -> Iterator[Observed]:
        """What is wrong with the stream at ``now_ns``."""
        if self._stamp_ns is None:
            if self._needed:
                yield Observed(fact=self._silent, detail=f"no {self._name} yet")
            return
        if seconds(now_ns - self._stamp_ns) > self._silent_s:
            yield Observed(fact=self._silent, detail=f"no {self._name} for {self._silent_s:g} s")
            return
        if self._late_s > self._delayed_s:
            yield Observed(fact=Fact.SENSOR_DELAYED, detail=f"{self._name} more than {self._delayed_s:g} s")
        if self._equal >= self._repeats:
            yield Observed(fact=Fact.SENSOR_STUCK, detail=self._name)
        if self._garbage:
            yield Observed(fact=Fact.SENSOR_GARBAGE, detail=f"{self._name}: {self._garbage}")

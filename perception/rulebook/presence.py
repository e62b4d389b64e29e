# SPDX-License-Identifier: Apache-2.0
"""Something is in a zone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from shapely.geometry import Polygon

from patrol.checks import Floats
from patrol.clock import seconds
from patrol.percepts import GroundPosition, Track
from patrol.site import Zone
from perception.rulebook.config import PresenceRule
from perception.rulebook.ground_plan import GroundPlan
from perception.rulebook.memory import Memory
from perception.rulebook.places import inside_probability, moved
from perception.rulebook.scene import Measures, Observation, Scene

_LEAVES_AT = 1.0 / 3.0


@dataclass(slots=True)
class Presence:
    """The dwell clocks of one rule. A clock starts when it is probable enough to be inside, and stops when that becomes
    improbable, not at every doubt; it also stops when the track ends, or the zone or the rule no longer counts."""

    rule: PresenceRule
    _since_ns: dict[tuple[str, int], int] = field(default_factory=dict)

    def observe(self, scene: Scene, plan: GroundPlan, memory: Memory) -> Iterator[Observation]:
        """Per track at most one observation: in the zone where it most probably is."""
        rule, running = self.rule, dict[tuple[str, int], int]()
        exceptions = tuple(zone.outline for zone in plan.exceptions(rule, scene.stamp_ns))
        for track in scene.tracks:
            if track.label not in rule.labels or track.ground is None or track.state in ("tentative", "ended"):
                continue
            best: tuple[float, Zone, int] | None = None
            for zone in plan.zones(rule, track.floor, scene.stamp_ns):
                sure = zone is plan.everywhere and not exceptions
                inside = 1.0 if sure else inside_probability(track.ground, zone.outline, exceptions)
                since_ns = self._clock((zone.zone_id, track.track_id), inside, scene.stamp_ns)
                if since_ns is not None:
                    running[zone.zone_id, track.track_id] = since_ns
                    best = (inside, zone, since_ns) if best is None or inside > best[0] else best
            if best is not None and track.state == "confirmed":
                measures = memory.measures(track, track.ground, scene.stamp_ns)
                measures |= {"inside_probability": best[0], "dwell_s": seconds(scene.stamp_ns - best[2])}
                yield _observation(track, track.ground, best[1], measures, exceptions)
        self._since_ns = running

    def _clock(self, key: tuple[str, int], inside: float, now_ns: int) -> int | None:
        """Since when it counts as inside; None when it does not."""
        since_ns = self._since_ns.get(key)
        least = self.rule.inside_from * (1.0 if since_ns is None else _LEAVES_AT)
        if inside < least:
            return None
        return now_ns if since_ns is None else since_ns


def _observation(
    track: Track, ground: GroundPosition, zone: Zone, measures: Measures, exceptions: tuple[Polygon, ...]
) -> Observation:
    def if_moved(by_m: Floats) -> Measures:
        return {**measures, "inside_probability": inside_probability(moved(ground, by_m), zone.outline, exceptions)}

    when = "" if zone.schedule is None else " while its schedule forbids it"
    return Observation(
        track=track,
        ground=ground,
        place_id=zone.zone_id,
        what=f"has been in {zone.name!r} ({zone.purpose}) for {measures['dwell_s']:.1f} s{when}",
        measures=measures,
        if_moved=if_moved,
    )

# SPDX-License-Identifier: Apache-2.0
"""What rules look at: the tracks of one moment, and what was noticed of one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from patrol.air import Sky
from patrol.checks import Floats
from patrol.percepts import GroundPosition, Threshold, Track
from patrol.sound import SoundEvent
from perception.rulebook.config import AnyRule

Measures = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Everything that rules may look at, so that a recording of it gives the same alerts again. ``sky`` None: not known.
    ``pose_doubt`` not empty: why places are uncertain."""

    stamp_ns: int
    tracks: tuple[Track, ...]
    sky: Sky | None = None
    pose_doubt: str = ""
    sounds: tuple[SoundEvent, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One track (or the first of several, with ``others``) did at a place what a rule is about.

    ``what`` is the sentence's middle, as in "has been in 'Yard' for 3.1 s". ``measures`` holds every measure of the rule's kind.
    ``if_moved`` says what they would be had it stood elsewhere by (2,) m. ``episode`` names a happening that belongs to the place
    and not to one body (a crowd); empty otherwise.
    """

    track: Track
    ground: GroundPosition
    place_id: str
    what: str
    measures: Measures
    if_moved: Callable[[Floats], Measures] | None = None
    others: tuple[int, ...] = ()
    episode: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """A rule and an observation that passes all its limits."""

    rule: AnyRule
    seen: Observation
    tests: tuple[Threshold, ...]

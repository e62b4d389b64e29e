# SPDX-License-Identifier: Apache-2.0
"""What can be set about listening."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from patrol.config import Config

Probability = Annotated[float, Field(gt=0.0, lt=1.0)]
Count = Annotated[int, Field(ge=1, le=50)]


class Evidence(Config):
    """An event is told once the classifier has been this sure on average over ``looks`` looks, of which there are ten a second.
    It is over when it was below half of that for ``quiet_s``."""

    sure: Probability
    looks: Count
    quiet_s: Annotated[float, Field(gt=0.0, le=60.0)] = 1.5


Share = Annotated[float, Field(ge=0.0, le=1.0)]
Hertz = Annotated[float, Field(gt=0.0, le=8000.0)]


class DoubtsConfig(Config):
    """What a second look must find before an event is told. ``glass_after_s``, ``shout_after_s``: how long after its beginning it
    is looked at, a shout as soon as it ends.

    Glass: it rises by ``level_least_db``, for at most ``busy_most`` of the seconds before was anything heard that was less than
    ``quiet_below_db`` below it, it begins within ``attack_most_s`` and swells again ``pieces_least`` times. A shout: a voice held
    for ``voice_least_s`` to ``voice_most_s``, of a pitch from ``pitch_least_hz`` on that moves by ``pitch_moves_least`` of
    itself, heard in ``formants_least`` of four bands. A rotor: for as long as is remembered a comb of ``comb_least_db`` and
    ``comb_base_least_hz`` without the robot's own noise, that moves by ``comb_moves_most`` octaves. All: microphones hear it
    alike to ``coherence_least``."""

    glass_after_s: Annotated[float, Field(ge=0.0, le=2.0)] = 0.6
    level_least_db: Annotated[float, Field(ge=0.0, le=60.0)] = 4.0
    busy_most: Share = 0.35
    quiet_below_db: Annotated[float, Field(ge=0.0, le=60.0)] = 15.0
    attack_most_s: Annotated[float, Field(ge=0.0, le=1.0)] = 0.012
    pieces_least: Count = 2
    shout_after_s: Annotated[float, Field(ge=0.0, le=2.0)] = 2.0
    voice_least_s: Annotated[float, Field(ge=0.0, le=2.0)] = 0.2
    voice_most_s: Annotated[float, Field(ge=0.0, le=3.0)] = 1.85
    pitch_least_hz: Hertz = 215.0
    pitch_most_hz: Hertz = 1900.0
    formants_least: Annotated[int, Field(ge=1, le=4)] = 2
    formants_within_db: Annotated[float, Field(ge=0.0, le=60.0)] = 25.0
    pitch_moves_least: Share = 0.012
    comb_least_db: Annotated[float, Field(ge=0.0, le=15.0)] = 2.5
    comb_moves_most: Share = 0.06
    comb_base_least_hz: Hertz = 55.0
    coherence_least: Share = 0.25


class SoundConfig(Config):
    """``least_db``: how far a sound must rise above the background to be looked at. ``again_s``: one that goes on is told again
    after this long. ``most_std_deg``: a bearing that is less sure than this is none."""

    glass: Evidence = Evidence(sure=0.8, looks=2)
    shout: Evidence = Evidence(sure=0.8, looks=4)
    rotor: Evidence = Evidence(sure=0.5, looks=25, quiet_s=4.0)
    least_db: Annotated[float, Field(ge=0.0, le=60.0)] = 4.0
    again_s: Annotated[float, Field(gt=0.0)] = 20.0
    most_std_deg: Annotated[float, Field(gt=0.0, le=90.0)] = 40.0
    doubts: DoubtsConfig = DoubtsConfig()

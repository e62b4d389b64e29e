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


class SoundConfig(Config):
    """``least_db``: how far a sound must rise above the background to be looked at. ``again_s``: one that goes on is told again
    after this long. ``most_std_deg``: a bearing that is less sure than this is none."""

    glass: Evidence = Evidence(sure=0.8, looks=2)
    shout: Evidence = Evidence(sure=0.8, looks=4)
    rotor: Evidence = Evidence(sure=0.5, looks=25, quiet_s=4.0)
    least_db: Annotated[float, Field(ge=0.0, le=60.0)] = 4.0
    again_s: Annotated[float, Field(gt=0.0)] = 20.0
    most_std_deg: Annotated[float, Field(gt=0.0, le=90.0)] = 40.0

# SPDX-License-Identifier: Apache-2.0
"""Words between a robot's team and its mission about passages too narrow for two robots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class PassagesHeld:
    """The passages that are the robot's at ``stamp_ns``: no other robot of its team may be in them. ``refused``: the clause why
    not, for each that it asks for."""

    stamp_ns: int
    held: frozenset[str] = frozenset()
    refused: Mapping[str, str] = field(default_factory=dict)

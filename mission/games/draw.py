# SPDX-License-Identifier: Apache-2.0
"""Draws that nobody without the seed can foretell: HMAC-SHA-256 in counter mode, so that a restart goes on where it stopped."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from patrol.errors import BadValue

SEED_BYTES = 32
_SPAN = 1 << 53


class SecretDraw:
    """Draws number 0, 1, 2 ... from a secret seed, which is never shown. Raises BadValue for one under 32 bytes."""

    __slots__ = ("_seed",)

    def __init__(self, seed: bytes) -> None:
        if len(seed) < SEED_BYTES:
            raise BadValue(f"seed: {len(seed)} bytes are too few, it takes {SEED_BYTES}")
        self._seed = seed

    def __repr__(self) -> str:
        return "SecretDraw(seed hidden)"

    def fraction(self, number: int) -> float:
        """Draw ``number`` as a fraction from 0 up to but not including 1, in steps of 2^-53."""
        digest = hmac.new(self._seed, number.to_bytes(8, "big"), hashlib.sha256).digest()
        return (int.from_bytes(digest[:8], "big") >> 11) / _SPAN

    def choice(self, number: int, chances: Sequence[float]) -> int:
        """The index that draw ``number`` picks among ``chances``. Raises BadValue when there is nothing to pick from."""
        total = sum(chances)
        if not total > 0.0:
            raise BadValue("chances: nothing to choose from")
        rest = self.fraction(number) * total
        for index, chance in enumerate(chances):
            rest -= chance
            if rest < 0.0 and chance > 0.0:
                return index
        return max(index for index, chance in enumerate(chances) if chance > 0.0)

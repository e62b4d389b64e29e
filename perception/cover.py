# SPDX-License-Identifier: Apache-2.0
"""The card that is shown instead of a picture that could not be made safe. It says why, so that nobody takes it for a fault
of the link."""

from __future__ import annotations

import textwrap
from functools import lru_cache

import cv2
import numpy as np

from patrol.checks import Bytes

_NIGHT, _LINE, _PALE, _AMBER = (34, 26, 20), (74, 60, 48), (236, 232, 226), (64, 176, 245)
_FONT = cv2.FONT_HERSHEY_DUPLEX


@lru_cache(maxsize=16)
def cover_card(width_px: int, height_px: int, because: str) -> Bytes:
    """A card (H, W, 3) uint8 BGR, read-only, that hides everything and says ``because``."""
    card = np.full((height_px, width_px, 3), _NIGHT, dtype=np.uint8)
    unit = min(width_px / 640.0, height_px / 480.0)
    _hatch(card, unit)
    _crossed_eye(card, unit)
    middle = height_px // 2
    _centred(card, "Picture hidden", middle + round(52 * unit), size=1.1 * unit, colour=_PALE)
    for number, line in enumerate(textwrap.wrap(because.capitalize(), 44)[:3]):
        _centred(card, line, middle + round((96 + 30 * number) * unit), size=0.62 * unit, colour=_AMBER)
    _centred(card, "Nobody can be made out until this is over", height_px - round(34 * unit), size=0.5 * unit, colour=_PALE)
    card.setflags(write=False)
    return card


def _hatch(card: Bytes, unit: float) -> None:
    """A band of slanting stripes along the upper and lower edge."""
    height, width = card.shape[:2]
    band, step = max(round(14 * unit), 2), max(round(28 * unit), 4)
    for top in (0, height - band):
        for left in range(-band, width + step, step):
            corners = [(left, top + band), (left + band, top), (left + band + step // 2, top), (left + step // 2, top + band)]
            cv2.fillConvexPoly(card, np.array(corners, dtype=np.int32), _LINE, cv2.LINE_AA)


def _crossed_eye(card: Bytes, unit: float) -> None:
    height, width = card.shape[:2]
    centre = (width // 2, height // 2 - round(54 * unit))
    thick = max(round(5 * unit), 1)
    axes = (round(66 * unit), round(40 * unit))
    below, above = (centre[0], centre[1] + round(16 * unit)), (centre[0], centre[1] - round(16 * unit))
    cv2.ellipse(card, below, axes, 0, 200, 340, _PALE, thick, cv2.LINE_AA)
    cv2.ellipse(card, above, axes, 0, 20, 160, _PALE, thick, cv2.LINE_AA)
    cv2.circle(card, centre, round(13 * unit), _PALE, thick, cv2.LINE_AA)
    reach = round(52 * unit)
    ends = (centre[0] - reach, centre[1] + reach), (centre[0] + reach, centre[1] - reach)
    cv2.line(card, *ends, _NIGHT, 3 * thick, cv2.LINE_AA)
    cv2.line(card, *ends, _AMBER, thick, cv2.LINE_AA)


def _centred(card: Bytes, text: str, baseline_px: int, *, size: float, colour: tuple[int, int, int]) -> None:
    plain = text.encode("ascii", "replace").decode("ascii")
    (width, _), _ = cv2.getTextSize(plain, _FONT, size, 1)
    cv2.putText(card, plain, ((card.shape[1] - width) // 2, baseline_px), _FONT, size, colour, 1, cv2.LINE_AA)

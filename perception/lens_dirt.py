# SPDX-License-Identifier: Apache-2.0
"""Dirt, drops and smears: places of the picture that change all at once and do not come back while the rest goes on.

Mud makes a place jump to another grey and stand still there, whatever the camera does. A drop or a film of grease takes the
detail away and lets the light through. What moves past, and what the robot drives past, does so to one place after the other; a
splash does it between one picture and the next, and leaves the other places as they were.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import Field

from patrol.checks import Floats32
from patrol.config import Config
from perception.lens_look import LensLook

Places = npt.NDArray[np.bool_]
_NEIGHBOURS = 3
_CLEAR_SHARE = 0.5
_SPREAD_LEAST = 3
_RIM_SHARE = 0.5


class DirtConfig(Config):
    """``after`` looks must agree. Muddy places have jumped by ``jump`` grey values and since vary by less than ``still``;
    ``muddy_least`` must have. Blurred ones have less than ``left`` of the detail that they had; ``blurred_share`` of all that had
    any must have. Either must be ``sudden`` times as many as in the looks around, and so must be both together, ``least`` in
    all."""

    before: int = Field(default=5, ge=2)
    after: int = Field(default=8, ge=3)
    jump: float = Field(default=8.0, gt=0)
    still: float = Field(default=0.5, gt=0)
    muddy_least: int = Field(default=8, ge=1)
    left: float = Field(default=0.35, gt=0, lt=1)
    blurred_share: float = Field(default=0.05, gt=0, lt=1)
    least: int = Field(default=18, ge=1)
    detail_least: float = Field(default=3.0, gt=0)
    sudden: float = Field(default=3.0, ge=1)
    rest_changes: float = Field(default=0.12, gt=0, description="of the others at most, as a share of the picture's spread")
    back: float = Field(default=0.6, gt=0, lt=1, description="share of its detail at which a place is clean again")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dirt:
    """Which places are muddy and which blurred, the grey of the mud, and the detail that was there before."""

    muddy: Places
    blurred: Places
    grey: Floats32
    clean_detail: Floats32


class DirtWatch:
    """Hand in looks at pictures that show something."""

    def __init__(self, config: DirtConfig) -> None:
        self._config = config
        self._looks: deque[LensLook] = deque(maxlen=config.before + config.after + _NEIGHBOURS)
        self._dirt: _Dirt | None = None
        self._back = 0

    def pass_over(self) -> None:
        """This picture showed nothing: what came before does not count any more, but dirt that was found stays."""
        self._looks.clear()

    def hear(self, look: LensLook) -> bool:
        """Whether the lens is dirty."""
        if self._dirt is not None:
            self._see_whether_clean(look, self._dirt)
            return self._dirt is not None
        self._looks.append(look)
        if len(self._looks) == self._looks.maxlen:
            self._judge()
        return self._dirt is not None

    def _judge(self) -> None:
        config = self._config
        cells, detail = (np.stack(maps) for maps in zip(*((item.cells, item.detail) for item in self._looks), strict=True))
        split = config.before + _NEIGHBOURS - 1
        muddy, blurred, had = self._muddy(cells, split), self._blurred(detail, split), self._had_detail(detail, split)
        around = [(self._muddy(cells, at), self._blurred(detail, at)) for at in _around(split)]
        revealed = self._revealed(muddy, cells[split:].mean(axis=0))
        muddy, blurred = muddy & ~revealed, blurred & ~revealed
        is_muddy = muddy.sum() >= config.muddy_least and self._is_sudden([mud for mud, _ in around], muddy)
        enough = had.mean() >= 0.1 and blurred.sum() >= config.blurred_share * had.sum()
        is_blurred = enough and self._is_sudden([blur for _, blur in around], blurred)
        dirty = muddy | blurred
        enough_in_all = dirty.sum() >= config.least and not _is_stripe(dirty)
        is_splash = enough_in_all and self._is_sudden([mud | blur for mud, blur in around], dirty)
        if not (is_muddy or is_blurred) or not is_splash or not self._rest_goes_on(cells, split, dirty):
            return
        clean = detail[split - config.before : split].mean(axis=0)
        self._dirt = _Dirt(muddy=muddy, blurred=blurred, grey=cells[split:].mean(axis=0), clean_detail=clean)
        self._back = 0

    def _revealed(self, muddy: Places, grey: Floats32) -> Places:
        """Muddy places, and those next to them, that have the ``grey`` of what is beside them: whatever leaves the picture gives
        sky free among sky, and takes its outline along."""
        clean = (~muddy).astype(np.float32)
        beside, count = (cv2.boxFilter(each, -1, (3, 3), normalize=False) for each in (grey * clean, clean))
        blends = np.abs(grey - beside / np.maximum(count, 1.0)) < 0.5 * self._config.jump
        _, label = cv2.connectedComponents(muddy.astype(np.uint8), connectivity=8)
        rim = muddy & (count > 0.0)
        blending, whole = (np.bincount(label[places], minlength=label.max() + 1) for places in (rim & blends, rim))
        share = blending / np.maximum(whole, 1)
        revealed = muddy & (share > _RIM_SHARE)[label]
        return np.asarray(cv2.dilate(revealed.astype(np.uint8), np.ones((3, 3), dtype=np.uint8)), dtype=np.bool_)

    def _is_sudden(self, others: list[Places], found: Places) -> bool:
        """Whether far more places changed in this look than in those around it, the same ones aside."""
        most = max(int((other & ~found).sum()) for other in others)
        return bool(found.sum() >= self._config.sudden * max(most, 1))

    def _muddy(self, cells: Floats32, split: int) -> Places:
        """Places that have jumped to a grey that they did not have before (else something has only gone away), and keep it."""
        grey = cells[split:].mean(axis=0)
        new = np.abs(cells[:split] - grey).min(axis=0) >= self._config.jump
        muddy: Places = new & (cells[split:].std(axis=0) <= self._config.still)
        return muddy

    def _blurred(self, detail: Floats32, split: int) -> Places:
        """Places that had detail in the looks before ``split`` and in none since."""
        noise = np.float32(1.5) * np.median(detail[split:].reshape(len(detail) - split, -1).min(axis=1))
        low = np.maximum(self._config.left * detail[split - 2 : split].min(axis=0), noise)
        blurred: Places = (detail[split:].max(axis=0) < low) & self._had_detail(detail, split)
        return blurred

    def _had_detail(self, detail: Floats32, split: int) -> Places:
        before = detail[split - 2 : split]
        plain = 2.0 * float(np.quantile(before, 0.05))
        had: Places = before.min(axis=0) > max(self._config.detail_least, plain)
        return had

    def _rest_goes_on(self, cells: Floats32, split: int, dirty: Places) -> bool:
        """Whether most of the other places (of all, where all are dirty) show just after the split about what they showed just
        before: nothing happened to the picture as a whole, and the camera was not swung round."""
        rest = ~dirty if dirty.mean() < 0.5 else np.ones_like(dirty)
        change = float(np.median(np.abs(cells[split] - cells[split - 1])[rest]))
        return change <= self._config.rest_changes * float(cells[split - 1].std())

    def _see_whether_clean(self, look: LensLook, dirt: _Dirt) -> None:
        moved = dirt.muddy & (np.abs(look.cells - dirt.grey) > 0.5 * self._config.jump)
        sharp = dirt.blurred & (look.detail > self._config.back * dirt.clean_detail)
        cleaned = float((moved | sharp).sum()) / float((dirt.muddy | dirt.blurred).sum())
        self._back = self._back + 1 if cleaned >= _CLEAR_SHARE else 0
        if self._back >= self._config.after:
            self._dirt = None
            self._looks.clear()


def _is_stripe(places: Places) -> bool:
    """A pole or a roof that leaves a row of places to the plain sky is no dirt."""
    return min(int(places.any(axis=axis).sum()) for axis in (0, 1)) < _SPREAD_LEAST


def _around(split: int) -> tuple[int, ...]:
    return tuple(split + step for step in range(1 - _NEIGHBOURS, _NEIGHBOURS) if step)

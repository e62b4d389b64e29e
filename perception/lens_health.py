# SPDX-License-Identifier: Apache-2.0
"""Whether the camera still sees: a lens covered, dazzled, dirty, a picture frozen, or too dark to look at.

Every fault is judged against what this camera showed while it was well, because a plain wall, a white sky and a moonless night
are no faults. What is remembered follows slowly, and only while nothing is wrong, so that the watch does not get used to a
fault. ``lens_look`` says what is measured; pictures are looked at a few times a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pydantic import Field

from patrol.clock import seconds
from patrol.config import Config
from patrol.sensors import Image
from perception.lens_dirt import DirtConfig, DirtWatch
from perception.lens_look import LensLook, likeness, look_at

_BLACK, _CONTRAST_LEFT, _ALIKE = 0.3, 0.4, 0.3


class LensFault(StrEnum):
    """What can be wrong with a camera's view."""

    COVERED = "covered"
    DAZZLED = "dazzled"
    DIRTY = "dirty"
    FROZEN = "frozen"
    DARK = "dark"


class LensConfig(Config):
    """A fault must hold ``hold_s`` before it is told, and be gone as long before it is taken back; what is usual is forgotten
    over ``memory_s``. Grey values are 0 to 255."""

    every_s: float = Field(default=0.19, gt=0, description="pictures that follow sooner are passed over")
    hold_s: float = Field(default=1.0, gt=0)
    memory_s: float = Field(default=20.0, gt=0)
    gap_s: float = Field(default=3.0, gt=0, description="after a gap of so long the watch starts anew")
    frozen_pictures: int = Field(default=4, ge=2, description="how many equal pictures in a row are at least needed")
    dark_below: float = Field(default=12.0, ge=0, description="mean grey of a picture in which nothing can be seen")
    dark_highlights_below: float = Field(default=36.0, ge=0, description="and its brightest hundredth")
    plain_below: float = Field(default=2.0, gt=0, description="structure, in grey values, of a picture that shows nothing")
    plain_share: float = Field(default=0.15, gt=0, lt=1, description="the same as a share of what is usual")
    structured_from: float = Field(default=5.0, gt=0, description="structure from which a picture shows something")
    glare_more: float = Field(default=0.15, gt=0, lt=1, description="share of white pixels beyond the usual")
    veil_more: float = Field(default=60.0, gt=0, description="by how much the darkest twentieth is lighter than usual")
    veil_structure_share: float = Field(default=0.6, gt=0, lt=1)
    dirt: DirtConfig = DirtConfig()


@dataclass(slots=True, kw_only=True)
class _Usual:
    """What the camera shows while it is well."""

    structure: float
    detail: float
    shadows: float
    white: float

    def follow(self, look: LensLook, share: float) -> None:
        self.structure += share * (look.structure - self.structure)
        self.detail += share * (look.detail_most - self.detail)
        self.shadows += share * (look.shadows - self.shadows)
        self.white += share * (look.white - self.white)


class LensHealth:
    """One per camera. Hand in every picture; ask ``fault``."""

    def __init__(self, config: LensConfig) -> None:
        self._config = config
        self._start_anew()

    def _start_anew(self) -> None:
        self._dirt = DirtWatch(self._config.dirt)
        self._usual: _Usual | None = None
        self._last: LensLook | None = None
        self._well: LensLook | None = None
        self._equal, self._equal_ns = 1, 0
        self._fault: LensFault | None = None
        self._suspect: LensFault | None = None
        self._since_ns = 0

    @property
    def fault(self) -> LensFault | None:
        """What is wrong now; None while the camera is well, or not known to be anything else."""
        return self._fault

    def hear(self, image: Image) -> LensFault | None:
        """Take in one picture, in the order of stamps, and say what is wrong."""
        last = self._last
        gap_s = None if last is None else seconds(image.stamp_ns - last.stamp_ns)
        if gap_s is not None and not 0.0 <= gap_s <= self._config.gap_s:
            self._start_anew()
            gap_s = None
        if gap_s is not None and gap_s < self._config.every_s:
            return self._fault
        look = look_at(image)
        self._count_equal(look)
        seen = self._seen(look)
        self._settle(seen, look.stamp_ns)
        if seen is None and self._fault is None:
            self._remember(look, gap_s or 0.0)
            self._well = look
        self._last = look
        return self._fault

    def _seen(self, look: LensLook) -> LensFault | None:
        """What this picture alone, beside what is remembered, says. The dirt's watch is told of every picture that shows
        something, so that it knows how the lens looked before."""
        if self._equal >= self._config.frozen_pictures and seconds(look.stamp_ns - self._equal_ns) >= self._config.hold_s:
            return LensFault.FROZEN
        if self._suspect is LensFault.DARK and self._is_dark(look):
            return LensFault.DARK
        for fault, holds in (
            (LensFault.DAZZLED, self._is_dazzled(look)),
            (LensFault.COVERED, self._is_covered(look)),
            (LensFault.DARK, self._is_dark(look)),
        ):
            if holds:
                self._dirt.pass_over()
                return fault
        return LensFault.DIRTY if self._equal == 1 and self._dirt.hear(look) else None

    def _count_equal(self, look: LensLook) -> None:
        """How many equal pictures came in a row. A real sensor's noise makes no two alike."""
        if self._last is not None and look.digest == self._last.digest:
            self._equal += 1
        else:
            self._equal, self._equal_ns = 1, look.stamp_ns

    def _is_dazzled(self, look: LensLook) -> bool:
        usual, config = self._usual, self._config
        if usual is None or not look.has_light:
            return False
        burnt = look.white >= min(usual.white + config.glare_more, 0.9) and look.white_low > 0.02
        veiled = look.shadows >= usual.shadows + config.veil_more
        return (burnt and look.white >= 0.4) or (
            (burnt or veiled) and look.structure < config.veil_structure_share * usual.structure
        )

    def _is_covered(self, look: LensLook) -> bool:
        """Nothing but smooth shading is left of a picture that showed something."""
        usual, config = self._usual, self._config
        if usual is None or usual.structure < config.structured_from:
            return False
        plain = look.structure < max(config.plain_below, config.plain_share * usual.structure)
        blank = look.detail_most < max(2.0 * look.noise, 0.3 * usual.detail)
        return plain and blank and not self._is_dim_scene(look)

    def _is_dim_scene(self, look: LensLook) -> bool:
        """A dark picture that still shows the scene with about the contrast that it had, for the little light there is."""
        well = self._well
        if well is None or not self._is_dark(look) or look.mean < _BLACK:
            return False
        contrast_left = (look.structure / look.mean) / max(well.structure / max(well.mean, 1.0), 1e-6)
        return contrast_left > _CONTRAST_LEFT and likeness(look, well) > _ALIKE

    def _is_dark(self, look: LensLook) -> bool:
        config = self._config
        return look.has_light and look.mean < config.dark_below and look.highlights < config.dark_highlights_below

    def _settle(self, seen: LensFault | None, stamp_ns: int) -> None:
        """A change counts once it held. Frozen and dirty have held already when they are seen."""
        if seen is not self._suspect:
            self._suspect, self._since_ns = seen, stamp_ns
        held = seconds(stamp_ns - self._since_ns) >= self._config.hold_s
        if held or seen in (LensFault.FROZEN, LensFault.DIRTY):
            self._fault = seen

    def _remember(self, look: LensLook, gap_s: float) -> None:
        if self._usual is None:
            self._usual = _Usual(structure=look.structure, detail=look.detail_most, shadows=look.shadows, white=look.white)
            return
        self._usual.follow(look, min(gap_s / self._config.memory_s, 1.0))


def worst_of(*faults: LensFault | None) -> LensFault | None:
    """The first that is there."""
    return next((fault for fault in faults if fault is not None), None)

# SPDX-License-Identifier: Apache-2.0
"""What people wear and look like, drawn from a seed: build, tones, clothes. Never an identity."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

Rgb = tuple[float, float, float]
Headwear = Literal["none", "short_hair", "long_hair", "cap", "helmet", "hood"]
Bag = Literal["none", "backpack", "holdall"]
Top = Literal["shirt", "jacket", "vest", "overall"]
Age = Literal["child", "adult", "elder"]
Bearing = Literal["upright", "sitting", "crouching", "lying"]

SKIN_TONES: tuple[Rgb, ...] = (
    (0.92, 0.74, 0.63),
    (0.86, 0.66, 0.53),
    (0.76, 0.56, 0.42),
    (0.62, 0.43, 0.31),
    (0.47, 0.31, 0.22),
    (0.33, 0.21, 0.15),
)
HAIR_TONES: tuple[Rgb, ...] = ((0.09, 0.07, 0.06), (0.19, 0.12, 0.08), (0.35, 0.23, 0.13), (0.58, 0.46, 0.28), (0.55, 0.54, 0.53))
_SHIRTS: tuple[Rgb, ...] = (
    (0.72, 0.15, 0.14),
    (0.16, 0.27, 0.50),
    (0.86, 0.86, 0.84),
    (0.20, 0.38, 0.25),
    (0.45, 0.46, 0.48),
    (0.70, 0.58, 0.36),
    (0.36, 0.18, 0.36),
    (0.13, 0.14, 0.17),
)
_TROUSERS: tuple[Rgb, ...] = ((0.15, 0.20, 0.34), (0.11, 0.11, 0.13), (0.42, 0.37, 0.29), (0.29, 0.31, 0.33), (0.26, 0.33, 0.45))
_SHOES: tuple[Rgb, ...] = ((0.08, 0.07, 0.07), (0.24, 0.15, 0.09), (0.72, 0.72, 0.72))
_HEIGHT_SHARES: dict[Bearing, float] = {"upright": 1.0, "sitting": 0.82, "crouching": 0.74, "lying": 0.20}
_HI_VIS: tuple[Rgb, ...] = ((0.80, 0.92, 0.12), (0.98, 0.44, 0.06))


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One person's outside: stature in metres, breadth of the frame, girth of the waist, colours 0..1 and clothes.

    ``head`` is the head's size relative to the stature's share; ``stoop_rad`` how far the trunk leans forward at rest. Whoever
    is ``sitting`` sits in a wheelchair."""

    stature_m: float
    breadth: float
    girth: float
    skin: Rgb
    hair: Rgb
    headwear: Headwear
    headwear_rgb: Rgb
    top: Top
    top_rgb: Rgb
    accent_rgb: Rgb
    long_sleeves: bool
    trousers_rgb: Rgb
    shoes_rgb: Rgb
    gloves: bool = False
    bag: Bag = "none"
    bag_rgb: Rgb = (0.15, 0.15, 0.17)
    texture_seed: int = field(default=0)
    age: Age = "adult"
    bearing: Bearing = "upright"
    head: float = 1.0
    stoop_rad: float = 0.0

    @property
    def height_m(self) -> float:
        """How high the highest point is above the ground, about."""
        return _HEIGHT_SHARES[self.bearing] * self.stature_m


def look_of(kind: str, seed: int) -> Look:
    """The look of a person of one of ``PERSON_KINDS``; the same seed gives the same look."""
    rng = np.random.default_rng((seed, zlib.crc32(kind.encode())))
    plain = _civilian(rng)
    return _DRESS[kind](plain, rng)


def _civilian(rng: np.random.Generator) -> Look:
    woman = bool(rng.random() < 0.4)
    return Look(
        stature_m=float(np.clip(rng.normal(1.66 if woman else 1.78, 0.065), 1.52, 1.98)),
        breadth=float(np.clip(rng.normal(0.94 if woman else 1.02, 0.04), 0.86, 1.14)),
        girth=float(np.clip(rng.normal(1.0, 0.09), 0.86, 1.30)),
        skin=_pick(rng, SKIN_TONES),
        hair=_pick(rng, HAIR_TONES),
        headwear="long_hair" if woman else ("none" if rng.random() < 0.12 else "short_hair"),
        headwear_rgb=_pick(rng, _SHIRTS),
        top="jacket" if rng.random() < 0.6 else "shirt",
        top_rgb=_shade(rng, _pick(rng, _SHIRTS)),
        accent_rgb=_pick(rng, _SHIRTS),
        long_sleeves=bool(rng.random() < 0.75),
        trousers_rgb=_shade(rng, _pick(rng, _TROUSERS)),
        shoes_rgb=_pick(rng, _SHOES),
        bag_rgb=_pick(rng, _SHIRTS),
        bag="backpack" if rng.random() < 0.2 else "none",
        texture_seed=int(rng.integers(2**31)),
    )


def _guard(look: Look, rng: np.random.Generator) -> Look:
    vest = bool(rng.random() < 0.7)
    return _changed(
        look,
        headwear="cap",
        headwear_rgb=(0.08, 0.10, 0.16),
        top="vest" if vest else "jacket",
        top_rgb=_HI_VIS[0] if vest else (0.09, 0.11, 0.18),
        accent_rgb=(0.10, 0.12, 0.20),
        long_sleeves=True,
        trousers_rgb=(0.09, 0.10, 0.15),
        shoes_rgb=_SHOES[0],
        bag="none",
    )


def _staff(look: Look, rng: np.random.Generator) -> Look:
    vest = bool(rng.random() < 0.75)
    helmet = bool(rng.random() < 0.35)
    return _changed(
        look,
        headwear="helmet" if helmet else look.headwear,
        headwear_rgb=(0.92, 0.90, 0.86) if rng.random() < 0.5 else (0.95, 0.75, 0.10),
        top="vest" if vest else look.top,
        top_rgb=_pick(rng, _HI_VIS) if vest else look.top_rgb,
        bag="holdall" if rng.random() < 0.25 else "none",
    )


def _inmate(look: Look, rng: np.random.Generator) -> Look:
    cloth = (0.90, 0.40, 0.10) if rng.random() < 0.6 else (0.48, 0.49, 0.50)
    cloth = _shade(rng, cloth)
    shoes = (0.80, 0.80, 0.78)
    return _changed(
        look, top="overall", top_rgb=cloth, accent_rgb=(0.9, 0.9, 0.9), trousers_rgb=cloth, shoes_rgb=shoes, bag="none"
    )


def _intruder(look: Look, rng: np.random.Generator) -> Look:
    cloth = _shade(rng, (0.10, 0.10, 0.12) if rng.random() < 0.6 else (0.17, 0.18, 0.22))
    return _changed(
        look,
        headwear="hood",
        headwear_rgb=cloth,
        top="jacket",
        top_rgb=cloth,
        accent_rgb=(0.22, 0.22, 0.24),
        long_sleeves=True,
        trousers_rgb=_shade(rng, (0.11, 0.12, 0.15)),
        shoes_rgb=_SHOES[0] if rng.random() < 0.6 else _SHOES[2],
        gloves=True,
        bag="backpack" if rng.random() < 0.6 else "none",
        bag_rgb=(0.14, 0.16, 0.13),
    )


def _loiterer(look: Look, rng: np.random.Generator) -> Look:
    return _changed(look, top="jacket", bag="holdall" if rng.random() < 0.2 else look.bag)


def _visitor(look: Look, rng: np.random.Generator) -> Look:
    """Anybody: slim to stout, any clothes."""
    tops: tuple[Top, ...] = ("shirt", "jacket", "vest", "overall")
    top = tops[int(rng.choice(4, p=[0.45, 0.35, 0.1, 0.1]))]
    wear: tuple[Headwear, ...] = ("hood", "cap", look.headwear)
    return _changed(
        look,
        girth=float(rng.uniform(0.86, 1.5)),
        breadth=look.breadth * float(rng.uniform(0.97, 1.12)),
        top=top,
        top_rgb=_pick(rng, _HI_VIS) if top == "vest" else _shade(rng, _pick(rng, (*_SHIRTS, (0.10, 0.10, 0.12)))),
        headwear=wear[int(rng.choice(3, p=[0.12, 0.13, 0.75]))],
    )


def _child(look: Look, rng: np.random.Generator) -> Look:
    """Six to twelve years: smaller, with a larger head for it (WHO growth reference 2007, medians)."""
    plain = _visitor(look, rng)
    stature_m = float(rng.uniform(1.14, 1.50))
    return _changed(
        plain,
        age="child",
        hair=_pick(rng, HAIR_TONES[:4]),
        stature_m=stature_m,
        head=1.0 + 0.75 * (1.75 - stature_m) / 1.75,
        girth=min(plain.girth, 1.2),
        top="jacket" if plain.top == "vest" else plain.top,
    )


def _elder(look: Look, rng: np.random.Generator) -> Look:
    """Grey, a little shorter, and bent forward."""
    grey = (0.62, 0.61, 0.60) if rng.random() < 0.6 else (0.86, 0.86, 0.85)
    return _changed(
        _visitor(look, rng),
        age="elder",
        hair=grey,
        stature_m=max(look.stature_m - 0.05, 1.48),
        stoop_rad=float(rng.uniform(0.10, 0.35)),
    )


def _wheelchair(look: Look, rng: np.random.Generator) -> Look:
    dress = _elder if rng.random() < 0.4 else _visitor
    return _changed(dress(look, rng), bearing="sitting", bag="none", stoop_rad=0.0)


def _crouching(look: Look, rng: np.random.Generator) -> Look:
    dress = _intruder if rng.random() < 0.4 else _visitor
    return _changed(dress(look, rng), bearing="crouching", bag="none")


def _lying(look: Look, rng: np.random.Generator) -> Look:
    dress = _elder if rng.random() < 0.4 else _visitor
    return _changed(dress(look, rng), bearing="lying", bag="none", stoop_rad=0.0)


_DRESS = {
    "guard": _guard,
    "staff": _staff,
    "inmate": _inmate,
    "intruder": _intruder,
    "loiterer": _loiterer,
    "visitor": _visitor,
    "child": _child,
    "elder": _elder,
    "wheelchair": _wheelchair,
    "crouching": _crouching,
    "lying": _lying,
}
PERSON_KINDS = tuple(_DRESS)


def _changed(look: Look, **changes: object) -> Look:
    fields = {name: getattr(look, name) for name in Look.__dataclass_fields__}
    return Look(**{**fields, **changes})


def _pick(rng: np.random.Generator, options: tuple[Rgb, ...]) -> Rgb:
    return options[int(rng.integers(len(options)))]


def _shade(rng: np.random.Generator, rgb: Rgb) -> Rgb:
    factor = float(rng.uniform(0.85, 1.12))
    red, green, blue = (min(1.0, channel * factor) for channel in rgb)
    return (red, green, blue)

# SPDX-License-Identifier: Apache-2.0
"""Training crops: a window around something (or nothing), at a random scale, with things pasted in and the light changed."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from patrol.checks import Bytes, Floats
from perception.boxes import areas_px2
from perception.detectors.fitting import brightened
from perception.training.labelled import Labelled

Size = tuple[int, int]
CROP_PX: Size = (320, 256)
WHOLE_PX: Size = (640, 480)
"""Width and height of a training example: a part of a picture, or nearly all of it, where near things are large."""
_SCALES = (0.6, 1.4)
_NEARLY_NATIVE = (0.75, 1.33)
_KEPT_FRACTION_MIN = 0.4
_HARD_SHARE, _THING_SHARE = 0.4, 0.7
_MARGIN = 0.1
"""How far a window may reach beyond the picture, in its own size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crop:
    """``pixels`` (H, W, 3) uint8; boxes, classes and counted as in Labelled, in its pixels."""

    pixels: Bytes
    boxes: Floats
    classes: npt.NDArray[np.int64]
    counted: npt.NDArray[np.bool_]

    @property
    def size_px(self) -> Size:
        """Width and height."""
        return self.pixels.shape[1], self.pixels.shape[0]


def random_crop(
    picture: Labelled, donor: Labelled, random: np.random.Generator, size_px: Size = CROP_PX, *, plain: bool = False
) -> Crop:
    """One training example from ``picture``, made bright as the detector does it; a thing out of ``donor`` may be pasted in.

    A ``plain`` one is nearer to what the camera shows: never stretched if that can be, nothing pasted in, its light changed
    half as often."""
    crop = _window(picture, random, size_px, native=1.0 if plain else 0.5)
    if not plain and random.random() < 0.35:
        crop = _paste(crop, _window(donor, random, CROP_PX, native=0.5), random)
    if random.random() < 0.5:
        crop = _mirrored(crop)
    if plain and random.random() < 0.5:
        return crop
    return Crop(pixels=_relit(crop.pixels, random), boxes=crop.boxes, classes=crop.classes, counted=crop.counted)


def _window(picture: Labelled, random: np.random.Generator, size_px: Size, *, native: float) -> Crop:
    """A part of ``picture`` at a random scale. If that is near 1 it is 1 with probability ``native``: pixels that are not
    interpolated, so that small things are seen as sharp as on the robot."""
    pixels = brightened(picture.read())
    size, whole = np.array(size_px), np.array([pixels.shape[1], pixels.shape[0]])
    scale = float(np.exp(random.uniform(*np.log(_SCALES))))
    centre = np.array([random.uniform(0, whole[0]), random.uniform(0.2 * whole[1], whole[1])])
    box = _wanted(picture, random)
    if box is not None:
        largest = float(((box[2:] - box[:2]) / size).max())
        scale = min(scale, random.uniform(0.7, 1.25) / largest)
        centre = 0.5 * (box[:2] + box[2:])
    scale = max(scale, float((1.0 - _MARGIN) * (size / whole).max()))
    if _NEARLY_NATIVE[0] < scale < _NEARLY_NATIVE[1] and random.random() < native:
        scale = 1.0
    window = size / scale
    corner = centre - window * random.uniform(0.2, 0.8, size=2)
    corner = np.clip(corner, -_MARGIN * window, np.maximum(whole - (1.0 - _MARGIN) * window, 0.0))
    corner = np.round(corner) if scale == 1.0 else corner
    moved = picture.boxes * scale - np.tile(scale * corner, 2)
    return _cut(_view(pixels, corner, scale, random, size_px=size_px), moved, picture)


def _wanted(picture: Labelled, random: np.random.Generator) -> Floats | None:
    """The box (4,) px that a window should show: where a detector went wrong, or a thing that counts; None: anything."""
    if len(picture.hard) and random.random() < _HARD_SHARE:
        boxes, chosen = picture.hard, int(random.integers(len(picture.hard)))
    elif picture.counted.any() and random.random() < _THING_SHARE:
        boxes, chosen = picture.boxes, _any_thing(picture, random)
    else:
        return None
    box: Floats = boxes[chosen]
    return box


def _any_thing(shown: Labelled | Crop, random: np.random.Generator) -> int:
    """The index of one thing that counts. Every class that is there is as likely, so that the many people do not crowd out the
    rest; within a class the low ones are likelier (one over the square root of the height): those are the hard ones."""
    wanted = random.choice(np.unique(shown.classes[shown.counted]))
    usable = np.flatnonzero(shown.counted & (shown.classes == wanted))
    chances = 1.0 / np.sqrt(np.maximum(shown.boxes[usable, 3] - shown.boxes[usable, 1], 1.0))
    return int(random.choice(usable, p=chances / chances.sum()))


def _view(pixels: Bytes, corner: Floats, scale: float, random: np.random.Generator, *, size_px: Size) -> Bytes:
    """The window of ``pixels`` that starts at ``corner`` (2,) px, at ``scale``, averaged when shrunk; grey outside."""
    first = np.floor(np.maximum(corner, 0.0)).astype(int)
    last = np.ceil(corner + np.array(size_px) / scale).astype(int) + 1
    part = pixels[first[1] : last[1], first[0] : last[0]]
    if scale < 0.95:
        part = np.asarray(cv2.GaussianBlur(part, (0, 0), 0.4 / scale), dtype=np.uint8)
    shift = scale * (first - corner)
    move = np.array([[scale, 0.0, shift[0]], [0.0, scale, shift[1]]])
    grey = random.integers(0, 256, size=3).tolist()
    cut = cv2.warpAffine(part, move, size_px, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=grey)
    return np.asarray(cut, dtype=np.uint8)


def _cut(pixels: Bytes, boxes: Floats, picture: Labelled) -> Crop:
    height, width = pixels.shape[:2]
    limits = np.array([width, height] * 2, dtype=np.float64)
    cut = np.clip(boxes, 0.0, limits)
    left = areas_px2(cut) / np.maximum(areas_px2(boxes), 1e-6)
    inside = (areas_px2(cut) > 12.0) & (cut[:, 2] - cut[:, 0] > 2.0)
    counted = picture.counted & ((left >= _KEPT_FRACTION_MIN) | (areas_px2(cut) > 0.25 * width * height))
    return Crop(pixels=pixels, boxes=cut[inside], classes=picture.classes[inside], counted=counted[inside])


def _paste(crop: Crop, donor: Crop, random: np.random.Generator) -> Crop:
    """Lay the rectangle around one thing of ``donor`` over ``crop``; what it hides stops to count."""
    if not donor.counted.any():
        return crop
    chosen = _any_thing(donor, random)
    x0, y0, x1, y1 = (int(value) for value in donor.boxes[chosen] + np.array([-3, -3, 3, 3]))
    x0, y0 = max(x0, 0), max(y0, 0)
    patch = donor.pixels[y0:y1, x0:x1]
    width, height = crop.size_px
    if patch.size == 0 or patch.shape[0] * patch.shape[1] > 0.3 * width * height:
        return crop
    left = int(random.integers(0, width - patch.shape[1] + 1))
    top = int(random.integers(0, height - patch.shape[0] + 1))
    pixels = crop.pixels.copy()
    pixels[top : top + patch.shape[0], left : left + patch.shape[1]] = patch
    box = donor.boxes[chosen] - np.array([x0, y0, x0, y0]) + np.array([left, top, left, top])
    low, high = np.maximum(crop.boxes[:, :2], box[:2]), np.minimum(crop.boxes[:, 2:], box[2:])
    hidden = np.prod(np.maximum(high - low, 0.0), axis=1) / np.maximum(areas_px2(crop.boxes), 1e-6)
    return Crop(
        pixels=pixels,
        boxes=np.vstack((crop.boxes, box)),
        classes=np.append(crop.classes, donor.classes[chosen]),
        counted=np.append(crop.counted & (hidden < 0.5), np.True_),
    )


def _mirrored(crop: Crop) -> Crop:
    boxes = crop.boxes.copy()
    boxes[:, [0, 2]] = crop.size_px[0] - crop.boxes[:, [2, 0]]
    return Crop(pixels=np.ascontiguousarray(crop.pixels[:, ::-1]), boxes=boxes, classes=crop.classes, counted=crop.counted)


def _relit(pixels: Bytes, random: np.random.Generator) -> Bytes:
    """Other gain, gamma, colour balance, haze, blur and noise: night, rain, fog and other cameras."""
    lit = cv2.LUT(pixels, _light_table(random))
    if random.random() < 0.06:
        lit = np.repeat(cv2.cvtColor(lit, cv2.COLOR_BGR2GRAY)[:, :, None], 3, axis=2)
    if random.random() < 0.12:
        lit = cv2.GaussianBlur(lit, (0, 0), random.uniform(0.4, 1.1))
    if random.random() < 0.3:
        noise = random.standard_normal(lit.shape, dtype=np.float32) * np.float32(random.uniform(0.0, 7.0))
        lit = np.clip(lit + noise, 0.0, 255.0)
    return np.asarray(lit, dtype=np.uint8)


def _light_table(random: np.random.Generator) -> Bytes:
    """A table (1, 256, 3) from old to new pixel values."""
    light = np.linspace(0.0, 1.0, 256) ** np.exp(random.uniform(-0.3, 0.3))
    table = light[:, None] * np.exp(random.uniform(-0.3, 0.25) + random.uniform(-0.08, 0.08, size=3))
    if random.random() < 0.12:
        haze = random.uniform(0.0, 0.5)
        table = table * (1.0 - haze) + haze * random.uniform(0.3, 0.9)
    return np.asarray(np.clip(table[None] * 255.0, 0.0, 255.0), dtype=np.uint8)

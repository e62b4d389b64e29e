# SPDX-License-Identifier: Apache-2.0
"""Training crops: a window around something (or nothing), at a random scale, with things pasted in and the light changed."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from patrol.checks import Bytes, Floats
from perception.boxes import areas_px2
from perception.training.labelled import Labelled

CROP_WIDTH_PX = 320
CROP_HEIGHT_PX = 256
BASE_SCALE = 0.9
_KEPT_FRACTION_MIN = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Crop:
    """``pixels`` (CROP_HEIGHT_PX, CROP_WIDTH_PX, 3) uint8; boxes, classes and counted as in Labelled, in its pixels."""

    pixels: Bytes
    boxes: Floats
    classes: npt.NDArray[np.int64]
    counted: npt.NDArray[np.bool_]


def random_crop(picture: Labelled, donor: Labelled, random: np.random.Generator) -> Crop:
    """One training example from ``picture``; a thing out of ``donor`` may be pasted in."""
    crop = _window(picture, random)
    if random.random() < 0.35:
        crop = _paste(crop, _window(donor, random), random)
    if random.random() < 0.5:
        crop = _mirrored(crop)
    return Crop(pixels=_relit(crop.pixels, random), boxes=crop.boxes, classes=crop.classes, counted=crop.counted)


def _window(picture: Labelled, random: np.random.Generator) -> Crop:
    pixels = picture.read()
    height, width = pixels.shape[:2]
    scale = BASE_SCALE * float(np.exp(random.uniform(np.log(0.65), np.log(1.35))))
    centre = np.array([random.uniform(0, width), random.uniform(0.2 * height, height)])
    if len(picture.boxes) and random.random() < 0.70:
        box = picture.boxes[_any_thing(picture.classes, random)]
        largest = float(max((box[2] - box[0]) / CROP_WIDTH_PX, (box[3] - box[1]) / CROP_HEIGHT_PX))
        scale = min(scale, random.uniform(0.7, 1.25) / largest)
        centre = 0.5 * (box[:2] + box[2:])
    window = np.array([CROP_WIDTH_PX, CROP_HEIGHT_PX]) / scale
    corner = centre - window * random.uniform(0.2, 0.8, size=2)
    corner = np.clip(corner, -0.1 * window, np.maximum(np.array([width, height]) - 0.9 * window, 0.0))
    moved = picture.boxes * scale - np.tile(scale * corner, 2)
    return _cut(_view(pixels, corner, scale, random), moved, picture)


def _any_thing(classes: npt.NDArray[np.int64], random: np.random.Generator) -> int:
    """The index of one thing: every class that is there is as likely, so that the many people do not crowd out the rest."""
    wanted = random.choice(np.unique(classes))
    return int(random.choice(np.flatnonzero(classes == wanted)))


def _view(pixels: Bytes, corner: Floats, scale: float, random: np.random.Generator) -> Bytes:
    """The window of ``pixels`` that starts at ``corner`` (2,) px, at ``scale``, averaged when shrunk; grey outside."""
    first = np.floor(np.maximum(corner, 0.0)).astype(int)
    last = np.ceil(corner + np.array([CROP_WIDTH_PX, CROP_HEIGHT_PX]) / scale).astype(int) + 1
    part = pixels[first[1] : last[1], first[0] : last[0]]
    if scale < 0.95:
        part = np.asarray(cv2.GaussianBlur(part, (0, 0), 0.4 / scale), dtype=np.uint8)
    shift = scale * (first - corner)
    move = np.array([[scale, 0.0, shift[0]], [0.0, scale, shift[1]]])
    grey = random.integers(0, 256, size=3).tolist()
    cut = cv2.warpAffine(
        part, move, (CROP_WIDTH_PX, CROP_HEIGHT_PX), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=grey
    )
    return np.asarray(cut, dtype=np.uint8)


def _cut(pixels: Bytes, boxes: Floats, picture: Labelled) -> Crop:
    limits = np.array([CROP_WIDTH_PX, CROP_HEIGHT_PX] * 2, dtype=np.float64)
    cut = np.clip(boxes, 0.0, limits)
    left = areas_px2(cut) / np.maximum(areas_px2(boxes), 1e-6)
    inside = (areas_px2(cut) > 12.0) & (cut[:, 2] - cut[:, 0] > 2.0)
    counted = picture.counted & ((left >= _KEPT_FRACTION_MIN) | (areas_px2(cut) > 0.25 * CROP_WIDTH_PX * CROP_HEIGHT_PX))
    return Crop(pixels=pixels, boxes=cut[inside], classes=picture.classes[inside], counted=counted[inside])


def _paste(crop: Crop, donor: Crop, random: np.random.Generator) -> Crop:
    """Lay the rectangle around one thing of ``donor`` over ``crop``, with soft edges; what it hides stops to count."""
    usable = np.flatnonzero(donor.counted)
    if not len(usable):
        return crop
    chosen = int(usable[_any_thing(donor.classes[usable], random)])
    x0, y0, x1, y1 = (int(value) for value in donor.boxes[chosen] + np.array([-3, -3, 3, 3]))
    x0, y0, x1, y1 = max(x0, 0), max(y0, 0), min(x1, CROP_WIDTH_PX), min(y1, CROP_HEIGHT_PX)
    patch = donor.pixels[y0:y1, x0:x1]
    if patch.size == 0 or patch.shape[0] * patch.shape[1] > 0.3 * CROP_WIDTH_PX * CROP_HEIGHT_PX:
        return crop
    left = int(random.integers(0, CROP_WIDTH_PX - patch.shape[1] + 1))
    top = int(random.integers(0, CROP_HEIGHT_PX - patch.shape[0] + 1))
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
    boxes[:, [0, 2]] = CROP_WIDTH_PX - crop.boxes[:, [2, 0]]
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

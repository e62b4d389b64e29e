# SPDX-License-Identifier: Apache-2.0
"""Ways to take a person out of a picture, and the proof that it was done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal

import cv2
import numpy as np

from patrol.checks import Bytes
from perception.errors import MaskingFailed
from perception.regions import Regions

Method = Literal["pixelate", "blur", "silhouette", "figure"]
_FIGURE, _GROUND = (150, 136, 122), (96, 84, 74)
_BLOCK_MIN_PX = 8
_BLOCKS_PER_HEIGHT = 12
_DETAIL_MIN = 0.75
_CHANGED_PART = 0.5


def mask_regions(pixels: Bytes, regions: Regions, method: Method) -> Bytes:
    """A copy of ``pixels`` (H, W, 3) in which every region (N, 4) px is masked, and proven to be.

    A block is a twelfth of the region's height, 8 px at least: a head keeps two blocks at most. Where regions overlap, the
    larger blocks stay. Raises MaskingFailed.
    """
    masked = pixels.copy()
    for x0, y0, x1, y1 in _finest_first(regions):
        masked[y0:y1, x0:x1] = _METHODS[method](pixels[y0:y1, x0:x1])
    require_masked(pixels, masked, regions)
    return masked


def require_masked(before: Bytes, after: Bytes, regions: Regions) -> None:
    """Raise MaskingFailed unless every region of ``after`` differs from ``before`` by about the detail that masking hides.

    That detail is the lesser of what blocks and what their smooth joining hide: a plain wall, an even slope of light, or an
    edge that runs along the blocks may stay as it was. Where regions overlap, the one with the largest blocks answers.
    """
    is_proven = np.zeros(before.shape[:2], dtype=np.bool_)
    for x0, y0, x1, y1 in reversed(_finest_first(regions)):
        part, mine = before[y0:y1, x0:x1], ~is_proven[y0:y1, x0:x1]
        if not mine.any():
            continue
        detail = min(float(np.mean(cv2.absdiff(part, hidden(part))[mine])) for hidden in (_pixelate, _blur))
        change = float(np.mean(cv2.absdiff(part, after[y0:y1, x0:x1])[mine]))
        if detail > _DETAIL_MIN and change < _CHANGED_PART * detail:
            raise MaskingFailed(f"masking left the region at ({x0}, {y0}) as it was")
        is_proven[y0:y1, x0:x1] = True


def _finest_first(regions: Regions) -> list[tuple[int, int, int, int]]:
    """The regions by the size of their blocks; of two with equal blocks the first given comes first."""
    return sorted((tuple(region) for region in regions.tolist()), key=lambda region: _block_px(region[3] - region[1]))


def _block_px(height_px: int) -> int:
    return max(_BLOCK_MIN_PX, round(height_px / _BLOCKS_PER_HEIGHT))


def _averages(part: Bytes) -> Bytes:
    """One pixel per block."""
    height, width = part.shape[:2]
    block = _block_px(height)
    small = cv2.resize(part, (-(-width // block), -(-height // block)), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8)


def _pixelate(part: Bytes) -> Bytes:
    blocks = cv2.resize(_averages(part), (part.shape[1], part.shape[0]), interpolation=cv2.INTER_NEAREST)
    return np.asarray(blocks, dtype=np.uint8)


def _blur(part: Bytes) -> Bytes:
    """The block averages, joined smoothly: what is gone with the blocks can not be sharpened back."""
    smooth = cv2.resize(_averages(part), (part.shape[1], part.shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(smooth, dtype=np.uint8)


def _silhouette(part: Bytes) -> Bytes:
    """A plain figure on a plain ground; only place and size are left."""
    height, width = part.shape[:2]
    drawn = np.full_like(part, _GROUND)
    centre, body = (width // 2, round(0.62 * height)), (max(width // 3, 1), round(0.34 * height))
    cv2.ellipse(drawn, centre, body, 0, 0, 360, _FIGURE, -1, cv2.LINE_AA)
    cv2.circle(drawn, (width // 2, round(0.20 * height)), max(height // 11, 1), _FIGURE, -1, cv2.LINE_AA)
    return drawn


def _figure(part: Bytes) -> Bytes:
    """Somebody drawn with a few strokes on a plain ground: that there is a person, where, and how large, and nothing else. No
    pixel of the picture is used."""
    height, width = part.shape[:2]
    drawn = np.full_like(part, _GROUND)
    size = np.array((min(width, 0.5 * height), height))
    joints = np.rint(_JOINTS * size + (0.5 * (width - size[0]), 0.0)).astype(int)
    thick = max(round(0.07 * float(size[1])), 1)
    for first, last in _LIMBS:
        cv2.line(drawn, tuple(joints[first]), tuple(joints[last]), _FIGURE, thick, cv2.LINE_AA)
    cv2.circle(drawn, tuple(joints[0]), max(round(0.085 * float(size[1])), 1), _FIGURE, -1, cv2.LINE_AA)
    return drawn


_JOINTS = np.array(
    [(0.5, 0.14), (0.5, 0.26), (0.5, 0.55), (0.30, 0.30), (0.70, 0.30), (0.18, 0.56), (0.82, 0.56), (0.34, 0.93), (0.66, 0.93)]
)
"""Head, neck, hip, shoulders, hands and feet, in shares of the drawn body's width and height."""
_LIMBS = ((1, 2), (3, 4), (3, 5), (4, 6), (2, 7), (2, 8))
_METHODS: Mapping[Method, Callable[[Bytes], Bytes]] = MappingProxyType(
    {"pixelate": _pixelate, "blur": _blur, "silhouette": _silhouette, "figure": _figure}
)

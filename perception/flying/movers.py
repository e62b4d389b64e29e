# SPDX-License-Identifier: Apache-2.0
"""Small things that move, before anything: brighter or darker than all that was about their place in two earlier pictures.

The earlier pictures are turned to where the camera looks now. What is left of the camera's own motion (its way, the pose's error,
a shake) shifts edges by a pixel or two; comparing with the darkest and the brightest of a neighbourhood instead of one pixel
makes that harmless, and costs the things that move less than that.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from patrol.checks import Bytes, Floats
from patrol.percepts import Box
from perception.flying.config import MoversConfig
from perception.flying.spots import Spot

_CORNERS = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 1.0], [0.0, 1.0, 1.0], [1.0, 1.0, 1.0]])


class MoverFinder:
    """Keeps the last two pictures of one camera. ``matrix`` (3, 3) takes directions of the optical frame to pixels."""

    def __init__(self, config: MoversConfig, matrix: Floats) -> None:
        self._config = config
        self._pixels_from_rays, self._rays_from_pixels = matrix, np.linalg.inv(matrix)
        self._before: list[tuple[Bytes, Floats]] = []
        self._square = np.ones((2 * config.slack_px + 1,) * 2, dtype=np.uint8)

    def find(self, picture: Bytes, odom_from_optical: Floats) -> tuple[Spot, ...]:
        """What moves in ``picture`` (H, W), taken with the camera turned like ``odom_from_optical`` (3, 3)."""
        before, self._before = self._before, [*self._before[-1:], (picture, odom_from_optical)]
        if len(before) < 2:
            return ()
        height, width = picture.shape
        change, across_px, down_px = np.full_like(picture, 255), 0, 0
        for earlier, turned in before:
            now_from_before = self._pixels_from_rays @ odom_from_optical.T @ turned @ self._rays_from_pixels
            seen = cv2.warpPerspective(earlier, now_from_before, (width, height), borderMode=cv2.BORDER_REPLICATE)
            above = cv2.subtract(picture, cv2.dilate(seen, self._square))
            below = cv2.subtract(cv2.erode(seen, self._square), picture)
            change = np.minimum(change, np.maximum(above, below))
            shift = _shift_px(now_from_before, width, height)
            across_px, down_px = max(across_px, shift[0]), max(down_px, shift[1])
        return self._spots(change, across_px + self._config.slack_px, down_px + self._config.slack_px)

    def _spots(self, change: Bytes, left_px: int, top_px: int) -> tuple[Spot, ...]:
        """Connected parts of what changed, ``left_px`` and ``top_px`` away from the edges that came into view."""
        config = self._config
        inner = change[top_px : change.shape[0] - top_px, left_px : change.shape[1] - left_px]
        if not inner.size:
            return ()
        count, labels, stats, _ = cv2.connectedComponentsWithStats((inner > config.contrast_min).astype(np.uint8), connectivity=8)
        small = [
            part
            for part in range(1, count)
            if stats[part, cv2.CC_STAT_AREA] >= config.area_min_px and stats[part, 2:4].max() <= config.size_max_px
        ]
        found = []
        for part in small:
            x, y, wide, high, _ = (int(value) for value in stats[part])
            cut = (slice(y, y + high), slice(x, x + wide))
            shine = float(inner[cut][labels[cut] == part].sum())
            box = Box(x0_px=x + left_px, y0_px=y + top_px, x1_px=x + left_px + wide, y1_px=y + top_px + high)
            found.append(Spot(box=box, shine=shine))
        return tuple(sorted(found, key=lambda spot: -spot.shine)[: config.most])


def _shift_px(now_from_before: Floats, width: int, height: int) -> tuple[int, int]:
    """How far, across and down, the corners of the picture move."""
    corners = _CORNERS * (width, height, 1.0)
    moved = corners @ now_from_before.T
    if (moved[:, 2] <= 1e-6).any():
        return width, height
    across, down = np.abs(moved[:, :2] / moved[:, 2:] - corners[:, :2]).max(axis=0)
    return min(math.ceil(across), width), min(math.ceil(down), height)

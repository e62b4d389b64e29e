# SPDX-License-Identifier: Apache-2.0
"""Makes a picture safe to leave the robot, or covers it. There is no third way.

Bodies and heads are masked from detections and from tracks, so that a person whom the detector misses in one picture stays
masked; privacy areas are masked from the map. Whatever is not known to be safe is covered: no detector, a late or unsure one, no
pose while the site has privacy areas, masking that did not change the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from pydantic import Field

from patrol.checks import Bytes
from patrol.clock import seconds
from patrol.config import Config
from patrol.estimate import PoseEstimate
from patrol.percepts import Detection, Track
from patrol.sensors import CameraModel, Image
from patrol.site import PrivacyArea
from perception.cover import cover_card
from perception.errors import MaskingFailed
from perception.masking import Method, mask_regions
from perception.privacy import PrivacyConfig, PrivacyProjector
from perception.regions import RegionsConfig, body_regions

_PRIVATE = np.array((92, 80, 70), dtype=np.uint8)


class AnonymiserConfig(Config):
    """How people are masked, and from when on what is known is too old for the picture."""

    method: Method = "pixelate"
    late_after_s: float = Field(default=0.15, ge=0.0, description="detections older than the picture by more cover it")
    pose_stale_after_s: float = Field(default=0.5, gt=0.0)
    faint_most: int = Field(
        default=40, ge=0, description="more people than that whom the detector only suspects, too faintly to mask them, cover it"
    )
    regions: RegionsConfig = RegionsConfig()
    privacy: PrivacyConfig = PrivacyConfig()


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What a detector saw in the picture stamped ``stamp_ns``, and the tracks at that time."""

    stamp_ns: int
    detections: tuple[Detection, ...]
    tracks: tuple[Track, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SafePicture:
    """A bgr8 picture that may leave the robot. ``covered_because`` is empty when it shows the scene with people masked, and
    else says why it is a cover card."""

    image: Image
    covered_because: str


class Anonymiser:
    """One per camera."""

    def __init__(self, config: AnonymiserConfig, camera: CameraModel, areas: tuple[PrivacyArea, ...] = ()) -> None:
        self._config = config
        self._camera = camera
        self._privacy = PrivacyProjector(camera, areas, config.privacy) if areas else None
        self._curtain = np.tile(_PRIVATE, (camera.height_px, camera.width_px, 1))

    def make_safe(self, image: Image, looked: Looked | None, estimate: PoseEstimate | None, fault: str = "") -> SafePicture:
        """Mask ``image`` by what was ``looked`` at (None: the detector gave nothing). ``fault`` covers it whatever else holds."""
        because = fault or self._why_cover(image, looked, estimate)
        if because or looked is None:
            return _covered(image, because)
        try:
            pixels = self._hide_private(_colour(image), estimate)
            regions = body_regions(looked.detections, looked.tracks, (image.width_px, image.height_px), self._config.regions)
            return SafePicture(image=_picture(image, mask_regions(pixels, regions, self._config.method)), covered_because="")
        except (MaskingFailed, cv2.error, ArithmeticError, LookupError, ValueError) as error:
            return _covered(image, f"masking failed: {error}")

    def _why_cover(self, image: Image, looked: Looked | None, estimate: PoseEstimate | None) -> str:
        """Why this picture must not be shown at all; empty when it may be, masked."""
        if looked is None:
            return "the person detector gave no answer"
        if image.encoding == "mono16":
            return "this kind of picture can not be masked"
        if (image.width_px, image.height_px) != (self._camera.width_px, self._camera.height_px):
            return f"the picture is {image.width_px} x {image.height_px}, the camera's model another size"
        late_s = abs(seconds(image.stamp_ns - looked.stamp_ns))
        if late_s > self._config.late_after_s:
            return f"the person detector is {late_s:.1f} s late"
        unsure = self._why_unsure(looked)
        return unsure or (self._why_pose_fails(image, estimate) if self._privacy else "")

    def _why_unsure(self, looked: Looked) -> str:
        regions = self._config.regions
        faint = sum(item.label in regions.labels and item.score < regions.from_score for item in looked.detections)
        return f"the person detector is unsure: it suspects {faint} people faintly" if faint > self._config.faint_most else ""

    def _why_pose_fails(self, image: Image, estimate: PoseEstimate | None) -> str:
        if estimate is None:
            return "private areas can not be masked: the robot's pose is not known"
        age_s = abs(seconds(image.stamp_ns - estimate.stamp_ns))
        if age_s > self._config.pose_stale_after_s:
            return f"private areas can not be masked: the robot's pose is {age_s:.1f} s old"
        if not np.isfinite(estimate.covariance).all():
            return "private areas can not be masked: the pose's error is not known"
        return f"private areas can not be masked: {estimate.doubt}" if estimate.doubt else ""

    def _hide_private(self, pixels: Bytes, estimate: PoseEstimate | None) -> Bytes:
        if self._privacy is None or estimate is None:
            return pixels
        mask = self._privacy.mask(estimate)
        return np.asarray(cv2.copyTo(self._curtain, mask, pixels.copy()), dtype=np.uint8)


def _colour(image: Image) -> Bytes:
    pixels = image.pixels.astype(np.uint8, copy=False)
    return pixels if image.encoding == "bgr8" else np.repeat(pixels[:, :, None], 3, axis=2)


def _picture(image: Image, pixels: Bytes) -> Image:
    return Image(stamp_ns=image.stamp_ns, frame_id=image.frame_id, encoding="bgr8", pixels=pixels)


def _covered(image: Image, because: str) -> SafePicture:
    return SafePicture(image=_picture(image, cover_card(image.width_px, image.height_px, because)), covered_because=because)

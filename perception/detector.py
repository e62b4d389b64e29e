# SPDX-License-Identifier: Apache-2.0
"""The one thing that every detector can do, and how to open the one that a configuration names.

A new detector is a class with ``detect`` and one row in ``_OPENERS``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal, Protocol

from pydantic import Field

from patrol.config import Config
from patrol.percepts import Detection
from patrol.sensors import Image
from perception.detectors.omz import OmzDetector
from perception.detectors.onnx_model import Selection
from perception.detectors.own import OwnDetector
from perception.detectors.yolox import YoloxDetector
from perception.errors import ModelMissing

MODELS_VARIABLE = "PATROL_MODELS"
OWN_WEIGHTS = Path(__file__).parent / "weights" / "own.onnx"
OMZ_FILE = "person-vehicle-bike-detection-2004_rawheads_fp32.onnx"
YOLOX_FILE = "yolox_nano.onnx"
_OWN_WIDTH_PX = 640
_OMZ_WIDTH_PX = 384


class Detector(Protocol):
    """Finds things in one picture."""

    def detect(self, image: Image) -> tuple[Detection, ...]:
        """Detections in ``image``, best score first, boxes in its pixels and cut at its edges.

        Raises DetectorFailed when it can not look at this picture; an empty answer means that it looked and found nothing.
        """


class DetectorConfig(Config):
    """``models`` is the folder of models that the project does not ship; None: the folder that PATROL_MODELS names.

    ``score_min`` is low on purpose: the tracker uses faint detections to keep tracks alive, and the anonymiser to mask.
    """

    detector: Literal["own", "omz-2004", "yolox-nano"] = "own"
    models: Path | None = None
    score_min: float = Field(default=0.10, ge=0.0, le=1.0)
    overlap_max: float = Field(default=0.45, gt=0.0, le=1.0)
    input_width_px: int | None = Field(
        default=None,
        ge=128,
        le=1920,
        description="the height follows the picture; None: 640 for own, 384 for omz-2004; yolox-nano is fixed",
    )


def open_detector(config: DetectorConfig) -> Detector:
    """Open the detector that ``config`` names. Raises ModelMissing naming the file that is not there or can not be read."""
    selection = Selection(score_min=config.score_min, overlap_max=config.overlap_max)
    return _OPENERS[config.detector](config, selection)


def _model_path(config: DetectorConfig, name: str) -> Path:
    folder = config.models or (Path(os.environ[MODELS_VARIABLE]) if os.environ.get(MODELS_VARIABLE) else None)
    if folder is None:
        raise ModelMissing(f"{config.detector}: needs {name}; name its folder in `models` or in {MODELS_VARIABLE}")
    return folder / name


def _open_own(config: DetectorConfig, selection: Selection) -> Detector:
    return OwnDetector(OWN_WEIGHTS, selection, input_width_px=config.input_width_px or _OWN_WIDTH_PX)


def _open_omz(config: DetectorConfig, selection: Selection) -> Detector:
    return OmzDetector(_model_path(config, OMZ_FILE), selection, input_width_px=config.input_width_px or _OMZ_WIDTH_PX)


def _open_yolox(config: DetectorConfig, selection: Selection) -> Detector:
    return YoloxDetector(_model_path(config, YOLOX_FILE), selection)


_OPENERS: dict[str, Callable[[DetectorConfig, Selection], Detector]] = {
    "own": _open_own,
    "omz-2004": _open_omz,
    "yolox-nano": _open_yolox,
}

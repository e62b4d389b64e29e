# SPDX-License-Identifier: Apache-2.0
"""The one thing that every detector can do, and how to open the one that a configuration names.

A new model is a description file (``detectors/description.py``); a detector of another kind is a class with ``detect``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Protocol

from pydantic import Field, ValidationInfo, field_validator

from patrol.config import Config
from patrol.errors import BadInput
from patrol.percepts import Detection
from patrol.sensors import Image
from perception.detectors.description import describe
from perception.detectors.network_detector import OWN, NetworkDetector
from perception.detectors.networks import open_network
from perception.detectors.picking import Selection
from perception.detectors.store import models_folder
from perception.errors import ModelMissing

OWN_WEIGHTS = Path(__file__).parent / "weights" / "own.onnx"


class Detector(Protocol):
    """Finds things in one picture."""

    def detect(self, image: Image) -> tuple[Detection, ...]:
        """Detections in ``image``, best score first, boxes in its pixels and cut at its edges.

        Raises DetectorFailed when it can not look at this picture; an empty answer means that it looked and found nothing.
        """


class DetectorConfig(Config):
    """``detector`` is the name of a model; ``patrol models list`` prints them. ``models`` is the folder of models that the
    project does not ship; None: the folder that PATROL_MODELS names, else one in the user's cache.

    ``score_min`` is low on purpose: the tracker uses faint detections to keep tracks alive, and the anonymiser to mask.
    ``precision``: "fast" uses whatever the processor does faster, such as bfloat16; "exact" gives about the same answer on
    every machine. Which one it was changes the average precision by less than 0.002.
    """

    models: Path | None = None
    detector: str = Field(default=OWN, pattern=r"^[a-z0-9][a-z0-9.-]*$")
    score_min: float = Field(default=0.10, ge=0.0, le=1.0)
    overlap_max: float = Field(default=0.45, gt=0.0, le=1.0)
    input_width_px: int | None = Field(
        default=None, ge=64, le=1920, description="of a picture of 4:3, others get the same area; None: as the model's file says"
    )
    threads: int = Field(default=1, ge=1, le=64)
    precision: Literal["exact", "fast"] = "fast"

    @field_validator("detector")
    @classmethod
    def _is_described(cls, name: str, info: ValidationInfo) -> str:
        if name != OWN:
            try:
                describe(name, info.data.get("models") or models_folder())
            except BadInput as error:
                raise ValueError(str(error)) from error
        return name


def open_detector(config: DetectorConfig) -> Detector:
    """Open the detector that ``config`` names. Raises BadInput when there is no such model, and ModelMissing naming the file
    that is not there or can not be read."""
    folder = config.models or models_folder()
    described = describe(config.detector, folder)
    path = folder / described.files[0].name if described.files else OWN_WEIGHTS
    if not path.is_file():
        raise ModelMissing(f"{path}: no such file; get it with: patrol models pull {described.name}")
    network = open_network(described, path, threads=config.threads, exact=config.precision == "exact")
    selection = Selection(score_min=config.score_min, overlap_max=config.overlap_max)
    return NetworkDetector(described, network, selection, input_width_px=config.input_width_px)

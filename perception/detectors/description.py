# SPDX-License-Identifier: Apache-2.0
"""What a model's description file says: where its files come from, what goes in, what comes out.

A new model of a known family needs a description and no code. The project's own descriptions lie in ``models/`` beside this
module; a folder of models may hold more.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from patrol.config import Config, load_config
from patrol.errors import BadInput, Fault
from patrol.percepts import Label
from perception.detectors.far_look import FarLook

DESCRIPTIONS = Path(__file__).parent / "models"
SUFFIX = ".yaml"
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{96}$")]
Family = Literal["plain", "listed", "anchors", "cells", "yolox", "detr"]
CocoNames = Literal["coco80", "coco91"]
LabelNames = tuple[Label | None, ...]


def _plain_name(name: str) -> str:
    if Path(name).name != name or name.startswith("."):
        raise ValueError("must be a plain file name")
    return name


class ModelFile(Config):
    """One file, as its publisher has it: ``sha384`` of its bytes, and the address to pull it from (empty: it has none)."""

    name: Annotated[str, AfterValidator(_plain_name)]
    sha384: Digest
    size_bytes: int = Field(gt=0)
    address: str = Field(default="", pattern=r"^(https://\S+)?$")


class ModelInput(Config):
    """How a picture becomes the network's input.

    ``stretch`` lays the whole picture over an input of its own aspect ratio, in steps of ``step_px``, with the area of
    ``width_px`` at 4:3; ``square`` stretches it to width_px x width_px; ``letterbox`` shrinks it to fit that square, at the
    upper left on grey. Values are (pixel - mean) / scale in the order of ``colours``. ``brighten``: dark pictures are
    amplified first. ``far``: the middle of a stretched picture is looked at a second time, enlarged.
    """

    name: str = ""
    fit: Literal["stretch", "square", "letterbox"] = "stretch"
    width_px: int = Field(ge=64, le=1920)
    step_px: int = Field(default=32, ge=1)
    colours: Literal["bgr", "rgb"] = "bgr"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    brighten: bool = True
    far: FarLook | None = None

    @model_validator(mode="after")
    def _looks_far_only_when_stretched(self) -> Self:
        if self.far is not None and self.fit != "stretch":
            raise ValueError("far: only a picture that is stretched can be looked at in parts")
        return self


class ModelOutput(Config):
    """How the network's answer is read. ``family`` names the decoder, ``boxes``, ``scores`` and ``labels`` its tensors.

    ``score_power`` brings scores to one scale for all models, on which about half of all things at 0.5 are real; products of
    two probabilities need 0.5. ``vote_from``: a box becomes the mean of all that overlap it by at least that (Gidaris and
    Komodakis, "Object Detection via a Multi-region CNN", ICCV 2015).
    """

    family: Family
    boxes: str = ""
    scores: str = ""
    labels: str = ""
    squash: Literal["sigmoid", "softmax", "none"] = "none"
    score_power: float = Field(default=1.0, gt=0.0)
    vote_from: float | None = Field(default=None, gt=0.0, lt=1.0)


class ModelDescription(Config):
    """One model. ``labels`` says what its classes are to this project, in their order; null is dropped."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    title: str
    publisher: str
    licence: str
    runtime: Literal["onnxruntime", "openvino"]
    files: tuple[ModelFile, ...] = Field(default=(), description="the first is the one to open; none: it comes with the project")
    input: ModelInput
    output: ModelOutput
    labels: CocoNames | LabelNames

    @property
    def classes(self) -> LabelNames:
        """One label, or None, per class of the network."""
        if self.labels == "coco80":
            return _coco(80, _COCO80)
        return _coco(91, _COCO91) if self.labels == "coco91" else self.labels


_COCO80: dict[Label, tuple[int, ...]] = {
    Label.PERSON: (0,),
    Label.VEHICLE: (2, 3, 5, 7),
    Label.ANIMAL: tuple(range(14, 24)),
    Label.OBJECT: (1, 24, 26, 28),
}
_COCO91: dict[Label, tuple[int, ...]] = {
    Label.PERSON: (1,),
    Label.VEHICLE: (3, 4, 6, 8),
    Label.ANIMAL: tuple(range(16, 26)),
    Label.OBJECT: (2, 27, 31, 33),
}


def _coco(count: int, wanted: dict[Label, tuple[int, ...]]) -> LabelNames:
    by_index = {index: label for label, indices in wanted.items() for index in indices}
    return tuple(by_index.get(index) for index in range(count))


def read_description(path: Path) -> ModelDescription:
    """Read one file. Raises BadInput naming every fault; the file must be called after its model."""
    described = load_config(ModelDescription, path)
    if described.name != path.stem:
        raise BadInput(path, [Fault(field="name", value=described.name, because=f"is not the file's name, {path.stem}")])
    return described


def descriptions(folder: Path | None = None) -> Iterator[ModelDescription]:
    """All models by name: the project's own, and those that ``folder`` describes; the folder's word counts. Raises BadInput."""
    paths = {path.stem: path for path in DESCRIPTIONS.glob(f"*{SUFFIX}")}
    if folder is not None:
        paths |= {path.stem: path for path in folder.glob(f"*{SUFFIX}")}
    for _, path in sorted(paths.items()):
        yield read_description(path)


def describe(name: str, folder: Path | None = None) -> ModelDescription:
    """The description called ``name``. Raises BadInput naming those that there are."""
    places = [path for path in (folder, DESCRIPTIONS) if path is not None]
    for place in places:
        path = place / f"{name}{SUFFIX}"
        if Path(name).name == name and path.is_file():
            return read_description(path)
    known = ", ".join(sorted({path.stem for place in places for path in place.glob(f"*{SUFFIX}")}))
    raise BadInput("models", [Fault(field="model", value=name, because=f"no description of that name; there are {known}")])

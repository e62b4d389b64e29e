# SPDX-License-Identifier: Apache-2.0
"""What the networks share: opening an ONNX file on one thread, fitting a picture to it, and picking detections."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from patrol.checks import Bytes, Floats, Floats32
from patrol.percepts import Box, Detection, Label
from patrol.sensors import Image
from perception.boxes import Indices, suppress_per_class
from perception.errors import DetectorFailed, ModelMissing

CANDIDATES_MAX = 300
DETECTIONS_MAX = 100
_ORT_FAULTS: tuple[type[Exception], ...] = (
    ort_errors.EPFail,
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NoSuchFile,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)


class OnnxModel:
    """An ONNX network on one CPU thread, so that it shares the machine and gives the same answer every time."""

    def __init__(self, path: Path) -> None:
        """Open ``path``. Raises ModelMissing when it is absent or not a network."""
        if not path.is_file():
            raise ModelMissing(f"{path}: no such file")
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 3
        try:
            self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except _ORT_FAULTS as error:
            raise ModelMissing(f"{path}: is not a network that can be run: {error}") from error
        self._input = self._session.get_inputs()[0].name
        self._outputs = [output.name for output in self._session.get_outputs()]

    def run(self, batch: Floats32) -> dict[str, Floats32]:
        """Outputs by name for ``batch`` (1, 3, H, W) float32. Raises DetectorFailed."""
        try:
            values = self._session.run(self._outputs, {self._input: batch})
        except _ORT_FAULTS as error:
            raise DetectorFailed(f"network: {error}") from error
        return dict(zip(self._outputs, values, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which boxes become detections: score at least ``score_min``, overlap within a class at most ``overlap_max``."""

    score_min: float
    overlap_max: float


def colour_pixels(image: Image) -> Bytes:
    """Pixels (H, W, 3) uint8, BGR. Raises DetectorFailed for a thermal picture."""
    if image.encoding == "bgr8":
        return image.pixels.astype(np.uint8, copy=False)
    if image.encoding == "mono8":
        return np.repeat(image.pixels.astype(np.uint8, copy=False)[:, :, None], 3, axis=2)
    raise DetectorFailed(f"picture: encoding {image.encoding} is not one that this network was made for")


def resized(pixels: Bytes, width_px: int, height_px: int) -> Bytes:
    """Pixels (H, W, 3) stretched to ``width_px`` x ``height_px``; averaged when shrunk, so that small things do not flicker."""
    shrinks = width_px < pixels.shape[1]
    stretched = cv2.resize(pixels, (width_px, height_px), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return np.asarray(stretched, dtype=np.uint8)


def batch_from_pixels(pixels: Bytes) -> Floats32:
    """Pixels (H, W, 3) as a batch (1, 3, H, W) float32, values 0..255."""
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], dtype=np.float32)


def pick(
    image: Image, labels: tuple[Label | None, ...], selection: Selection, *, boxes: Floats32, scores: Floats32
) -> tuple[Detection, ...]:
    """Detections from ``boxes`` (N, 4) px of the picture and ``scores`` (N, C) over ``labels``; a None label is dropped.

    Each box counts once, as its best class. Boxes are cut at the picture's edges.
    """
    wanted = np.array([label is not None for label in labels])
    masked = np.where(wanted, scores, 0.0)
    classes = masked.argmax(axis=1)
    best = masked[np.arange(len(masked)), classes]
    chosen = np.flatnonzero(best >= max(selection.score_min, 1e-6))
    chosen = chosen[np.argsort(-best[chosen], kind="stable")[:CANDIDATES_MAX]]
    cut = _cut(boxes[chosen].astype(np.float64), image)
    kept = suppress_per_class(cut, best[chosen].astype(np.float64), classes[chosen].astype(np.int64), selection.overlap_max)
    return _detections(image, labels, cut[kept], classes[chosen][kept], best[chosen][kept])


def _cut(boxes: Floats, image: Image) -> Floats:
    limits = np.array([image.width_px, image.height_px] * 2, dtype=np.float64)
    return np.clip(boxes, 0.0, limits)


def _detections(
    image: Image, labels: tuple[Label | None, ...], boxes: Floats, classes: Indices, scores: Floats32
) -> tuple[Detection, ...]:
    found = []
    for (x0, y0, x1, y1), index, score in zip(boxes.tolist(), classes.tolist(), scores.tolist(), strict=True):
        label = labels[index]
        if label is None or x1 - x0 < 1.0 or y1 - y0 < 1.0:
            continue
        box = Box(x0_px=x0, y0_px=y0, x1_px=x1, y1_px=y1)
        found.append(
            Detection(
                stamp_ns=image.stamp_ns, frame_id=image.frame_id, source="camera", label=label, score=min(score, 1.0), box=box
            )
        )
    return tuple(found[:DETECTIONS_MAX])

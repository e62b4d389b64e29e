# SPDX-License-Identifier: Apache-2.0
"""How each family of networks says what it found: one decoder a family.

A decoder takes the output tensors and the input's size, and returns boxes (N, 4) in input pixels and scores (N, C).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from patrol.checks import Floats32
from perception.boxes import logistic
from perception.detectors.anchors import decode_anchors
from perception.detectors.cells import decode_grid
from perception.detectors.description import Family, ModelOutput
from perception.errors import DetectorFailed

Tensors = Mapping[str, Floats32]
Found = tuple[Floats32, Floats32]


def decode(tensors: Tensors, output: ModelOutput, *, size_px: tuple[int, int], classes: int) -> Found:
    """Boxes (N, 4) in pixels of an input of ``size_px`` (width, height), and scores (N, ``classes``) on the common scale.

    Raises DetectorFailed when the tensors are not what ``output`` says.
    """
    try:
        boxes, scores = _DECODERS[output.family](tensors, output, size_px, classes)
    except (KeyError, ValueError, IndexError) as error:
        raise DetectorFailed(f"network: its answer is not of the family {output.family}: {error}") from error
    if scores.shape[1:] != (classes,) or boxes.shape != (len(scores), 4):
        raise DetectorFailed(f"network: boxes {boxes.shape} and scores {scores.shape} do not fit {classes} classes")
    return boxes, scores if output.score_power == 1.0 else np.maximum(scores, 0.0) ** np.float32(output.score_power)


def _plain(tensors: Tensors, output: ModelOutput, _: tuple[int, int], classes: int) -> Found:
    """Boxes in input pixels beside scores of every class."""
    scores = tensors[output.scores].reshape(-1, classes)
    return tensors[output.boxes].reshape(-1, 4), _squashed(scores, output)


def _listed(tensors: Tensors, output: ModelOutput, _: tuple[int, int], classes: int) -> Found:
    """A list of finished boxes (N, 5) with their score, or (N, 4) with ``scores`` (N,) beside, and ``labels`` (N,)."""
    boxes = tensors[output.boxes]
    boxes = boxes.reshape(-1, boxes.shape[-1])
    best = tensors[output.scores].reshape(-1) if output.scores else boxes[:, 4]
    labels = tensors[output.labels].reshape(-1).astype(np.int64)
    scores = np.zeros((len(boxes), classes), dtype=np.float32)
    scores[np.arange(len(boxes)), labels] = best
    return boxes[:, :4], scores


def _anchors(tensors: Tensors, _: ModelOutput, __: tuple[int, int], ___: int) -> Found:
    return decode_anchors(tensors)


def _cells(tensors: Tensors, output: ModelOutput, size_px: tuple[int, int], _: int) -> Found:
    """Per grid cell the box and the classes."""
    rows = tensors[output.boxes][0]
    return decode_grid(rows, *size_px), _squashed(rows[:, 4:], output)


def _yolox(tensors: Tensors, _: ModelOutput, size_px: tuple[int, int], __: int) -> Found:
    """Per grid cell the box, whether there is anything, and the classes (Ge et al., "YOLOX", arXiv 2107.08430)."""
    (rows,) = (value[0] for value in tensors.values())
    return decode_grid(rows, *size_px), rows[:, 4:5] * rows[:, 5:]


def _detr(tensors: Tensors, output: ModelOutput, size_px: tuple[int, int], classes: int) -> Found:
    """One row per query: centre and size in parts of the input, and class logits; of a softmax the last class is "nothing"
    (Carion et al., "End-to-End Object Detection with Transformers", ECCV 2020; RT-DETR, RF-DETR, D-FINE use a sigmoid)."""
    rows = tensors[output.boxes].reshape(-1, 4) * np.array([*size_px, *size_px], dtype=np.float32)
    half = 0.5 * rows[:, 2:]
    logits = tensors[output.scores]
    scores = _squashed(logits.reshape(-1, logits.shape[-1]), output)
    return np.concatenate((rows[:, :2] - half, rows[:, :2] + half), axis=1), scores[:, :classes]


def _squashed(values: Floats32, output: ModelOutput) -> Floats32:
    if output.squash == "sigmoid":
        return logistic(values)
    if output.squash == "none":
        return values
    powers = np.exp(values - values.max(axis=-1, keepdims=True))
    shares: Floats32 = powers / powers.sum(axis=-1, keepdims=True)
    return shares


_DECODERS: Mapping[Family, Callable[[Tensors, ModelOutput, tuple[int, int], int], Found]] = MappingProxyType(
    {"plain": _plain, "listed": _listed, "anchors": _anchors, "cells": _cells, "yolox": _yolox, "detr": _detr}
)

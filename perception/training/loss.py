# SPDX-License-Identifier: Apache-2.0
"""How wrong the network's answer is.

Classes: quality focal loss (Li et al., "Generalized Focal Loss", NeurIPS 2020), but with the square root of the overlap as
quality: boxes of small things overlap less, and with the overlap itself far people get faint scores however sure they are.
Boxes: generalised IoU (Rezatofighi et al., CVPR 2019).
"""

from __future__ import annotations

from typing import Any

import torch

from perception.training.architecture import CLASSES

Tensor = Any
_BOX_WEIGHT = 2.0


def detection_loss(cells: Tensor, classes: Tensor, boxes: Tensor, grid: tuple[Tensor, Tensor]) -> Tensor:
    """Loss of ``cells`` (B, N, 4 + C) against classes (B, N) and boxes (B, N, 4); ``grid``: cell centres and strides."""
    centres, strides = grid
    positive = classes >= 0
    predicted = _decode(cells[..., :4], centres, strides)[positive]
    giou, iou = _giou(predicted, boxes[positive])
    quality = torch.zeros(*classes.shape, len(CLASSES))
    quality[positive, classes[positive]] = iou.detach().clamp(0.0025, 1.0).sqrt()
    asked = (classes != -2).unsqueeze(-1)
    logits = cells[..., 4:]
    focus = (quality - logits.sigmoid()).abs().pow(2)
    entropy = torch.nn.functional.binary_cross_entropy_with_logits(logits, quality, reduction="none")
    count = positive.sum().clamp(min=1)
    return (focus * entropy * asked).sum() / count + _BOX_WEIGHT * (1.0 - giou).sum() / count


def _decode(raw: Tensor, centres: Tensor, strides: Tensor) -> Tensor:
    middle = centres - 0.5 * strides[:, None] + raw[..., :2] * strides[:, None]
    half = 0.5 * raw[..., 2:].clamp(max=6.0).exp() * strides[:, None]
    return torch.cat((middle - half, middle + half), dim=-1)


def _giou(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    def area(boxes: Tensor) -> Tensor:
        return (boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(dim=1)

    shared = (torch.minimum(first[:, 2:], second[:, 2:]) - torch.maximum(first[:, :2], second[:, :2])).clamp(min=0).prod(dim=1)
    hull = (torch.maximum(first[:, 2:], second[:, 2:]) - torch.minimum(first[:, :2], second[:, :2])).prod(dim=1)
    union = area(first) + area(second) - shared
    iou = shared / union.clamp(min=1e-6)
    return iou - (hull - union) / hull.clamp(min=1e-6), iou

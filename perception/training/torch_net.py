# SPDX-License-Identifier: Apache-2.0
"""The table of layers as a torch network that can be trained."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from perception.training.architecture import CLASSES, PIXEL_MEAN, PIXEL_SCALE, STRIDES_PX, Layer, network

Tensor = Any
_PRIOR = 0.02
_BLOCK_GAIN = 0.1
"""Residual blocks begin as little more than nothing (Goyal et al., "Accurate, Large Minibatch SGD", 2017)."""


def build_parts() -> Any:
    """An nn.ModuleDict with the weights of every layer that has some."""
    return nn.ModuleDict({layer.name: _part(layer) for layer in network() if layer.op in ("conv", "head")})


def forward(parts: Any, batch: Tensor) -> Tensor:
    """Cells (B, N, 4 + C), level after level, for ``batch`` (B, 3, H, W) with values 0..255."""
    values = {"image": (batch - PIXEL_MEAN) / PIXEL_SCALE}
    for layer in network():
        values[layer.name] = _run(layer, parts, [values[name] for name in layer.inputs])
    heads = [values[f"head{stride}"] for stride in STRIDES_PX]
    return torch.cat([head.flatten(2).transpose(1, 2) for head in heads], dim=1)


def _part(layer: Layer) -> Any:
    if layer.op == "head":
        convolution = nn.Conv2d(layer.channels_in, layer.channels, 1)
        nn.init.normal_(convolution.weight, std=0.01)
        nn.init.zeros_(convolution.bias)
        nn.init.constant_(convolution.bias[-len(CLASSES) :], -math.log((1.0 - _PRIOR) / _PRIOR))
        return convolution
    convolution = nn.Conv2d(
        layer.channels_in, layer.channels, layer.kernel, stride=layer.stride, padding=layer.kernel // 2, bias=False
    )
    nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
    normalisation = nn.BatchNorm2d(layer.channels)
    if not layer.activate:
        nn.init.constant_(normalisation.weight, _BLOCK_GAIN)
    return nn.Sequential(convolution, normalisation)


def _run(layer: Layer, parts: Any, inputs: list[Tensor]) -> Tensor:
    if layer.op == "up":
        return nn.functional.interpolate(inputs[0], scale_factor=2, mode="nearest")
    value = inputs[0] + inputs[1] if layer.op == "add" else parts[layer.name](inputs[0])
    return nn.functional.relu(value) if layer.activate and layer.op != "head" else value

# SPDX-License-Identifier: Apache-2.0
"""The table of layers as a torch network that can be trained."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from perception.training.architecture import CLASSES, PIXEL_MEAN, PIXEL_SCALE, STRIDES_PX, Layer, network

Tensor = Any
_PRIOR = 0.02
_BLOCK_GAIN = 0.1
"""Residual blocks begin as little more than nothing (Goyal et al., "Accurate, Large Minibatch SGD", 2017)."""
_VARIANCE_MIN = 1e-6


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


def settle(parts: Any, batches: Iterable[Tensor]) -> None:
    """Give every normalisation the mean and variance that it really sees in ``batches`` (B, 3, H, W), values 0..255, and make
    that variance 1; what the network answers (in ``eval``) stays the same. Weights out of an ONNX file, in which the
    normalisation is folded away, need this before they can be trained on."""
    seen = {name: _Moments() for name, part in parts.items() if isinstance(part, nn.Sequential)}
    hooks = [parts[name][1].register_forward_pre_hook(moments.add) for name, moments in seen.items()]
    with torch.no_grad():
        for batch in batches:
            forward(parts.eval(), batch)
        for hook in hooks:
            hook.remove()
        for name, moments in seen.items():
            _rescale(*parts[name], mean=moments.mean(), variance=moments.variance())
    parts.train()


class _Moments:
    """Sums over all pixels of what goes into one normalisation, per channel."""

    def __init__(self) -> None:
        self._count, self._sum, self._squares = 0, 0.0, 0.0

    def add(self, _: Any, inputs: tuple[Tensor]) -> None:
        values = inputs[0].double()
        self._count += values.numel() // values.shape[1]
        self._sum = self._sum + values.sum(dim=(0, 2, 3))
        self._squares = self._squares + values.square().sum(dim=(0, 2, 3))

    def mean(self) -> Tensor:
        return self._sum / self._count

    def variance(self) -> Tensor:
        return (self._squares / self._count - self.mean().square()).clamp(min=_VARIANCE_MIN)


def _rescale(convolution: Any, normalisation: Any, *, mean: Tensor, variance: Tensor) -> None:
    """Divide the convolution's kernels by the deviation of what they give, and have the normalisation undo it."""
    deviation = variance.sqrt()
    gain = normalisation.weight / (normalisation.running_var + normalisation.eps).sqrt()
    normalisation.bias.add_((mean - normalisation.running_mean) * gain)
    normalisation.weight.copy_(gain * deviation * math.sqrt(1.0 + normalisation.eps))
    normalisation.running_mean.copy_(mean / deviation)
    normalisation.running_var.fill_(1.0)
    convolution.weight.div_(deviation[:, None, None, None])


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

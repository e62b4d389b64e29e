# SPDX-License-Identifier: Apache-2.0
"""The network as a table of layers. ``torch_net`` trains it, ``onnx_graph`` writes it out; both read this one table.

A residual trunk with strides 8, 16 and 32, joined top-down (Lin et al., "Feature Pyramid Networks", CVPR 2017), and one
small anchor-free head per level (as YOLOX has it: box as centre offset and log size).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

STRIDES_PX = (8, 16, 32)
CLASSES = ("person", "vehicle", "animal")
OUTPUTS = 4 + len(CLASSES)
PIXEL_MEAN = 118.0
PIXEL_SCALE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One row. ``conv`` is convolution, batch normalisation and, when ``activate``, ReLU; ``head`` a 1 x 1 convolution with
    bias; ``add`` the sum of its inputs, then ReLU when ``activate``; ``up`` doubles width and height by repetition."""

    name: str
    op: Literal["conv", "head", "add", "up"]
    inputs: tuple[str, ...]
    channels_in: int
    channels: int
    kernel: int = 3
    stride: int = 1
    activate: bool = True


def network() -> tuple[Layer, ...]:
    """All layers in the order of running; the heads are named ``head8``, ``head16``, ``head32``."""
    trunk = (
        _conv("stem", "image", 3, 16, stride=2),
        _conv("s4", "stem", 16, 24, stride=2),
        *_stage("s8", "s4", 24, 40, blocks=2),
        *_stage("s16", "s8", 40, 80, blocks=2),
        *_stage("s32", "s16", 80, 128, blocks=2),
    )
    joined = (
        _conv("p32", "s32", 128, 48, kernel=1),
        _conv("side16", "s16", 80, 48, kernel=1),
        Layer(name="up16", op="up", inputs=("p32",), channels_in=48, channels=48),
        Layer(name="p16", op="add", inputs=("side16", "up16"), channels_in=48, channels=48, activate=False),
        _conv("side8", "s8", 40, 48, kernel=1),
        Layer(name="up8", op="up", inputs=("p16",), channels_in=48, channels=48),
        Layer(name="p8", op="add", inputs=("side8", "up8"), channels_in=48, channels=48, activate=False),
    )
    return (*trunk, *joined, *(layer for stride in STRIDES_PX for layer in _head(stride)))


def _conv(name: str, source: str, channels_in: int, channels: int, *, stride: int = 1, kernel: int = 3) -> Layer:
    return Layer(name=name, op="conv", inputs=(source,), channels_in=channels_in, channels=channels, kernel=kernel, stride=stride)


def _stage(name: str, source: str, channels_in: int, channels: int, *, blocks: int) -> tuple[Layer, ...]:
    """Halve the size, then ``blocks`` residual blocks; the last layer bears ``name``."""
    layers = [_conv(f"{name}_0", source, channels_in, channels, stride=2)]
    for block in range(1, blocks + 1):
        before, after = f"{name}_{block - 1}", name if block == blocks else f"{name}_{block}"
        layers.append(_conv(f"{after}_a", before, channels, channels))
        layers.append(
            Layer(name=f"{after}_b", op="conv", inputs=(f"{after}_a",), channels_in=channels, channels=channels, activate=False)
        )
        layers.append(Layer(name=after, op="add", inputs=(before, f"{after}_b"), channels_in=channels, channels=channels))
    return tuple(layers)


def _head(stride: int) -> tuple[Layer, ...]:
    tower = _conv(f"tower{stride}", f"p{stride}", 48, 48)
    return tower, Layer(name=f"head{stride}", op="head", inputs=(tower.name,), channels_in=48, channels=OUTPUTS, kernel=1)

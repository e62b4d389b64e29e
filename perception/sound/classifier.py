# SPDX-License-Identifier: Apache-2.0
"""What a sound is: a small network over the measures, one hidden layer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from patrol.checks import Floats, frozen_array
from patrol.config import read_json
from patrol.errors import BadInput, BadValue, Fault
from patrol.percepts import SOUNDS
from perception.sound.features import NAMES

DEFAULT_WEIGHTS = Path(__file__).with_name("classifier.json")
CLASSES = ("other", *(label.value for label in SOUNDS))
_FAR = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Classifier:
    """``mean`` and ``deviation`` (F,) make measures comparable; ``hidden`` (F + 1, H) and ``out`` (H + 1, 4) are weights, the
    last row of each for the constant."""

    mean: Floats
    deviation: Floats
    hidden: Floats
    out: Floats

    def __post_init__(self) -> None:
        count, width = len(NAMES), np.asarray(self.hidden).shape[-1]
        for name, shape in (
            ("mean", (count,)),
            ("deviation", (count,)),
            ("hidden", (count + 1, width)),
            ("out", (width + 1, len(CLASSES))),
        ):
            array = frozen_array(name, getattr(self, name), shape)
            if not np.isfinite(array).all():
                raise BadValue(f"{name}: holds values that are not finite")
            object.__setattr__(self, name, array)

    def probabilities(self, measures: Floats) -> Floats:
        """How probable each of ``CLASSES`` is (..., 4), from measures (..., F)."""
        inputs = np.clip((measures - self.mean) / self.deviation, -_FAR, _FAR)
        inner = np.tanh(inputs @ self.hidden[:-1] + self.hidden[-1])
        outer = inner @ self.out[:-1] + self.out[-1]
        powers = np.exp(outer - outer.max(axis=-1, keepdims=True))
        probable: Floats = powers / powers.sum(axis=-1, keepdims=True)
        return probable


@cache
def read_classifier(path: Path = DEFAULT_WEIGHTS) -> Classifier:
    """Read weights. Raises BadInput for a file that was made for other measures or classes."""
    data: Any = read_json(path)
    wanted = {"measures": list(NAMES), "classes": list(CLASSES)}
    faults = [
        Fault(
            field=name, value=None if not isinstance(data, dict) else data.get(name), because="is not what this version measures"
        )
        for name, value in wanted.items()
        if not isinstance(data, dict) or data.get(name) != value
    ]
    if faults:
        raise BadInput(path, faults)
    try:
        arrays = {name: np.array(data[name], dtype=np.float64) for name in ("mean", "deviation", "hidden", "out")}
        return Classifier(**arrays)
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(path, [Fault(field="weights", value=sorted(data), because=str(error))]) from error

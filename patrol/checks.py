# SPDX-License-Identifier: Apache-2.0
"""Checks that the frozen types run on what they are given."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from patrol.errors import BadValue

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]


def frozen_array(
    name: str, value: npt.ArrayLike, shape: Sequence[int | None], dtype: npt.DTypeLike = np.float64
) -> npt.NDArray[np.generic]:
    """Return ``value`` as a read-only array of ``shape`` (None: any length on that axis).

    A writable array is copied, so that its owner can not change it afterwards; a read-only one is taken as it is.
    Raises BadValue when the shape differs.
    """
    array = np.asarray(value, dtype=dtype)
    if array.shape != tuple(shape) and (
        array.ndim != len(shape) or any(want is not None and want != got for want, got in zip(shape, array.shape, strict=True))
    ):
        raise BadValue(f"{name}: shape {array.shape} is not {tuple(shape)}")
    if array.flags.writeable:
        array = array.copy() if array is value or array.base is not None else array
        array.setflags(write=False)
    return array


def require_finite(name: str, value: float) -> None:
    """Raise BadValue unless ``value`` is a finite number."""
    if not math.isfinite(value):
        raise BadValue(f"{name}: {value!r} is not finite")


def require_all_finite(name: str, array: npt.NDArray[np.generic]) -> None:
    """Raise BadValue unless every element of ``array`` is finite."""
    numbers = array if array.dtype.kind == "f" else array.astype(np.float64)
    if not np.isfinite(numbers).all():
        raise BadValue(f"{name}: holds values that are not finite")


def require_in(name: str, value: object, allowed: Sequence[object]) -> None:
    """Raise BadValue unless ``value`` is one of ``allowed``."""
    if value not in allowed:
        raise BadValue(f"{name}: {value!r} is not one of {', '.join(map(repr, allowed))}")


def require_positive(name: str, value: float) -> None:
    """Raise BadValue unless ``value`` is finite and above zero."""
    if not (math.isfinite(value) and value > 0):
        raise BadValue(f"{name}: {value!r} is not above zero")

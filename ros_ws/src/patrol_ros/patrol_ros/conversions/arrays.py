# SPDX-License-Identifier: Apache-2.0
"""Numeric fields without a Python object per element: rclpy takes an ``array.array`` as it is and hands one back. What decodes a
recording hands back lists."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np
import numpy.typing as npt

_TYPE_CODES = {"uint8": "B", "int8": "b", "int16": "h", "float32": "f", "float64": "d"}


def array_to_ros(values: npt.NDArray[Any]) -> array[Any]:
    """The elements of ``values`` in row-major order, copied once. Types: uint8, int8, int16, float32, float64; else KeyError."""
    flat = np.ascontiguousarray(values)
    field: array[Any] = array(_TYPE_CODES[flat.dtype.name])
    field.frombytes(flat.reshape(-1).view(np.uint8).data)
    return field


def array_from_ros(field: Any, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """A read-only array over the field's own memory, seen as ``dtype``; no copy but of a list."""
    if isinstance(field, list):
        values: npt.NDArray[Any] = np.array(field, dtype=dtype)
    else:
        values = np.frombuffer(field, dtype=dtype) if len(field) else np.empty(0, dtype=dtype)
    values.setflags(write=False)
    return values

# SPDX-License-Identifier: Apache-2.0
"""Writing SDF without ceremony: nested tuples become elements."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree as ET

import numpy as np
import numpy.typing as npt

from patrol.geometry import Pose3

Text = str | float | int | bool


def words(values: Iterable[float]) -> str:
    """Numbers between spaces, to nine digits."""
    return " ".join(f"{float(value):.9g}" for value in values)


def put(parent: ET.Element, tag: str, value: Text | Iterable[float] | None = None, **attributes: str) -> ET.Element:
    """Add a child; numbers and truth values are written as SDF has them."""
    child = ET.SubElement(parent, tag, attributes)
    if isinstance(value, bool):
        child.text = str(value).lower()
    elif isinstance(value, str):
        child.text = value
    elif isinstance(value, int | float):
        child.text = words((value,))
    elif value is not None:
        child.text = words(value)
    return child


def put_all(parent: ET.Element, /, **values: Text | Iterable[float]) -> ET.Element:
    """Add one child per named value; returns the parent."""
    for tag, value in values.items():
        put(parent, tag, value)
    return parent


def pose_text(position_m: npt.ArrayLike, rpy_rad: Iterable[float] = (0.0, 0.0, 0.0)) -> str:
    """The text of a ``pose``."""
    return words([*np.asarray(position_m, dtype=np.float64).tolist(), *rpy_rad])


def rpy_of(pose: Pose3) -> tuple[float, float, float]:
    """Fixed-axis roll, pitch and yaw, rad, of a pose whose pitch is not straight up or down."""
    rotation = pose.rotation
    pitch = float(np.arcsin(np.clip(-rotation[2, 0], -1.0, 1.0)))
    return float(np.arctan2(rotation[2, 1], rotation[2, 2])), pitch, float(np.arctan2(rotation[1, 0], rotation[0, 0]))

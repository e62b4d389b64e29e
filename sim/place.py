# SPDX-License-Identifier: Apache-2.0
"""The little that the simulator needs of a site file: its datum and its first dock."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

from patrol.errors import BadInput, Fault
from patrol.geometry import Pose2
from patrol.local_frame import LocalFrame
from patrol.site import Datum


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the site is on Earth, and where the robot stands at the start."""

    datum: Datum
    dock: Pose2 | None


def read_place(path: Path) -> Place:
    """Read datum and first dock. Raises BadInput when the file is no site file."""
    try:
        document = json.loads(path.read_text("utf-8"))
        longitude, latitude, *altitude = document["site"]["datum"]
        datum = Datum(latitude_deg=latitude, longitude_deg=longitude, altitude_m=altitude[0] if altitude else 0.0)
        docks = [feature for feature in document["features"] if feature["properties"].get("kind") == "dock"]
        if not docks:
            return Place(datum=datum, dock=None)
        x_m, y_m, _ = LocalFrame(datum).to_map(docks[0]["geometry"]["coordinates"])
        yaw_rad = math.radians(90.0 - float(docks[0]["properties"].get("heading_deg", 90.0)))
        return Place(datum=datum, dock=Pose2(float(x_m), float(y_m), yaw_rad))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(path, [Fault(field="(file)", value=type(error).__name__, because=f"is no site file: {error}")]) from error

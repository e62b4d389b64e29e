# SPDX-License-Identifier: Apache-2.0
"""WGS84 and the local map frame: a topocentric east-north-up frame that touches the ellipsoid's normal at the datum."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from pyproj import Transformer

from patrol.checks import Floats
from patrol.errors import BadValue
from patrol.site import Datum


class LocalFrame:
    """Converts between WGS84 (longitude, latitude in degrees, ellipsoidal height in m) and ``map`` (x east, y north, z up, m).

    Geodetic → geocentric → topocentric (EPSG method 9837), by PROJ; no grids, no network. Exact both ways to the precision
    of double numbers, at any distance.
    """

    def __init__(self, datum: Datum) -> None:
        """Raises BadValue when the datum is no place on Earth."""
        if not (abs(datum.latitude_deg) <= 90.0 and abs(datum.longitude_deg) <= 180.0 and math.isfinite(datum.altitude_m)):
            raise BadValue(f"datum: {datum} is no place on Earth")
        self.datum = datum
        self._transformer = Transformer.from_pipeline(
            "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=cart +ellps=WGS84 "
            f"+step +proj=topocentric +ellps=WGS84 +lon_0={datum.longitude_deg!r} +lat_0={datum.latitude_deg!r} "
            f"+h_0={datum.altitude_m!r}"
        )

    def to_map(self, lon_lat_alt: npt.ArrayLike) -> Floats:
        """Points (..., 3) m in ``map`` of points (..., 3) as longitude, latitude in degrees and height in m.

        Points (..., 2) stand at the datum's height.
        """
        points = np.asarray(lon_lat_alt, dtype=np.float64)
        height_m = points[..., 2] if points.shape[-1] == 3 else np.full(points.shape[:-1], self.datum.altitude_m)
        return np.stack(self._transformer.transform(points[..., 0], points[..., 1], height_m), axis=-1)

    def to_wgs84(self, points_m: npt.ArrayLike) -> Floats:
        """Longitude, latitude in degrees and height in m (..., 3) of points (..., 3) m in ``map``."""
        points = np.asarray(points_m, dtype=np.float64)
        moved = self._transformer.transform(points[..., 0], points[..., 1], points[..., 2], direction="INVERSE")
        return np.stack(moved, axis=-1)

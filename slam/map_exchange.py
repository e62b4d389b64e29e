# SPDX-License-Identifier: Apache-2.0
"""Maps for other programs: point clouds as PCD and PLY, the pose graph as g2o, the grid as GeoTIFF or as a PNG with a world file.

The grid's rasters are WGS84 (EPSG:4326). ``map`` touches the Earth at the site's datum, so that a raster in degrees is exact
there and off by less than a centimetre 200 m away.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image as Picture
from PIL import TiffImagePlugin, UnidentifiedImageError

from patrol.checks import Floats
from patrol.errors import BadInput, BadValue, Fault
from patrol.geometry import Pose2
from patrol.grid import UNKNOWN, OccupancyGrid
from patrol.local_frame import LocalFrame
from slam.map_files import write_whole
from slam.pose_graph import Edge

_UNKNOWN_GREY = 128
_PIXEL_SCALE_TAG, _TIEPOINT_TAG, _GEO_KEYS_TAG, _NODATA_TAG = 33550, 33922, 34735, 42113
_GEO_KEYS = (1, 1, 0, 3, 1024, 0, 1, 2, 1025, 0, 1, 1, 2048, 0, 1, 4326)
_WGS84_WKT = (
    'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0],'
    'UNIT["degree",0.0174532925199433],AUTHORITY["EPSG","4326"]]'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphFile:
    """A pose graph as g2o has it: ``poses`` by keyframe id, and ``edges``; which edges are closures is not told."""

    poses: tuple[Pose2, ...]
    edges: tuple[Edge, ...]


def save_g2o(path: Path, poses: Sequence[Pose2], edges: Sequence[Edge]) -> None:
    """Write ``VERTEX_SE2`` and ``EDGE_SE2`` lines; the information is that of each edge's covariance in the frame of its first
    keyframe."""
    lines = [f"VERTEX_SE2 {row} {pose.x_m:.9g} {pose.y_m:.9g} {pose.yaw_rad:.9g}" for row, pose in enumerate(poses)]
    lines.append("FIX 0")
    for edge in edges:
        moved = edge.from_to
        upper = np.linalg.inv(edge.covariance)[np.triu_indices(3)]
        numbers = " ".join(f"{value:.9g}" for value in (moved.x_m, moved.y_m, moved.yaw_rad, *upper))
        lines.append(f"EDGE_SE2 {edge.from_id} {edge.to_id} {numbers}")
    write_whole(path, lambda part: part.write_text("\n".join(lines) + "\n", "ascii"))


def load_g2o(path: Path) -> GraphFile:
    """Read a planar g2o file whose vertices are numbered from 0. Raises BadInput naming every broken line."""
    poses: dict[int, Pose2] = {}
    edges, faults = [], []
    for number, words in enumerate(_lines_of(path), start=1):
        if not words or words[0] in ("FIX", "#"):
            continue
        try:
            if words[0] == "VERTEX_SE2":
                poses[int(words[1])] = Pose2(*_exactly(words[2:], 3))
            elif words[0] == "EDGE_SE2":
                edges.append(_edge(int(words[1]), int(words[2]), _exactly(words[3:], 9)))
            else:
                faults.append(Fault(field=f"line {number}", value=words[0], because="is not VERTEX_SE2, EDGE_SE2 or FIX"))
        except (ValueError, IndexError, np.linalg.LinAlgError) as error:
            faults.append(Fault(field=f"line {number}", value=words[0], because=f"can not be read: {error}"))
    if not faults and sorted(poses) != list(range(len(poses))):
        faults.append(Fault(field="VERTEX_SE2", value=len(poses), because="are not numbered 0, 1, 2 ..."))
    if not faults:
        faults = [
            Fault(field="EDGE_SE2", value=(edge.from_id, edge.to_id), because="joins a vertex that is not there")
            for edge in edges
            if not {edge.from_id, edge.to_id} <= set(poses)
        ]
    if faults or not poses:
        raise BadInput(path, faults or [Fault(field="(file)", value=str(path), because="holds no VERTEX_SE2")])
    return GraphFile(poses=tuple(poses[row] for row in range(len(poses))), edges=tuple(edges))


def save_geotiff(path: Path, grid: OccupancyGrid, frame: LocalFrame) -> None:
    """Write the grid as a grey GeoTIFF (255 free, 0 occupied, 128 unknown), north up, WGS84."""
    west_deg, north_deg, step_lon, step_lat = _raster_of(grid, frame)
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[_PIXEL_SCALE_TAG] = (step_lon, step_lat, 0.0)
    tags.tagtype[_PIXEL_SCALE_TAG] = tags.tagtype[_TIEPOINT_TAG] = 12
    tags[_TIEPOINT_TAG] = (0.0, 0.0, 0.0, west_deg, north_deg, 0.0)
    tags[_GEO_KEYS_TAG] = _GEO_KEYS
    tags.tagtype[_GEO_KEYS_TAG] = 3
    tags[_NODATA_TAG] = str(_UNKNOWN_GREY)
    picture = Picture.fromarray(grey_of(grid))
    write_whole(path, lambda part: picture.save(part, format="TIFF", tiffinfo=tags, compression="tiff_deflate"))


def load_geotiff(path: Path, frame: LocalFrame, *, resolution_m: float) -> OccupancyGrid:
    """Read what ``save_geotiff`` wrote. Raises BadInput when it has no place on Earth."""
    pixels, tags = _read_picture(path)
    try:
        step_lon, step_lat, _ = tags[_PIXEL_SCALE_TAG]
        column, row, _, west_deg, north_deg, _ = tags[_TIEPOINT_TAG]
    except (KeyError, ValueError) as error:
        fault = Fault(field="ModelTiepoint, ModelPixelScale", value="...", because="are missing: it has no place on Earth")
        raise BadInput(path, [fault]) from error
    west_deg, north_deg = west_deg - column * step_lon, north_deg + row * step_lat
    return _grid_of(pixels, (west_deg, north_deg, step_lon, step_lat), frame, resolution_m)


def save_world_png(path: Path, grid: OccupancyGrid, frame: LocalFrame) -> None:
    """Write the grid as a grey PNG with a world file (``.pgw``) and its reference system (``.prj``) beside it; the PNG last."""
    west_deg, north_deg, step_lon, step_lat = _raster_of(grid, frame)
    lines = (step_lon, 0.0, 0.0, -step_lat, west_deg + 0.5 * step_lon, north_deg - 0.5 * step_lat)
    text = "\n".join(f"{value:.15g}" for value in lines) + "\n"
    write_whole(path.with_suffix(".pgw"), lambda part: part.write_text(text, "ascii"))
    write_whole(path.with_suffix(".prj"), lambda part: part.write_text(_WGS84_WKT, "ascii"))
    picture = Picture.fromarray(grey_of(grid))
    write_whole(path, lambda part: picture.save(part, format="PNG"))


def load_world_png(path: Path, frame: LocalFrame, *, resolution_m: float) -> OccupancyGrid:
    """Read a PNG with its world file. Raises BadInput."""
    pixels, _ = _read_picture(path)
    world = path.with_suffix(".pgw")
    try:
        step_lon, turn_x, turn_y, step_down, first_lon, first_lat = (float(words[0]) for words in _lines_of(world) if words)
    except ValueError as error:
        raise BadInput(world, [Fault(field="(file)", value=str(world), because="is not six numbers")]) from error
    if turn_x or turn_y or not (step_lon > 0.0 > step_down):
        raise BadInput(world, [Fault(field="line 2, line 3", value=(turn_x, turn_y), because="only north up is read")])
    corner = (first_lon - 0.5 * step_lon, first_lat - 0.5 * step_down, step_lon, -step_down)
    return _grid_of(pixels, corner, frame, resolution_m)


def grey_of(grid: OccupancyGrid) -> npt.NDArray[np.uint8]:
    """The grid as grey (H, W), top row: highest y; 255 free, 0 occupied, 128 unknown."""
    cells = grid.cells[::-1].astype(np.float64)
    return np.where(cells < 0, _UNKNOWN_GREY, np.round(255.0 - 2.55 * cells)).astype(np.uint8)


def _raster_of(grid: OccupancyGrid, frame: LocalFrame) -> tuple[float, float, float, float]:
    """Western and northern edge, and the steps to the east and to the south, in degrees."""
    height, width = grid.cells.shape
    west, south = grid.origin_x_m, grid.origin_y_m
    east, north = west + width * grid.resolution_m, south + height * grid.resolution_m
    middle_x, middle_y = 0.5 * (west + east), 0.5 * (south + north)
    ends = frame.to_wgs84(
        np.array([[west, middle_y, 0.0], [east, middle_y, 0.0], [middle_x, south, 0.0], [middle_x, north, 0.0]])
    )
    step_lon, step_lat = (ends[1, 0] - ends[0, 0]) / width, (ends[3, 1] - ends[2, 1]) / height
    return float(ends[0, 0]), float(ends[3, 1]), float(step_lon), float(step_lat)


def _grid_of(
    pixels: npt.NDArray[np.uint8], raster: tuple[float, float, float, float], frame: LocalFrame, resolution_m: float
) -> OccupancyGrid:
    """The grid of a raster: its middle is put where the raster's middle lies."""
    west_deg, north_deg, step_lon, step_lat = raster
    height, width = pixels.shape
    lon, lat = west_deg + 0.5 * width * step_lon, north_deg - 0.5 * height * step_lat
    middle = frame.to_map(np.array([lon, lat]))
    grey = pixels[::-1].astype(np.float64)
    cells = np.where(grey == _UNKNOWN_GREY, UNKNOWN, np.round((255.0 - grey) / 2.55)).astype(np.int8)
    return OccupancyGrid(
        stamp_ns=0,
        resolution_m=resolution_m,
        origin_x_m=float(middle[0]) - 0.5 * width * resolution_m,
        origin_y_m=float(middle[1]) - 0.5 * height * resolution_m,
        cells=cells,
    )


def _read_picture(path: Path) -> tuple[npt.NDArray[np.uint8], dict[int, tuple[float, ...]]]:
    try:
        with Picture.open(path) as picture:
            pixels = np.asarray(picture.convert("L"), dtype=np.uint8)
            tags = dict(picture.tag_v2) if isinstance(picture, TiffImagePlugin.TiffImageFile) else {}
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError) as error:
        raise BadInput(
            path, [Fault(field="(file)", value=str(path), because=f"can not be read as a picture: {error}")]
        ) from error
    return pixels, tags


def _lines_of(path: Path) -> list[list[str]]:
    try:
        return [line.split() for line in path.read_text("ascii").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(path, [Fault(field="(file)", value=str(path), because=f"can not be read: {error}")]) from error


def _exactly(words: Sequence[str], count: int) -> list[float]:
    numbers = [float(word) for word in words]
    if len(numbers) != count or not all(math.isfinite(value) for value in numbers):
        raise BadValue(f"{len(numbers)} numbers are not {count} finite ones")
    return numbers


def _edge(from_id: int, to_id: int, numbers: Sequence[float]) -> Edge:
    information: Floats = np.zeros((3, 3))
    information[np.triu_indices(3)] = numbers[3:]
    information = information + np.triu(information, 1).T
    covariance: Floats = np.linalg.inv(information).astype(np.float64)
    return Edge(from_id=from_id, to_id=to_id, from_to=Pose2(*numbers[:3]), covariance=covariance)

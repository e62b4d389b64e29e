# SPDX-License-Identifier: Apache-2.0
"""A saved map: ``map.yaml`` and ``map.pgm`` as ROS's map_server has them, and ``map.npz`` with pose graph and scans.

A folder is read whole or refused whole.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import yaml
from pydantic import Field

from patrol.checks import Floats
from patrol.config import Config, read_yaml, validate_config
from patrol.errors import BadInput, BadValue, Fault
from patrol.geometry import Pose2
from patrol.grid import FREE, OCCUPIED, UNKNOWN, OccupancyGrid
from patrol.sensors import Scan
from slam.pose_graph import Edge, PositionFactor
from slam.scan_points import BodyRate, ScanPoints

VERSION = 2
YAML_NAME, GRAPH_NAME, PICTURE_NAME = "map.yaml", "map.npz", "map.pgm"
_WHITE, _BLACK, _GREY = 254, 0, 205


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedKeyframe:
    """One keyframe where the finished graph has it. ``rate`` is the motion during the scan, that the grid is drawn with."""

    map_from_base: Pose2
    scan: Scan
    points: ScanPoints
    rate: BodyRate


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedMap:
    """Everything that a later run needs of a map. ``positions`` were measured from outside, by GNSS; ``base_from_lidar`` is where
    the lidar sat that made the map, None where that was not kept."""

    keyframes: tuple[SavedKeyframe, ...]
    edges: tuple[Edge, ...]
    grid: OccupancyGrid
    positions: tuple[PositionFactor, ...] = ()
    base_from_lidar: Pose2 | None = None


class _MapYaml(Config):
    """The fields of a map_server file."""

    image: str
    resolution: float = Field(gt=0)
    origin: tuple[float, float, float]
    negate: int = Field(default=0, ge=0, le=1)
    occupied_thresh: float = Field(default=0.65, ge=0, le=1)
    free_thresh: float = Field(default=0.25, ge=0, le=1)
    mode: str = "trinary"


def save_map(folder: Path, saved: SavedMap) -> None:
    """Write the three files. Each appears complete or not at all, the YAML file last."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / GRAPH_NAME, lambda path: _write_graph(path, saved))
    save_grid(folder / YAML_NAME, saved.grid)


def load_map(folder: Path) -> SavedMap:
    """Read what ``save_map`` wrote. Raises BadInput naming file and field of every fault found."""
    grid = load_grid(folder / YAML_NAME)
    path = folder / GRAPH_NAME
    try:
        with np.load(path, allow_pickle=False) as file:
            tables = {name: file[name] for name in file.files}
        return _map_from_tables(path, tables, grid)
    except (OSError, EOFError, zipfile.BadZipFile, ValueError, KeyError, IndexError) as error:
        raise BadInput(path, [Fault(field="(file)", value=str(path), because=f"is not a whole map: {error}")]) from error


def save_grid(path: Path, grid: OccupancyGrid) -> None:
    """Write the grid as map_server YAML at ``path`` and a PGM beside it."""
    picture = np.full(grid.cells.shape, _GREY, dtype=np.uint8)
    picture[(grid.cells >= 0) & (grid.cells <= 25)] = _WHITE
    picture[grid.cells >= 65] = _BLACK
    fields = _MapYaml(
        image=path.with_suffix(".pgm").name, resolution=grid.resolution_m, origin=(grid.origin_x_m, grid.origin_y_m, 0.0)
    )
    write_whole(path.with_suffix(".pgm"), lambda part: cv2.imwrite(str(part), picture[::-1]))
    text = yaml.safe_dump(fields.model_dump(mode="json"), sort_keys=False)
    write_whole(path, lambda part: part.write_text(text, "utf-8"))


def load_grid(path: Path) -> OccupancyGrid:
    """Read a map_server YAML file (mode trinary) and its picture. Raises BadInput."""
    fields = validate_config(_MapYaml, read_yaml(path), source=path)
    if fields.mode != "trinary" or fields.origin[2] != 0.0:
        raise BadInput(path, [Fault(field="mode, origin", value=fields.mode, because="only trinary and unturned is read")])
    picture_path = path.parent / fields.image
    picture = cv2.imread(str(picture_path), cv2.IMREAD_GRAYSCALE) if picture_path.is_file() else None
    if picture is None:
        raise BadInput(path, [Fault(field="image", value=fields.image, because="can not be read as a picture")])
    shade = picture[::-1].astype(np.float64) / 255.0
    occupancy = shade if fields.negate else 1.0 - shade
    cells = np.full(picture.shape, UNKNOWN, dtype=np.int8)
    cells[occupancy < fields.free_thresh] = FREE
    cells[occupancy > fields.occupied_thresh] = OCCUPIED
    cells[picture[::-1] == _GREY] = UNKNOWN
    return OccupancyGrid(
        stamp_ns=0,
        resolution_m=fields.resolution,
        origin_x_m=fields.origin[0],
        origin_y_m=fields.origin[1],
        cells=cells,
    )


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a file beside ``path``, and put it in its place: a kill leaves the old one or the new."""
    part = path.with_name(f"part-{path.name}")
    write(part)
    part.replace(path)


def _write_graph(path: Path, saved: SavedMap) -> None:
    frames = saved.keyframes
    scans = [frame.scan for frame in frames]
    tables: dict[str, npt.NDArray[np.generic]] = {
        "version": np.array(VERSION, dtype=np.int64),
        "poses": _pose_table([frame.map_from_base for frame in frames]),
        "stamps_ns": np.array([scan.stamp_ns for scan in scans], dtype=np.int64),
        "frame_ids": np.array([scan.frame_id for scan in scans], dtype=np.str_),
        "scan_fields": np.array(
            [(s.angle_min_rad, s.angle_step_rad, s.range_min_m, s.range_max_m, s.beam_step_s) for s in scans]
        ).reshape(-1, 5),
        "rates": np.array([(f.rate.x_mps, f.rate.y_mps, f.rate.yaw_radps) for f in frames]).reshape(-1, 3),
        "beams": np.array([scan.ranges_m.size for scan in scans], dtype=np.int64),
        "ranges_m": np.concatenate([scan.ranges_m for scan in scans] or [np.zeros(0, np.float32)]),
        "point_counts": np.array([len(frame.points) for frame in frames], dtype=np.int64),
        "points_rays": np.concatenate(
            [np.hstack((frame.points.points_m, frame.points.rays)) for frame in frames] or [np.zeros((0, 4))]
        ),
        "edge_ids": np.array([(e.from_id, e.to_id, e.is_closure) for e in saved.edges], dtype=np.int64).reshape(-1, 3),
        "edge_poses": _pose_table([edge.from_to for edge in saved.edges]),
        "edge_covariances": np.array([edge.covariance for edge in saved.edges]).reshape(-1, 3, 3),
        "position_ids": np.array([(p.keyframe_id, p.stamp_ns) for p in saved.positions], dtype=np.int64).reshape(-1, 2),
        "positions": np.array(
            [(*p.position_m, *p.covariance.reshape(4), p.kernel) for p in saved.positions], dtype=np.float64
        ).reshape(-1, 7),
    }
    if saved.base_from_lidar is not None:
        tables["base_from_lidar"] = _pose_table([saved.base_from_lidar])
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **tables)


def _pose_table(poses: list[Pose2]) -> Floats:
    return np.array([(pose.x_m, pose.y_m, pose.yaw_rad) for pose in poses], dtype=np.float64).reshape(-1, 3)


def _map_from_tables(path: Path, tables: dict[str, npt.NDArray[np.generic]], grid: OccupancyGrid) -> SavedMap:
    version = int(tables["version"])
    if version != VERSION:
        raise BadInput(path, [Fault(field="version", value=version, because=f"is not {VERSION}")])
    count, edge_count = len(tables["poses"]), len(tables["edge_ids"])
    faults = [
        Fault(field=name, value=len(tables[name]), because=f"holds not {want} rows")
        for name, want in _row_counts(tables, count, edge_count).items()
        if len(tables[name]) != want
    ]
    faults += [
        Fault(field=name, value="...", because="holds values that are not finite")
        for name in ("poses", "scan_fields", "rates", "points_rays", "edge_poses", "edge_covariances")
        if not np.isfinite(tables[name].astype(np.float64)).all()
    ]
    ids = tables["edge_ids"].astype(np.int64)
    if edge_count and (ids[:, :2].min() < 0 or ids[:, :2].max() >= count):
        faults.append(Fault(field="edge_ids", value="...", because="names a keyframe that is not there"))
    if faults:
        raise BadInput(path, faults)
    try:
        keyframes = tuple(_keyframes_from_tables(tables))
        edges = tuple(_edges_from_tables(tables))
        positions = tuple(_positions_from_tables(tables, count))
        mount = _mount_from_tables(tables)
    except BadValue as error:
        raise BadInput(path, [Fault(field="(tables)", value="...", because=str(error))]) from error
    return SavedMap(keyframes=keyframes, edges=edges, grid=grid, positions=positions, base_from_lidar=mount)


def _row_counts(tables: dict[str, npt.NDArray[np.generic]], count: int, edge_count: int) -> dict[str, int]:
    return {
        "stamps_ns": count,
        "frame_ids": count,
        "scan_fields": count,
        "rates": count,
        "beams": count,
        "point_counts": count,
        "ranges_m": int(tables["beams"].astype(np.int64).sum()),
        "points_rays": int(tables["point_counts"].astype(np.int64).sum()),
        "edge_poses": edge_count,
        "edge_covariances": edge_count,
    }


def _keyframes_from_tables(tables: dict[str, npt.NDArray[np.generic]]) -> Iterator[SavedKeyframe]:
    ranges = np.split(tables["ranges_m"].astype(np.float32), np.cumsum(tables["beams"].astype(np.int64))[:-1])
    points = np.split(tables["points_rays"].astype(np.float64), np.cumsum(tables["point_counts"].astype(np.int64))[:-1])
    for row, pose in enumerate(tables["poses"].astype(np.float64)):
        angle_min_rad, angle_step_rad, range_min_m, range_max_m, beam_step_s = map(float, tables["scan_fields"][row])
        scan = Scan(
            stamp_ns=int(tables["stamps_ns"][row]),
            frame_id=str(tables["frame_ids"][row]),
            angle_min_rad=angle_min_rad,
            angle_step_rad=angle_step_rad,
            range_min_m=range_min_m,
            range_max_m=range_max_m,
            ranges_m=ranges[row],
            beam_step_s=beam_step_s,
        )
        seen = ScanPoints(points_m=points[row][:, :2], rays=points[row][:, 2:])
        x_mps, y_mps, yaw_radps = map(float, tables["rates"][row])
        rate = BodyRate(x_mps=x_mps, y_mps=y_mps, yaw_radps=yaw_radps)
        yield SavedKeyframe(map_from_base=Pose2(*map(float, pose)), scan=scan, points=seen, rate=rate)


def _edges_from_tables(tables: dict[str, npt.NDArray[np.generic]]) -> Iterator[Edge]:
    poses = tables["edge_poses"].astype(np.float64)
    covariances = tables["edge_covariances"].astype(np.float64)
    for (from_id, to_id, closure), pose, covariance in zip(tables["edge_ids"], poses, covariances, strict=True):
        yield Edge(
            from_id=int(from_id),
            to_id=int(to_id),
            from_to=Pose2(*map(float, pose)),
            covariance=covariance,
            is_closure=bool(closure),
        )


def _positions_from_tables(tables: dict[str, npt.NDArray[np.generic]], count: int) -> Iterator[PositionFactor]:
    """Maps made without GNSS hold none, and older ones not even the tables. Raises BadValue."""
    if "positions" not in tables:
        return
    rows, ids = tables["positions"].astype(np.float64), tables["position_ids"].astype(np.int64)
    if rows.shape != (len(ids), 7) or (len(ids) and not (ids[:, 0].min() >= 0 and ids[:, 0].max() < count)):
        raise BadValue(f"positions: do not belong to {count} keyframes")
    for (keyframe_id, stamp_ns), row in zip(ids, rows, strict=True):
        yield PositionFactor(
            keyframe_id=int(keyframe_id),
            stamp_ns=int(stamp_ns),
            position_m=row[:2],
            covariance=row[2:6].reshape(2, 2),
            kernel=float(row[6]),
        )


def _mount_from_tables(tables: dict[str, npt.NDArray[np.generic]]) -> Pose2 | None:
    """Older maps do not tell where the lidar sat. Raises BadValue."""
    if "base_from_lidar" not in tables:
        return None
    row = tables["base_from_lidar"].astype(np.float64)
    if row.shape != (1, 3):
        raise BadValue(f"base_from_lidar: shape {row.shape} is not (1, 3)")
    return Pose2(*(float(value) for value in row[0]))

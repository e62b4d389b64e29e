# SPDX-License-Identifier: Apache-2.0
"""Coloured clouds as files: binary PLY and binary PCD 0.7 (both little endian), read back as well."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from patrol.errors import BadInput, Fault
from slam.cloud import ColouredCloud
from slam.map_files import write_whole

_PLY_ROW = np.dtype([("xyz", "<f4", (3,)), ("rgb", "u1", (3,))])
_PCD_ROW = np.dtype([("xyz", "<f4", (3,)), ("bgrx", "u1", (4,))])
_PLY_FIELDS = (*(f"property float {axis}" for axis in "xyz"), *(f"property uchar {name}" for name in ("red", "green", "blue")))
_PCD_HEAD = ("VERSION 0.7", "FIELDS x y z rgb", "SIZE 4 4 4 4", "TYPE F F F F", "COUNT 1 1 1 1")


def save_ply(path: Path, cloud: ColouredCloud) -> None:
    """Write a binary PLY file, complete or not at all."""
    rows = np.empty(len(cloud), dtype=_PLY_ROW)
    rows["xyz"], rows["rgb"] = cloud.points_m, cloud.rgb
    head = ["ply", "format binary_little_endian 1.0", f"element vertex {len(cloud)}", *_PLY_FIELDS, "end_header", ""]
    write_whole(path, lambda part: part.write_bytes("\n".join(head).encode("ascii") + rows.tobytes()))


def load_ply(path: Path) -> ColouredCloud:
    """Read what ``save_ply`` wrote. Raises BadInput for any other layout, and for a file that is cut off."""
    head, body = _split(path, b"end_header\n")
    if head[:2] != ["ply", "format binary_little_endian 1.0"] or tuple(head[3:-1]) != _PLY_FIELDS:
        raise _refusal(path, "header", "is not that of a binary cloud of x y z red green blue")
    rows = _rows(path, body, _PLY_ROW, head[2].rpartition(" ")[2])
    return ColouredCloud(points_m=rows["xyz"].copy(), rgb=rows["rgb"].copy())


def save_pcd(path: Path, cloud: ColouredCloud) -> None:
    """Write a binary PCD file as the Point Cloud Library reads it, complete or not at all."""
    rows = np.zeros(len(cloud), dtype=_PCD_ROW)
    rows["xyz"], rows["bgrx"][:, :3] = cloud.points_m, cloud.rgb[:, ::-1]
    size = [f"WIDTH {len(cloud)}", "HEIGHT 1", "VIEWPOINT 0 0 0 1 0 0 0", f"POINTS {len(cloud)}", "DATA binary", ""]
    head = "\n".join([*_PCD_HEAD, *size]).encode("ascii")
    write_whole(path, lambda part: part.write_bytes(head + rows.tobytes()))


def load_pcd(path: Path) -> ColouredCloud:
    """Read what ``save_pcd`` wrote. Raises BadInput for any other layout, and for a file that is cut off."""
    head, body = _split(path, b"DATA binary\n")
    told = [line for line in head if not line.startswith("#")]
    if tuple(told[:5]) != _PCD_HEAD:
        raise _refusal(path, "header", "is not that of a binary cloud of x y z rgb")
    count = next((line.rpartition(" ")[2] for line in told if line.startswith("POINTS ")), "")
    rows = _rows(path, body, _PCD_ROW, count)
    return ColouredCloud(points_m=rows["xyz"].copy(), rgb=rows["bgrx"][:, 2::-1].copy())


def _split(path: Path, last: bytes) -> tuple[list[str], bytes]:
    """Header lines and the bytes after them."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(path, [Fault(field="(file)", value=str(path), because=f"can not be read: {error}")]) from error
    at = data.find(last)
    if at < 0:
        raise _refusal(path, "header", f"has no line {last.decode('ascii').strip()!r}")
    end = at + len(last)
    return data[:end].decode("ascii", "replace").splitlines(), data[end:]


def _rows(path: Path, body: bytes, row: np.dtype[np.void], count: str) -> npt.NDArray[np.void]:
    if not count.isdigit() or len(body) != int(count) * row.itemsize:
        raise _refusal(path, "points", f"{len(body)} bytes are not those of {count or 'no'} points")
    rows = np.frombuffer(body, dtype=row)
    if not np.isfinite(rows["xyz"]).all():
        raise _refusal(path, "points", "hold values that are not finite")
    return rows


def _refusal(path: Path, field: str, because: str) -> BadInput:
    return BadInput(path, [Fault(field=field, value=path.name, because=because)])

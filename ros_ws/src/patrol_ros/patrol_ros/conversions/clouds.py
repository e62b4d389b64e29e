# SPDX-License-Identifier: Apache-2.0
"""Point clouds: x, y, z, intensity, ring and time of each point (the field names of the usual lidar drivers)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import PointCloud2, PointField

from patrol.errors import BadInput, Fault
from patrol.sensors import PointCloud
from patrol_ros.conversions.arrays import array_from_ros, array_to_ros
from patrol_ros.conversions.stamps import header_to_ros, stamp_from_ros

_FORMATS = {
    PointField.INT8: "i1",
    PointField.UINT8: "u1",
    PointField.INT16: "i2",
    PointField.UINT16: "u2",
    PointField.INT32: "i4",
    PointField.UINT32: "u4",
    PointField.FLOAT32: "f4",
    PointField.FLOAT64: "f8",
}
_LIDAR = np.dtype(
    {
        "names": ["x", "y", "z", "intensity", "ring", "time"],
        "formats": ["<f4", "<f4", "<f4", "<f4", "<u2", "<f4"],
        "offsets": [0, 4, 8, 12, 16, 20],
        "itemsize": 24,
    }
)
_COLOURED = np.dtype(
    {"names": ["x", "y", "z", "rgb"], "formats": ["<f4", "<f4", "<f4", "<u4"], "offsets": [0, 4, 8, 12], "itemsize": 16}
)


def cloud_to_ros(cloud: PointCloud) -> PointCloud2:
    """sensor_msgs/PointCloud2, unordered, 24 bytes a point."""
    points = np.zeros(len(cloud.points_m), dtype=_LIDAR)
    points["x"], points["y"], points["z"] = cloud.points_m.T
    points["intensity"], points["ring"], points["time"] = cloud.intensity, cloud.ring, cloud.time_s
    return _message(cloud.stamp_ns, cloud.frame_id, points)


def cloud_from_ros(message: PointCloud2) -> PointCloud:
    """Points without return (not finite) are left out; a lidar that tells no time of its points measured them all at the cloud's
    stamp (Gazebo's does). Raises BadInput when another field is missing or the data do not fill the cloud."""
    timed = any(field.name == "time" for field in message.fields)
    points = structured_from_ros(message, ("x", "y", "z", "intensity", "ring", *(("time",) if timed else ())))
    xyz = np.column_stack([points[axis].astype(np.float32) for axis in "xyz"])
    keep = np.isfinite(xyz).all(axis=1)
    return PointCloud(
        stamp_ns=stamp_from_ros(message.header.stamp),
        frame_id=message.header.frame_id,
        points_m=xyz[keep],
        intensity=points["intensity"][keep],
        ring=points["ring"][keep],
        time_s=points["time"][keep] if timed else np.zeros(int(keep.sum()), dtype=np.float32),
    )


def coloured_cloud_to_ros(
    stamp_ns: int, frame_id: str, points_m: npt.NDArray[np.floating[Any]], rgb: npt.NDArray[np.uint8]
) -> PointCloud2:
    """Points (N, 3) m in ``frame_id`` with colours (N, 3) as 0xRRGGBB in ``rgb``, as RViz and Foxglove read them."""
    points = np.zeros(len(points_m), dtype=_COLOURED)
    points["x"], points["y"], points["z"] = np.asarray(points_m, dtype=np.float32).T
    red, green, blue = rgb.astype(np.uint32).T
    points["rgb"] = (red << 16) | (green << 8) | blue
    return _message(stamp_ns, frame_id, points, float_rgb=True)


def structured_from_ros(message: PointCloud2, wanted: tuple[str, ...]) -> npt.NDArray[Any]:
    """The points as a structured array (N,) of the ``wanted`` fields. Raises BadInput, naming every missing field."""
    fields = {field.name: field for field in message.fields if field.count == 1 and field.datatype in _FORMATS}
    faults = [Fault(field=name, value=sorted(fields), because="is missing") for name in wanted if name not in fields]
    data = array_from_ros(message.data, np.uint8)
    if data.size != message.row_step * message.height or message.row_step < message.point_step * message.width:
        faults.append(Fault(field="data", value=data.size, because=f"do not fill {message.height} x {message.width} points"))
    if faults:
        raise BadInput("point cloud", faults)
    order = ">" if message.is_bigendian else "<"
    dtype = np.dtype(
        {
            "names": list(wanted),
            "formats": [order + _FORMATS[fields[name].datatype] for name in wanted],
            "offsets": [fields[name].offset for name in wanted],
            "itemsize": message.point_step,
        }
    )
    rows = data.reshape(message.height, message.row_step)[:, : message.point_step * message.width]
    return np.ascontiguousarray(rows).reshape(-1).view(dtype)


def _message(stamp_ns: int, frame_id: str, points: npt.NDArray[Any], *, float_rgb: bool = False) -> PointCloud2:
    size = points.dtype.itemsize
    return PointCloud2(
        header=header_to_ros(stamp_ns, frame_id),
        height=1,
        width=len(points),
        fields=_fields(points.dtype, float_rgb=float_rgb),
        is_bigendian=False,
        point_step=size,
        row_step=size * len(points),
        data=array_to_ros(points.view(np.uint8)),
        is_dense=True,
    )


def _fields(dtype: np.dtype[Any], *, float_rgb: bool) -> list[PointField]:
    codes = {format_: code for code, format_ in _FORMATS.items()}
    described = []
    for name, (kind, offset, *_) in (dtype.fields or {}).items():
        code = PointField.FLOAT32 if float_rgb and name == "rgb" else codes[kind.str[1:]]
        described.append(PointField(name=name, offset=int(offset), datatype=code, count=1))
    return described

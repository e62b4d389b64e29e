# SPDX-License-Identifier: Apache-2.0
"""Images and camera models."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import Image as ImageMessage

from patrol.errors import BadValue
from patrol.geometry import Pose3
from patrol.sensors import CameraModel, Encoding, Image
from patrol_ros.conversions.arrays import array_from_ros, array_to_ros
from patrol_ros.conversions.stamps import header_to_ros, stamp_from_ros

_ENCODINGS: dict[str, Encoding] = {"bgr8": "bgr8", "rgb8": "bgr8", "mono8": "mono8", "mono16": "mono16"}
_PIXELS: dict[Encoding, tuple[npt.DTypeLike, int]] = {"bgr8": (np.uint8, 3), "mono8": (np.uint8, 1), "mono16": (np.uint16, 1)}


def image_to_ros(image: Image) -> ImageMessage:
    """sensor_msgs/Image; the pixels are copied once."""
    pixels = np.ascontiguousarray(image.pixels)
    return ImageMessage(
        header=header_to_ros(image.stamp_ns, image.frame_id),
        height=image.height_px,
        width=image.width_px,
        encoding=image.encoding,
        is_bigendian=int(sys.byteorder == "big"),
        step=pixels.strides[0] if pixels.size else 0,
        data=array_to_ros(pixels.reshape(-1).view(np.uint8)),
    )


def image_from_ros(message: ImageMessage) -> Image:
    """The picture over the message's own memory; rgb8 is turned into bgr8. Raises BadValue for another encoding, or when the
    data do not fill the picture."""
    encoding = _ENCODINGS.get(message.encoding)
    if encoding is None:
        raise BadValue(f"encoding: {message.encoding!r} is not one of {', '.join(_ENCODINGS)}")
    pixels = _pixels(message, *_PIXELS[encoding])
    if message.encoding == "rgb8":
        pixels = np.ascontiguousarray(pixels[:, :, ::-1])
        pixels.setflags(write=False)
    return Image(
        stamp_ns=stamp_from_ros(message.header.stamp), frame_id=message.header.frame_id, encoding=encoding, pixels=pixels
    )


def _pixels(message: ImageMessage, dtype: npt.DTypeLike, channels: int) -> npt.NDArray[Any]:
    kind = np.dtype(dtype).newbyteorder(">" if message.is_bigendian else "<")
    row_bytes = message.width * channels * kind.itemsize
    data = array_from_ros(message.data, np.uint8)
    if message.step < row_bytes or data.size != message.step * message.height:
        size = f"{message.width} x {message.height}"
        raise BadValue(f"image: {data.size} bytes with rows of {message.step} do not fill {size} {message.encoding}")
    rows = data.reshape(message.height, message.step)[:, :row_bytes]
    pixels = rows.view(kind) if rows.flags.c_contiguous else np.ascontiguousarray(rows).view(kind)
    if not kind.isnative:
        pixels = pixels.astype(dtype)
    pixels = pixels.reshape(message.height, message.width, 3) if channels == 3 else pixels
    pixels.setflags(write=False)
    return pixels


def camera_to_ros(camera: CameraModel, stamp_ns: int) -> CameraInfo:
    """sensor_msgs/CameraInfo without distortion."""
    fx, fy, cx, cy = (float(value) for value in (camera.fx_px, camera.fy_px, camera.cx_px, camera.cy_px))
    return CameraInfo(
        header=header_to_ros(stamp_ns, camera.frame_id),
        height=camera.height_px,
        width=camera.width_px,
        distortion_model="plumb_bob",
        d=[0.0] * 5,
        k=np.array((fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0)),
        r=np.eye(3).reshape(-1),
        p=np.array((fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0)),
    )


def camera_from_ros(message: CameraInfo, base_from_optical: Pose3) -> CameraModel:
    """The pinhole of the message, mounted at ``base_from_optical``. Raises BadValue when the camera has distortion."""
    if any(value != 0.0 for value in message.d):
        raise BadValue(f"d: {list(message.d)} asks for a camera with distortion; rectify its pictures first")
    return CameraModel(
        frame_id=message.header.frame_id,
        width_px=message.width,
        height_px=message.height,
        fx_px=float(message.k[0]),
        fy_px=float(message.k[4]),
        cx_px=float(message.k[2]),
        cy_px=float(message.k[5]),
        base_from_optical=base_from_optical,
    )

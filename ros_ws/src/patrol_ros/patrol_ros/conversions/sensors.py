# SPDX-License-Identifier: Apache-2.0
"""Scans, inertial measurements, odometry, fixes and the battery."""

from __future__ import annotations

import math

import numpy as np
from nav_msgs.msg import Odometry as OdometryMessage
from sensor_msgs.msg import BatteryState, LaserScan, NavSatFix, NavSatStatus
from sensor_msgs.msg import Imu as ImuMessage

from patrol.sensors import Battery, Fix, Imu, Odometry, Scan
from patrol_ros.conversions.arrays import array_from_ros, array_to_ros
from patrol_ros.conversions.geometry import pose_from_ros, pose_to_ros, twist_from_ros, twist_to_ros
from patrol_ros.conversions.stamps import header_to_ros, stamp_from_ros

BASE_FRAME = "base_link"
ODOM_FRAME = "odom"
GNSS_FRAME = "gnss_link"
IMU_FRAME = "imu_link"


def scan_to_ros(scan: Scan) -> LaserScan:
    """sensor_msgs/LaserScan without intensities; a beam without return is inf (REP-117)."""
    count = scan.ranges_m.size
    return LaserScan(
        header=header_to_ros(scan.stamp_ns, scan.frame_id),
        angle_min=float(scan.angle_min_rad),
        angle_max=float(scan.angle_min_rad + scan.angle_step_rad * max(count - 1, 0)),
        angle_increment=float(scan.angle_step_rad),
        time_increment=float(scan.beam_step_s),
        scan_time=float(scan.beam_step_s * count),
        range_min=float(scan.range_min_m),
        range_max=float(scan.range_max_m),
        ranges=array_to_ros(scan.ranges_m),
    )


def scan_from_ros(message: LaserScan) -> Scan:
    """Raises BadValue when angles or limits are not finite."""
    return Scan(
        stamp_ns=stamp_from_ros(message.header.stamp),
        frame_id=message.header.frame_id,
        angle_min_rad=message.angle_min,
        angle_step_rad=message.angle_increment,
        range_min_m=message.range_min,
        range_max_m=message.range_max,
        ranges_m=array_from_ros(message.ranges, np.float32),
        beam_step_s=message.time_increment,
    )


def imu_to_ros(imu: Imu) -> ImuMessage:
    """sensor_msgs/Imu; its orientation is marked as not given."""
    message = ImuMessage(header=header_to_ros(imu.stamp_ns, imu.frame_id))
    rate, force = message.angular_velocity, message.linear_acceleration
    rate.x, rate.y, rate.z = (float(value) for value in imu.angular_velocity_radps)
    force.x, force.y, force.z = (float(value) for value in imu.linear_acceleration_mps2)
    message.orientation_covariance[0] = -1.0
    return message


def imu_from_ros(message: ImuMessage) -> Imu:
    """Raises BadValue when a field has the wrong shape."""
    rate, force = message.angular_velocity, message.linear_acceleration
    return Imu(
        stamp_ns=stamp_from_ros(message.header.stamp),
        frame_id=message.header.frame_id,
        angular_velocity_radps=np.array((rate.x, rate.y, rate.z)),
        linear_acceleration_mps2=np.array((force.x, force.y, force.z)),
    )


def odometry_to_ros(odometry: Odometry) -> OdometryMessage:
    """nav_msgs/Odometry from odom to base_link (REP-105)."""
    message = OdometryMessage(header=header_to_ros(odometry.stamp_ns, ODOM_FRAME), child_frame_id=BASE_FRAME)
    message.pose.pose = pose_to_ros(odometry.odom_from_base)
    message.twist.twist = twist_to_ros(odometry.twist)
    return message


def odometry_from_ros(message: OdometryMessage) -> Odometry:
    """Raises BadValue when a field is not finite or the orientation is not a rotation."""
    return Odometry(
        stamp_ns=stamp_from_ros(message.header.stamp),
        odom_from_base=pose_from_ros(message.pose.pose),
        twist=twist_from_ros(message.twist.twist),
    )


def fix_to_ros(fix: Fix) -> NavSatFix:
    """sensor_msgs/NavSatFix; a fix without solution has the status STATUS_NO_FIX."""
    status = NavSatStatus.STATUS_FIX if fix.valid else NavSatStatus.STATUS_NO_FIX
    return NavSatFix(
        header=header_to_ros(fix.stamp_ns, GNSS_FRAME),
        status=NavSatStatus(status=status, service=NavSatStatus.SERVICE_GPS),
        latitude=float(fix.latitude_deg),
        longitude=float(fix.longitude_deg),
        altitude=float(fix.altitude_m),
        position_covariance=fix.covariance_m2.reshape(-1),
        position_covariance_type=NavSatFix.COVARIANCE_TYPE_KNOWN,
    )


def fix_from_ros(message: NavSatFix) -> Fix:
    """A fix is valid when its receiver has a solution and says how good it is."""
    solved = message.status.status >= NavSatStatus.STATUS_FIX
    known = message.position_covariance_type != NavSatFix.COVARIANCE_TYPE_UNKNOWN
    return Fix(
        stamp_ns=stamp_from_ros(message.header.stamp),
        latitude_deg=message.latitude,
        longitude_deg=message.longitude,
        altitude_m=message.altitude,
        covariance_m2=np.array(message.position_covariance).reshape(3, 3),
        valid=bool(solved and known),
    )


def battery_to_ros(battery: Battery) -> BatteryState:
    """sensor_msgs/BatteryState; what is not measured is NaN, as the message asks."""
    return BatteryState(
        header=header_to_ros(battery.stamp_ns, BASE_FRAME),
        voltage=float(battery.voltage_v),
        current=float(battery.current_a),
        percentage=float(battery.charge),
        temperature=math.nan,
        charge=math.nan,
        capacity=math.nan,
        design_capacity=math.nan,
        present=True,
    )


def battery_from_ros(message: BatteryState) -> Battery:
    """Raises BadValue when the state of charge is not known (NaN) or not within 0..1."""
    return Battery(
        stamp_ns=stamp_from_ros(message.header.stamp),
        charge=message.percentage,
        voltage_v=message.voltage,
        current_a=message.current,
    )

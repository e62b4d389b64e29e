# SPDX-License-Identifier: Apache-2.0
"""GNSS and SLAM together: which fixes are believed, what they say of the map, and how a correction is told without a jump."""

# SPDX-License-Identifier: Apache-2.0
"""How good detections, tracks and alerts are, measured against labels that somebody else made."""

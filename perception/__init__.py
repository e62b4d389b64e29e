# SPDX-License-Identifier: Apache-2.0
"""Images and points → detections → tracks → alerts; and privacy."""

# SPDX-License-Identifier: Apache-2.0
"""Rules as data, and what they make of tracks: alerts with reasons, one incident per intruder."""

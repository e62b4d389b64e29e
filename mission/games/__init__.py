# SPDX-License-Identifier: Apache-2.0
"""Patrols that can not be predicted: games against an observer, solved, and played with a bound on every gap."""

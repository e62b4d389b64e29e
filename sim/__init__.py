# SPDX-License-Identifier: Apache-2.0
"""Worlds, robots, actors, scenarios and the embedded simulator; the only room that knows the truth."""

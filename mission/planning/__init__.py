# SPDX-License-Identifier: Apache-2.0
"""Patrol plans on a graph, each with its guarantee: exact tours, team plans, lower bounds, metrics and reactive peers."""

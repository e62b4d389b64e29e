# SPDX-License-Identifier: Apache-2.0
"""Exact intervals of what was counted, 95 %."""

from __future__ import annotations

from scipy import stats


def share_interval(hits: int, tries: int) -> tuple[float, float]:
    """Clopper and Pearson, 95 %."""
    low = float(stats.beta.ppf(0.025, hits, tries - hits + 1)) if hits else 0.0
    high = float(stats.beta.ppf(0.975, hits + 1, tries - hits)) if hits < tries else 1.0
    return low, high


def rate_interval(events: int, hours: float) -> tuple[float, float]:
    """Garwood's interval of a Poisson rate, 95 %, per hour."""
    if hours <= 0.0:
        return 0.0, float("inf")
    low = float(stats.chi2.ppf(0.025, 2 * events)) / 2.0 if events else 0.0
    return low / hours, float(stats.chi2.ppf(0.975, 2 * events + 2)) / 2.0 / hours

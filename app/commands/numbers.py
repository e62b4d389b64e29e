# SPDX-License-Identifier: Apache-2.0
"""What every option that takes a number checks besides its limits."""

from __future__ import annotations

import math

import typer


def finite(value: float | None) -> float | None:
    """``nan`` passes every limit, since it is neither below nor above it. Raises BadParameter for that, and for ``inf``."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value!r} is not a finite number.")
    return value

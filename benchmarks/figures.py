# SPDX-License-Identifier: Apache-2.0
"""How a benchmark tells its figures: one JSON line, the last that it prints."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping


def tell(benchmark: str, metrics: Mapping[str, float | int | None], **more: object) -> None:
    """Write ``{"benchmark": ..., "metrics": {...}}``; units stand in the metrics' names. ``more`` says what was measured."""
    sys.stdout.write(json.dumps({"benchmark": benchmark, **more, "metrics": dict(metrics)}) + "\n")
    sys.stdout.flush()

# SPDX-License-Identifier: Apache-2.0
"""How a benchmark tells its figures: one JSON line, the last that it prints."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from patrol.errors import BadInput, Fault


def tell(benchmark: str, metrics: Mapping[str, float | int | None], **more: object) -> None:
    """Write ``{"benchmark": ..., "metrics": {...}}``; units stand in the metrics' names. ``more`` says what was measured."""
    sys.stdout.write(json.dumps({"benchmark": benchmark, **more, "metrics": dict(metrics)}) + "\n")
    sys.stdout.flush()


def read_parts(benchmark: str, logs: Iterable[Path]) -> Iterator[dict[str, Any]]:
    """What earlier runs of a benchmark handed to ``tell`` as ``part``: of each log the last line. Raises BadInput for a log that
    does not end with one."""
    for path in logs:
        lines = path.read_text("utf-8").splitlines() if path.is_file() else []
        try:
            told = json.loads(lines[-1]) if lines else None
        except json.JSONDecodeError:
            told = None
        if not isinstance(told, dict) or told.get("benchmark") != benchmark or not isinstance(told.get("part"), dict):
            raise BadInput(path, [Fault(field="last line", value=lines[-1:], because=f"is not what {benchmark} tells of a part")])
        yield told["part"]

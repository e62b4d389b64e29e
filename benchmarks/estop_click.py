# SPDX-License-Identifier: Apache-2.0
"""How soon a click on the page's e-stop makes the velocity command zero: real processes, a driving robot, many clicks.

Each time the robot is reset in two steps, told to go on, and has to be driving before the next click.

python benchmarks/estop_click.py --clicks 100
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from app.paths import SCENARIOS
from benchmarks.figures import tell
from benchmarks.live import Live, live, simulated

DRIVING_MPS, STANDING_MPS, STANDING_RADPS = 0.25, 1e-3, 1e-3
ZERO_WITHIN_S = 5.0
_CLICK = """(testId) => {
  document.querySelector(`[data-testid="${testId}"]`).click();
  return performance.timeOrigin + performance.now();
}"""


class Commands:
    """The velocity commands with the wall time at which they came."""

    def __init__(self) -> None:
        self.rows: list[tuple[float, float, float]] = []

    def hear(self, message: Any) -> None:
        self.rows.append((time.time(), abs(message.linear.x), abs(message.angular.z)))

    def is_driving(self) -> bool:
        return bool(self.rows) and self.rows[-1][1] > DRIVING_MPS

    def zero_since(self, clicked_s: float) -> float | None:
        """When the first zero after ``clicked_s`` came."""
        for at_s, forward_mps, turn_radps in self.rows:
            if at_s >= clicked_s and forward_mps < STANDING_MPS and turn_radps < STANDING_RADPS:
                return at_s
        return None


def click(stack: Live, test_id: str) -> float:
    """Press the button once it can be pressed; wall time of the click, seconds since the epoch."""
    stack.until(lambda: stack.shown(test_id, "aria-disabled") == "false", f"the button {test_id}", 20.0)
    return float(stack.page.evaluate(_CLICK, test_id)) / 1e3


def press(stack: Live, commands: Commands) -> float:
    """One e-stop of the driving robot and the way back; seconds from click to zero."""
    stack.until(commands.is_driving, "driving", 120.0)
    commands.rows.clear()
    clicked_s = click(stack, "cmd-estop")
    stack.until(lambda: commands.zero_since(clicked_s) is not None, "a zero command", ZERO_WITHIN_S)
    zero_s = commands.zero_since(clicked_s)
    stack.until(lambda: stack.shown("mode", "data-mode") == "estopped", "the e-stop on the page", 10.0)
    for step in ("cmd-estop-arm-reset", "cmd-estop-reset", "cmd-resume"):
        click(stack, step)
    return float("inf") if zero_s is None else zero_s - clicked_s


def main() -> None:
    """Run and tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--clicks", type=int, default=100)
    given = parser.parse_args()
    commands = Commands()
    with tempfile.TemporaryDirectory(prefix="estop-") as name:
        folder = Path(name)
        settings = simulated(folder, scenario=SCENARIOS / "depot_quiet.yaml").model_copy(update={"laps": 10})
        with live(settings, folder) as stack:
            stack.graph.probe.link.subscribe("cmd_vel", commands.hear)
            delays_ms = []
            for number in range(given.clicks):
                delays_ms.append(1e3 * press(stack, commands))
                sys.stderr.write(f"click {number + 1}: {delays_ms[-1]:.0f} ms\n")
    tell(
        "estop_click",
        {
            "clicks": len(delays_ms),
            "click_to_zero_p50_ms": float(np.quantile(delays_ms, 0.5)),
            "click_to_zero_p99_ms": float(np.quantile(delays_ms, 0.99, method="higher")),
            "click_to_zero_max_ms": max(delays_ms),
        },
    )


if __name__ == "__main__":
    main()

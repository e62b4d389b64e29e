# SPDX-License-Identifier: Apache-2.0
"""How soon an intruder who comes into the camera's view stands on the command centre's page as an alert: real processes, real
page, ground truth from the simulator.

The robot stands at its dock in a restricted zone; intruders walk into its view one after the other, from left and right, at
distances between 5 and 16 m. The clock starts at the first record of the ground truth in which the intruder's box lies whole in
the picture and is 40 pixels tall, so that a trained eye would notice a person, and ends when the alert is in the page's list.

python benchmarks/alert_to_page.py --intruders 20
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from app.paths import SITES
from benchmarks.figures import tell
from benchmarks.live import Live, live, simulated
from patrol.geometry import Pose2
from patrol.site_file import read_site
from patrol_ros.conversions.stamps import stamp_from_ros
from sim.casting_call import WORLDS
from sim.score import in_view_since_ns
from sim.simulator import TRUTH_FILE

# Each has left, and is forgotten, before the next comes: whoever comes near to where one was just seen would count as the same.
FIRST_AFTER_S, EVERY_S, QUIET_S = 40.0, 26.0, 4.0
MATCH_WITHIN_S = 10.0
_WATCH_ALERTS = """() => {
  window.__alertsAt = [];
  const count = () => document.querySelectorAll('[data-testid="alert-item"]').length;
  let before = count();
  new MutationObserver(() => {
    const now = count();
    for (; before < now; before++) window.__alertsAt.push(performance.timeOrigin + performance.now());
  }).observe(document.body, { childList: true, subtree: true });
}"""


def stage(folder: Path, count: int, seed: int) -> Path:
    """A scenario in which ``count`` intruders walk through the view from the dock of the depot, one at a time, and its site."""
    site = json.loads((SITES / "depot.geojson").read_text("utf-8"))
    dock = read_site(SITES / "depot.geojson").docks[0].pose
    fence = next(row for row in site["features"] if row["properties"]["kind"] == "perimeter")
    zone = {"kind": "zone", "name": "Everywhere", "purpose": "restricted"}
    kept = [row for row in site["features"] if row["properties"]["kind"] not in ("zone", "privacy")]
    outline = {"type": "Polygon", "coordinates": fence["geometry"]["coordinates"]}
    site["features"] = [*kept, {"type": "Feature", "id": "everywhere", "properties": zone, "geometry": outline}]
    (folder / "site.geojson").write_text(json.dumps(site), "utf-8")
    rng = np.random.default_rng(seed)
    scenario = {
        "name": "one_after_the_other",
        "world": str(WORLDS / "depot.sdf"),
        "site": "site.geojson",
        "start": "2026-06-16T08:00:00Z",
        "actors": [_intruder(number, dock, rng) for number in range(count)],
    }
    path = folder / "scenario.yaml"
    path.write_text(yaml.safe_dump(scenario), "utf-8")
    return path


def _intruder(number: int, dock: Pose2, rng: np.random.Generator) -> dict[str, Any]:
    """Walks in from the side, stops in the middle of the view, and goes on out of it."""
    ahead_m, speed_mps = float(rng.uniform(5.0, 16.0)), float(rng.uniform(1.1, 1.8))
    side = 1.0 if number % 2 else -1.0
    beside_m = min(1.2 * ahead_m, 10.5)
    points = [dock @ Pose2(ahead_m, y, 0.0) for y in (side * beside_m, 0.15 * side, -side * beside_m)]
    route = [{"x_m": round(at.x_m, 2), "y_m": round(at.y_m, 2), "speed_mps": round(speed_mps, 2)} for at in points]
    return {
        "name": f"intruder_{number}",
        "kind": "intruder",
        "appearance_seed": 100 + number,
        "start": {"after_s": FIRST_AFTER_S + EVERY_S * number},
        "hidden_until": "start",
        "vanishes": True,
        "route": route,
    }


def quick_to_forget(folder: Path) -> Path:
    """The default rules, but for intruders that count as new after a few seconds out of sight."""
    path = folder / "quick.yaml"
    path.write_text(yaml.safe_dump({"same": {"quiet_s": QUIET_S, "speed_mps": {"person": 0.0}}}), "utf-8")
    return path


def watch(stack: Live, clock: list[tuple[int, float]], lasts_s: float) -> list[float]:
    """Wall times (s since the epoch) at which alerts came up on the page, until ``lasts_s`` of simulated time."""
    stack.page.evaluate(_WATCH_ALERTS)
    stack.until(lambda: clock, "the simulator's clock")
    began_ns = clock[0][0]
    stack.until(lambda: (clock[-1][0] - began_ns) / 1e9 >= lasts_s, "the last intruder", 3.0 * lasts_s)
    return [at_ms / 1e3 for at_ms in stack.page.evaluate("window.__alertsAt")]


def delays_s(since_ns: dict[str, int], alerts_s: list[float], clock: list[tuple[int, float]]) -> dict[str, float]:
    """Seconds from each intruder's coming into view to its alert; infinite without one. An alert belongs to one intruder."""
    stamps, walls = np.array([row[0] for row in clock], float), np.array([row[1] for row in clock])
    left, found = sorted(alerts_s), {}
    for name, stamp_ns in sorted(since_ns.items(), key=lambda item: item[1]):
        seen_s = float(np.interp(stamp_ns, stamps, walls))
        mine = next((at_s for at_s in left if -1.0 <= at_s - seen_s <= MATCH_WITHIN_S), None)
        found[name] = float("inf") if mine is None else mine - seen_s
        if mine is not None:
            left.remove(mine)
    return found


def main() -> None:
    """Run and tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--intruders", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    clock: list[tuple[int, float]] = []
    with tempfile.TemporaryDirectory(prefix="alert-") as name:
        folder = Path(name)
        scenario = stage(folder, given.intruders, given.seed)
        settings = simulated(folder, scenario=scenario).model_copy(update={"autostart": False, "rules": quick_to_forget(folder)})
        with live(settings, folder) as stack:
            stack.graph.probe.link.subscribe("/clock", lambda message: clock.append((stamp_from_ros(message.clock), time.time())))
            alerts_s = watch(stack, clock, FIRST_AFTER_S + EVERY_S * given.intruders)
        since_ns = in_view_since_ns(settings.run_folder / TRUTH_FILE)
    found = delays_s(since_ns, alerts_s, clock)
    for intruder, delay_s in found.items():
        sys.stderr.write(f"{intruder}: {delay_s:.2f} s\n")
    delays = np.array(list(found.values()))
    tell(
        "alert_to_page",
        {
            "intruders": len(found),
            "noticed": int(np.isfinite(delays).sum()),
            "alerts": len(alerts_s),
            "view_to_page_p50_s": float(np.quantile(delays, 0.5, method="higher")),
            "view_to_page_p95_s": float(np.quantile(delays, 0.95, method="higher")),
        },
    )


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""The whole stack as real processes with the command centre, its page open in headless Chromium and an operator signed in."""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, ViewportSize

from app.centre import ROBOT, Centre
from app.paths import MISSIONS, SCENARIOS
from patrol_bringup.settings import RunSettings
from patrol_bringup.table import Backend, processes_for
from sim.scenario import read_scenario
from tests.ros.graph import Graph, running
from tests.web.browser import browser

UP_WITHIN_S = 90.0
VIEWPORT = ViewportSize(width=1440, height=900)


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What runs: the processes with a probe in their graph, the command centre, and the page."""

    graph: Graph
    centre: Centre
    page: Page
    folder: Path

    def until(self, holds: Callable[[], object], what: str, within_s: float = UP_WITHIN_S) -> None:
        """Keep everything running until ``holds``. Raises SystemExit with ``what`` when it does not in time."""
        deadline_s = time.monotonic() + within_s
        while not holds():
            if time.monotonic() > deadline_s:
                raise SystemExit(f"{what} did not happen within {within_s:g} s: {self.graph.supervisor.reports()}")
            self.wait(0.05)

    def wait(self, duration_s: float) -> None:
        """Let time pass while dead processes are restarted and the page is served."""
        self.graph.supervisor.poll()
        self.page.wait_for_timeout(1000.0 * duration_s)

    def shown(self, test_id: str, attribute: str) -> str:
        """An attribute of the first element with this test id; empty without one."""
        found = self.page.get_by_test_id(test_id)
        return (found.first.get_attribute(attribute) or "") if found.count() else ""


def simulated(folder: Path, *, scenario: Path = SCENARIOS / "depot_intruder.yaml", seed: int = 1) -> RunSettings:
    """A patrol in the embedded simulator, begun without an operator; what it leaves lies below ``folder``."""
    return RunSettings(
        run_folder=folder / "patrol",
        robot_id=ROBOT,
        site=read_scenario(scenario).site,
        mission=MISSIONS / "perimeter.yaml",
        scenario=scenario,
        map_folder=folder / "patrol" / "map",
        autostart=True,
        seed=seed,
    )


@contextmanager
def live(settings: RunSettings, folder: Path, *, without: frozenset[str] = frozenset()) -> Iterator[Live]:
    """Every process of the table but those in ``without``, the command centre, and the page."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = int(server.getsockname()[1])
    centre = Centre.prepare(folder / "state", port=port)
    settings = _with_uplink(settings, centre)
    names = tuple(row.name for row in processes_for(Backend.SIMULATION) if row.name not in without)
    domain_id, logs = 1 + secrets.randbelow(100), settings.run_folder / "logs"
    with browser() as chromium, running(settings, *names, domain_id=domain_id, logs=logs, more=(centre.job(),)) as graph:
        page = chromium.new_context(viewport=VIEWPORT).new_page()
        up = Live(graph=graph, centre=centre, page=page, folder=settings.run_folder)
        up.until(centre.is_linked, "the robot's call")
        _sign_in(page, centre)
        yield up


def _with_uplink(settings: RunSettings, centre: Centre) -> RunSettings:
    return settings.model_copy(update={"uplink_url": centre.robot_url, "uplink_token_file": centre.robot_token()})


def _sign_in(page: Page, centre: Centre) -> None:
    page.goto(centre.address)
    page.get_by_test_id("username").fill(centre.prepared.operator)
    page.get_by_test_id("password").fill(centre.prepared.one_time_password or "")
    page.get_by_test_id("sign-in").click()
    page.get_by_test_id("mode").wait_for()

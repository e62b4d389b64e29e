# SPDX-License-Identifier: Apache-2.0
"""Brings a Gazebo up for one scenario: its files, its server, a conversation with it, and sensors that speak."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from sim.actors import Actor
from sim.gazebo.actor_meshes import write_actor
from sim.gazebo.backends import Flavour
from sim.gazebo.errors import GazeboLost
from sim.gazebo.installation import Installation
from sim.gazebo.messages import Messages
from sim.gazebo.server import WORLD_FILE, Server
from sim.gazebo.session import Session
from sim.gazebo.world_sdf import WorldPlan, world_name, write_world

UP_WITHIN_S = 300.0
_TRY_FOR_S = 20.0
_PAUSE_S = 0.2
_WARM_UP_NS = 100_000_000
_MOST_WARM_UPS = 600


class Host:
    """A Gazebo that runs, paused, with its one robot on its wheels. ``zero_ns`` is Gazebo's time when the scenario begins."""

    def __init__(
        self,
        installation: Installation,
        plan: WorldPlan,
        actors: Iterable[Actor],
        *,
        seed: int,
        rates: Mapping[str, float],
        may_go_on: Callable[[], bool],
    ) -> None:
        """Without ``actors`` nothing is drawn of them. Raises BadInput, GazeboMissing and GazeboLost, and leaves nothing then."""
        self.messages = Messages(installation.descriptors)
        self.world = world_name(plan.world)
        (self._robot,) = plan.robots
        self._rates, self._may_go_on = rates, may_go_on
        with ExitStack() as undo:
            folder = Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="patrol-gazebo-", ignore_cleanup_errors=True)))
            uri = Server.uri_of(installation, folder)
            whole = replace(plan, actors={actor.spec.name: write_actor(actor, folder, uri) for actor in actors})
            (folder / WORLD_FILE).write_text(write_world(whole, Flavour.GAZEBO_11), "utf-8")
            drawn = bool({"lidar", "camera", "thermal"} & rates.keys())
            self.server = undo.enter_context(Server(installation, folder, seed=seed, cameras=drawn))
            self.session = self._join()
            undo.callback(self.session.close)
            self.zero_ns = self._warm_up()
            self._undo = undo.pop_all()

    def close(self) -> None:
        """End Gazebo and take its files away."""
        self._undo.close()

    def _join(self) -> Session:
        """A session with a Gazebo that answers; one that comes up takes connections before it serves them."""
        deadline_s, because = time.monotonic() + UP_WITHIN_S, ""
        while time.monotonic() < deadline_s and self._may_go_on():
            self.server.check()
            try:
                session = Session(
                    self.messages,
                    self.server.port,
                    world=self.world,
                    robot=self._robot,
                    sensors=frozenset(self._rates),
                    alive=self.server.check,
                )
            except GazeboLost as error:
                because = str(error)
                time.sleep(_PAUSE_S)
                continue
            if session.wait_until_ready(_TRY_FOR_S):
                return session
            session.close()
            because = "it does not tell its time"
        raise GazeboLost(f"Gazebo did not come up within {UP_WITHIN_S:g} s: {because}")

    def _warm_up(self) -> int:
        """Let the robot settle on its wheels and every sensor speak once; returns Gazebo's time after that."""
        for _ in range(_MOST_WARM_UPS):
            self.session.step_to(self.session.now_ns // _WARM_UP_NS * _WARM_UP_NS + _WARM_UP_NS)
            if all(self.session.await_sensor(sensor, 0, firmly=False) for sensor in self._rates):
                self.session.take()
                return self.session.now_ns
        silent = ", ".join(sensor for sensor in self._rates if self.session.newest_ns(sensor) is None)
        raise GazeboLost(f"Gazebo's {silent} does not speak")

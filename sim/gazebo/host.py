# SPDX-License-Identifier: Apache-2.0
"""Brings a Gazebo up for one scenario: its files, its server, a conversation with it, and sensors that speak."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace

from sim.actors import Actor
from sim.gazebo.actor_meshes import write_actor
from sim.gazebo.backends import Flavour
from sim.gazebo.errors import GazeboLost
from sim.gazebo.installation import Installation
from sim.gazebo.messages import Messages
from sim.gazebo.run_folder import run_folder
from sim.gazebo.scenery import write_scenery
from sim.gazebo.server import WORLD_FILE, Server
from sim.gazebo.session import Session
from sim.gazebo.warm_up import DRAWING, warm_up
from sim.gazebo.world_sdf import WorldPlan, world_name, write_world
from sim.sdf import read_world

UP_WITHIN_S = 300.0
_TRY_FOR_S = 20.0
_PAUSE_S = 0.2


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
        (robot,) = plan.robots
        with ExitStack() as undo:
            folder = undo.enter_context(run_folder())
            drawn = bool(DRAWING & rates.keys())
            uri = Server.uri_of(installation, folder)
            whole = replace(plan, actors={actor.spec.name: write_actor(actor, folder, uri) for actor in actors})
            if drawn:
                whole = replace(whole, scenery=write_scenery(read_world(plan.world), folder, uri))
            (folder / WORLD_FILE).write_text(write_world(whole, Flavour.GAZEBO_11), "utf-8")
            self.server = undo.enter_context(Server(installation, folder, seed=seed, cameras=drawn))
            self.session = join(
                self.messages, self.server, world=self.world, robot=robot, sensors=frozenset(rates), may_go_on=may_go_on
            )
            undo.callback(self.session.close)
            self.zero_ns = warm_up((self.session,), rates)
            self._undo = undo.pop_all()

    def close(self) -> None:
        """End Gazebo and take its files away."""
        self._undo.close()


def join(
    messages: Messages,
    server: Server,
    *,
    world: str,
    robot: str,
    sensors: frozenset[str],
    may_go_on: Callable[[], bool] = lambda: True,
) -> Session:
    """A session with a Gazebo that answers; one that comes up takes connections before it serves them. Raises GazeboLost."""
    deadline_s, because = time.monotonic() + UP_WITHIN_S, ""
    while time.monotonic() < deadline_s and may_go_on():
        server.check()
        try:
            session = Session(messages, server.port, world=world, robot=robot, sensors=sensors, alive=server.check)
        except GazeboLost as error:
            because = str(error)
            time.sleep(_PAUSE_S)
            continue
        if session.wait_until_ready(_TRY_FOR_S):
            return session
        session.close()
        because = "it does not tell its time"
    raise GazeboLost(f"Gazebo did not come up within {UP_WITHIN_S:g} s: {because}")

# SPDX-License-Identifier: Apache-2.0
"""The stage: the compiled world with robot and actors, its physics, and who touches whom."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import mujoco
import numpy as np

from patrol.checks import Floats
from patrol.errors import BadInput, Fault
from patrol.geometry import Pose2, Twist2
from patrol.local_frame import LocalFrame
from patrol.site import Site
from patrol.site_file import read_site
from sim.actor_shapes import ActorShape, ActorTarget
from sim.actors import Actor, Cast
from sim.bodies import make_body
from sim.chassis import ROBOT, Chassis, add_robot, robot_group, robot_name
from sim.faults import Faults
from sim.robot import RobotModel
from sim.scenario import Scenario
from sim.scene import add_world, new_spec
from sim.sdf import read_world
from sim.sky import daylight_for
from sim.truth import Sight, Truth, actor_truth
from sim.weather import Sky, weather_at

TICK_NS = 10_000_000
"""The world moves, and the fastest sensor measures, in steps of 10 ms."""
_STEPS_PER_TICK = 2
_GROUND_NORMAL_Z = 0.9
_TOUCH_M = 5.0
_CONTACTS_M = 0.45


class Stage:
    """Everything that is there, and how it moves. Deterministic; all noise is in the sensors."""

    def __init__(self, scenario: Scenario, robot: RobotModel, *, seed: int, others: Sequence[Pose2] = ()) -> None:
        """The first robot stands where the scenario says; more of its kind at the poses ``others`` in map. Raises BadInput when
        world or site can not be used."""
        site = read_site(scenario.site)
        self.scenario, self.robot = scenario, robot
        self.world = read_world(scenario.world)
        self.frame = LocalFrame(site.datum)
        self._docks = (*(dock.pose for dock in site.docks), *others)
        self.weather = weather_at(scenario.weather, site.datum, scenario.start_ns)
        self.faults = Faults(scenario.faults)
        daylight = daylight_for(night=self.weather.night, overcast=self.weather.sky is not Sky.CLEAR)
        actors = [Actor(spec, make_body(spec.kind, spec.name, spec.appearance_seed)) for spec in scenario.actors]
        spec = new_spec()
        spec.option.timestep = TICK_NS / 1e9 / _STEPS_PER_TICK
        spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
        add_world(spec, self.world, daylight, seed=0)
        for number, start in enumerate((start_pose(scenario, site), *others)):
            add_robot(spec, robot, start, number=number)
        for actor in actors:
            actor.body.add_to(spec)
        self.model = spec.compile()
        self.data = mujoco.MjData(self.model)
        self.fleet = tuple(Chassis(self.model, self.data, robot, number=number) for number in range(1 + len(others)))
        self.chassis = self.fleet[0]
        numbers = range(len(self.fleet)) if others else ()
        self._shapes = tuple(ActorShape(self.model, robot_name(each), group=robot_group(each)) for each in numbers)
        self.cast = Cast(actors, self.model, self.data)
        self.seed = seed
        self._robot_geoms = np.array([self.model.geom(geom).name.startswith(f"{ROBOT}/") for geom in range(self.model.ngeom)])
        self._touching: frozenset[str] = frozenset()
        self._contact_count = 0
        self._acted_s = 0.0
        self.cast.place(near=self.chassis.map_from_base().to_pose2(), within_m=math.inf)
        mujoco.mj_forward(self.model, self.data)

    def move_actors(self, now_s: float, step_s: float) -> None:
        """Let the actors go on with what they do, from the tick before ``now_s`` on."""
        self._acted_s = now_s - TICK_NS / 1e9 + step_s
        robots = [chassis.map_from_base().to_pose2() for chassis in self.fleet]
        self.cast.step(now_s, step_s, *robots)
        for robot in robots:
            self.cast.place(near=robot, within_m=_TOUCH_M)

    def is_docked(self, planar_state: Floats) -> bool:
        """Whether a robot in this state (6,), as ``Chassis.planar_state`` has it, touches the contacts of a dock."""
        return is_at_dock(self._docks, float(planar_state[0]), float(planar_state[1]))

    def step(self, now_ns: int, now_s: float) -> None:
        """One tick of physics."""
        self.chassis.set_grip(self.faults.grip(now_s))
        for chassis in self.fleet:
            chassis.drive(now_ns, TICK_NS / 1e9)
        mujoco.mj_step(self.model, self.data, _STEPS_PER_TICK)
        self._note_contacts()

    def settle(self, *, within_m: float, now_s: float | None = None, number: int = 0) -> None:
        """Bring actors within ``within_m`` of the robot of this number, all geoms and cameras up to date with the state, for
        pictures and rays. Actors make longer steps than the world: they stand where they are at ``now_s``, or (None) where their
        step ends, as the truth has them."""
        ahead_s = 0.0 if now_s is None else max(round(self._acted_s - now_s, 6), 0.0)
        self.cast.place(near=self.fleet[number].map_from_base().to_pose2(), within_m=within_m, ahead_s=ahead_s)
        mujoco.mj_kinematics(self.model, self.data)
        mujoco.mj_camlight(self.model, self.data)

    def mates(self, number: int) -> tuple[ActorTarget, ...]:
        """What the lidar of the robot of this number can meet of the other ones."""
        return tuple(
            shape.target(self.data, self.fleet[other].velocity_in_map())
            for other, shape in enumerate(self._shapes)
            if other != number
        )

    def _note_contacts(self) -> None:
        contacts = self.data.contact
        upward = contacts.frame[:, 2].tolist()
        steep = [index for index, up in enumerate(upward) if abs(up) < _GROUND_NORMAL_Z]
        pairs = contacts.geom[steep].tolist() if steep else ()
        touching = {self.model.geom(b if self._robot_geoms[a] else a).name for a, b in pairs}
        self._contact_count += len(touching - self._touching)
        self._touching = frozenset(touching)

    def truth(self, now_ns: int, sights: dict[str, Sight]) -> Truth:
        """The state of everything."""
        pose = self.chassis.map_from_base().to_pose2()
        velocity, rates = self.chassis.velocity_in_map(), self.chassis.rates_in_base()
        cos, sin = math.cos(pose.yaw_rad), math.sin(pose.yaw_rad)
        twist = Twist2(
            forward_mps=float(cos * velocity[0] + sin * velocity[1]),
            left_mps=float(-sin * velocity[0] + cos * velocity[1]),
            turn_radps=float(rates[2]),
        )
        return Truth(
            stamp_ns=now_ns,
            map_from_base=pose,
            twist=twist,
            actors=tuple(actor_truth(actor, sights.get(actor.spec.name)) for actor in self.cast.actors),
            contacts=tuple(sorted(self._touching)),
            contact_count=self._contact_count,
            others=tuple(chassis.map_from_base().to_pose2() for chassis in self.fleet[1:]),
        )


def start_pose(scenario: Scenario, site: Site) -> Pose2:
    """Where the robot starts: where the scenario says, else at the first dock. Raises BadInput when there is neither."""
    if scenario.robot is not None:
        return Pose2(scenario.robot.x_m, scenario.robot.y_m, math.radians(scenario.robot.yaw_deg))
    if not site.docks:
        raise BadInput(scenario.site, [Fault(field="features", value="no dock", because="the robot needs a place to start from")])
    return site.docks[0].pose


def is_at_dock(docks: Iterable[Pose2], x_m: float, y_m: float) -> bool:
    """Whether a robot at this place in map touches the contacts of one of ``docks``."""
    return any(math.hypot(x_m - dock.x_m, y_m - dock.y_m) < _CONTACTS_M for dock in docks)

# SPDX-License-Identifier: Apache-2.0
"""Orders to the stop path are carried in order, and again until they are answered."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any, cast

import pytest

pytest.importorskip("patrol_msgs.msg", reason="the ROS interfaces are not built: make setup")

from patrol.operations import Accepted, Command, CommandKind
from patrol_ros import commands
from patrol_ros.commands import ASKED_AGAIN_AFTER_S, ASKED_FOR_S, StopOrders
from patrol_ros.conversions.operations import answer_to_ros
from patrol_ros.link import Link


class StopPath:
    """A client of a stop path that may be away, or take orders and never answer; and the clock and the timers beside it."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.is_there, self.asked, self.pending = True, list[str](), list[tuple[str, Future[Any]]]()
        self._now_s, self._timers = 100.0, list[Callable[[], None]]()
        patch.setattr(commands, "time", SimpleNamespace(monotonic=lambda: self._now_s))
        node = SimpleNamespace(create_client=lambda *_: self)
        link = SimpleNamespace(node=node, every_wall=lambda _period_s, call: self._timers.append(call))
        self.orders = StopOrders(cast(Link, link))

    def service_is_ready(self) -> bool:
        return self.is_there

    def call_async(self, request: Any) -> Future[Any]:
        self.asked.append(request.command_id)
        self.pending.append((request.command_id, Future()))
        return self.pending[-1][1]

    def answer(self) -> None:
        command_id, future = self.pending.pop(0)
        future.set_result(answer_to_ros(Accepted(command_id=command_id)))

    def wait(self, duration_s: float) -> None:
        for _ in range(round(duration_s / 0.05)):
            self._now_s += 0.05
            for timer in self._timers:
                timer()


def order(kind: CommandKind) -> Command:
    return Command(command_id=kind.value, kind=kind, expires_ns=10**18, issued_by="operator")


ARM, RESET, ESTOP = (order(kind) for kind in (CommandKind.ESTOP_ARM_RESET, CommandKind.ESTOP_RESET, CommandKind.ESTOP))


@pytest.fixture
def path(monkeypatch: pytest.MonkeyPatch) -> StopPath:
    return StopPath(monkeypatch)


def test_the_second_step_of_a_reset_waits_for_the_first_to_be_answered(path: StopPath) -> None:
    path.orders.send(ARM)
    path.orders.send(RESET)
    assert path.asked == [ARM.command_id]
    path.answer()
    assert path.asked == [ARM.command_id, RESET.command_id]
    path.answer()
    path.wait(2.0 * ASKED_FOR_S)
    assert len(path.asked) == 2


def test_what_is_not_answered_is_asked_again(path: StopPath) -> None:
    path.orders.send(ARM)
    path.pending.clear()
    path.wait(ASKED_AGAIN_AFTER_S + 0.4)
    assert path.asked == [ARM.command_id] * 2
    path.answer()
    path.wait(2.0 * ASKED_FOR_S)
    assert path.asked == [ARM.command_id] * 2


def test_a_stop_path_that_is_away_is_asked_once_it_is_there_and_given_up_when_it_never_is(path: StopPath) -> None:
    path.is_there = False
    path.orders.send(ARM)
    path.wait(1.0)
    assert path.asked == []
    path.is_there = True
    path.wait(0.2)
    assert path.asked == [ARM.command_id]
    path.answer()
    path.is_there = False
    path.orders.send(RESET)
    path.wait(ASKED_FOR_S + 0.2)
    path.is_there = True
    path.wait(1.0)
    assert path.asked == [ARM.command_id], "an order of long ago releases nothing"


def test_an_emergency_stop_goes_at_once_and_ends_a_reset_under_way(path: StopPath) -> None:
    path.orders.send(ARM)
    path.orders.send(RESET)
    path.orders.send(ESTOP)
    assert path.asked == [ARM.command_id, ESTOP.command_id]
    path.answer()
    path.answer()
    path.wait(2.0 * ASKED_FOR_S)
    assert path.asked == [ARM.command_id, ESTOP.command_id]

# SPDX-License-Identifier: Apache-2.0
"""Orders of zones between processes: the service ``OrderZones`` of the mission node."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from patrol_msgs.srv import OrderZones

from patrol.errors import PatrolError
from patrol.zone_orders import ZoneAnswer, ZoneOrder, ZonesRefused
from patrol_ros.commands import ANSWER_WITHIN_S
from patrol_ros.conversions.grounds import zones_answer_from_ros, zones_answer_to_ros, zones_from_ros, zones_to_ros
from patrol_ros.link import Link

log = logging.getLogger(__name__)
ZONES_SERVICE = "order_zones"
OnZones = Callable[[ZoneAnswer], None]


def serve_zones(link: Link, put_in_force: Callable[[ZoneOrder], ZoneAnswer]) -> None:
    """Answer every order; one that makes no sense is refused in words."""

    def answer(request: Any, _response: Any) -> Any:
        try:
            return zones_answer_to_ros(put_in_force(zones_from_ros(request)))
        except PatrolError as error:
            log.exception("%s: refused", ZONES_SERVICE)
            return zones_answer_to_ros(ZonesRefused(order_id=request.order_id, revision=0, because=str(error)))

    link.node.create_service(OrderZones, ZONES_SERVICE, answer)


class ZoneSender:
    """Sends orders without waiting. Every order is answered, if only with why there is no answer."""

    def __init__(self, link: Link) -> None:
        self._client = link.node.create_client(OrderZones, ZONES_SERVICE)
        self._waiting: dict[str, tuple[float, OnZones]] = {}
        link.every_wall(0.25, self._give_up_late_ones)

    def send(self, order: ZoneOrder, on_answer: OnZones) -> None:
        """``on_answer`` gets the answer on the executor's thread: within three seconds, or a refusal that says so."""
        if not self._client.service_is_ready():
            on_answer(ZonesRefused(order_id=order.order_id, revision=0, because=f"{ZONES_SERVICE} is not there"))
            return
        self._waiting[order.order_id] = (time.monotonic() + ANSWER_WITHIN_S, on_answer)
        future = self._client.call_async(zones_to_ros(order))
        future.add_done_callback(lambda done: self._answered(zones_answer_from_ros(order.order_id, done.result())))

    def _answered(self, answer: ZoneAnswer) -> None:
        _, on_answer = self._waiting.pop(answer.order_id, (0.0, None))
        if on_answer is not None:
            on_answer(answer)

    def _give_up_late_ones(self) -> None:
        now_s = time.monotonic()
        for order_id in [name for name, (deadline_s, _) in self._waiting.items() if now_s > deadline_s]:
            because = f"{ZONES_SERVICE} did not answer within {ANSWER_WITHIN_S:g} s"
            self._answered(ZonesRefused(order_id=order_id, revision=0, because=because))

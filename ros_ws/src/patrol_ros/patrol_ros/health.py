# SPDX-License-Identifier: Apache-2.0
"""What a node says about itself on ``diagnostics``, once a second."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from patrol.clock import NS_PER_S, seconds
from patrol.topics import topic
from patrol_ros.conversions.stamps import header_to_ros
from patrol_ros.link import Link


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One line: what is wrong in words (empty: nothing) and figures beside it, units in their names."""

    wrong: str = ""
    values: dict[str, str] = field(default_factory=dict)


class Ages:
    """When each topic was last heard, on the node's clock."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._heard_ns: dict[str, int | None] = dict.fromkeys(names)

    def heard(self, name: str, now_ns: int) -> None:
        """Data of ``name`` came in."""
        self._heard_ns[name] = now_ns

    def age_s(self, name: str, now_ns: int) -> float | None:
        """Age of the newest data; None when nothing came yet."""
        heard_ns = self._heard_ns[name]
        return None if heard_ns is None else seconds(now_ns - heard_ns)

    def stale(self, now_ns: int) -> tuple[str, ...]:
        """The topics whose data are missing or older than the table allows."""
        return tuple(name for name in self._heard_ns if self._is_stale(name, now_ns))

    def _is_stale(self, name: str, now_ns: int) -> bool:
        heard_ns, limit_s = self._heard_ns[name], topic(name).stale_after_s
        return heard_ns is None or (limit_s is not None and now_ns - heard_ns > limit_s * NS_PER_S)


def stale_status(ages: Ages, now_ns: int, **values: object) -> Status:
    """A status that names the stale topics."""
    stale = ages.stale(now_ns)
    wrong = f"no fresh data: {', '.join(stale)}" if stale else ""
    return Status(wrong=wrong, values={name: str(value) for name, value in values.items()})


def report_health(link: Link, describe: Callable[[], Status]) -> None:
    """Publish the node's status once a second of wall time."""
    publisher = link.publisher("diagnostics")
    name = link.node.get_name()
    link.every_wall(1.0, lambda: publisher.publish(_message(name, link.now_ns(), describe())))


def _message(name: str, now_ns: int, status: Status) -> Any:
    level = DiagnosticStatus.WARN if status.wrong else DiagnosticStatus.OK
    values = [KeyValue(key=key, value=value) for key, value in status.values.items()]
    line = DiagnosticStatus(level=level, name=name, message=status.wrong or "ok", hardware_id="patrol", values=values)
    return DiagnosticArray(header=header_to_ros(now_ns, ""), status=[line])

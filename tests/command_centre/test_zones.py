# SPDX-License-Identifier: Apache-2.0
"""Zones ordered by an operator: written down, sent, and in force only once the robot has said so."""

from __future__ import annotations

import json
from typing import Any

import pytest

from patrol.wire import ZonesOrdered
from tests.command_centre import messages
from tests.command_centre.conftest import House, connected, until

URL = f"/api/robots/{messages.ROBOT}/zones"
PIT = {"zone_id": "pit", "kind": "keep out", "corners_m": [[0, 0], [4, 0], [4, 4]], "when_inside": "leave"}
BEND = {"zone_id": "bend", "kind": "slow", "corners_m": [[9, 9], [12, 9], [12, 12]], "limit_mps": 0.4}


def test_zones_reach_the_robot_and_count_once_it_acknowledges(house: House) -> None:
    with house.dial() as socket:
        side = connected(socket)
        house.sign_in("olga")
        with house.watch() as page:
            until(page, "snapshot")
            ordered = house.client.put(URL, json={"zones": [PIT, BEND]})
            assert ordered.status_code == 200, ordered.text
            assert (ordered.json()["state"], ordered.json()["issued_by"]) == ("sent", "olga")
            order = side.hear()
            assert isinstance(order, ZonesOrdered)
            assert [(zone.zone_id, zone.limit_mps) for zone in order.zones] == [("pit", None), ("bend", 0.4)]
            told = "Revision 7 is in force. It stands in pit and leaves by the shortest way."
            side.say_durably(messages.answer(2, order.order_id).model_copy(update={"because": told}))
            changed = until(page, "command", command__state="accepted")["command"]
            assert (changed["kind"], changed["because"]) == ("zones", told)
        kept = house.client.get(URL).json()
    assert (kept["state"], kept["because"], kept["revision"]) == ("accepted", told, order.revision)
    assert kept["in_force"] == kept["zones"]
    entries: list[dict[str, Any]] = house.client.get("/api/audit?count=500").json()
    written = next(json.loads(entry["detail"]) for entry in entries if entry["action"] == "command")
    assert [zone["zone_id"] for zone in written["zones"]] == ["pit", "bend"]
    assert any(entry["action"] == "command answered" and entry["actor"] == messages.ROBOT for entry in entries)


def test_a_later_order_has_a_higher_revision(house: House) -> None:
    with house.dial() as socket:
        side = connected(socket)
        house.sign_in("olga")
        revisions = []
        for zones in ([PIT], []):
            house.client.put(URL, json={"zones": zones})
            order = side.hear()
            assert isinstance(order, ZonesOrdered)
            revisions.append(order.revision)
            house.clock.advance_to(house.clock.now_ns() + 1_000_000_000)
    assert revisions[1] > revisions[0]


def test_what_the_robot_acknowledged_stays_in_force_when_it_refuses_what_comes_after(house: House) -> None:
    with house.dial() as socket:
        side = connected(socket)
        house.sign_in("olga")
        with house.watch() as page:
            until(page, "snapshot")
            for sequence, (zones, because) in enumerate((([PIT], ""), ([PIT, BEND], "the outline crosses itself: bend")), 2):
                ordered = house.client.put(URL, json={"zones": zones}).json()
                assert [zone["zone_id"] for zone in ordered["in_force"]] == (["pit"] if because else [])
                order = side.hear()
                assert isinstance(order, ZonesOrdered)
                side.say_durably(messages.answer(sequence, order.order_id, because=because))
                until(page, "command", command__state="refused" if because else "accepted")
                house.clock.advance_to(house.clock.now_ns() + 1_000_000_000)
    kept = house.client.get(URL).json()
    assert (kept["state"], kept["because"]) == ("refused", "the outline crosses itself: bend")
    assert [zone["zone_id"] for zone in kept["zones"]] == ["pit", "bend"]
    assert [zone["zone_id"] for zone in kept["in_force"]] == ["pit"]


def test_without_the_robot_nothing_is_in_force(house: House) -> None:
    house.sign_in("olga")
    assert house.client.get(URL).json() is None
    answer = house.client.put(URL, json={"zones": [PIT]}).json()
    assert (answer["state"], answer["because"]) == ("refused", "The robot is not connected.")
    kept = house.client.get(URL).json()
    assert (kept["state"], kept["in_force"]) == ("refused", [])


def test_a_viewer_may_look_and_not_order(house: House) -> None:
    house.sign_in("vera")
    assert house.client.put(URL, json={"zones": [PIT]}).status_code == 403
    assert house.client.get(URL).status_code == 200
    assert "vera: command forbidden" in house.audit_actions()


@pytest.mark.parametrize(
    "zones",
    [
        [{**PIT, "limit_mps": 1.0}],
        [{**BEND, "limit_mps": None}],
        [{**PIT, "kind": "moat"}],
        [{**PIT, "corners_m": [[0, 0], [1, 0]]}],
        [PIT, PIT],
    ],
)
def test_zones_that_make_no_sense_are_refused(house: House, zones: list[dict[str, Any]]) -> None:
    house.sign_in("olga")
    assert house.client.put(URL, json={"zones": zones}).status_code == 422


def test_a_robot_that_is_not_there_is_named(house: House) -> None:
    house.sign_in("olga")
    assert house.client.get("/api/robots/moon/zones").status_code == 404

# SPDX-License-Identifier: Apache-2.0
"""The robot's connection: facts are stored once, commands are answered or shown as unanswered."""

from __future__ import annotations

import base64

import pytest
from starlette.websockets import WebSocketDisconnect

from patrol.wire import CommandIssued, KeyframeWanted, Received, VideoState
from tests.command_centre import messages
from tests.command_centre.conftest import House, RobotSide, connected, until


def test_the_page_sees_the_robot_its_site_and_what_it_says(house: House) -> None:
    house.sign_in("vera")
    with house.watch() as page:
        snapshot = until(page, "snapshot")
        assert snapshot["robots"][0]["link"] == {
            "status": "offline",
            "because": "It has not connected yet.",
            "telemetry_age_s": None,
        }
        with house.dial() as socket:
            side = connected(socket)
            robot = until(page, "robot")["robot"]
            assert robot["link"]["status"] == "online"
            assert robot["site"]["name"]
            assert len(robot["site"]["perimeter_m"][0]) >= 4
            assert {area["kind"] for area in robot["site"]["areas"]} >= {"building", "zone"}
            side.say(messages.telemetry(x_m=3.5))
            assert until(page, "telemetry")["telemetry"]["pose"]["x_m"] == 3.5
            side.say(VideoState(stream="camera", state="covered", because="The anonymiser failed."))
            assert until(page, "video")["video"]["because"] == "The anonymiser failed."
        assert until(page, "link")["link"]["status"] == "offline"


def test_a_page_that_comes_later_gets_everything_in_its_snapshot(house: House) -> None:
    with house.dial() as socket:
        side = connected(socket)
        for step in range(4):
            side.say(messages.telemetry(x_m=float(step)))
        side.say_durably(messages.alert(2))
        house.sign_in("vera")
        with house.watch() as page:
            snapshot = until(page, "snapshot")
    robot = snapshot["robots"][0]
    assert robot["telemetry"]["pose"]["x_m"] == 3.0
    assert [point[0] for point in robot["trail_m"]] == [0.0, 1.0, 2.0, 3.0]
    assert robot["outcomes"][0]["waypoint_id"] == "wp-1"
    assert snapshot["alerts"][0]["reason"]["sentence"].startswith("A person")
    assert snapshot["who"] == {"name": "vera", "role": "viewer", "one_time": False}


def test_durable_messages_are_stored_once_however_often_they_come(house: House) -> None:
    with house.dial() as socket:
        side = connected(socket)
        assert side.say_durably(messages.alert(2)) == 2
        assert side.say_durably(messages.alert(2)) == 2
        assert side.say_durably(messages.outcome(1)) == 1
    with house.dial() as socket:
        side = RobotSide(socket)
        side.say(messages.hello())
        assert side.say_durably(messages.alert(2)) == 2
        assert side.say_durably(messages.alert(9, alert_id="another")) == 9
        assert side.say_durably(messages.alert(5, alert_id="late")) == 5
    house.sign_in("vera")
    assert [alert["alert_id"] for alert in house.client.get("/api/alerts").json()] == ["another", "a1b2c3d4e5f60718"]
    with house.watch() as page:
        assert len(until(page, "snapshot")["robots"][0]["outcomes"]) == 1


def test_a_message_that_can_not_be_read_is_dropped_and_the_link_stands(house: House) -> None:
    with house.dial() as socket:
        side = connected(socket)
        socket.send_text('{"type": "alert", "sequence": "x"}')
        socket.send_bytes(b"PVnonsense")
        assert side.say_durably(messages.outcome(2)) == 2


def test_health_names_the_robots_that_are_connected(house: House) -> None:
    assert house.client.get("/api/health").json() == {"status": "ok", "robots_linked": []}
    with house.dial() as socket:
        connected(socket)
        assert house.client.get("/api/health").json()["robots_linked"] == ["rover-1"]


def test_a_second_connection_takes_over_from_the_first(house: House) -> None:
    house.sign_in("vera")
    with house.dial() as first:
        connected(first)
        with house.dial() as second, house.watch() as page:
            until(page, "snapshot")
            side = RobotSide(second)
            side.say(messages.hello(name="Rover again"))
            assert until(page, "robot")["robot"]["name"] == "Rover again"
            with pytest.raises(WebSocketDisconnect) as closed:
                first.receive_text()
            assert "took over" in closed.value.reason
            side.say_durably(messages.outcome(2))
            side.say(messages.telemetry(x_m=8.0))
            assert until(page, "telemetry")["telemetry"]["pose"]["x_m"] == 8.0


def test_a_command_goes_to_the_robot_and_its_answer_to_the_page(house: House) -> None:
    house.sign_in("olga")
    with house.dial() as socket, house.watch() as page:
        until(page, "snapshot")
        side = connected(socket)
        sent = house.client.post("/api/robots/rover-1/commands", json={"kind": "start", "mission_id": "yard"}).json()
        order = side.hear()
        assert isinstance(order, CommandIssued)
        assert (order.kind, order.mission_id, order.issued_by) == ("start", "yard", "olga")
        assert order.command_id == sent["command_id"]
        assert order.expires_in_s == house.settings.command_expiry_s
        side.say_durably(messages.answer(2, order.command_id, because="The battery is low."))
        settled = until(page, "command", command__state="refused")["command"]
        assert settled["because"] == "The battery is low."
    actions = house.audit_actions()
    assert actions.index("olga: command") < actions.index("rover-1: command answered")


def test_a_robot_that_is_not_connected_is_no_reason_to_stay_silent(house: House) -> None:
    house.sign_in("olga")
    for kind in ("start", "estop"):
        refused = house.client.post("/api/robots/rover-1/commands", json={"kind": kind}).json()
        assert (refused["state"], refused["because"]) == ("refused", "The robot is not connected.")
    assert house.audit_actions().count("olga: command") == 2


def test_a_command_without_an_answer_is_shown_as_that(house: House) -> None:
    house.sign_in("olga")
    with house.dial() as socket, house.watch() as page:
        until(page, "snapshot")
        side = connected(socket)
        house.client.post("/api/robots/rover-1/commands", json={"kind": "pause"})
        late = side.hear()
        assert isinstance(late, CommandIssued)
        silent = until(page, "command", command__state="no answer")["command"]
        assert "did not answer" in silent["because"]
        side.say_durably(messages.answer(2, late.command_id))
        assert until(page, "command", command__state="accepted")["command"]["command_id"] == late.command_id


def test_an_unknown_command_is_refused_before_it_is_sent(house: House) -> None:
    house.sign_in("olga")
    assert house.client.post("/api/robots/rover-1/commands", json={"kind": "fly"}).status_code == 422


def test_an_alert_is_acknowledged_once_by_somebody_with_a_name(house: House) -> None:
    with house.dial() as socket:
        connected(socket).say_durably(messages.alert(2))
        house.sign_in("olga")
        with house.watch() as page:
            first = house.client.post("/api/alerts/1/acknowledge", json={"note": "patrol car sent"}).json()
            assert first["actions"] == [
                {"action": "acknowledged", "by": "olga", "at_ns": house.clock.now_ns(), "note": "patrol car sent"}
            ]
            assert until(page, "alert")["alert"]["state"] == "acknowledged"
        again = house.client.post("/api/alerts/1/acknowledge", json={})
        assert (again.status_code, again.json()["because"]) == (409, "It has been acknowledged by olga already.")
        assert house.client.post("/api/alerts/1/dismiss", json={}).json()["state"] == "dismissed"
        assert house.client.post("/api/alerts/9/dismiss", json={}).status_code == 404
    assert house.audit_actions().count("olga: alert acknowledged") == 1


def test_the_picture_of_an_alert_is_served_as_it_came(house: House) -> None:
    with house.dial() as socket:
        side = connected(socket)
        side.say_durably(messages.alert(2, picture=b"\xff\xd8picture"))
        side.say_durably(messages.alert(3, picture_jpeg_base64=""))
        side.say_durably(messages.alert(4, picture_jpeg_base64="no base64!"))
    house.sign_in("vera")
    picture = house.client.get("/api/alerts/1/picture")
    assert (picture.content, picture.headers["content-type"]) == (b"\xff\xd8picture", "image/jpeg")
    assert [house.client.get(f"/api/alerts/{key}/picture").status_code for key in (2, 3)] == [404, 404]
    assert [alert["has_picture"] for alert in house.client.get("/api/alerts").json()] == [False, False, True]


def test_a_site_that_can_not_be_used_is_named_and_hides_nothing_else(house: House) -> None:
    house.sign_in("vera")
    with house.dial() as socket, house.watch() as page:
        until(page, "snapshot")
        side = connected(socket, messages.hello(site_geojson='{"type": "FeatureCollection"}'))
        robot = until(page, "robot")["robot"]
        assert robot["site"] is None
        assert "the robot's site file" in robot["site_fault"]
        side.say(messages.telemetry())
        assert until(page, "telemetry")["telemetry"]["mode"] == "patrolling"


def test_watching_is_on_the_audit_log(house: House) -> None:
    house.sign_in("vera")
    with house.watch() as page:
        until(page, "snapshot")
    with house.dial() as socket:
        connected(socket)
    actions = house.audit_actions()
    assert actions.index("vera: watching started") < actions.index("vera: watching stopped")
    assert actions.index("rover-1: robot connected") < actions.index("rover-1: robot disconnected")


def test_a_keyframe_is_asked_of_the_robot_when_a_viewer_joins(house: House) -> None:
    with house.dial() as socket:
        side = connected(socket)
        portal = house.client.portal
        assert portal is not None
        portal.call(house.app.state.centre.fleet.stream("rover-1", "camera").join)
        assert side.hear() == KeyframeWanted(stream="camera")
        side.say(messages.outcome(2))
        assert side.hear() == Received(sequence=2)


def test_base64_pictures_in_the_snapshot_would_be_too_large_and_stay_out(house: House) -> None:
    picture = b"\xff\xd8" + b"p" * 4000
    with house.dial() as socket:
        connected(socket).say_durably(messages.alert(2, picture=picture))
    house.sign_in("vera")
    with house.watch() as page:
        text = page.receive_text()
    assert '"has_picture":true' in text
    assert base64.b64encode(picture).decode() not in text

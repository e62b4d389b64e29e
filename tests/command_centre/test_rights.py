# SPDX-License-Identifier: Apache-2.0
"""Who may do what: every route, for a stranger, a viewer and an operator."""

from __future__ import annotations

import re
from typing import Any

import pytest
from starlette.websockets import WebSocketDisconnect

from tests.command_centre import messages
from tests.command_centre.conftest import House, RobotSide, connected

COMMAND = {"kind": "start", "mission_id": "perimeter"}
# method, path, body, then the status for: nobody, viewer, operator
MATRIX: list[tuple[str, str, dict[str, Any] | None, int, int, int]] = [
    ("GET", "/api/health", None, 200, 200, 200),
    ("GET", "/api/me", None, 200, 200, 200),
    ("GET", "/api/alerts", None, 401, 200, 200),
    ("GET", "/api/alerts/1/picture", None, 401, 200, 200),
    ("GET", "/api/commands", None, 401, 200, 200),
    ("GET", "/api/audit", None, 401, 403, 200),
    ("GET", "/api/audit/verdict", None, 401, 403, 200),
    ("POST", "/api/alerts/1/acknowledge", {}, 401, 403, 200),
    ("POST", "/api/alerts/1/dismiss", {}, 401, 403, 200),
    ("POST", "/api/robots/rover-1/commands", COMMAND, 401, 403, 200),
    ("POST", "/api/robots/other/commands", COMMAND, 401, 404, 404),
    ("GET", "/api/robots/rover-1/zones", None, 401, 200, 200),
    ("PUT", "/api/robots/rover-1/zones", {"zones": []}, 401, 403, 200),
    ("POST", "/api/webrtc/offer", {"robot_id": "other", "sdp": ""}, 401, 404, 404),
    ("POST", "/api/webrtc/offer", {"robot_id": "rover-1", "sdp": "nonsense"}, 401, 400, 400),
    ("POST", "/api/password", {"password": "another-password"}, 401, 403, 403),
    ("POST", "/api/sign-out", None, 401, 204, 204),
]


@pytest.mark.parametrize(("method", "path", "body", "nobody", "viewer", "operator"), MATRIX)
def test_every_route_for_every_role(
    house: House, method: str, path: str, body: dict[str, Any] | None, *, nobody: int, viewer: int, operator: int
) -> None:
    with house.dial() as socket:
        connected(socket).say_durably(messages.alert(2))
        assert house.client.request(method, path, json=body).status_code == nobody
        house.sign_in("vera")
        assert house.client.request(method, path, json=body).status_code == viewer
        house.sign_in("olga")
        assert house.client.request(method, path, json=body).status_code == operator


def test_every_route_that_exists_is_in_the_matrix(house: House) -> None:
    listed = {re.sub(r"/robots/[^/]+/", "/robots/{robot_id}/", path.replace("/1/", "/{alert_key}/")) for _, path, *_ in MATRIX}
    assert set(house.app.openapi()["paths"]) | {"/api/health"} == listed | {"/api/sign-in"}


def test_a_viewer_s_command_reaches_nobody_and_is_logged(house: House) -> None:
    with house.dial() as socket:
        side = connected(socket)
        house.sign_in("vera")
        refused = house.client.post("/api/robots/rover-1/commands", json={"kind": "estop"})
        assert refused.status_code == 403
        assert side.say_durably(messages.outcome(2)) == 2
    assert "vera: command forbidden" in house.audit_actions()


@pytest.mark.parametrize("origin", ["http://evil.test", "null", "http://testserver.evil.test"])
def test_other_sites_can_not_act_in_our_user_s_name(house: House, origin: str) -> None:
    house.sign_in("olga")
    foreign = {"Origin": origin}
    assert house.client.post("/api/robots/rover-1/commands", json=COMMAND, headers=foreign).status_code == 403
    assert house.client.post("/api/sign-in", json={"username": "a", "password": "b"}, headers=foreign).status_code == 403
    with house.client.websocket_connect("/api/live", headers=foreign) as page, pytest.raises(WebSocketDisconnect) as closed:
        page.receive_text()
    assert closed.value.code == 4403
    ours = {"Origin": "http://testserver"}
    assert house.client.post("/api/robots/rover-1/commands", json=COMMAND, headers=ours).status_code == 200


def test_a_stranger_sees_nothing_live(house: House) -> None:
    with house.watch() as page, pytest.raises(WebSocketDisconnect) as closed:
        page.receive_text()
    assert closed.value.code == 4401


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic abc"}])
def test_a_robot_without_its_token_is_turned_away(house: House, headers: dict[str, str]) -> None:
    with pytest.raises(WebSocketDisconnect), house.client.websocket_connect("/robot", headers=headers):
        pass


def test_a_robot_may_not_speak_for_another(house: House) -> None:
    with house.dial() as socket:
        RobotSide(socket).say(messages.hello("rover-2"))
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_text()
    assert closed.value.code == 4400
    assert "belongs to 'rover-1'" in closed.value.reason


def test_a_robot_of_another_protocol_is_told_so(house: House) -> None:
    with house.dial() as socket:
        RobotSide(socket).say(messages.hello(protocol=99))
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_text()
    assert "Protocol 99" in closed.value.reason


def test_answers_carry_the_house_headers(house: House) -> None:
    answer = house.client.get("/api/health")
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"

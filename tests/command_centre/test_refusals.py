# SPDX-License-Identifier: Apache-2.0
"""Whatever is thrown at the service is refused in one shape, bounded, and never a failure of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from command_centre.api.access import COOKIE
from command_centre.api.app import create_app
from command_centre.api.audit import AuditLog
from command_centre.api.prepare import prepare, verify_audit
from command_centre.api.records import admit_robot
from command_centre.api.refusals import LARGEST_BODY_BYTES
from command_centre.api.secret_files import sha256_hex
from command_centre.api.settings import Settings, settings_from_environment
from patrol.errors import BadInput
from tests.command_centre import messages
from tests.command_centre.conftest import PASSWORDS, House, RobotSide, connected, until

JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("body", "status", "because"),
    [
        (b'{"username": NaN, "password": Infinity}', 422, "body.username: Input should be a valid string"),
        (b'{"username": "\\ud800", "password": "x"}', 422, "body.username"),
        (b'{"username": 1e400, "password": 1}', 422, "body.password"),
        (b"{", 422, "JSON decode error"),
        (b"[" * 50_000, 400, "parsing the body"),
        (b" " * (LARGEST_BODY_BYTES + 1), 413, "larger than 1048576 bytes"),
    ],
)
def test_a_body_that_can_not_be_used_is_refused_in_words(house: House, body: bytes, status: int, because: str) -> None:
    answer = house.client.post("/api/sign-in", content=body, headers=JSON)
    assert answer.status_code == status
    assert list(answer.json()) == ["because"]
    assert because in answer.json()["because"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_body_that_does_not_say_how_long_it_is_is_bounded_too(house: House) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 4 * LARGEST_BODY_BYTES:
            sent += 65_536
            yield b"x" * 65_536

    answer = house.client.post("/api/sign-in", content=endless(), headers=JSON)
    assert (answer.status_code, "larger" in answer.json()["because"]) == (413, True)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/alerts?before=9223372036854775808", 422),
        ("/api/audit?before=-1", 422),
        ("/api/alerts/99999999999999999999/picture", 422),
        ("/api/nothing", 404),
        ("/..%2fsecret.txt", 404),
        ("/%2e%2e/%2e%2e/etc/passwd", 404),
    ],
)
def test_every_refusal_has_the_same_shape(house: House, path: str, status: int) -> None:
    house.sign_in("olga")
    answer = house.client.get(path)
    assert (answer.status_code, list(answer.json())) == (status, ["because"])


@pytest.mark.parametrize("origin", ["http://[foo", "null", "http://testserver:80@evil"])
def test_an_origin_that_is_none_is_a_foreign_one(house: House, origin: str) -> None:
    body = {"username": "olga", "password": PASSWORDS["olga"]}
    assert house.client.post("/api/sign-in", json=body, headers={"origin": origin}).status_code == 403


WEAK_OFFER = (
    "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n"
    "c=IN IP4 0.0.0.0\r\na=mid:0\r\na=ice-ufrag:x\r\na=ice-pwd:y\r\na=recvonly\r\na=rtpmap:96 H264/90000\r\n"
    "a=fingerprint:md5 zz\r\na=setup:actpass\r\n"
)


@pytest.mark.parametrize("sdp", ["m=audio x y\r\n", WEAK_OFFER])
def test_a_video_offer_that_is_none_is_refused(house: House, sdp: str) -> None:
    house.sign_in("vera")
    answer = house.client.post("/api/webrtc/offer", json={"robot_id": "rover-1", "sdp": sdp})
    assert (answer.status_code, answer.json()["because"][:15]) == (400, "The video offer")


def test_guesses_at_the_same_moment_are_counted_too(house: House) -> None:
    async def guess() -> list[int]:
        transport = httpx.ASGITransport(create_app(house.settings), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            bodies = [{"username": "olga", "password": f"guess {number}"} for number in range(12)]
            answers = await asyncio.gather(*(client.post("/api/sign-in", json=body) for body in bodies))
        return [answer.status_code for answer in answers]

    codes = asyncio.run(guess())
    assert (codes.count(401), codes.count(429)) == (house.settings.sign_in_attempts, 12 - house.settings.sign_in_attempts)


def test_one_address_can_not_go_on_with_ever_new_names(house: House) -> None:
    limit = house.settings.sign_in_attempts_of_address
    house.sign_in("olga")
    codes = [
        house.client.post("/api/sign-in", json={"username": f"name {number}", "password": "x"}).status_code
        for number in range(limit + 1)
    ]
    assert codes == [401] * limit + [429]


def test_a_new_password_ends_the_other_sessions_and_their_pages(house: House) -> None:
    house.sign_in("olga")
    elsewhere = house.client.cookies[COOKIE]
    with house.watch() as page:
        until(page, "snapshot")
        house.sign_in("olga")
        assert (
            house.client.post("/api/password", json={"current": PASSWORDS["olga"], "password": "another-password"}).status_code
            == 204
        )
        with pytest.raises(WebSocketDisconnect) as closed:
            until(page, "alert")
    assert "password was changed" in closed.value.reason
    assert house.client.get("/api/me").json()["name"] == "olga"
    house.client.cookies.clear()
    house.client.cookies.set(COOKIE, elsewhere)
    assert house.client.get("/api/me").json() is None


def test_a_robot_can_not_answer_for_another_one(house: House) -> None:
    database = house.app.state.centre.database
    with database.writing() as session:
        admit_robot(session, "rover-2", sha256_hex("other-token"), now_ns=1)
    with TestClient(create_app(house.settings, clock=house.clock)) as client:
        house.client = client
        house.sign_in("olga")
        with house.dial() as socket, house.dial("other-token") as other:
            side, stranger = connected(socket), RobotSide(other)
            stranger.say(messages.hello("rover-2"))
            sent = client.post("/api/robots/rover-1/commands", json={"kind": "start"}).json()
            side.hear()
            stranger.say_durably(messages.answer(1, sent["command_id"]))
            assert client.get("/api/commands").json()[0]["state"] != "accepted"
            side.say_durably(messages.answer(2, sent["command_id"]))
            assert client.get("/api/commands").json()[0]["state"] == "accepted"


def test_a_number_beyond_the_database_s_does_not_end_the_link(house: House) -> None:
    with house.dial() as socket:
        side = connected(socket)
        text = messages.alert(2).model_dump_json().replace('"sequence":2', f'"sequence":{2**63}')
        socket.send_text(text)
        assert side.say_durably(messages.outcome(3)) == 3


@pytest.mark.parametrize(
    ("name", "value", "because"),
    [
        ("DATABASE_URL", "nonsense", "is no database address"),
        ("DATABASE_URL", "martian://x/y", "is no database address"),
        ("DATABASE_URL", "sqlite:////proc/none/x.db", "can not be opened"),
        ("SECRETS_DIR", "/proc/none", "can not be made"),
        ("ROBOTS", "../rover", "robots.0"),
        ("OPERATOR", "o" * 65, "operator"),
    ],
)
def test_a_setting_that_can_not_be_used_is_named(tmp_path: Path, name: str, value: str, because: str) -> None:
    usable = {"DATABASE_URL": f"sqlite:///{tmp_path}/centre.db", "SECRETS_DIR": str(tmp_path), "ARGON2_MEMORY_KIB": "64"}
    given = {f"PATROL_CENTRE_{key}": each for key, each in (usable | {name: value}).items()}
    with pytest.raises(BadInput, match=because):
        prepare(settings_from_environment(given))


@pytest.mark.parametrize("content", [b"no database at all, but long enough to be one" * 30, b""])
def test_a_database_file_is_named_when_it_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "centre.db").write_bytes(content)
    settings = Settings(database_url=f"sqlite:///{tmp_path}/centre.db", secrets_dir=tmp_path, argon2_memory_kib=64)
    if content:
        with pytest.raises(BadInput, match="can not be opened"):
            prepare(settings)
    else:
        assert prepare(settings).one_time_password


def test_a_database_of_a_later_version_is_left_alone(house: House) -> None:
    with house.app.state.centre.database.writing() as session:
        session.connection().exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(BadInput, match="later version"):
        prepare(house.settings)


def test_a_key_that_was_spoilt_is_told_and_not_replaced(house: House) -> None:
    key = house.settings.secrets_dir / "audit.key"
    key.write_text("", "ascii")
    with pytest.raises(BadInput, match=r"audit\.key.*\n.*64 hexadecimal digits"):
        verify_audit(house.settings)
    assert key.read_text("ascii") == ""


def test_the_log_can_be_checked_without_its_service(house: House) -> None:
    """What happened to the head: gone, spoilt, or never moved back by a slower process."""
    for name in PASSWORDS:
        house.sign_in(name)
    assert verify_audit(house.settings).intact
    head = house.settings.secrets_dir / "audit.head"
    text = head.read_text("ascii")
    for spoilt, because in ((None, "is not at"), ("", "can not be read"), ("x y", "can not be read")):
        head.unlink() if spoilt is None else head.write_text(spoilt, "ascii")
        house.client.post("/api/sign-in", json={"username": "nobody", "password": "x"})
        verdict = verify_audit(house.settings)
        assert not verdict.intact
        assert because in verdict.because
    head.write_text(text, "ascii")
    assert verify_audit(house.settings).intact
    assert isinstance(house.app.state.centre.audit, AuditLog)

# SPDX-License-Identifier: Apache-2.0
"""Signing in, staying in, and being kept out."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.websockets import WebSocketDisconnect

from command_centre.api import people
from command_centre.api.access import COOKIE
from command_centre.api.attempts import AttemptLimit
from command_centre.api.database import Database
from command_centre.api.prepare import prepare, verify_audit
from command_centre.api.settings import Settings, settings_from_environment
from command_centre.api.tables import SessionRow, UserRow
from patrol.clock import nanoseconds
from patrol.errors import BadInput, BadValue
from tests.command_centre.conftest import PASSWORDS, House, until


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(house: House) -> None:
    answer = house.client.post("/api/sign-in", json={"username": "olga", "password": "operator-password"})
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert answer.json() == {"name": "olga", "role": "operator", "one_time": False}


def test_neither_passwords_nor_tokens_are_kept_in_the_clear(house: House) -> None:
    house.sign_in("olga")
    token = house.client.cookies[COOKIE]
    database = Database(house.settings.database_url)
    with database.reading() as session:
        hashes = [row.password_hash for row in session.query(UserRow)]
        tokens = [row.token_sha256 for row in session.query(SessionRow)]
    database.close()
    assert len(hashes) == 3
    assert all(each.startswith("$argon2id$") for each in hashes)
    assert tokens
    assert token not in tokens


@pytest.mark.parametrize(("name", "password"), [("olga", "wrong"), ("nobody", "operator-password")])
def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(house: House, name: str, password: str) -> None:
    answer = house.client.post("/api/sign-in", json={"username": name, "password": password})
    assert answer.status_code == 401
    assert answer.json() == {"because": "The name or the password is wrong."}
    assert f"{name}: sign-in refused" in house.audit_actions()


def test_guessing_is_slowed_down_even_for_the_right_password(house: House) -> None:
    for _ in range(house.settings.sign_in_attempts):
        house.client.post("/api/sign-in", json={"username": "olga", "password": "wrong"})
    answer = house.client.post("/api/sign-in", json={"username": "olga", "password": "operator-password"})
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    assert house.sign_in("vera")["name"] == "vera"


def test_a_one_time_password_works_once(house: House) -> None:
    assert house.sign_in("operator", house.one_time_password)["one_time"] is True
    again = house.client.post("/api/sign-in", json={"username": "operator", "password": house.one_time_password})
    assert again.status_code == 401
    assert "has been used" in again.json()["because"]
    assert house.client.get("/api/me").json()["name"] == "operator"


def test_a_chosen_password_takes_over_and_ends_one_time_passwords(house: House) -> None:
    house.sign_in("operator", house.one_time_password)
    assert house.client.post("/api/password", json={"password": "short"}).status_code == 422
    assert house.client.post("/api/password", json={"password": "a-long-password"}).status_code == 204
    assert house.sign_in("operator", "a-long-password")["one_time"] is False
    assert prepare(house.settings).one_time_password is None


def test_a_chosen_password_is_changed_only_by_whoever_knows_it(house: House) -> None:
    house.sign_in("olga")
    wish = {"current": "a-guess", "password": "a-new-password"}
    refused = house.client.post("/api/password", json=wish)
    assert (refused.status_code, refused.json()["because"]) == (403, "That is not your present password.")
    wish["current"] = PASSWORDS["olga"]
    assert house.client.post("/api/password", json=wish).status_code == 204
    assert house.sign_in("olga", "a-new-password")["one_time"] is False


def test_guesses_of_the_present_password_are_slowed_down_like_sign_ins(house: House) -> None:
    house.sign_in("olga")
    wish = {"current": "a-guess", "password": "a-new-password"}
    codes = [house.client.post("/api/password", json=wish).status_code for _ in range(house.settings.sign_in_attempts + 1)]
    assert codes == [403] * house.settings.sign_in_attempts + [429]
    right = {"current": PASSWORDS["olga"], "password": "a-new-password"}
    assert house.client.post("/api/password", json=right).status_code == 429


def test_somebody_is_let_in_from_the_command_line_and_chooses_a_password(house: House) -> None:
    once = people.add(house.settings, "noor", role="viewer", clock=house.clock)
    assert house.sign_in("noor", once) == {"name": "noor", "role": "viewer", "one_time": True}
    assert house.client.post("/api/robots/rover-1/commands", json={"kind": "estop"}).status_code == 403
    assert house.client.post("/api/password", json={"password": "noor-password"}).status_code == 204
    kept = {account.name: (account.role, account.password) for account in people.everybody(house.settings)}
    assert kept["noor"] == ("viewer", "chosen")
    assert kept["operator"] == ("operator", "one-time")
    assert "command line: person added" in house.audit_actions()


@pytest.mark.parametrize("name", ["", " noor", "noor\n", "n" * 65, "olga"])
def test_a_name_that_is_none_or_is_taken_is_refused(house: House, name: str) -> None:
    before = people.everybody(house.settings)
    with pytest.raises(BadValue, match="name"):
        people.add(house.settings, name, role="operator", clock=house.clock)
    assert people.everybody(house.settings) == before


def test_whoever_is_removed_or_given_a_new_password_is_signed_out_at_once(house: House) -> None:
    for end in (people.renew, people.remove):
        once = people.add(house.settings, end.__name__, role="viewer", clock=house.clock)
        house.sign_in(end.__name__, once)
        with house.watch() as page:
            until(page, "snapshot")
            end(house.settings, end.__name__, clock=house.clock)
            with pytest.raises(WebSocketDisconnect) as closed:
                until(page, "alert")
        assert closed.value.reason == "An administrator has ended this session. Sign in again."
        assert house.client.get("/api/alerts").status_code == 401
    assert "remove" not in {account.name for account in people.everybody(house.settings)}
    assert "command line: person removed" in house.audit_actions()


def test_the_log_holds_after_changes_from_the_command_line_while_the_service_runs(house: House) -> None:
    house.sign_in("olga")
    people.add(house.settings, "noor", role="viewer", clock=house.clock)
    people.remove(house.settings, "noor", clock=house.clock)
    house.sign_in("vera")
    assert verify_audit(house.settings).intact


@pytest.mark.parametrize("name", ["nobody", "operator"])
def test_nobody_and_the_operator_of_the_settings_can_not_be_removed(house: House, name: str) -> None:
    with pytest.raises(BadValue, match=name):
        people.remove(house.settings, name)


def test_every_start_gives_a_new_one_time_password_until_one_is_chosen(house: House) -> None:
    renewed = prepare(house.settings).one_time_password
    assert renewed is not None
    assert renewed != house.one_time_password
    assert house.sign_in("operator", renewed)["role"] == "operator"


def test_signing_out_ends_the_session_and_its_live_page(house: House) -> None:
    house.sign_in("olga")
    token = house.client.cookies[COOKIE]
    with house.watch() as page:
        until(page, "snapshot")
        assert house.client.post("/api/sign-out").status_code == 204
        with pytest.raises(WebSocketDisconnect) as closed:
            until(page, "alert")
    assert closed.value.code == 4401
    house.client.cookies.set(COOKIE, token)
    assert house.client.get("/api/alerts").status_code == 401
    assert house.client.get("/api/me").json() is None


def test_a_session_runs_out_and_takes_its_live_page_along(house: House) -> None:
    house.sign_in("olga")
    with house.watch() as page:
        until(page, "snapshot")
        house.clock.advance_to(house.clock.now_ns() + nanoseconds(house.settings.session_hours * 3600 + 1))
        with pytest.raises(WebSocketDisconnect) as closed:
            until(page, "alert")
    assert closed.value.reason == "The session has run out. Sign in again."
    assert house.client.get("/api/alerts").status_code == 401


def test_secrets_can_be_read_by_their_owner_only(house: House) -> None:
    folder = house.settings.secrets_dir
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "robot-rover-1.token").stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "audit.key").stat().st_mode) == 0o600


def test_settings_come_from_the_environment_and_unknown_ones_are_refused() -> None:
    given_ = {"PATROL_CENTRE_PORT": "9000", "PATROL_CENTRE_ROBOTS": "a,b", "PATROL_CENTRE_SECRETS_DIR": "/s", "HOME": "/"}
    settings = settings_from_environment(given_)
    assert (settings.port, settings.robots, settings.secrets_dir) == (9000, ("a", "b"), Path("/s"))
    with pytest.raises(BadInput, match="prot"):
        settings_from_environment({"PATROL_CENTRE_PROT": "9000"})


def test_the_service_listens_on_this_machine_only_unless_told_otherwise() -> None:
    assert Settings().host == "127.0.0.1"


@given(st.lists(st.floats(min_value=0, max_value=5), max_size=40), st.integers(min_value=1, max_value=5))
def test_no_window_ever_holds_more_failures_than_permitted(gaps_s: list[float], attempts: int) -> None:
    limit, now_s, failures_s = AttemptLimit(attempts=attempts, window_s=10.0), 0.0, []
    for gap_s in gaps_s:
        now_s += gap_s
        if limit.wait_s("key", now_s) <= 0:
            limit.begin("key", now_s)
            failures_s.append(now_s)
    for first, last in zip(failures_s, failures_s[attempts:], strict=False):
        assert last - first >= 10.0

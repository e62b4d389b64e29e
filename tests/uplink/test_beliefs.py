# SPDX-License-Identifier: Apache-2.0
"""Beliefs on their way to the command centre."""

from __future__ import annotations

import numpy as np

from patrol.belief import Belief, ZoneMass
from patrol.percepts import Label
from patrol.wire import FROM_ROBOT, BeliefUpdate
from uplink.messages import beliefs_message


def test_a_belief_is_sent_in_few_bytes_and_comes_out_the_same() -> None:
    centres = np.column_stack((np.arange(80) * 1.0 + 0.123456789, np.full(80, -20.5)))
    belief = Belief(
        track_id=7,
        label=Label.PERSON,
        stamp_ns=9_000_000_000,
        last_seen_ns=2_000_000_000,
        cell_m=1.0,
        centres_m=centres,
        mass=np.full(80, 0.01234),
        zones=(ZoneMass(zone_id="strip", mass=0.25),),
        contact=0.5,
    )
    text = beliefs_message(9_000_000_000, (belief,)).model_dump_json()
    assert len(text) < 2500
    got = FROM_ROBOT.validate_json(text)
    assert isinstance(got, BeliefUpdate)
    (told,) = got.beliefs
    assert (told.track_id, told.label, told.age_s, told.contact, told.cell_m) == (7, "person", 7.0, 0.5, 1.0)
    assert (told.zones[0].zone_id, told.zones[0].mass) == ("strip", 0.25)
    assert len(told.cells) == 80
    assert told.cells[1] == (1.12, -20.5, 0.012)


def test_nobody_out_of_sight_is_said_as_well() -> None:
    assert beliefs_message(5, ()).beliefs == ()

# SPDX-License-Identifier: Apache-2.0
"""Beliefs reach everybody who looks, and those who come later."""

from __future__ import annotations

from command_centre.api.browser import BeliefsChanged, key_of
from command_centre.api.robot_state import RobotState
from command_centre.api.site_view import site_from_text
from patrol.wire import BeliefUpdate, WireBelief


def test_the_newest_beliefs_are_kept_and_replace_older_ones() -> None:
    state = RobotState("rover", read_site=site_from_text)
    belief = WireBelief(track_id=7, label="person", last_seen_ns=1, age_s=3.0, cell_m=1.0, cells=((1.0, 2.0, 0.5),))
    update = BeliefUpdate(stamp_ns=5, beliefs=(belief,))
    (change,) = state.take(update, 0.0)
    assert change == BeliefsChanged(robot_id="rover", beliefs=update)
    assert key_of(change) == ("beliefs", "rover")
    assert state.view(0.0).beliefs == update
    state.take(BeliefUpdate(stamp_ns=6), 1.0)
    assert state.view(1.0).beliefs == BeliefUpdate(stamp_ns=6)

# SPDX-License-Identifier: Apache-2.0
"""Tracks told a moment late: completed by what came in between, and by nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from patrol.percepts import Box, Track, TrackState
from perception.delayed import Delayed, ToldPicture
from tests.perception.build import STEP_NS, track


def seen(number: int, *, state: TrackState = "confirmed", x_px: float | None = None, missed: bool = False) -> Track:
    left = 10.0 * number if x_px is None else x_px
    found = replace(track(0.0, 0.0, number * STEP_NS, state=state), box=Box(x0_px=left, y0_px=0.0, x1_px=left + 5.0, y1_px=9.0))
    return replace(found, last_seen_ns=0, state="coasting") if missed else found


def told(delay_s: float, pictures: Sequence[tuple[Track, ...]]) -> list[ToldPicture]:
    delayed = Delayed(delay_s)
    out = [picture for number, tracks in enumerate(pictures) for picture in delayed.add(tracks, number * STEP_NS)]
    return out + list(delayed.finish())


def test_every_picture_is_told_once_in_order_and_late_by_the_delay() -> None:
    delayed = Delayed(0.3)
    when = [len(delayed.add((seen(number),), number * STEP_NS)) for number in range(6)]
    assert when == [0, 0, 0, 1, 1, 1]
    assert [picture.stamp_ns // STEP_NS for picture in delayed.finish()] == [3, 4, 5]


def test_pictures_before_the_confirmation_are_told_too() -> None:
    pictures = [(seen(n, state="tentative" if n < 2 else "confirmed"),) for n in range(5)]
    assert [len(picture.tracks) for picture in told(0.3, pictures)] == [1] * 5
    assert [len(picture.tracks) for picture in told(0.0, pictures)] == [0, 0, 1, 1, 1]


def test_what_was_never_confirmed_is_never_told() -> None:
    gone = replace(seen(2, state="ended"), box=None)
    pictures: list[tuple[Track, ...]] = [(seen(0, state="tentative"),), (seen(1, state="tentative"),), (gone,), (), ()]
    assert [len(picture.tracks) for picture in told(0.3, pictures)] == [0] * 5


@pytest.mark.parametrize(("gap", "filled"), [(2, True), (4, False)])
def test_a_short_gap_is_filled_along_the_line_and_a_long_one_stays_open(gap: int, *, filled: bool) -> None:
    pictures = [(seen(n, missed=0 < n <= gap, x_px=500.0 if 0 < n <= gap else None),) for n in range(gap + 3)]
    counts = [len(picture.tracks) for picture in told(0.3, pictures)]
    assert counts == [1, *[int(filled)] * gap, 1, 1]
    if filled:
        np.testing.assert_allclose(told(0.3, pictures)[1].tracks[0].row[0], 10.0)

# SPDX-License-Identifier: Apache-2.0
"""One thing, one track: through missed pictures, faint detections, crossings and a turning camera."""

from __future__ import annotations

import math

import numpy as np
import pytest

from patrol.geometry import IDENTITY2, Pose2
from patrol.percepts import Box, Label, Track
from perception.box_filter import BoxFilter, BoxNoise
from perception.boxes import as_array, iou_matrix
from perception.ego_motion import camera_motion
from perception.tracker import Tracker, TrackerConfig
from tests.perception.build import CAMERA, STEP_NS, detection, person_box


def moving(x_px: float, *, y_px: float = 200.0, height_px: float = 90.0) -> Box:
    return Box(x0_px=x_px, y0_px=y_px, x1_px=x_px + 0.4 * height_px, y1_px=y_px + height_px)


def run(pictures: list[list[tuple[Box, float]]]) -> list[tuple[Track, ...]]:
    tracker = Tracker(TrackerConfig())
    return [
        tracker.update([detection(box, number * STEP_NS, score=score) for box, score in found], number * STEP_NS)
        for number, found in enumerate(pictures)
    ]


def test_somebody_cut_off_for_a_moment_is_expected_whole_again() -> None:
    whole = moving(100.0)
    told, expected = BoxFilter(whole, BoxNoise()), BoxFilter(whole, BoxNoise(cut=2.0))
    for number in range(12):
        seen = whole if number < 10 else Box(x0_px=104.0, y0_px=200.0, x1_px=140.0, y1_px=250.0)
        for kept in (told, expected):
            kept.predict(0.1)
            kept.correct(seen, 0.8)
    assert told.box().y1_px < expected.box().y1_px - 5.0 < whole.y1_px
    assert told.box().x0_px == pytest.approx(expected.box().x0_px, abs=0.1)


def test_a_track_is_confirmed_by_its_third_hit_and_keeps_its_id() -> None:
    seen = run([[(moving(100.0 + 3.0 * number), 0.9)] for number in range(6)])
    assert [tracks[0].state for tracks in seen] == ["tentative", "tentative", "confirmed", "confirmed", "confirmed", "confirmed"]
    assert {tracks[0].track_id for tracks in seen} == {1}
    assert seen[-1][0].first_seen_ns == 0
    assert seen[-1][0].hits == 6


def test_a_missed_person_coasts_along_and_comes_back_under_the_same_id() -> None:
    pictures = [[(moving(100.0 + 6.0 * number), 0.9)] if number not in range(10, 18) else [] for number in range(22)]
    seen = run(pictures)
    gap = [tracks[0] for tracks in seen[10:18]]
    assert {track.state for track in gap} == {"coasting"}
    for number, track in enumerate(gap, start=10):
        assert track.box is not None
        behind = 100.0 + 6.0 * number - track.box.x0_px
        assert -2.0 < behind < 18.0, "who is unseen slows down, by a fifth of a height after eight tenths of a second"
    assert seen[-1][0].state == "confirmed"
    assert {track.track_id for tracks in seen for track in tracks} == {1}


def test_a_thing_that_is_gone_ends_once() -> None:
    seen = run([[(moving(100.0), 0.9)]] * 5 + [[]] * 20)
    states = [track.state for tracks in seen for track in tracks]
    assert states.count("ended") == 1
    ended = next(track for tracks in seen for track in tracks if track.state == "ended")
    assert ended.box is None
    assert seen[-1] == ()


def test_one_false_detection_is_never_confirmed() -> None:
    seen = run([[(moving(400.0), 0.9)]] + [[]] * 8)
    assert {track.state for tracks in seen for track in tracks} == {"tentative", "ended"}


def test_faint_detections_carry_a_track_for_a_while_but_start_none() -> None:
    seen = run([[(moving(100.0), 0.9)]] * 4 + [[(moving(100.0), 0.15)]] * 60)
    assert [tracks[0].state for tracks in seen[2:13]] == ["confirmed"] * 11
    assert [tracks[0].state for tracks in seen[14:43]] == ["coasting"] * 29
    assert seen[-1] == ()
    assert run([[(moving(100.0), 0.3)]] * 10)[-1] == ()


def test_a_strong_detection_makes_a_faint_track_sure_again() -> None:
    seen = run([[(moving(100.0), 0.9)]] * 4 + [[(moving(100.0), 0.15)]] * 20 + [[(moving(100.0), 0.6)]] * 3)
    assert seen[-1][0].state == "confirmed"
    assert {track.track_id for tracks in seen for track in tracks} == {1}


def test_a_track_that_drifts_on_to_a_post_gives_the_person_up() -> None:
    """The post is as faint as posts are; the person walks away from it and is found all the time."""
    person = [(moving(100.0 + 5.0 * number), 0.7) for number in range(80)]
    seen = run([[person[0]]] * 5 + [[box, (moving(100.0), 0.25)] for box in person])
    assert {track.track_id for track in seen[-1]} == {1}
    (last,) = seen[-1]
    assert last.box is not None
    assert last.box.x0_px > 400.0


def test_faint_hits_confirm_nothing() -> None:
    seen = run([[(moving(100.0), 0.6)]] + [[(moving(100.0), 0.3)]] * 12)
    assert {track.state for tracks in seen for track in tracks} == {"tentative"}


def test_two_people_who_cross_keep_their_ids() -> None:
    pictures = [[(moving(100.0 + 8.0 * n, y_px=180.0), 0.9), (moving(340.0 - 8.0 * n, y_px=210.0), 0.8)] for n in range(30)]
    last = {track.track_id: track.box for track in run(pictures)[-1]}
    assert set(last) == {1, 2}
    assert last[1] is not None
    assert last[2] is not None
    assert last[1].x0_px > last[2].x0_px


def test_the_label_is_the_one_with_the_most_score_behind_it() -> None:
    tracker = Tracker(TrackerConfig())
    for number, label in enumerate([Label.ANIMAL, Label.PERSON, Label.PERSON, Label.PERSON]):
        tracks = tracker.update([detection(moving(100.0), number * STEP_NS, label=label)], number * STEP_NS)
    assert [track.label for track in tracks] == [Label.PERSON]


def test_the_same_pictures_give_the_same_tracks() -> None:
    random = np.random.default_rng(5)
    pictures = [
        [(moving(float(x)), float(score)) for x, score in zip(random.uniform(0, 600, 6), random.uniform(0.1, 1, 6), strict=True)]
        for _ in range(30)
    ]
    assert run(pictures) == run(pictures)


@pytest.mark.parametrize("turn_radps", [-1.2, 1.2])
def test_a_turning_camera_does_not_break_tracks(turn_radps: float) -> None:
    tracker, before, ids = Tracker(TrackerConfig()), IDENTITY2, set()
    for number in range(12):
        base = Pose2(0.05 * number, 0.0, turn_radps * (number - 6) * 0.1)
        found = [detection(person_box(10.0, y, base=base), number * STEP_NS) for y in (-1.0, 1.0)]
        motion = camera_motion(CAMERA, odom_from_base_before=before, odom_from_base=base) if number else None
        ids |= {track.track_id for track in tracker.update(found, number * STEP_NS, motion)}
        before = base
    assert ids == {1, 2}


def test_warping_puts_a_standing_person_where_the_camera_now_sees_them() -> None:
    before, now = Pose2(0.0, 0.0, 0.0), Pose2(0.15, 0.02, math.radians(7.0))
    places = [(6.0, 1.0), (12.0, -3.0), (25.0, 4.0)]
    boxes = as_array([person_box(x, y, base=before) for x, y in places])
    warped = camera_motion(CAMERA, odom_from_base_before=before, odom_from_base=now).warp(boxes)
    expected = as_array([person_box(x, y, base=now) for x, y in places])
    assert np.diag(iou_matrix(warped, expected)).min() > 0.85
    assert np.diag(iou_matrix(boxes, expected)).max() < 0.2


def test_a_new_thing_never_pushes_known_ones_along() -> None:
    """Two stand beside each other, a third track waits nearby, and a third thing turns up on the far side: everybody keeps
    their own box, though a shift by one would make three pairs instead of two."""
    first, second, third = moving(100.0), moving(118.0), moving(136.0)
    hidden = moving(82.0)
    pictures = [[(hidden, 0.9), (first, 0.9), (second, 0.9)]] * 6 + [[(first, 0.9), (second, 0.9)]] * 2
    seen = run([*pictures, *[[(first, 0.9), (second, 0.9), (third, 0.9)]] * 5])
    before = {track.track_id: track.box for track in seen[5]}
    after = {track.track_id: track.box for track in seen[-1] if track.last_seen_ns == track.stamp_ns}
    for number in (2, 3):
        was, now = before[number], after[number]
        assert was is not None
        assert now is not None
        assert abs(now.x0_px - was.x0_px) < 3.0


def test_people_at_two_depths_who_cross_keep_their_ids_through_the_occlusion() -> None:
    """The farther one is not seen while the nearer passes before; both boxes overlap by half and more in between."""
    pictures = []
    for n in range(40):
        near, far = moving(100.0 + 6.0 * n, y_px=180.0, height_px=120.0), moving(320.0 - 5.0 * n, y_px=190.0, height_px=80.0)
        hidden = float(iou_matrix(as_array([far]), as_array([near]))[0, 0]) > 0.15
        pictures.append([(near, 0.9)] if hidden else [(near, 0.9), (far, 0.8)])
    assert any(len(found) == 1 for found in pictures)
    last = {track.track_id: track.box for track in run(pictures)[-1]}
    assert set(last) == {1, 2}
    assert last[1] is not None
    assert last[2] is not None
    assert last[1].height_px > 110.0
    assert last[2].height_px < 90.0

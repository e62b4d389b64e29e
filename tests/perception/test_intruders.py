# SPDX-License-Identifier: Apache-2.0
"""How many intruders there must be: one who is lost and found again stays one, two in sight or out of reach are two."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from patrol.percepts import Label, Track, TrackState
from perception.rulebook.book import default_book
from perception.rulebook.config import SameConfig
from perception.rulebook.incidents import Incidents
from perception.rulebook.scene import Fired, Observation
from tests.perception.build import STEP_NS, track

SAME = SameConfig()
WALK_MPS = 1.4
Sight = tuple[int, float, float]


class Scene:
    """Pictures at 10 Hz; everyone named in a picture is in sight and breaks the rule."""

    def __init__(self, config: SameConfig = SAME) -> None:
        self._incidents = Incidents(config)
        self._stamp_ns = 0
        self.alerts = 0
        self.incidents: set[str] = set()

    def see(self, *sights: Sight, for_s: float = 0.1) -> None:
        for _ in range(round(10 * for_s)):
            self._look([self._track(sight) for sight in sights], suspects=True)

    def unsure(self, sight: Sight, state: TrackState) -> None:
        """A track that is there, yet neither sure nor breaking the rule."""
        self._look([self._track(sight, state)], suspects=False)

    def wait(self, wait_s: float) -> None:
        self._stamp_ns += round(wait_s * 1e9)
        self._look([], suspects=False)

    def _track(self, sight: Sight, state: TrackState = "confirmed") -> Track:
        track_id, x_m, y_m = sight
        return track(x_m, y_m, self._stamp_ns, track_id=track_id, state=state)

    def _look(self, tracks: list[Track], *, suspects: bool) -> None:
        self._stamp_ns += STEP_NS
        firing = [_fired(item) for item in tracks] if suspects else []
        news = self._incidents.news_among(firing, tracks, self._stamp_ns)
        self.alerts += len(news)
        self.incidents |= {item.incident_id for item in news}


def _fired(item: Track) -> Fired:
    assert item.ground is not None
    seen = Observation(track=item, ground=item.ground, place_id="store", what="is there", measures={})
    return Fired(rule=default_book().rules[0], seen=seen, tests=())


@settings(max_examples=60, deadline=None)
@given(
    gaps_s=st.lists(st.floats(0.1, 100.0), min_size=1, max_size=12),
    headings=st.lists(st.floats(-1.0, 1.0), min_size=12, max_size=12),
)
def test_one_person_followed_anew_any_number_of_times_is_one(gaps_s: list[float], headings: list[float]) -> None:
    scene, x_m, elsewhere = Scene(), 0.0, 0
    scene.see((1, x_m, 0.0), for_s=1.0)
    for number, gap_s in enumerate(gaps_s):
        way_m = WALK_MPS * gap_s * headings[number]
        elsewhere += abs(way_m) > SAME.elsewhere_m
        x_m += way_m
        scene.wait(gap_s)
        scene.see((number + 2, x_m, 0.0), for_s=0.5)
    assert len(scene.incidents) == 1
    assert scene.alerts <= 1 + elsewhere


@settings(max_examples=60, deadline=None)
@given(gap_s=st.floats(0.0, SAME.quiet_s - 1.0), away_m=st.floats(0.0, 400.0))
def test_whoever_turns_up_far_from_where_one_was_lost_is_always_told(gap_s: float, away_m: float) -> None:
    scene = Scene()
    scene.see((1, 0.0, 0.0), for_s=1.0)
    scene.wait(gap_s)
    scene.see((2, away_m, 0.0), for_s=0.5)
    assert scene.alerts == 2 or away_m < SAME.elsewhere_m + 1.0
    within_reach = away_m <= SAME.slack_m + SAME.speed_mps[Label.PERSON] * gap_s
    assert len(scene.incidents) == 1 or not within_reach


def test_one_who_is_followed_all_the_way_is_told_once() -> None:
    scene = Scene()
    for step in range(100):
        scene.see((1, 0.5 * step, 0.0), for_s=0.3)
    assert scene.alerts == 1


@settings(max_examples=60, deadline=None)
@given(count=st.integers(2, 5), apart_m=st.floats(0.3, 40.0))
def test_people_in_sight_at_once_are_as_many_as_they_are(count: int, apart_m: float) -> None:
    scene = Scene()
    scene.see(*[(number, apart_m * number, 0.0) for number in range(count)], for_s=2.0)
    assert scene.alerts == count


@settings(max_examples=60, deadline=None)
@given(gap_s=st.floats(0.0, 60.0), beyond_m=st.floats(0.5, 100.0))
def test_someone_who_can_not_have_come_from_there_is_another(gap_s: float, beyond_m: float) -> None:
    scene = Scene()
    scene.see((1, 0.0, 0.0), for_s=1.0)
    scene.wait(gap_s)
    reach_m = SAME.slack_m + 3.0 * 2**0.5 * 0.2 + SAME.speed_mps[Label.PERSON] * (gap_s + 0.2)
    scene.see((2, reach_m + beyond_m, 0.0), for_s=0.5)
    assert scene.alerts == 2


@settings(max_examples=60, deadline=None)
@given(gap_s=st.floats(1.0, 100.0), swapped=st.booleans())
def test_two_who_come_back_are_still_two_whichever_is_which(*, gap_s: float, swapped: bool) -> None:
    scene = Scene()
    scene.see((1, 0.0, 0.0), (2, 10.0, 0.0), for_s=2.0)
    scene.wait(gap_s)
    places = [(3, 1.0, 0.5), (4, 9.0, -0.5)]
    scene.see(*(places[::-1] if swapped else places), for_s=2.0)
    assert scene.alerts == 2
    scene.see(*places, (5, 20.0, 0.0), for_s=2.0)
    assert scene.alerts == 3


def test_a_second_track_of_one_body_is_not_a_second_body() -> None:
    scene = Scene()
    scene.see((1, 0.0, 0.0), for_s=1.0)
    scene.see((1, 0.0, 0.0), (2, 0.4, 0.0), for_s=0.5)
    scene.see((2, 0.4, 0.0), for_s=3.0)
    assert scene.alerts == 1


def test_a_track_that_only_coasts_beside_the_new_one_is_not_in_sight() -> None:
    scene = Scene()
    scene.see((1, 0.0, 0.0), for_s=1.0)
    scene.unsure((1, 0.0, 0.0), "coasting")
    scene.see((2, 1.5, 0.0), for_s=3.0)
    assert scene.alerts == 1


def test_after_the_quiet_time_the_next_sight_is_news() -> None:
    scene = Scene()
    scene.see((1, 0.0, 0.0), for_s=1.0)
    scene.wait(SAME.quiet_s - 1.0)
    scene.see((2, 0.0, 0.0), for_s=1.0)
    assert scene.alerts == 1
    scene.wait(SAME.quiet_s + 1.0)
    scene.see((3, 0.0, 0.0), for_s=1.0)
    assert scene.alerts == 2


def test_an_intruder_in_sight_is_never_forgotten() -> None:
    scene = Scene(SameConfig(quiet_s=1.0))
    scene.see((1, 0.0, 0.0), for_s=10.0)
    assert scene.alerts == 1

# SPDX-License-Identifier: Apache-2.0
"""Finding places again. A candidate near where the graph expects it is matched at once; one that could lie anywhere within the
drift is searched for, must fit better, must not have beams pass through walls, and is believed only when a second one from a
nearby place agrees with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from patrol.geometry import Pose2, wrap_angle
from slam.beam_check import contradicted_m, sights_of
from slam.config import LoopConfig, MatchConfig
from slam.keyframe import Keyframe, Submap, local_target
from slam.likelihood import Exclusion, SearchWindow
from slam.pose_graph import Edge, PoseGraph
from slam.scan_matcher import Match, agreement, information, match_points
from slam.scan_points import ScanPoints

_NEAR_WINDOW_M = 0.5
_GUESS_STD_M = 0.5
_GUESS_STD_RAD = 0.2
_HOME_STD_M = 1.0
_SIGMAS = 3.0
_BASE_STD_M = 0.05
_BASE_STD_RAD = 0.01
_SEARCH_POINTS = 120
_ALIAS_SEARCH_SHARE = 0.8
_WINDOW_SLACK_M = 0.3
_QUERY_POINTS = 400
_QUERY_VOXEL_M = 0.15
_ALIAS_RAD = 0.3
_FAR_EVERY, _FAR_EVERY_M = 3, 1.5
_PENDING_PATH_M = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    submap: Submap
    anchor_from_base: Pose2
    window_m: float
    window_rad: float

    @property
    def is_near(self) -> bool:
        return self.window_m < _NEAR_WINDOW_M


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pending:
    """A far closure that waits for a witness: where it would put the robot in the map."""

    edge: Edge
    map_from_base: Pose2
    track_from_base: Pose2
    path_m: float


class LoopCloser:
    """Cuts keyframes into submaps and matches each new keyframe against those it may stand in."""

    def __init__(self, config: LoopConfig, match: MatchConfig) -> None:
        self._config, self._match = config, match
        self._submaps: list[Submap] = []
        self._open: list[Keyframe] = []
        self._pending: list[_Pending] = []
        self._far_at: Keyframe | None = None

    @property
    def submaps(self) -> tuple[Submap, ...]:
        return tuple(self._submaps)

    def add_keyframe(self, keyframe: Keyframe, *, is_broken: bool = False) -> None:
        """Grow the open submap; half of a finished one starts the next: neighbours overlap. A broken track starts anew."""
        if is_broken:
            self._finish_open()
            self._open = []
        self._open.append(keyframe)
        if len(self._open) >= self._config.submap_keyframes:
            self._finish_open()
            self._open = self._open[len(self._open) // 2 :]

    def _finish_open(self) -> None:
        if self._open:
            self._submaps.append(Submap(tuple(self._open), self._match.target_voxel_m))

    def find(self, keyframe: Keyframe, graph: PoseGraph) -> list[Edge]:
        """Closures of ``keyframe`` that can be believed now; may bring earlier ones that only lacked a witness."""
        edges: list[Edge] = []
        candidates = self._candidates(keyframe, graph)
        for candidate in candidates:
            match = self._matched(keyframe, candidate)
            if match is None or not (candidate.is_near or self._beats_home(match, keyframe, candidate, candidates, graph)):
                continue
            edge = Edge(
                from_id=candidate.submap.anchor.id,
                to_id=keyframe.id,
                from_to=match.target_from_base,
                covariance=match.covariance,
                is_closure=True,
            )
            edges += [edge] if candidate.is_near else self._witnessed(edge, keyframe, graph)
        return edges

    def _candidates(self, keyframe: Keyframe, graph: PoseGraph) -> list[_Candidate]:
        old = [s for s in self._submaps if s.keyframes[-1].path_m < keyframe.path_m - self._config.path_gap_m]
        if not old:
            return []
        is_far_due, here = self._is_far_due(keyframe), graph.pose(keyframe.id)
        lengths = graph.path_lengths_m(keyframe.id)
        open_radius_m = min(self._config.radius_per_reach * keyframe.reach_m, self._config.radius_max_m)
        radius_m = max(self._config.radius_m, open_radius_m)
        found: list[tuple[float, _Candidate]] = []
        for submap in old:
            candidate = self._candidate(submap, here, graph, float(lengths[submap.anchor.id]))
            distance = min(here.distance_to(graph.pose(member)) for member in submap.ids)
            reach = radius_m if candidate.is_near else radius_m + candidate.window_m
            if distance < reach and (candidate.is_near or is_far_due):
                found.append((distance, candidate))
        found.sort(key=lambda item: item[0])
        return [candidate for _, candidate in found[: self._config.candidates_max]]

    def _is_far_due(self, keyframe: Keyframe) -> bool:
        """Whether it is time to search for far closures: at every third keyframe, sooner where they lie far apart."""
        last = self._far_at
        if last and keyframe.id - last.id < _FAR_EVERY and keyframe.path_m - last.path_m < _FAR_EVERY_M:
            return False
        self._far_at = keyframe
        return True

    def _candidate(self, submap: Submap, here: Pose2, graph: PoseGraph, length_m: float) -> _Candidate:
        std_m = _BASE_STD_M + self._config.drift_std_per_m * length_m
        std_rad = _BASE_STD_RAD + self._config.drift_std_rad_per_m * length_m
        return _Candidate(
            submap=submap,
            anchor_from_base=graph.pose(submap.anchor.id).inverse() @ here,
            window_m=min(_SIGMAS * std_m, self._config.search_max_m),
            window_rad=min(_SIGMAS * std_rad, self._config.search_max_rad),
        )

    def _matched(self, keyframe: Keyframe, candidate: _Candidate) -> Match | None:
        """The match of a candidate that passes: by the scan alone where it must be close, else by all that was seen of late."""
        config, prior = self._config, information(_GUESS_STD_M, _GUESS_STD_RAD)
        if candidate.is_near:
            match = match_points(keyframe.points, candidate.submap.target, candidate.anchor_from_base, prior, self._match)
            fits = match.overlap >= config.near_overlap_min and match.score >= config.near_score_min
            return match if fits and _within(match.target_from_base, candidate) else None
        return self._far_match(keyframe, candidate)

    def _far_match(self, keyframe: Keyframe, candidate: _Candidate) -> Match | None:
        """Where in the window the scan fits best, if all that was seen of late fits there too, and nowhere else as well."""
        config, prior, target = self._config, information(_GUESS_STD_M, _GUESS_STD_RAD), candidate.submap.target
        matches = [
            match_points(keyframe.points, target, guess, prior, self._match) for guess in self._searched(keyframe, candidate)
        ]
        if not matches:
            return None
        best = matches[0]
        is_alias = any(_merit(other) > config.alias_share * _merit(best) for other in matches[1:])
        overlap_min, score_min = self._demanded(candidate.window_m)
        if is_alias or best.overlap < overlap_min or best.score < score_min:
            return None
        return best if _within(best.target_from_base, candidate) and self._is_backed(best, keyframe, candidate.submap) else None

    def _beats_home(
        self, best: Match, keyframe: Keyframe, candidate: _Candidate, candidates: Sequence[_Candidate], graph: PoseGraph
    ) -> bool:
        """Whether the scan fits a far place better than any submap where the graph has it: a corridor whose doors are all alike
        fits a door further on too, and whole, where only a part of it was mapped from here."""
        there, prior = graph.pose(candidate.submap.anchor.id) @ best.target_from_base, information(_HOME_STD_M, _GUESS_STD_RAD)
        for other in candidates:
            home = match_points(keyframe.points, other.submap.target, other.anchor_from_base, prior, self._match)
            here = graph.pose(other.submap.anchor.id) @ home.target_from_base
            is_elsewhere = here.distance_to(there) > self._config.alias_away_m
            if is_elsewhere and _merit(home) > self._config.alias_share * _merit(best):
                return False
        return True

    def _demanded(self, window_m: float) -> tuple[float, float]:
        """Least overlap and score of a far match: the wider the window, the more places in it may look alike."""
        config = self._config
        share = min(max((window_m - _NEAR_WINDOW_M) / (config.far_window_m - _NEAR_WINDOW_M), 0.0), 1.0)
        overlap_min = config.near_overlap_min + share * (config.far_overlap_min - config.near_overlap_min)
        return overlap_min, config.near_score_min + share * (config.far_score_min - config.near_score_min)

    def _is_backed(self, match: Match, keyframe: Keyframe, submap: Submap) -> bool:
        """Whether what was seen on the last stretch of the way fits the submap as well, and neither has seen through walls of
        the other's."""
        config = self._config
        latest = [k for k in self._open if k.path_m > keyframe.path_m - config.query_path_m] or [keyframe]
        seen = local_target(latest, keyframe.track_from_base.inverse(), _QUERY_VOXEL_M)
        step = max(1, len(seen.points_m) // _QUERY_POINTS)
        query = ScanPoints(points_m=seen.points_m[::step], rays=-seen.normals[::step])
        witness = agreement(query, submap.target, match.target_from_base, self._match)
        if witness.overlap < config.query_overlap_min or witness.score < config.query_score_min:
            return False
        submap_from_track = match.target_from_base @ keyframe.track_from_base.inverse()
        base_from_track = match.target_from_base.inverse() @ submap.anchor.track_from_base.inverse()
        there = contradicted_m(sights_of(latest, submap_from_track), submap.target)
        back = contradicted_m(sights_of(submap.keyframes, base_from_track), seen)
        return max(there, back) <= config.contradicted_max_m

    def _searched(self, keyframe: Keyframe, candidate: _Candidate) -> list[Pose2]:
        """The place in the window where the scan fits best, and the best one away from it if it is nearly as good."""
        config, field, points = self._config, candidate.submap.field, keyframe.points.points_m
        thinned = points[:: max(1, len(points) // _SEARCH_POINTS)]
        window = SearchWindow(
            centre=candidate.anchor_from_base,
            half_x_m=candidate.window_m,
            half_y_m=candidate.window_m,
            half_rad=candidate.window_rad,
        )
        hit = field.search(thinned, window, config.search_score_min)
        if hit is None:
            return []
        beside = Exclusion(pose=hit.pose, radius_m=config.alias_away_m, half_rad=_ALIAS_RAD)
        alias = field.search(thinned, window, max(config.search_score_min, _ALIAS_SEARCH_SHARE * hit.score), but=(beside,))
        return [hit.pose] if alias is None else [hit.pose, alias.pose]

    def _witnessed(self, edge: Edge, keyframe: Keyframe, graph: PoseGraph) -> list[Edge]:
        """The closure and those waiting that it agrees with; alone it starts to wait."""
        claim = _Pending(
            edge=edge,
            map_from_base=graph.pose(edge.from_id) @ edge.from_to,
            track_from_base=keyframe.track_from_base,
            path_m=keyframe.path_m,
        )
        self._pending = [p for p in self._pending if p.path_m > keyframe.path_m - _PENDING_PATH_M]
        agreeing = [p for p in self._pending if p.edge.to_id != edge.to_id and self._agree(p, claim)]
        if not agreeing:
            self._pending.append(claim)
            return []
        self._pending = [p for p in self._pending if p not in agreeing]
        return [edge, *(p.edge for p in agreeing)]

    def _agree(self, first: _Pending, second: _Pending) -> bool:
        moved = first.track_from_base.inverse() @ second.track_from_base
        expected = first.map_from_base @ moved
        turn = abs(wrap_angle(expected.yaw_rad - second.map_from_base.yaw_rad))
        return expected.distance_to(second.map_from_base) < self._config.witness_m and turn < self._config.witness_rad


def _merit(match: Match) -> float:
    """Share of all points that lie on the target."""
    return match.overlap * match.score


def _within(anchor_from_base: Pose2, candidate: _Candidate) -> bool:
    """Whether a match stayed where its candidate may lie."""
    turn = abs(wrap_angle(anchor_from_base.yaw_rad - candidate.anchor_from_base.yaw_rad))
    shift = anchor_from_base.distance_to(candidate.anchor_from_base)
    return bool(shift <= candidate.window_m + _WINDOW_SLACK_M and turn <= candidate.window_rad + 0.1)

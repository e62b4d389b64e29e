# SPDX-License-Identifier: Apache-2.0
"""Which posts and gates to hold in a shift: strong Stackelberg schedules for a few units, against attackers who know them.

The leader commits to a mixture of assignments; each type of attacker sees the mixture and picks the post that is best for him,
ties in the leader's favour. One type: a linear program a post (Conitzer and Sandholm, EC 2006; Kiekintveld et al., ERASER, 2009).
Several types: one mixed-integer program (Paruchuri et al., DOBSS, 2008). The coverage found is taken apart into whole assignments
(Birkhoff and von Neumann), so that what is drawn has exactly that coverage.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, linear_sum_assignment, linprog, milp
from scipy.sparse import csr_array, lil_array

from mission.games.draw import SecretDraw
from patrol.checks import Floats, frozen_array
from patrol.errors import BadValue, PatrolError

_SMALL = 1e-9


class ScheduleMissing(PatrolError):
    """The solver found no schedule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttackerType:
    """One kind of attacker, met with the chance ``share``. Each array is (P,): what he gains at a post held (``caught``) or not
    (``gains``), and what that means to the guarded side (``saved``, ``lost``)."""

    share: float
    gains: Floats
    caught: Floats
    lost: Floats
    saved: Floats

    def __post_init__(self) -> None:
        posts = len(self.gains)
        for name in ("gains", "caught", "lost", "saved"):
            object.__setattr__(self, name, frozen_array(name, getattr(self, name), (posts,)))
        if not 0.0 < self.share <= 1.0:
            raise BadValue(f"share: {self.share!r} is not above 0 and at most 1")
        if np.any(self.caught > self.gains) or np.any(self.lost > self.saved):
            raise BadValue("caught, lost: holding a post must not help the attacker or harm the guarded side")


@dataclass(frozen=True, slots=True, kw_only=True)
class PostGame:
    """``can_hold`` (U, P): which unit can hold which post; a unit holds one post at most, a post takes one unit."""

    can_hold: npt.NDArray[np.bool_]
    attackers: tuple[AttackerType, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "can_hold", frozen_array("can_hold", self.can_hold, (None, None), np.bool_))
        if not self.attackers or any(len(kind.gains) != self.posts for kind in self.attackers):
            raise BadValue(f"attackers: one or more, each with figures for {self.posts} posts")
        if abs(sum(kind.share for kind in self.attackers) - 1.0) > 1e-9:
            raise BadValue("attackers: the shares must add up to one")

    @property
    def units(self) -> int:
        return int(self.can_hold.shape[0])

    @property
    def posts(self) -> int:
        return int(self.can_hold.shape[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One whole assignment and its chance: ``post_of`` (U,), -1 for a unit that stays in reserve."""

    chance: float
    post_of: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PostSchedule:
    """``coverage`` (P,): the chance that each post is held. ``worth``: what it brings the guarded side on average;
    ``attacked``: the post that each type of attacker picks; ``assignments``: what is drawn from."""

    coverage: Floats
    worth: float
    attacked: tuple[int, ...]
    assignments: tuple[Assignment, ...]

    @property
    def least_coverage(self) -> float:
        """The least chance that a post is held: the least capture probability against whoever picks the post."""
        return float(self.coverage.min())

    def draw(self, draw: SecretDraw, number: int) -> tuple[int, ...]:
        """The assignment of shift ``number``."""
        return self.assignments[draw.choice(number, [each.chance for each in self.assignments])].post_of


def schedule(game: PostGame) -> PostSchedule:
    """The best mixture to commit to. Raises ScheduleMissing when the solver gives up."""
    held, attacked = _one_type(game) if len(game.attackers) == 1 else _many_types(game)
    coverage = np.clip(held.sum(axis=0), 0.0, 1.0)
    worth = sum(kind.share * _worth(kind, post, coverage) for kind, post in zip(game.attackers, attacked, strict=True))
    return PostSchedule(coverage=coverage, worth=worth, attacked=attacked, assignments=taken_apart(held))


def best_reply(kind: AttackerType, coverage: Floats) -> int:
    """The post that an attacker picks who knows ``coverage`` (P,): the best for him, among equals the best for the guarded."""
    his = coverage * kind.caught + (1.0 - coverage) * kind.gains
    ours = coverage * kind.saved + (1.0 - coverage) * kind.lost
    best = np.flatnonzero(his >= his.max() - 1e-7)
    return int(best[np.argmax(ours[best])])


def taken_apart(held: Floats) -> tuple[Assignment, ...]:
    """Whole assignments whose mixture holds each post by each unit with the chances ``held`` (U, P)."""
    units, posts = held.shape
    size = units + posts
    square = np.zeros((size, size))
    square[:units, :posts] = np.clip(held, 0.0, 1.0)
    square[:units, posts:] = np.diag(np.clip(1.0 - held.sum(axis=1), 0.0, 1.0))
    square[units:, :posts] = np.diag(np.clip(1.0 - held.sum(axis=0), 0.0, 1.0))
    square[units:, posts:] = np.clip(held.T, 0.0, 1.0)
    found: list[Assignment] = []
    left = 1.0
    while left > _SMALL and len(found) <= size * size:
        rows, columns = linear_sum_assignment(np.where(square > _SMALL, -np.log(np.maximum(square, _SMALL)), 1e6))
        part = float(min(square[rows, columns].min(), left))
        if part <= _SMALL:
            break
        square[rows, columns] -= part
        left -= part
        found.append(Assignment(chance=part, post_of=tuple(int(c) if c < posts else -1 for c in columns[:units])))
    return tuple(found)


def _worth(kind: AttackerType, post: int, coverage: Floats) -> float:
    return float(coverage[post] * kind.saved[post] + (1.0 - coverage[post]) * kind.lost[post])


def _assignment_rows(game: PostGame, extra: int) -> csr_array:
    """A unit holds one post at most, a post takes one unit at most; columns are (unit, post) pairs, then ``extra`` more."""
    rows = lil_array((game.units + game.posts, game.units * game.posts + extra))
    for unit, post in product(range(game.units), range(game.posts)):
        rows[unit, unit * game.posts + post] = 1.0
        rows[game.units + post, unit * game.posts + post] = 1.0
    return csr_array(rows)


def _one_type(game: PostGame) -> tuple[Floats, tuple[int, ...]]:
    """For each post, the best coverage among those that make the attacker pick it; then the best of these."""
    kind = game.attackers[0]
    pairs = game.units * game.posts
    bounds = [(0.0, 1.0 if can else 0.0) for can in game.can_hold.ravel()]
    best: tuple[float, Floats, int] | None = None
    fits = _assignment_rows(game, 0).toarray()
    cover = np.tile(np.eye(game.posts), (1, game.units))
    for post in range(game.posts):
        his = cover * (kind.caught - kind.gains)[:, None]
        prefers = his - his[post]
        limit = kind.gains[post] - kind.gains
        done = linprog(
            -(kind.saved[post] - kind.lost[post]) * cover[post] - 1e-9 * np.ones(pairs),
            A_ub=np.vstack((fits, prefers)),
            b_ub=np.concatenate((np.ones(game.units + game.posts), limit)),
            bounds=bounds,
            method="highs",
        )
        if done.status != 0:
            continue
        held = np.asarray(done.x).reshape(game.units, game.posts)
        worth = _worth(kind, post, held.sum(axis=0))
        if best is None or worth > best[0] + 1e-12:
            best = worth, held, post
    if best is None:
        raise ScheduleMissing("no post can be made the attacker's best choice")
    return best[1], (best[2],)


def _many_types(game: PostGame) -> tuple[Floats, tuple[int, ...]]:
    """DOBSS on coverage. Columns: pairs, then for each type a whole choice of post (P), his gain and our worth."""
    posts, pairs = game.posts, game.units * game.posts
    columns = pairs + len(game.attackers) * (posts + 2)
    cost, whole = np.zeros(columns), np.zeros(columns, dtype=np.int64)
    low, high = np.full(columns, -np.inf), np.full(columns, np.inf)
    low[:pairs], high[:pairs] = 0.0, game.can_hold.ravel().astype(np.float64)
    limits = [LinearConstraint(_assignment_rows(game, columns - pairs), -np.inf, 1.0)]
    for index, kind in enumerate(game.attackers):
        first = pairs + index * (posts + 2)
        choice = slice(first, first + posts)
        cost[first + posts + 1] = -kind.share
        whole[choice], low[choice], high[choice] = 1, 0.0, 1.0
        limits += _reply_rows(game, kind, (first, columns))
    done = milp(cost, constraints=limits, integrality=whole, bounds=Bounds(low, high))
    if done.x is None:
        raise ScheduleMissing(f"the solver gave up: {done.message}")
    held = np.clip(done.x[:pairs].reshape(game.units, posts), 0.0, 1.0)
    return held, tuple(best_reply(kind, np.clip(held.sum(axis=0), 0.0, 1.0)) for kind in game.attackers)


def _reply_rows(game: PostGame, kind: AttackerType, at: tuple[int, int]) -> list[LinearConstraint]:
    """One type picks one post; his gain is that of every post at least and of the one he picks at most; so is our worth."""
    first, columns = at
    posts, gain, worth = game.posts, first + game.posts, first + game.posts + 1
    spread = max(np.ptp(np.append(kind.gains, kind.caught)), np.ptp(np.append(kind.saved, kind.lost)), 1.0)
    big = 2.0 * float(spread)
    cover = np.hstack((np.tile(np.eye(posts), (1, game.units)), np.zeros((posts, columns - game.units * posts))))
    his = -cover * (kind.caught - kind.gains)[:, None]
    his[:, gain] = 1.0
    ours = -cover * (kind.saved - kind.lost)[:, None]
    ours[:, worth] = 1.0
    picks = np.zeros((posts, columns))
    picks[np.arange(posts), first + np.arange(posts)] = big
    chosen = np.zeros(columns)
    chosen[first : first + posts] = 1.0
    return [
        LinearConstraint(chosen[None, :], 1.0, 1.0),
        LinearConstraint(his, kind.gains, np.inf),
        LinearConstraint(his + picks, -np.inf, kind.gains + big),
        LinearConstraint(ours + picks, -np.inf, kind.lost + big),
    ]

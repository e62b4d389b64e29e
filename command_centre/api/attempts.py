# SPDX-License-Identifier: Apache-2.0
"""Slows down guessing: counts failed attempts per key in a sliding window."""

from __future__ import annotations

from collections import OrderedDict, deque

_MOST_KEYS = 10_000


class AttemptLimit:
    """At most ``attempts`` failures per key within ``window_s``. Keys are bounded; the one unused for longest is forgotten."""

    def __init__(self, *, attempts: int, window_s: float) -> None:
        self._attempts = attempts
        self._window_s = window_s
        self._failures_s: OrderedDict[str, deque[float]] = OrderedDict()

    def wait_s(self, key: str, now_s: float) -> float:
        """How long until the next attempt is permitted; 0 when it is now."""
        failures = self._recent(key, now_s)
        if len(failures) < self._attempts:
            return 0.0
        return failures[0] + self._window_s - now_s

    def begin(self, key: str, now_s: float) -> None:
        """Count an attempt as failed from its beginning on, so that many at once do not all slip through."""
        failures = self._recent(key, now_s)
        failures.append(now_s)
        self._failures_s[key] = failures
        self._failures_s.move_to_end(key)
        if len(self._failures_s) > _MOST_KEYS:
            self._failures_s.popitem(last=False)

    def take_back(self, key: str) -> None:
        """The newest attempt did not fail after all; earlier ones count on."""
        failures = self._failures_s.get(key)
        if failures:
            failures.pop()

    def forget(self, key: str) -> None:
        """Start over, after a success."""
        self._failures_s.pop(key, None)

    def _recent(self, key: str, now_s: float) -> deque[float]:
        failures = self._failures_s.get(key, deque(maxlen=self._attempts))
        while failures and failures[0] + self._window_s <= now_s:
            failures.popleft()
        return failures

# SPDX-License-Identifier: Apache-2.0
"""What an alert says to a person: one sentence, every threshold, and what would have kept it silent."""

from __future__ import annotations

from collections.abc import Sequence

from patrol.percepts import SOUNDS, Reason
from perception.rulebook.scene import Fired
from perception.rulebook.silence import Change, said


def reason_for(fired: Fired, changes: Sequence[Change]) -> Reason:
    """The whole reason why a rule fired; ``changes`` are those that would have kept it silent, the nearest first: told are the
    nearest of what was measured, and the nearest other place or hour."""
    nearest = [next((change for change in changes if change.is_elsewhere is there), None) for there in (False, True)]
    told = "; or ".join(said(change) for change in nearest if change is not None) or "nothing that was looked for"
    return Reason(rule=fired.rule.name, sentence=_sentence(fired), thresholds=fired.tests, nearest_change=f"{told}.")


def _sentence(fired: Fired) -> str:
    seen, label = fired.seen, str(fired.seen.track.label)
    if fired.seen.track.label in SOUNDS:
        return f"{label.capitalize()} {seen.what}: {fired.rule.name}."
    x_m, y_m = seen.ground.position_m.tolist()
    inside = seen.measures.get("inside_probability")
    sure = "" if inside is None else f" with a probability of {100.0 * inside:.0f} %"
    return f"{_article(label)} {label} {seen.what}, at ({x_m:.1f}, {y_m:.1f}) m{sure}: {fired.rule.name}."


def _article(word: str) -> str:
    return "An" if word[0] in "aeiou" else "A"

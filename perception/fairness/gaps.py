# SPDX-License-Identifier: Apache-2.0
"""Rates by group, with intervals that know that pictures of one person are not independent, and what the gaps are worth.

Variances are those of a ratio over clusters (Cochran, "Sampling Techniques", 1977, ch. 6); intervals are Wilson's (1927) on the
number of independent observations that the variance is worth; a group is compared with everybody else who is labelled in the
same attribute by a two-sided z-test, and all tests of one report are held together by Holm's method (1979).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import Field
from scipy.stats import norm

from patrol.checks import Floats
from patrol.config import Config
from perception.fairness.trials import Trial

Verdict = Literal["fails", "holds", "not shown"]


class FairnessConfig(Config):
    """A gap of more than ``gap_most`` between two groups of one attribute fails. Groups with fewer than ``least_people`` trials
    are told but not judged."""

    gap_most: float = Field(default=0.05, gt=0, lt=1)
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    least_people: int = Field(default=30, ge=2)


class GroupRate(Config):
    """One group: how often it happened in ``trials`` (``clusters`` independent ones), with its interval, its difference from the
    others with the standard error, and how probable so large a difference is by chance (Holm's); None where it was not judged."""

    group: str
    trials: int
    clusters: int
    rate: float
    low: float
    high: float
    difference: float | None = None
    difference_std: float | None = None
    p_value: float | None = None


class AttributeGap(Config):
    """One attribute: its groups, the gap between the highest and the lowest rate, the interval of that gap, and the verdict:
    ``not shown`` is a gap within the limit whose interval is not."""

    attribute: str
    groups: tuple[GroupRate, ...]
    gap: float | None
    gap_high: float | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class _Sample:
    """Trials of one group by cluster: how many there are, and in how many it happened (both (C,))."""

    counts: Floats
    hits: Floats

    @property
    def rate(self) -> float:
        return float(self.hits.sum() / self.counts.sum())

    @property
    def residuals(self) -> Floats:
        """What each cluster adds to the rate's error (C,)."""
        error: Floats = (self.hits - self.rate * self.counts) / self.counts.sum()
        return error


def gaps(trials: Sequence[Trial], config: FairnessConfig) -> tuple[AttributeGap, ...]:
    """Every attribute that labels at least two groups, in the order of names."""
    attributes = sorted({name for trial in trials for name in trial.groups})
    found = [gap for name in attributes if (gap := _attribute(name, trials, config)) is not None]
    return _holm(found)


def _attribute(name: str, trials: Sequence[Trial], config: FairnessConfig) -> AttributeGap | None:
    labelled = [trial for trial in trials if name in trial.groups]
    groups = sorted({trial.groups[name] for trial in labelled})
    if len(groups) < 2:
        return None
    clusters = sorted({trial.cluster for trial in labelled})
    samples = {group: _sample([trial for trial in labelled if trial.groups[name] == group], clusters) for group in groups}
    judged = {group: sample for group, sample in samples.items() if sample.counts.sum() >= config.least_people}
    rates = tuple(_rate(group, samples, judged, config) for group in groups)
    if len(judged) < 2:
        return AttributeGap(attribute=name, groups=rates, gap=None, gap_high=None, verdict="not shown")
    low, *_, high = sorted(judged.values(), key=lambda sample: sample.rate)
    gap = high.rate - low.rate
    reach = float(norm.ppf(0.5 + 0.5 * config.confidence)) * _error(high.residuals - low.residuals)
    verdict: Verdict = "fails" if gap > config.gap_most else "holds" if gap + reach <= config.gap_most else "not shown"
    return AttributeGap(attribute=name, groups=rates, gap=gap, gap_high=min(gap + reach, 1.0), verdict=verdict)


def _sample(trials: Sequence[Trial], clusters: Sequence[str]) -> _Sample:
    row = {cluster: index for index, cluster in enumerate(clusters)}
    counts, hits = np.zeros(len(clusters)), np.zeros(len(clusters))
    for trial in trials:
        counts[row[trial.cluster]] += 1.0
        hits[row[trial.cluster]] += float(trial.happened)
    return _Sample(counts, hits)


def _rate(group: str, samples: dict[str, _Sample], judged: dict[str, _Sample], config: FairnessConfig) -> GroupRate:
    sample = samples[group]
    low, high = interval(sample.rate, _independent(sample), config.confidence)
    rate = GroupRate(
        group=group,
        trials=int(sample.counts.sum()),
        clusters=int((sample.counts > 0).sum()),
        rate=sample.rate,
        low=low,
        high=high,
    )
    others = [other for name, other in judged.items() if name != group]
    if group not in judged or not others:
        return rate
    rest = _Sample(
        sum((one.counts for one in others), np.zeros_like(sample.counts)), sum((one.hits for one in others), np.zeros(1))
    )
    difference, error = sample.rate - rest.rate, _error(sample.residuals - rest.residuals)
    p_value = 2.0 * float(norm.sf(abs(difference) / error)) if error > 0.0 else float(difference == 0.0)
    return rate.model_copy(update={"difference": difference, "difference_std": error, "p_value": p_value})


def _error(residuals: Floats) -> float:
    """Standard error from what each cluster adds; a single cluster says nothing of it."""
    taking_part = int(np.count_nonzero(residuals))
    if taking_part == 0:
        return 0.0
    return float(np.sqrt(np.square(residuals).sum() * max(taking_part / max(taking_part - 1, 1), 1.0)))


def _independent(sample: _Sample) -> float:
    """How many independent trials the sample is worth: never more than it has, nor fewer than its clusters. With a rate of 0 or
    1 nothing is known of the dependence, and each cluster counts once."""
    count, clusters, rate = float(sample.counts.sum()), float((sample.counts > 0).sum()), sample.rate
    error = _error(sample.residuals)
    if error == 0.0:
        return clusters
    return float(np.clip(rate * (1.0 - rate) / error**2, min(clusters, count), count))


def interval(rate: float, count: float, confidence: float) -> tuple[float, float]:
    """Wilson's interval of a rate seen in ``count`` independent trials."""
    z = float(norm.ppf(0.5 + 0.5 * confidence))
    middle = (rate + z * z / (2.0 * count)) / (1.0 + z * z / count)
    reach = z / (1.0 + z * z / count) * float(np.sqrt(rate * (1.0 - rate) / count + z * z / (4.0 * count * count)))
    return max(middle - reach, 0.0), min(middle + reach, 1.0)


def _holm(found: list[AttributeGap]) -> tuple[AttributeGap, ...]:
    """The same gaps with p-values that hold for all tests together."""
    tests = sorted(
        (rate.p_value, row, column)
        for row, gap in enumerate(found)
        for column, rate in enumerate(gap.groups)
        if rate.p_value is not None
    )
    held: dict[tuple[int, int], float] = {}
    worst = 0.0
    for number, (p_value, row, column) in enumerate(tests):
        worst = max(worst, min(p_value * (len(tests) - number), 1.0))
        held[row, column] = worst
    return tuple(
        gap.model_copy(
            update={
                "groups": tuple(
                    rate.model_copy(update={"p_value": held[row, column]}) if (row, column) in held else rate
                    for column, rate in enumerate(gap.groups)
                )
            }
        )
        for row, gap in enumerate(found)
    )

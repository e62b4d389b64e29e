# SPDX-License-Identifier: Apache-2.0
"""Train the own detector: ``python -m perception.training.train --train DIR --held-out DIR --out own.onnx --minutes 15``.

Runs on one CPU thread and counts that thread's time, so that a busy machine gives the same weights, only later. Writes the
weights at every report, so that an early stop leaves something that works.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import json
import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from perception.detector import Detector, DetectorConfig
from perception.detectors.network_detector import own_detector
from perception.detectors.picking import Selection
from perception.training.architecture import CLASSES
from perception.training.augment import CROP_PX, WHOLE_PX, random_crop
from perception.training.evaluate import measure, mistakes
from perception.training.labelled import Labelled, read_folder
from perception.training.loss import detection_loss
from perception.training.onnx_graph import read_onnx, write_onnx
from perception.training.targets import assign, cell_centres
from perception.training.torch_net import build_parts, forward, settle

logger = logging.getLogger(__name__)
PERSON_25_M_PX = 26.0
_WARM_UP_STEPS = 150
_SETTLING_BATCHES = 60
_SCORE_MIN = 0.02
_BELIEVED_FROM = 0.3
_EMA_DECAY = 0.999
_WHOLE_EVERY = 3
"""Every so many steps the batch is of whole pictures: as many pixels, but fewer of them."""
_FINISH_FROM = 0.75
"""The rest of the time goes to plain examples, mostly whole ones: what the detector will see (as Ge et al., "YOLOX", 2021,
end without their strong augmentation)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to train on, for how long, and where the weights go."""

    train: tuple[Path, ...]
    held_out: Path
    out: Path
    minutes: float
    batch: int
    rate: float
    seed: int
    report_every_s: float
    start: Path | None


def main() -> None:
    """Read the command line and train."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    train(_plan())


def train(plan: Plan) -> None:
    """Train until the time is over, reporting held-out AP50; the last weights are an average over the last steps."""
    torch.set_num_threads(1)
    torch.manual_seed(plan.seed)
    pictures = tuple(item for folder in plan.train for item in read_folder(folder))
    held_out = read_folder(plan.held_out)
    parts = build_parts().to(memory_format=torch.channels_last)
    if plan.start is not None:
        _start(parts, plan.start, pictures, plan)
        pictures = _with_mistakes(pictures, _written(parts, plan))
    averaged = copy.deepcopy(parts)
    optimiser = torch.optim.AdamW(parts.parameters(), lr=plan.rate, weight_decay=0.02)
    began, reported = time.process_time(), time.process_time()

    def done() -> float:
        return min((time.process_time() - began) / (60.0 * plan.minutes), 1.0)

    for step, (batch, classes, boxes, grid) in enumerate(_batches(pictures, plan, done)):
        progress = done()
        for group in optimiser.param_groups:
            group["lr"] = plan.rate * min(1.0, (step + 1) / _WARM_UP_STEPS) * (0.5 + 0.5 * math.cos(math.pi * progress) + 0.01)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            cells = forward(parts, batch)
        loss = detection_loss(cells.float(), classes, boxes, grid)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parts.parameters(), 10.0)
        optimiser.step()
        _average(averaged, parts, step)
        if step % 50 == 0:
            logger.info("step %d, %.0f s, loss %.3f", step, time.process_time() - began, loss.item())
        if progress >= 1.0 or time.process_time() - reported > plan.report_every_s:
            reported = time.process_time()
            _report(averaged, plan, held_out if progress >= 1.0 else held_out[:150])
        if progress >= 1.0:
            return


def _start(parts: Any, start: Path, pictures: tuple[Labelled, ...], plan: Plan) -> None:
    """Take over the weights of ``start``, .pt or .onnx."""
    if start.suffix == ".onnx":
        parts.load_state_dict({name: torch.from_numpy(value) for name, value in read_onnx(start).items()})
        plain = _batches(pictures, plan, lambda: 1.0)
        settle(parts, (batch for batch, *_ in itertools.islice(plain, _SETTLING_BATCHES)))
    else:
        fresh = parts.load_state_dict(torch.load(start), strict=False).missing_keys
        logger.info("from %s; new are: %s", start.name, ", ".join(fresh) or "none")


def _with_mistakes(pictures: tuple[Labelled, ...], detector: Detector) -> tuple[Labelled, ...]:
    """The pictures with the places where ``detector`` goes wrong in them."""
    marked = tuple(replace(item, hard=mistakes(detector, item, score_min=_BELIEVED_FROM)) for item in pictures)
    logger.info("%d mistakes in %d pictures", sum(len(item.hard) for item in marked), len(marked))
    return marked


def _average(averaged: Any, parts: Any, step: int) -> None:
    """Exponential moving average of the weights and statistics, quick at first."""
    kept = min(_EMA_DECAY, (1.0 + step) / (10.0 + step))
    with torch.no_grad():
        for mean, value in zip(averaged.state_dict().values(), parts.state_dict().values(), strict=True):
            if mean.dtype.is_floating_point:
                mean.lerp_(value, 1.0 - kept)


def _batches(pictures: tuple[Labelled, ...], plan: Plan, done: Callable[[], float]) -> Iterator[tuple[Any, Any, Any, Any]]:
    """Endless batches: pixels (B, 3, H, W), classes (B, N), boxes (B, N, 4), and the centres and strides of the N cells.
    ``done`` tells the share of the time that is over."""
    random = np.random.default_rng(plan.seed)
    grids = {size: cell_centres(size) for size in (CROP_PX, WHOLE_PX)}
    chances = _chances(pictures)
    for step in itertools.count(1):
        plain = done() >= _FINISH_FROM
        size = WHOLE_PX if (step % _WHOLE_EVERY == 0) != plain else CROP_PX
        count = max(round(plan.batch * math.prod(CROP_PX) / math.prod(size)), 1)
        chosen = random.choice(len(pictures), size=(count, 2), p=chances)
        crops = [random_crop(pictures[first], pictures[second], random, size, plain=plain) for first, second in chosen]
        targets = [assign(crop, *grids[size]) for crop in crops]
        batch = torch.from_numpy(np.stack([crop.pixels for crop in crops])).permute(0, 3, 1, 2).float()
        yield (
            batch.contiguous(memory_format=torch.channels_last),
            torch.from_numpy(np.stack([target.classes for target in targets])),
            torch.from_numpy(np.stack([target.boxes for target in targets])),
            tuple(torch.from_numpy(item).float() for item in grids[size]),
        )


def _chances(pictures: tuple[Labelled, ...]) -> Any:
    """How probably each picture is drawn: in proportion to the rarity (one over the square root) of the rarest class in it, and
    to one more than the mistakes that were made in it, up to three."""
    counts = np.bincount(np.concatenate([item.classes for item in pictures]), minlength=len(CLASSES))
    rarity = np.sqrt(counts.max() / np.maximum(counts, 1))
    weights = np.array([rarity[item.classes].max(initial=1.0) * (1 + min(len(item.hard), 3)) for item in pictures])
    return weights / weights.sum()


def _written(parts: Any, plan: Plan) -> Detector:
    """Write the weights, and open the detector that they make; it tells apart what the robot's does."""
    torch.save(parts.state_dict(), plan.out.with_suffix(".pt"))
    write_onnx({name: value.detach().float().numpy().copy() for name, value in parts.state_dict().items()}, plan.out)
    return own_detector(plan.out, Selection(score_min=_SCORE_MIN, overlap_max=DetectorConfig().overlap_max))


def _report(parts: Any, plan: Plan, held_out: tuple[Labelled, ...]) -> None:
    detector = _written(parts, plan)
    everything = measure(detector, held_out)
    near = measure(detector, held_out, height_min_px=PERSON_25_M_PX)
    logger.info("held out %d pictures: %s", len(held_out), json.dumps({"ap50": everything, "ap50_from_26_px": near}))


def _plan() -> Plan:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", type=Path, nargs="+", required=True)
    parser.add_argument("--held-out", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=15.0, help="of processor time")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report-every-s", type=float, default=420.0)
    parser.add_argument("--start", type=Path, default=None, help="go on from these weights, .pt or .onnx")
    given = parser.parse_args()
    return Plan(**{**vars(given), "train": tuple(given.train)})


if __name__ == "__main__":
    main()

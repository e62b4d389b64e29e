# SPDX-License-Identifier: Apache-2.0
"""Trains the classifier of sounds on what ``sim.sound`` makes, and writes ``perception/sound/classifier.json``.

Every scene is one sound in front of one din, through a random filter and a random echo, at a random distance from the background.
Besides the kinds of the simulator there is all sorts of noise that is nothing. The weights depend on the seed alone. How good
they are is measured by ``benchmarks/sound.py`` on sounds of other makers.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import optimize, signal

from patrol.checks import Floats
from patrol.percepts import SOUNDS
from patrol.sound import SoundBlock
from perception.sound.classifier import CLASSES, DEFAULT_WEIGHTS
from perception.sound.comb import SPAN, find_comb
from perception.sound.features import FRAMES, NAMES, features
from perception.sound.frames import Frames
from sim.robot import read_robot
from sim.sound.catalogue import KINDS, make_sound
from sim.sound.din import Din
from sim.sound.waves import RATE_HZ, count_of, noise_band, partials, ramps, wander
from sim.weather import Sky, Weather

log = logging.getLogger("train_sound")
_BLOCK = 1600
_SCENE_S, _BEGINS_S = 5.0, 1.6
_HIDDEN, _DECAY = 28, 3e-4
_SHARE_IN, _ACTIVE_DB = 0.35, 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """Measures (N, F) and the number of the class (N,) of each."""

    measures: Floats
    classes: np.ndarray


def main() -> None:
    """Make examples, fit, and write the weights."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--scenes", type=int, default=2400, help="how many sounds to learn from")
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--out", type=Path, default=DEFAULT_WEIGHTS)
    given = asked.parse_args()
    examples = make_examples(given.scenes, given.seed)
    weights = fit(examples, given.seed)
    given.out.write_text(json.dumps(weights) + "\n", "utf-8")
    log.info("%d examples, %s: %s", len(examples.classes), np.bincount(examples.classes).tolist(), given.out)


def make_examples(scenes: int, seed: int) -> Examples:
    """Measures of every look at ``scenes`` scenes that is clearly one thing or another."""
    rng = np.random.default_rng([seed, 77])
    parts = [_looks(rng, number) for number in range(scenes)]
    return Examples(
        measures=np.concatenate([part.measures for part in parts]), classes=np.concatenate([part.classes for part in parts])
    )


def _looks(rng: np.random.Generator, number: int) -> Examples:
    names = (*KINDS, *("junk",) * 6, "talking", "nothing", "glass", "shout", "scream", "rotor", "rotor")
    kind = names[number % len(names)]
    wave = (
        np.zeros(1)
        if kind == "nothing"
        else _junk(rng)
        if kind == "junk"
        else make_sound(kind, int(rng.integers(1 << 40))).astype(np.float64)
    )
    wave = _echoed(rng, _filtered(rng, _resampled(rng, wave)))
    din = _din(rng)
    length = max(count_of(_SCENE_S), count_of(_BEGINS_S) + len(wave) + count_of(0.8))
    noise = np.concatenate([din.block(_BLOCK, (7.0 * drive, 6.9 * drive)) for drive in _drives(rng, length // _BLOCK)])
    begin = count_of(_BEGINS_S) + int(rng.integers(_BLOCK))
    level = float(np.sqrt(np.mean(noise**2))) * 10.0 ** (rng.uniform(-6.0, 26.0) / 20.0)
    loudest = np.sqrt(np.convolve(wave**2, np.ones(800) / 800, mode="same").max())
    end = min(begin + len(wave), len(noise))
    scaled = wave[: end - begin] * level / max(loudest, 1e-12)
    noise[begin:end] += scaled[:, None]
    label = 0 if kind not in KINDS or KINDS[kind].label is None else 1 + SOUNDS.index(KINDS[kind].label)
    return _measured(noise, begin, end, label)


def _measured(noise: Floats, begin: int, end: int, label: int) -> Examples:
    """A look counts as the sound when a good part of one lies in the other and stands out; as nothing when it holds none of it;
    the rest is left out."""
    frames, measures, classes = Frames(), [], []
    for first in range(0, len(noise) - _BLOCK + 1, _BLOCK):
        frames.take(_block(noise[first : first + _BLOCK], first))
        if len(frames.kept) < FRAMES:
            continue
        recent = list(frames.kept)[-FRAMES:]
        now, span = first + _BLOCK, FRAMES * 256
        inside = max(min(end, now) - max(begin, now - span), 0)
        rise = max(frame.rise_db for frame in recent)
        comb = find_comb(frames.newest(SPAN))
        whole = inside >= _SHARE_IN * min(span, max(end - begin, 1))
        heard = rise > _ACTIVE_DB or (label == 3 and comb.salience_db > 1.5)
        if label and whole and heard:
            classes.append(label)
        elif not label or inside == 0:
            classes.append(0)
        else:
            continue
        measures.append(features(recent, comb))
    return Examples(measures=np.array(measures).reshape(-1, len(NAMES)), classes=np.array(classes, dtype=np.int64))


def _block(samples: Floats, first: int) -> SoundBlock:
    full_pa = 20.0
    return SoundBlock(
        stamp_ns=round(first / RATE_HZ * 1e9),
        frame_id="microphones_link",
        rate_hz=RATE_HZ,
        full_scale_pa=full_pa,
        positions_m=np.array([[0.07, 0.07, 0.0], [-0.07, -0.07, 0.0]]),
        samples=np.clip(np.rint(samples * 32768.0 / full_pa), -32768, 32767).astype(np.int16),
    )


def _din(rng: np.random.Generator) -> Din:
    part = read_robot().microphones
    two = part.model_copy(
        update={"positions_m": part.positions_m[:2], "motor_db": rng.uniform(40.0, 62.0), "fan_db": rng.uniform(30.0, 52.0)}
    )
    sky = Sky.RAIN if rng.random() < 0.3 else Sky.CLEAR
    return Din(
        two, Weather(sky=sky), float(rng.choice([0.5, 2.0, 4.0, 6.0, 9.0])), np.random.default_rng(int(rng.integers(1 << 40)))
    )


def _drives(rng: np.random.Generator, blocks: int) -> Floats:
    """How fast the robot drives in each block, m/s: half of the robots stand."""
    if rng.random() < 0.5:
        return np.zeros(blocks)
    speed: Floats = np.clip(rng.uniform(0.2, 1.4) + 0.3 * wander(rng, blocks * 160, 1.0 / 100.0)[::160], 0.0, 1.5)
    return speed


def _resampled(rng: np.random.Generator, wave: Floats) -> Floats:
    """Slower and lower, or quicker and higher, by up to a fifth."""
    factor = rng.uniform(0.83, 1.2)
    resampled: Floats = np.interp(np.arange(0, len(wave) - 1, factor), np.arange(len(wave)), wave) if len(wave) > 2 else wave
    return resampled


def _filtered(rng: np.random.Generator, wave: Floats) -> Floats:
    """Through air or a wall (duller), or a resonant microphone."""
    pole = rng.uniform(0.0, 0.75) if rng.random() < 0.6 else 0.0
    wave = signal.lfilter([1.0 - pole], [1.0, -pole], wave)
    if rng.random() < 0.4:
        numerator, denominator = signal.iirpeak(rng.uniform(200.0, 6000.0), rng.uniform(0.7, 3.0), fs=RATE_HZ)
        wave = wave + rng.uniform(-0.7, 1.5) * signal.lfilter(numerator, denominator, wave)
    return np.asarray(wave)


def _echoed(rng: np.random.Generator, wave: Floats) -> Floats:
    """With an exponential tail, as between walls."""
    if len(wave) < 2 or rng.random() < 0.4:
        return wave
    fades_s = rng.uniform(0.1, 0.9)
    count = count_of(fades_s)
    tail = rng.standard_normal(count) * np.exp(-6.9 * np.arange(count) / count) * (rng.random(count) < 0.1)
    tail[: count_of(0.004)] = 0.0
    tail *= rng.uniform(0.1, 0.9) / (np.sqrt((tail**2).sum()) + 1e-12)
    tail[0] = 1.0
    return np.asarray(signal.fftconvolve(wave, tail))


def _junk(rng: np.random.Generator) -> Floats:
    """Something that is nothing: bursts and trains of noise, beeps, chirps, hums, knocks, in any order."""
    wave = np.zeros(count_of(rng.uniform(0.4, 3.0)))
    low_hz = np.exp(rng.uniform(np.log(60.0), np.log(5000.0)))
    makers: list[Callable[[int], Floats]] = [lambda count: noise_band(rng, count, low_hz, low_hz * rng.uniform(1.3, 8.0))]
    makers += [lambda count: np.sin(2.0 * np.pi * np.cumsum(low_hz * np.geomspace(1.0, rng.uniform(0.7, 1.5), count)) / RATE_HZ)]
    makers += [lambda count: np.asarray(signal.sawtooth(2.0 * np.pi * np.arange(count) * min(low_hz, 1500.0) / RATE_HZ))]
    makers += [lambda count: partials(rng, count, low_hz * rng.uniform(0.5, 6.0, 5), rng.uniform(0.01, 0.2, 5), np.ones(5))]
    chosen = makers[int(rng.choice([0, 0, 0, 1, 2, 3, 3]))]
    length_s, every_s = np.exp(rng.uniform(np.log(0.01), np.log(1.5))), np.exp(rng.uniform(np.log(0.06), np.log(1.2)))
    at = 0
    while at < len(wave):
        part = chosen(min(count_of(length_s), len(wave) - at))
        shape = ramps(len(part), rng.uniform(0.001, 0.3) * length_s, 0.2 * length_s)
        if rng.random() < 0.5:
            shape *= np.exp(-np.arange(len(part)) / count_of(rng.uniform(0.1, 0.6) * length_s))
        wave[at : at + len(part)] += part * shape * rng.uniform(0.4, 1.0)
        at += count_of(length_s + every_s * rng.uniform(0.5, 1.5)) if rng.random() < 0.9 else len(wave)
    return wave


def fit(examples: Examples, seed: int) -> dict[str, object]:
    """Weights by full-batch L-BFGS on the cross entropy, all classes weighing alike but for "other", which weighs double."""
    mean, deviation = examples.measures.mean(axis=0), examples.measures.std(axis=0) + 1e-6
    inputs = np.clip((examples.measures - mean) / deviation, -4.0, 4.0)
    inputs = np.column_stack((inputs, np.ones(len(inputs))))
    wanted = np.eye(len(CLASSES))[examples.classes]
    share = np.array([2.0, 1.0, 1.0, 1.0]) / np.maximum(wanted.sum(axis=0), 1.0)
    weights = share[examples.classes] / share[examples.classes].sum()
    shapes = ((inputs.shape[1], _HIDDEN), (_HIDDEN + 1, len(CLASSES)))
    sizes = [rows * columns for rows, columns in shapes]
    start = np.random.default_rng([seed, 78]).standard_normal(sum(sizes)) * 0.15

    def cost(flat: Floats) -> tuple[float, Floats]:
        hidden, out = flat[: sizes[0]].reshape(shapes[0]), flat[sizes[0] :].reshape(shapes[1])
        inner = np.column_stack((np.tanh(inputs @ hidden), np.ones(len(inputs))))
        outer = inner @ out
        powers = np.exp(outer - outer.max(axis=1, keepdims=True))
        probable = powers / powers.sum(axis=1, keepdims=True)
        error = (probable - wanted) * weights[:, None]
        back = (error @ out[:-1].T) * (1.0 - inner[:, :-1] ** 2)
        slope = np.concatenate([(inputs.T @ back).ravel(), (inner.T @ error).ravel()]) + 2.0 * _DECAY * flat
        loss = -float(weights @ np.log((probable * wanted).sum(axis=1) + 1e-12)) + _DECAY * float(flat @ flat)
        return loss, slope

    found = optimize.minimize(cost, start, jac=True, method="L-BFGS-B", options={"maxiter": 400})
    hidden, out = found.x[: sizes[0]].reshape(shapes[0]), found.x[sizes[0] :].reshape(shapes[1])
    arrays = {"mean": mean, "deviation": deviation, "hidden": hidden, "out": out}
    rounded = {name: np.round(array, 5).tolist() for name, array in arrays.items()}
    return {"measures": list(NAMES), "classes": list(CLASSES), **rounded}


if __name__ == "__main__":
    main()

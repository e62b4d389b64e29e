# SPDX-License-Identifier: Apache-2.0
"""How well sounds are told apart and placed: F1 per class by distance and by din, bearing error, false alarms per hour.

``python -m benchmarks.sound --trials 4``. Every sound is of a maker that the detector never learned from
(``benchmarks.sound_families``, in whose sight limits were chosen; with ``--unseen`` ``benchmarks.sound_unseen``, of which nothing
was known), half of them with an echo, in front of the simulator's wind, rain and motors, and comes through its air to four
microphones. ``--recordings FOLDER`` judges labelled clips instead: ``FOLDER/<breaking glass|shouting|rotor
tone|other>/*.wav``, mono, 16 kHz. Intervals are exact, 95 %.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
import wave as wave_file
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy import signal

from benchmarks.figures import tell
from benchmarks.intervals import rate_interval, share_interval
from benchmarks.sound_families import FAMILIES, RATE_HZ, Maker
from benchmarks.sound_unseen import UNSEEN
from patrol.checks import Floats
from patrol.geometry import wrap_angle
from patrol.percepts import SOUNDS
from patrol.sound import MICROPHONE_FRAME, SoundBlock
from perception.sound.config import SoundConfig
from perception.sound.detector import Heard, SoundDetector
from sim.robot import read_robot
from sim.sound.air import SPEED_MPS
from sim.sound.air import Path as AirPath
from sim.sound.din import Din
from sim.sound.waves import at_level
from sim.weather import Sky, Weather

_BLOCK, _BEGINS_S, _AFTER_S = 1600, 3.0, 2.0
_LEVELS_DB = {"breaking glass": 98.0, "shouting": 94.0, "rotor tone": 82.0, "": 88.0}
KNOWN = {family: (wanted, _LEVELS_DB[wanted], make) for family, (wanted, make) in FAMILIES.items()}
"""The families in whose sight limits were chosen: what each should be called, its level in dB at 1 m, and its maker."""
_DISTANCES_M = (10.0, 25.0, 50.0)
_DINS = {
    "calm": (Sky.CLEAR, 1.0, 0.0),
    "wind 6 m/s": (Sky.CLEAR, 6.0, 0.0),
    "rain": (Sky.RAIN, 4.0, 0.0),
    "driving 1 m/s": (Sky.CLEAR, 2.0, 1.0),
}
_EARLY_S, _LATE_S = 0.3, 2.0
_HEIGHT_M = {"rotor tone": 12.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One sound and what was said of it: ``wanted`` is empty for what should raise nobody, ``truth_rad`` where it came from."""

    family: str
    din: str
    distance_m: float
    wanted: str
    lasted_s: float
    found: Heard | None
    false: tuple[Heard, ...]
    truth_rad: float


@dataclass(slots=True)
class Clock:
    """CPU time of the detector, and how much sound it heard."""

    cpu_s: float = 0.0
    heard_s: float = field(default=0.0)


def main() -> None:
    """Measure and tell."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--trials", type=int, default=4, help="sounds of each family for each din and distance")
    asked.add_argument("--quiet-min", type=float, default=5.0, help="minutes of each din with nothing in it")
    asked.add_argument("--seed", type=int, default=11)
    asked.add_argument("--unseen", action="store_true", help="families that nothing was tuned on")
    asked.add_argument("--recordings", type=Path, default=None, help="folder of labelled clips")
    given = asked.parse_args()
    clock = Clock()
    if given.recordings is not None:
        trials = list(of_recordings(given.recordings, given.seed, clock))
    else:
        table = UNSEEN if given.unseen else KNOWN
        trials = [*of_families(table, given.trials, given.seed, clock), *of_nothing(given.quiet_min, given.seed, clock)]
    _print(trials)
    tell("sound", metrics_of(trials, clock), trials=len(trials), seed=given.seed, unseen=given.unseen)


def of_families(table: Mapping[str, tuple[str, float, Maker]], count: int, seed: int, clock: Clock) -> Iterator[Trial]:
    """``count`` sounds of each family, din and distance."""
    rng = np.random.default_rng(seed)
    for family, (wanted, level_db, make) in table.items():
        for din in _DINS:
            for distance_m in _DISTANCES_M:
                for _ in range(count):
                    sound = at_level(_echoed(rng, make(rng)), level_db + rng.uniform(-3.0, 3.0))
                    truth_rad = rng.uniform(-math.pi, math.pi)
                    heard = _listened(_scene(rng, sound, din, distance_m, truth_rad, _HEIGHT_M.get(wanted, 1.5)), clock)
                    arrives_s = _BEGINS_S + distance_m / SPEED_MPS
                    yield _judged(family, din, distance_m, wanted, heard, arrives_s, len(sound) / RATE_HZ, truth_rad)


def of_nothing(minutes: float, seed: int, clock: Clock) -> Iterator[Trial]:
    """Each din by itself."""
    rng = np.random.default_rng([seed, 1])
    for din in _DINS:
        for _ in range(max(round(minutes), 1)):
            length_s = 60.0 if minutes >= 1.0 else 60.0 * minutes
            heard = _listened(_scene(rng, np.zeros(round(length_s * RATE_HZ)), din, 10.0, 0.0, 1.5), clock)
            yield _judged("nothing", din, 0.0, "", heard, 0.0, length_s, 0.0)


def of_recordings(folder: Path, seed: int, clock: Clock) -> Iterator[Trial]:
    """Clips by the name of their folder, two seconds of faint noise before each."""
    rng = np.random.default_rng(seed)
    for path in sorted(folder.glob("*/*.wav")):
        clip = _read_clip(path)
        clip = clip / max(float(np.abs(clip).max()), 1e-9)
        noise = rng.standard_normal((round(_BEGINS_S * RATE_HZ) + len(clip) + round(_AFTER_S * RATE_HZ), 1)) * 3e-3
        begin = round(_BEGINS_S * RATE_HZ)
        noise[begin : begin + len(clip), 0] += clip
        wanted = path.parent.name if path.parent.name in {label.value for label in SOUNDS} else ""
        heard = _listened(noise, clock)
        yield _judged(path.parent.name, "recording", 0.0, wanted, heard, _BEGINS_S, len(clip) / RATE_HZ, 0.0)


def _scene(rng: np.random.Generator, sound: Floats, din: str, distance_m: float, truth_rad: float, height_m: float) -> Floats:
    """What four microphones hear (N, 4) in pascal."""
    part, (sky, wind_mps, drives_mps) = read_robot().microphones, _DINS[din]
    noise = Din(part, Weather(sky=sky), wind_mps, np.random.default_rng(int(rng.integers(1 << 40))))
    places = np.array(part.positions_m) + np.array([0.0, 0.0, part.position_m[2]])
    source = np.array([distance_m * math.cos(truth_rad), distance_m * math.sin(truth_rad), height_m])
    ways = []
    for mirrored in (False, True):
        flipped = source * np.array([1.0, 1.0, -1.0 if mirrored else 1.0])
        ways.append((AirPath(sound.astype(np.float32), is_mirrored=mirrored), np.sqrt(((places - flipped) ** 2).sum(axis=1))))
    blocks = []
    for number in range(math.ceil((_BEGINS_S + len(sound) / RATE_HZ + _AFTER_S) * RATE_HZ / _BLOCK)):
        block = noise.block(_BLOCK, (drives_mps / 0.14, 0.98 * drives_mps / 0.14))
        for way, far_m in ways:
            part_pa = way.heard(number * _BLOCK / RATE_HZ - _BEGINS_S, far_m, far_m, _BLOCK, shaded=False)
            block += 0.0 if part_pa is None else part_pa
        blocks.append(block)
    return np.concatenate(blocks)


def _listened(pressure: Floats, clock: Clock) -> list[Heard]:
    """What the detector says of (N, M) pascal."""
    positions = np.array(read_robot().microphones.positions_m)[: pressure.shape[1]]
    detector, heard = SoundDetector(SoundConfig()), list[Heard]()
    began_s = time.process_time()
    for first in range(0, len(pressure) - _BLOCK + 1, _BLOCK):
        samples = np.clip(np.rint(pressure[first : first + _BLOCK] * (32768.0 / 20.0)), -32768, 32767).astype(np.int16)
        stamp_ns = round(first / RATE_HZ * 1e9)
        heard += detector.on_block(
            SoundBlock(
                stamp_ns=stamp_ns,
                frame_id=MICROPHONE_FRAME,
                rate_hz=RATE_HZ,
                full_scale_pa=20.0,
                positions_m=positions,
                samples=samples,
            )
        )
    clock.cpu_s += time.process_time() - began_s
    clock.heard_s += len(pressure) / RATE_HZ
    return heard


def _judged(
    family: str,
    din: str,
    distance_m: float,
    wanted: str,
    heard: Sequence[Heard],
    arrives_s: float,
    lasts_s: float,
    truth_rad: float,
) -> Trial:
    right = [
        event
        for event in heard
        if event.label.value == wanted
        and arrives_s - _EARLY_S <= event.onset_ns / 1e9
        and event.heard_ns / 1e9 <= arrives_s + lasts_s + _LATE_S
    ]
    return Trial(
        family=family,
        din=din,
        distance_m=distance_m,
        wanted=wanted,
        lasted_s=lasts_s + _BEGINS_S + _AFTER_S,
        found=right[0] if right else None,
        false=tuple(event for event in heard if event.label.value != wanted),
        truth_rad=truth_rad,
    )


def metrics_of(trials: Sequence[Trial], clock: Clock) -> dict[str, float | int | None]:
    """The figures of all trials."""
    metrics: dict[str, float | int | None] = {}
    for label in SOUNDS:
        metrics[f"{label.name.lower()}_f1"] = _f1(trials, label.value)
        metrics[f"{label.name.lower()}_recall"] = _recall(trials, label.value)
        for distance_m in _DISTANCES_M:
            near = [trial for trial in trials if trial.distance_m == distance_m]
            metrics[f"{label.name.lower()}_recall_{distance_m:g}_m"] = _recall(near, label.value)
    placed = [(trial, trial.found.bearing) for trial in trials if trial.found is not None and trial.distance_m > 0.0]
    told = [
        (abs(wrap_angle(bearing.azimuth_rad - trial.truth_rad)), bearing.std_rad)
        for trial, bearing in placed
        if bearing is not None
    ]
    errors = np.degrees([error for error, _ in told]) if told else np.zeros(0)
    metrics["bearing_told"] = len(told) / len(placed) if placed else None
    metrics["bearing_median_deg"] = float(np.median(errors)) if told else None
    metrics["bearing_p95_deg"] = float(np.percentile(errors, 95)) if told else None
    metrics["bearing_within_2_std"] = float(np.mean([error <= 2.0 * std for error, std in told])) if told else None
    hours = sum(trial.lasted_s for trial in trials if trial.wanted == "") / 3600.0
    false = sum(len(trial.false) for trial in trials if trial.wanted == "")
    metrics["false_per_h"] = false / hours if hours else None
    metrics["false_per_h_low"], metrics["false_per_h_high"] = rate_interval(false, hours) if hours else (None, None)
    for din in dict.fromkeys(trial.din for trial in trials if trial.wanted == "" and trial.family != "nothing"):
        such = [trial for trial in trials if trial.wanted == "" and trial.din == din and trial.family != "nothing"]
        name = "".join(letter if letter.isalnum() else "_" for letter in din)
        metrics[f"false_per_h_{name}"] = sum(len(trial.false) for trial in such) / (sum(t.lasted_s for t in such) / 3600.0)
    quiet = [trial for trial in trials if trial.family == "nothing"]
    metrics["false_per_h_of_din_alone"] = (
        sum(len(trial.false) for trial in quiet) / (sum(t.lasted_s for t in quiet) / 3600.0) if quiet else None
    )
    metrics["cpu_ms_per_s"] = 1000.0 * clock.cpu_s / clock.heard_s if clock.heard_s else None
    return metrics


def _recall(trials: Sequence[Trial], label: str) -> float | None:
    wanted = [trial for trial in trials if trial.wanted == label]
    return sum(trial.found is not None for trial in wanted) / len(wanted) if wanted else None


def _f1(trials: Sequence[Trial], label: str) -> float | None:
    found = sum(trial.found is not None for trial in trials if trial.wanted == label)
    missed = sum(trial.found is None for trial in trials if trial.wanted == label)
    false = sum(event.label.value == label for trial in trials for event in trial.false)
    return 2.0 * found / (2.0 * found + missed + false) if found + missed else None


def _print(trials: Sequence[Trial]) -> None:
    """A line for every family and din."""
    for family in dict.fromkeys(trial.family for trial in trials):
        for din in dict.fromkeys(trial.din for trial in trials if trial.family == family):
            mine = [trial for trial in trials if trial.family == family and trial.din == din]
            found, false = (
                sum(trial.found is not None for trial in mine),
                [event.label.value for trial in mine for event in trial.false],
            )
            low, high = share_interval(found, len(mine))
            said = f"found {found}/{len(mine)} ({low:.2f} to {high:.2f})" if mine[0].wanted else f"{len(mine)} trials"
            sys.stdout.write(f"{family:14s} {din:14s} {said}; false {sorted(false)}\n")


def _echoed(rng: np.random.Generator, sound: Floats) -> Floats:
    """Every other one with six early reflections and a tail, as between buildings."""
    if rng.random() < 0.5:
        return sound
    response = np.zeros(RATE_HZ // 2)
    response[0] = 1.0
    for _ in range(6):
        response[int(rng.uniform(0.005, 0.12) * RATE_HZ)] += rng.choice([-1.0, 1.0]) * rng.uniform(0.1, 0.5)
    fade = np.exp(-6.9 * np.arange(len(response)) / (rng.uniform(0.2, 0.5) * RATE_HZ))
    response += 0.01 * rng.standard_normal(len(response)) * fade
    return np.asarray(signal.fftconvolve(sound, response))


def _read_clip(path: Path) -> Floats:
    with wave_file.open(str(path)) as file:
        if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (RATE_HZ, 1, 2):
            raise SystemExit(f"{path}: is not mono, 16 bit, {RATE_HZ} Hz")
        return np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16).astype(np.float64) / 32768.0


if __name__ == "__main__":
    main()

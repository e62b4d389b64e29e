# SPDX-License-Identifier: Apache-2.0
"""Originals of alerted pictures, sealed on the robot so that the robot can not open them again.

Hybrid public key encryption (RFC 9180: X25519, HKDF-SHA256, ChaCha20-Poly1305) to a public key; every picture has a fresh key
that is forgotten once it is sealed. The header (which alert, when, which key) is bound into the encryption: a file that was
renamed, or whose header was changed, does not open. The private key exists in two shares only (a one-time pad and the key
masked by it), so that it takes two people to open a picture, and neither share says anything about the key.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke, serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from pydantic import Field

from evidence.files import write_whole
from patrol.config import Config, parse_json, read_json, validate_config
from patrol.errors import BadInput, Fault, PatrolError
from patrol.sensors import Image

FOLDER, SUFFIX = "sealed", ".sealed"
PUBLIC_FILE, SHARE_FILES = "evidence.pub", ("evidence-1-of-2.share", "evidence-2-of-2.share")
_MAGIC = b"PATROL SEALED 1\n"
_SUITE = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)
_QUALITY = 95


class SealingFailed(PatrolError):
    """An original could not be sealed, or not be written."""


class NotOpened(PatrolError):
    """A sealed picture does not open: another key, or not what was sealed."""


class SealedHeader(Config):
    """What a sealed file says openly: the alert, the picture's stamp and size, and the key that it was sealed to."""

    alert_id: str = Field(pattern=r"^[0-9a-f]{4,64}$")
    stamp_ns: int
    width_px: int
    height_px: int
    key_id: str


class _Share(Config):
    """One of the two shares of a private key."""

    share: int = Field(ge=1, le=2)
    key_id: str
    secret_hex: str = Field(pattern=r"^[0-9a-f]{64}$")


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals to ``public`` into the ``sealed`` folder of a patrol."""

    public: X25519PublicKey
    patrol_folder: Path

    def keep(self, alert_id: str, image: Image) -> Path:
        """Seal ``image`` (bgr8 or mono8) as the original of an alert; on disk when this returns. Raises SealingFailed."""
        made, data = cv2.imencode(".jpg", np.asarray(image.pixels), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        if not made:
            raise SealingFailed(f"{alert_id}: the original can not be encoded")
        header = SealedHeader(
            alert_id=alert_id,
            stamp_ns=image.stamp_ns,
            width_px=image.width_px,
            height_px=image.height_px,
            key_id=key_id(self.public),
        )
        path = sealed_path(self.patrol_folder, alert_id)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, seal(data.tobytes(), header, self.public))
        except OSError as error:
            raise SealingFailed(f"{path}: the original can not be written: {error}") from error
        return path


def sealed_path(patrol_folder: Path, alert_id: str) -> Path:
    """Where the sealed original of an alert lies in a patrol's folder."""
    return patrol_folder / FOLDER / f"{alert_id}{SUFFIX}"


def seal(picture_jpeg: bytes, header: SealedHeader, public: X25519PublicKey) -> bytes:
    """A sealed file: the header in the open, the picture for the holders of the private key."""
    open_part = _MAGIC + header.model_dump_json().encode() + b"\n"
    return open_part + _SUITE.encrypt(picture_jpeg, public, info=open_part)


def read_header(path: Path) -> SealedHeader:
    """What a sealed file says openly. Raises BadInput when it is none."""
    return _split(path)[0]


def unseal(path: Path, private: X25519PrivateKey) -> tuple[SealedHeader, bytes]:
    """Header and JPEG of a sealed file. Raises BadInput when it is none, NotOpened when it does not open."""
    header, open_part, closed_part = _split(path)
    wanted = key_id(private.public_key())
    if header.key_id != wanted:
        raise NotOpened(f"{path}: sealed to the key {header.key_id}, the shares make {wanted}")
    if path.name != f"{header.alert_id}{SUFFIX}":
        raise NotOpened(f"{path}: holds the original of the alert {header.alert_id}")
    try:
        return header, _SUITE.decrypt(closed_part, private, info=open_part)
    except (InvalidTag, ValueError) as error:
        raise NotOpened(f"{path}: is not what was sealed") from error


def key_id(public: X25519PublicKey) -> str:
    """The first 16 hexadecimal digits of the public key's SHA-256."""
    return hashlib.sha256(public.public_bytes_raw()).hexdigest()[:16]


def make_keys(folder: Path) -> Path:
    """A new key pair in ``folder``: the public key for robots, and the private key in two shares, each for another person.
    Returns the public key's path. Raises BadInput when the folder holds a key already."""
    names = (PUBLIC_FILE, *SHARE_FILES)
    taken = [name for name in names if (folder / name).exists()]
    if taken:
        raise BadInput(folder, [Fault(field="folder", value=name, because="there is a key already") for name in taken])
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    private = X25519PrivateKey.generate()
    pad = secrets.token_bytes(32)
    masked = bytes(one ^ other for one, other in zip(private.private_bytes_raw(), pad, strict=True))
    identity = key_id(private.public_key())
    for number, (name, secret) in enumerate(zip(SHARE_FILES, (pad, masked), strict=True), 1):
        share = _Share(share=number, key_id=identity, secret_hex=secret.hex())
        _write_secret(folder / name, share.model_dump_json().encode() + b"\n")
    pem = private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    write_whole(folder / PUBLIC_FILE, pem)
    return folder / PUBLIC_FILE


def read_public(path: Path) -> X25519PublicKey:
    """The public key in a PEM file. Raises BadInput."""
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as error:
        raise BadInput(path, [Fault(field="(file)", value=path.name, because=f"is no public key: {error}")]) from error
    if not isinstance(key, X25519PublicKey):
        raise BadInput(path, [Fault(field="(file)", value=path.name, because="is no X25519 public key")])
    return key


def join_shares(first: Path, second: Path) -> X25519PrivateKey:
    """The private key from its two shares. Raises BadInput when they are not the two shares of one key."""
    one, other = _read_share(first), _read_share(second)
    if one.share == other.share or one.key_id != other.key_id:
        because = "is the same share" if one.share == other.share else f"belongs to another key ({other.key_id})"
        raise BadInput(second, [Fault(field="share", value=other.share, because=because)])
    secret = bytes(a ^ b for a, b in zip(bytes.fromhex(one.secret_hex), bytes.fromhex(other.secret_hex), strict=True))
    private = X25519PrivateKey.from_private_bytes(secret)
    if key_id(private.public_key()) != one.key_id:
        raise BadInput(second, [Fault(field="secret_hex", value="...", because="the shares do not make the key that they name")])
    return private


def _read_share(path: Path) -> _Share:
    """Raises BadInput, which never shows what the file holds: it may be most of a secret."""
    try:
        return validate_config(_Share, read_json(path), source=path)
    except BadInput as error:
        faults = [
            Fault(field=fault.field, value="...", because=f"is no share of a key: {fault.because}") for fault in error.faults
        ]
    raise BadInput(path, faults)


def _write_secret(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def _split(path: Path) -> tuple[SealedHeader, bytes, bytes]:
    """Header, the open part's bytes, and the closed part."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(path, [Fault(field="(file)", value=path.name, because=f"can not be read: {error}")]) from error
    end = data.find(b"\n", len(_MAGIC))
    if not data.startswith(_MAGIC) or end < 0:
        raise BadInput(path, [Fault(field="(file)", value=path.name, because="is no sealed picture")])
    fields = parse_json(data[len(_MAGIC) : end].decode("utf-8", "replace"), source=path)
    return validate_config(SealedHeader, fields, source=path), data[: end + 1], data[end + 1 :]

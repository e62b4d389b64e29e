# SPDX-License-Identifier: Apache-2.0
"""Keys of the register of risk: Ed25519, the private one in a file that only its owner reads, the public one beside the
register."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from mission.risk.register import Signer, Verifier
from patrol.errors import BadInput, Fault

PUBLIC_SUFFIX = ".pub"


def signer_from(key: Path, register: Path) -> Signer:
    """Signs with the private key in ``key``, made now where there is none. The public key is put beside a register that has
    none yet.

    Raises BadInput when a key can not be read, or is not the one that the register was begun with.
    """
    private = _kept(key)
    public = private.public_key().public_bytes_raw().hex()
    beside = public_path(register)
    if not beside.exists() and not register.exists():
        beside.write_text(f"{public}\n", "ascii")
    if _text(beside) != public:
        raise BadInput(key, [Fault(field="(file)", value=str(key), because=f"is not the key of {register.name}")])
    return private.sign


def verifier_from(register: Path) -> Verifier:
    """Checks with the public key beside ``register``. Raises BadInput where it can not be read."""
    public = Ed25519PublicKey.from_public_bytes(_key_bytes(public_path(register)))

    def good(body: bytes, signature: bytes) -> bool:
        try:
            public.verify(signature, body)
        except InvalidSignature:
            return False
        return True

    return good


def public_path(register: Path) -> Path:
    """Where the public key of a register lies."""
    return register.with_name(register.name + PUBLIC_SUFFIX)


def _kept(key: Path) -> Ed25519PrivateKey:
    if not key.exists():
        key.parent.mkdir(parents=True, exist_ok=True)
        private = Ed25519PrivateKey.generate()
        handle = os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(f"{private.private_bytes_raw().hex()}\n")
        return private
    return Ed25519PrivateKey.from_private_bytes(_key_bytes(key))


def _key_bytes(path: Path) -> bytes:
    try:
        raw = bytes.fromhex(_text(path))
    except ValueError:
        raw = b""
    if len(raw) != 32:
        raise BadInput(path, [Fault(field="(file)", value=str(path), because="is no key: 64 hexadecimal digits")])
    return raw


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(path, [Fault(field="(file)", value=str(path), because=f"can not be read: {error}")]) from error

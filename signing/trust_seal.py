"""The seal on the national trust stores: Ed25519 over the store's file, by a key whose public half stands here.

The pins of ``bcy`` and ``neac`` come with the program; a newer list may be laid into the trust folder, but only with
the project's seal and a later ``issued``. Whoever can write the folder can withhold a newer list, never add a root. A
site's own stores carry no seal: they are trusted because the settings name them, and are said to be so.
"""

from __future__ import annotations

import base64
import tomllib
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from .errors import SigningError

# The public key of the project's seal. Changing it is a decision (DECISIONS.md).
SEAL_KEY: Final = "f2c39d052fbbf47cab4671daa32e638686d5ea9d15816bb10b8003ee03d85ac9"
CONTEXT: Final = b"lienthong trust store 1\n"
ENDING: Final = ".sig"
MAX_BYTES: Final = 1024 * 1024


def sealed_content(packaged: Path, laid: Path, *, key: str = SEAL_KEY) -> bytes:
    """The newer of both lists that carries the seal; ``laid`` counts only with a seal beside it.

    Raises SigningError SIG_TRUST_STORE_SEAL when a seal is wrong, and OSError for a missing file.
    """
    content = checked(packaged, key=key)
    if not seal_of(laid).is_file():
        return content
    other = checked(laid, key=key)
    return other if issued(other) > issued(content) else content


def checked(file: Path, *, key: str = SEAL_KEY) -> bytes:
    """The content of a sealed file. Raises SigningError SIG_TRUST_STORE_SEAL, OSError."""
    content = file.read_bytes()
    refuse_unsealed(content, seal_of(file).read_bytes(), key=key)
    return content


def seal_of(file: Path) -> Path:
    return file.with_name(file.name + ENDING)


def refuse_unsealed(content: bytes, seal: bytes, *, key: str = SEAL_KEY) -> None:
    """Raises SigningError SIG_TRUST_STORE_SEAL."""
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
        public.verify(base64.b64decode(seal, validate=False), CONTEXT + content)
    except (InvalidSignature, ValueError) as cause:
        raise SigningError(
            "SIG_TRUST_STORE_SEAL", "Dấu niêm của danh sách gốc tin cậy không đúng; danh sách không được dùng."
        ) from cause


def issued(content: bytes) -> str:
    """ISO date of issue; raises KeyError or ValueError when there is none."""
    return str(tomllib.loads(content.decode())["issued"].isoformat())


def seal(content: bytes, key_pem: bytes) -> bytes:
    """The seal (base64) by a private key in PEM. Raises SigningError SIG_SEAL_KEY."""
    try:
        key = load_pem_private_key(key_pem, password=None)
    except (ValueError, TypeError) as cause:
        raise SigningError("SIG_SEAL_KEY", "Không đọc được khóa niêm phong (PEM, Ed25519).") from cause
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningError("SIG_SEAL_KEY", "Khóa niêm phong phải là Ed25519.")
    return base64.b64encode(key.sign(CONTEXT + content)) + b"\n"

"""Personal data at rest: sealed with a key that does not stand in the database in the open.

`seal` and `open` are for what is stored (contract section 3, personal data); `mac` for what is only compared, so that
nobody can find out a birth date by trying all of them against a digest.
"""

import hmac
import os
from collections.abc import Mapping
from typing import Any

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12


class Vault:
    """Seals and opens with one data key (32 bytes), and makes digests with another."""

    def __init__(self, data_key: bytes, digest_key: bytes) -> None:
        self._cipher = AESGCM(data_key)
        self._digest_key = digest_key

    def seal(self, content: Mapping[str, Any]) -> bytes:
        """JSON content as bytes that only this key opens."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, orjson.dumps(content), None)

    def open(self, sealed: bytes | None) -> dict[str, Any] | None:
        """What was sealed; None where nothing was, or where it has been erased."""
        if sealed is None:
            return None
        content: dict[str, Any] = orjson.loads(self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None))
        return content

    def mac(self, content: bytes) -> bytes:
        """A keyed digest (HMAC-SHA-256)."""
        return hmac.digest(self._digest_key, content, "sha256")

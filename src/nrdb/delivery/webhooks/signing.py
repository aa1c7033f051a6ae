"""Signatures of the Standard Webhooks specification (scheme `v1`: HMAC-SHA-256 over id, timestamp and body)."""

import hmac
import os
from base64 import b64decode, b64encode
from collections.abc import Sequence

_PREFIX = "whsec_"
_SECRET_BYTES = 32


def new_secret() -> str:
    """A random secret as the receiver is shown it, once."""
    return _PREFIX + b64encode(os.urandom(_SECRET_BYTES)).decode()


def signed_headers(secrets: Sequence[str], webhook_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers. While a secret is being replaced there are two live ones, and a signature of each.

    `timestamp` is in seconds since 1970, of real time.
    """
    content = b"%b.%d.%b" % (webhook_id.encode(), timestamp, body)
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(_signature(secret, content) for secret in secrets),
    }


def _signature(secret: str, content: bytes) -> str:
    key = b64decode(secret.removeprefix(_PREFIX))
    return "v1," + b64encode(hmac.digest(key, content, "sha256")).decode()

"""Who is signed in: a random secret in a cookie, its hash in the database, and what it may do is what its key may do.

A form carries a token that is reckoned from the secret, which no other site can read or guess; browsers also say where
a request comes from (`Sec-Fetch-Site`, `Origin`), and one from elsewhere changes nothing.
"""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from urllib.parse import SplitResult, urlsplit
from uuid import UUID

from starlette.requests import Request

from nrdb.db import Connection
from nrdb.providers.keys import Caller

COOKIE = "nrdb_console"
#: A session ends so long after it was last used, and at the latest so long after its beginning.
IDLE = timedelta(hours=2)
LONGEST = timedelta(hours=12)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


async def begin_session(connection: Connection, key_id: UUID) -> str:
    """Sign the holder of a key in; the secret for the cookie. It is always a new one, whatever the browser had."""
    secret = secrets.token_urlsafe(32)
    await connection.execute("DELETE FROM console_session WHERE expires_at < clock_timestamp()")
    await connection.execute(
        "INSERT INTO console_session (session_hash, key_id, expires_at) VALUES ($1, $2, clock_timestamp() + $3)",
        _hash(secret),
        key_id,
        LONGEST,
    )
    return secret


_FIND = """
SELECT k.key_id, k.role, k.codes, k.label, k.expires_at, k.requests_per_second, k.streams,
       world_is_due(w.now), w.now, s.seen_at < clock_timestamp() - interval '1 minute' AS unseen
  FROM (SELECT nrdb_now() AS now OFFSET 0) w, console_session s JOIN api_key k USING (key_id)
 WHERE s.session_hash = $1 AND s.expires_at > clock_timestamp() AND s.seen_at > clock_timestamp() - $2::interval
   AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > w.now)
"""
_SEEN = "UPDATE console_session SET seen_at = clock_timestamp() WHERE session_hash = $1"


async def find_session(connection: Connection, secret: str) -> tuple[Caller, bool, datetime] | None:
    """Who is signed in with this secret while its key lives, whether the world has fallen behind, and the time.

    It counts as used, to the minute.
    """
    row = await connection.fetchrow(_FIND, _hash(secret), IDLE)
    if row is None:
        return None
    if row["unseen"]:
        await connection.execute(_SEEN, _hash(secret))
    return Caller(row[0], row[1], tuple(row[2]), *row[3:7]), row[7], row[8]


async def end_session(connection: Connection, secret: str) -> None:
    """Sign this browser out."""
    await connection.execute("DELETE FROM console_session WHERE session_hash = $1", _hash(secret))


async def end_sessions(connection: Connection, key_id: UUID) -> None:
    """Sign the holder of a key out everywhere."""
    await connection.execute("DELETE FROM console_session WHERE key_id = $1", key_id)


def form_token(secret: str) -> str:
    """What every form of this session carries."""
    return hmac.new(secret.encode(), b"form", hashlib.sha256).hexdigest()


def is_own_form(request: Request, secret: str, token: object) -> bool:
    """Whether a form was filled in on a page of ours, in this session."""
    return (
        comes_from_here(request)
        and isinstance(token, str)
        and hmac.compare_digest(token.encode(), form_token(secret).encode())
    )


def comes_from_here(request: Request) -> bool:
    """Whether the browser says that the request comes from one of our own pages, or says nothing."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        return False
    origin = request.headers.get("origin")
    return origin is None or split_address(origin).netloc == request.headers.get("host")


def split_address(address: str) -> SplitResult:
    """The parts of an address that a browser names; empty ones where it is none."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")

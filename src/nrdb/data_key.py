"""The data key: what personal data are sealed with, itself wrapped with a key of the settings.

The database holds 64 random bytes (one half seals, the other makes digests) under a key that is derived from
`NRDB_DATA_KEY`. So a new `NRDB_DATA_KEY` costs one row, not the whole log. Decision record 8 says why it is so.
"""

import os
from dataclasses import dataclass

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from nrdb import key_file
from nrdb.db import Connection
from nrdb.errors import ConfigurationError
from nrdb.settings import Settings, data_keys
from nrdb.vault import Vault

log = structlog.get_logger()

#: What a sandbox on a database of yours uses when it is given no key. It protects nothing: a sandbox holds no real
#: persons.
SANDBOX_KEY = "nrdb-sandbox-key-known-to-everybody"

_ROW = 1
_KEY_BYTES = 32
_NONCE_BYTES = 12
# Binds the wrapped bytes to their purpose: nothing else that was ever encrypted under the same key is taken for them.
_PURPOSE = b"nrdb data key 1"


@dataclass(frozen=True, slots=True)
class _Listed:
    """The keys that may open the data key, newest first, and how to begin the sentence when none of them does."""

    keys: tuple[str, ...]
    refusal: str


def _listed(settings: Settings) -> _Listed:
    """The keys of these settings; none where they are yet to be generated. Raises `ConfigurationError`."""
    path = key_file.path_of(settings.data_dir)
    if settings.data_key is not None:
        keys = data_keys(settings.data_key.get_secret_value())
        if SANDBOX_KEY in keys and not settings.sandbox:
            raise ConfigurationError("NRDB_DATA_KEY holds the published key of sandboxes: choose another")
        unused = f" ({path} is not looked at)" if settings.database_url is None and path.exists() else ""
        return _Listed(keys, f"no key of NRDB_DATA_KEY{unused} opens")
    if settings.database_url is None:
        keys = key_file.read(path)
        return _Listed(keys, f"no key in {path} opens" if keys else f"{path} is missing, and nothing else opens")
    if settings.sandbox:
        return _Listed((SANDBOX_KEY,), "NRDB_DATA_KEY is not set, and the published key of sandboxes does not open")
    raise ConfigurationError(
        "NRDB_DATA_KEY is not set: with NRDB_DATABASE_URL it needs a key of 32 or more random visible characters "
        "to seal personal data with; only a sandbox (NRDB_SANDBOX=1) goes without"
    )


def wrap(content: bytes, key: str) -> bytes:
    """The content as bytes that only this key opens."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + _cipher(key).encrypt(nonce, content, _PURPOSE)


def unwrap(wrapped: bytes, key: str) -> bytes | None:
    """The content, or None where it was wrapped with another key."""
    try:
        return _cipher(key).decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], _PURPOSE)
    except InvalidTag:
        return None


def _cipher(key: str) -> AESGCM:
    return AESGCM(HKDF(SHA256(), _KEY_BYTES, salt=None, info=_PURPOSE).derive(key.encode("ascii")))


def _opened(wrapped: bytes, listed: _Listed) -> tuple[bytes, int]:
    """The content and the place of the key that opens it. Raises `ConfigurationError` where none does."""
    for place, key in enumerate(listed.keys):
        content = unwrap(wrapped, key)
        if content is not None:
            return content, place
    raise ConfigurationError(
        f"{listed.refusal} the personal data in this database: give it the key that was in use last, or in "
        "NRDB_DATA_KEY a new one, a comma, and that one"
    )


def _vault(content: bytes) -> Vault:
    return Vault(content[:_KEY_BYTES], content[_KEY_BYTES:])


async def verify_data_key(connection: Connection, settings: Settings) -> None:
    """Refuse keys that do not open what is there, and a lack of keys, before anything is touched.

    The database may be empty or of an older version. Raises `ConfigurationError`.
    """
    listed = _listed(settings)
    if not await connection.fetchval("SELECT to_regclass('data_key') IS NOT NULL"):
        return
    wrapped = await connection.fetchval("SELECT wrapped FROM data_key WHERE id = $1", _ROW)
    if wrapped is not None:
        _opened(wrapped, listed)


async def establish(connection: Connection, settings: Settings) -> Vault:
    """The vault of a migrated database; whoever comes first makes its keys, within the caller's transaction."""
    listed = _listed(settings)
    if await connection.fetchval("SELECT EXISTS (SELECT 1 FROM data_key WHERE id = $1)", _ROW):
        return await open_vault(connection, settings)
    (newest, *_) = listed.keys or key_file.make(key_file.path_of(settings.data_dir))
    await connection.execute(
        "INSERT INTO data_key (id, wrapped, created_at) VALUES ($1, $2, nrdb_now()) ON CONFLICT DO NOTHING",
        _ROW,
        wrap(os.urandom(2 * _KEY_BYTES), newest),
    )
    return await open_vault(connection, settings)


async def open_vault(connection: Connection, settings: Settings) -> Vault:
    """The vault of a database that has been made ready."""
    wrapped = await connection.fetchval("SELECT wrapped FROM data_key WHERE id = $1", _ROW)
    if wrapped is None:
        raise ConfigurationError("this database has no data key yet: start it with `nrdb serve` or `nrdb worker`")
    content, _ = _opened(wrapped, _listed(settings))
    return _vault(content)


async def rotate(connection: Connection, settings: Settings) -> None:
    """Wrap the data key with the newest key where an older one opens it, and say in the log how far it has come."""
    listed = _listed(settings)
    async with connection.transaction():
        wrapped = await connection.fetchval("SELECT wrapped FROM data_key WHERE id = $1 FOR UPDATE", _ROW)
        content, place = _opened(wrapped, listed)
        if place:
            again = wrap(content, listed.keys[0])
            await connection.execute("UPDATE data_key SET wrapped = $2 WHERE id = $1", _ROW, again)
    if place:
        log.info("the data key is wrapped with the first key now: restart every process, then remove the older keys")
    elif len(listed.keys) > 1:
        log.info("the data key is wrapped with the first key; this database does not need the others")
    if SANDBOX_KEY in listed.keys:
        log.warning("personal data are sealed with a published key: a sandbox is no place for real persons")

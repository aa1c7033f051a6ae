"""Signing in through an identity provider: OpenID Connect, authorization code with PKCE.

The provider says who somebody is and in which groups; `NRDB_OIDC_GROUPS` says what each group may do here. A person
gets a row among the keys that no key opens, so that the audit log names who did what, and an administrator can end it.
"""

import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote_plus, urlencode, urlsplit
from uuid import UUID

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from nrdb.audit import Change
from nrdb.console.sessions import end_sessions
from nrdb.db import Connection
from nrdb.providers.keys import Role, create_key
from nrdb.settings import OidcSettings

#: Signatures by keys that only the provider has.
_ALGORITHMS: Final = ["RS256", "PS256", "ES256", "EdDSA"]
_SECONDS: Final = 10
#: Clocks may differ by so many seconds.
_LEEWAY: Final = 60
#: What is used of the provider's description of itself.
_DISCOVERED: Final = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
_ROLES: Final[Mapping[str, Role]] = {"admin": "admin", "operator": "operator"}


class SignInError(Exception):
    """Nobody is signed in; the text says why, for the log: it holds nothing of the person."""


class NoGroupError(SignInError):
    """The provider knows the person, and none of their groups is one of ours, any more perhaps."""

    def __init__(self, subject: str) -> None:
        super().__init__("none of the person's groups is in NRDB_OIDC_GROUPS")
        self.subject = subject


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a browser keeps until it comes back from the provider."""

    state: str
    nonce: str
    verifier: str
    next: str

    @classmethod
    def new(cls, target: str) -> "Attempt":
        """One that nobody can guess."""
        return cls(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48), target)


@dataclass(frozen=True, slots=True)
class Person:
    """Who has signed in, and what they may do."""

    subject: str
    name: str
    role: Role
    codes: tuple[str, ...]


async def address_of_provider(settings: OidcSettings, attempt: Attempt, back: str) -> str:
    """Where the browser goes to sign in. Raises `SignInError` when the provider cannot be asked."""
    found = await _discovered(settings)
    asked = {
        "response_type": "code",
        "client_id": settings.client_id,
        "redirect_uri": back,
        "scope": settings.scope,
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": _challenge(attempt.verifier),
        "code_challenge_method": "S256",
    }
    endpoint = found["authorization_endpoint"]
    return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(asked)}"


async def person_of(settings: OidcSettings, attempt: Attempt, code: str, back: str) -> Person:
    """Who the provider says has signed in. Raises `SignInError` for whatever is not as it must be."""
    found = await _discovered(settings)
    asked = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": attempt.verifier}
    # RFC 6749, 2.3.1: both are encoded as in a form before they become a user and a password.
    by = httpx.BasicAuth(quote_plus(settings.client_id), quote_plus(settings.client_secret.get_secret_value()))
    try:
        async with httpx.AsyncClient(timeout=_SECONDS) as client:
            answer = await client.post(found["token_endpoint"], data=asked, auth=by)
            token = answer.raise_for_status().json()["id_token"]
            keys = (await client.get(found["jwks_uri"])).raise_for_status().json()
        claims = jwt.decode(token, KeySet.import_key_set(keys), _ALGORITHMS).claims
        jwt.JWTClaimsRegistry(
            leeway=_LEEWAY,
            iss={"essential": True, "value": found["issuer"]},
            aud={"essential": True, "value": settings.client_id},
            nonce={"essential": True, "value": attempt.nonce},
            exp={"essential": True},
            sub={"essential": True},
        ).validate(claims)
    except (httpx.HTTPError, JoseError, KeyError, TypeError, ValueError) as error:
        raise SignInError(f"the provider's answer is not what it must be: {type(error).__name__}") from error
    return _person(settings, claims)


def _challenge(verifier: str) -> str:
    """What the provider learns of the verifier beforehand (RFC 7636, S256)."""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


async def _discovered(settings: OidcSettings) -> dict[str, Any]:
    address = f"{settings.issuer.rstrip('/')}/.well-known/openid-configuration"
    try:
        async with httpx.AsyncClient(timeout=_SECONDS) as client:
            found: dict[str, Any] = (await client.get(address)).raise_for_status().json()
        if not all(isinstance(found[name], str) for name in _DISCOVERED):
            raise TypeError
        if found["issuer"] != settings.issuer:
            raise SignInError("the provider calls itself by another name than NRDB_OIDC_ISSUER")
    except (httpx.HTTPError, KeyError, TypeError, ValueError) as error:
        raise SignInError(f"the provider's description cannot be read: {type(error).__name__}") from error
    return found


def _person(settings: OidcSettings, claims: Mapping[str, Any]) -> Person:
    """The best role of all groups, or the codes of all of them. Raises `NoGroupError` where no group is one of ours."""
    said = claims.get(settings.claim)
    groups: Sequence[Any] = said if isinstance(said, list) else [said]
    allowed = [settings.groups[group] for group in groups if isinstance(group, str) and group in settings.groups]
    subject = f"{settings.issuer}#{claims['sub']}"
    if not allowed:
        raise NoGroupError(subject)
    role: Role = next((_ROLES[name] for name in _ROLES if name in allowed), "provider")
    codes = tuple(sorted({code for one in allowed if one not in _ROLES for code in one.split(",")}))
    names = (claims.get(name) for name in ("name", "preferred_username", "email"))
    label = next((name for name in names if isinstance(name, str) and name.strip()), str(claims["sub"]))
    return Person(subject, label[:100], role, codes if role == "provider" else ())


async def sign_out_everywhere(connection: Connection, subject: str) -> None:
    """End the sessions of a person who may do nothing here any more."""
    key_id = await connection.fetchval("SELECT key_id FROM api_key WHERE subject = $1", subject)
    if key_id is not None:
        await end_sessions(connection, key_id)


async def key_of(change: Change, person: Person) -> UUID | None:
    """The row of a person, made or brought up to date. None where an administrator has revoked it.

    Whoever may do something else than last time is signed out where they are signed in.
    """
    shown = {"role": person.role, "codes": list(person.codes), "label": person.name}
    # Two browsers of one person may come back for the first time at once.
    await change.connection.execute("SELECT pg_advisory_xact_lock(hashtext('sign-in'), hashtext($1))", person.subject)
    row = await change.connection.fetchrow(
        "SELECT key_id, role, codes, label, revoked_at FROM api_key WHERE subject = $1 FOR UPDATE", person.subject
    )
    if row is None:
        key_id, _ = await create_key(
            change.connection, role=person.role, codes=person.codes, label=person.name, created_at=change.at
        )
        await change.connection.execute("UPDATE api_key SET subject = $2 WHERE key_id = $1", key_id, person.subject)
        await change.record("key-created", str(key_id), after=shown, reason=f"signed in as {person.subject}")
        return key_id
    if row["revoked_at"] is not None:
        return None
    before = {"role": row["role"], "codes": list(row["codes"]), "label": row["label"]}
    if before != shown:
        await end_sessions(change.connection, row["key_id"])
        await change.connection.execute(
            "UPDATE api_key SET role = $2, codes = $3, label = $4 WHERE key_id = $1",
            row["key_id"],
            person.role,
            list(person.codes),
            person.name,
        )
        await change.record("key-changed", str(row["key_id"]), before=before, after=shown, reason="signed in anew")
    found: UUID = row["key_id"]
    return found

"""What an operator may set, read once from the environment at start.

Every name has the prefix `NRDB_`. A wrong value ends the start with one sentence that names the variable and
what it may be, and never repeats the value: it may be a key or a database password.
"""

import re
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from nrdb.clock import parse_time
from nrdb.errors import ConfigurationError

_PREFIX = "NRDB_"
_KEY = re.compile(r"[\x21-\x7e]{32,512}")
# Commas part data keys, so none stands in one.
_DATA_KEY = re.compile(r"[\x21-\x2b\x2d-\x7e]{32,512}")
_GROUP = re.compile(r"admin|operator|[A-Z0-9]{2,8}(,[A-Z0-9]{2,8})*")
_SCHEMES = {"postgresql", "postgres", "postgresql+asyncpg"}

_wrong = partial(PydanticCustomError, "setting")


def _rfc3339(value: object) -> object:
    """Refuse what pydantic would guess at, such as a bare number read as seconds since 1970."""
    if isinstance(value, datetime):
        return value
    try:
        return parse_time(str(value))
    except ValueError:
        raise _wrong("is not a time with an offset such as 2026-03-02T08:00:00+01:00") from None


def _strong_key(value: SecretStr) -> SecretStr:
    """A key travels in a header, so it is visible ASCII; shorter than 32 it could be guessed."""
    if _KEY.fullmatch(value.get_secret_value()) is None:
        raise _wrong("needs 32 to 512 characters, letters, digits or signs without space")
    return value


def data_keys(text: str) -> tuple[str, ...]:
    """The keys of a list, newest first. Raises `ValueError` with what is right."""
    keys = tuple(text.split(","))
    if not all(map(_DATA_KEY.fullmatch, keys)):
        raise ValueError(
            "needs keys of 32 to 512 visible characters each, newest first, parted by commas without space"
        )
    return keys


def _data_keys(value: SecretStr) -> SecretStr:
    try:
        data_keys(value.get_secret_value())
    except ValueError as error:
        raise _wrong(str(error)) from None
    return value


def _postgres(value: SecretStr) -> SecretStr:
    """Accept the spellings in use for one thing and hand on the one that asyncpg reads."""
    try:
        url = urlsplit(value.get_secret_value())
        _ = url.port
    except ValueError:
        raise _wrong("is not an address that can be read, such as postgresql://user@host:5432/name") from None
    if url.scheme not in _SCHEMES:
        raise _wrong("must begin with postgresql://; no other database is supported")
    return SecretStr(url._replace(scheme="postgresql").geturl())


class OidcSettings(BaseModel):
    """The identity provider through which people sign in to the console."""

    model_config = ConfigDict(frozen=True)

    issuer: str
    client_id: str
    client_secret: SecretStr
    scope: str
    claim: str
    groups: dict[str, str]


def _groups(groups: dict[str, str]) -> dict[str, str]:
    """What each group may do: a role that sees all, or the codes of a provider."""
    if not groups or not all(map(_GROUP.fullmatch, groups.values())):
        raise _wrong('must be JSON such as {"nrdb-admins": "admin", "nrdb-operators": "operator", "porting": "TELIA"}')
    return groups


def _origin(address: str) -> str:
    """The scheme and host by which browsers know the service."""
    try:
        url = urlsplit(address)
        _ = url.port
    except ValueError:
        url = urlsplit("")
    if url.scheme not in {"http", "https"} or not url.netloc or url.path not in {"", "/"} or url.query or url.fragment:
        raise _wrong("must be an address such as https://nrdb.example.no, without a path")
    return f"{url.scheme}://{url.netloc}"


class Settings(BaseSettings):
    """The settings of one process. Frozen: a change means a restart."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    database_url: Annotated[SecretStr, AfterValidator(_postgres)] | None = None
    data_dir: Path = Path(".nrdb")
    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    admin_key: Annotated[SecretStr, AfterValidator(_strong_key)] | None = None
    data_key: Annotated[SecretStr, AfterValidator(_data_keys)] | None = None
    retention_days: Annotated[int, Field(ge=1, le=3650)] = 90
    seed: Literal["norway", "none"] = "none"
    sandbox: bool = False
    sandbox_start: Annotated[AwareDatetime, BeforeValidator(_rfc3339)] | None = None
    pool_size: Annotated[int, Field(ge=2, le=500)] = 10
    inbox_days: Annotated[int, Field(ge=400, le=36500)] = 400
    requests_per_second: Annotated[int, Field(ge=1, le=1_000_000)] = 1000
    streams_per_code: Annotated[int, Field(ge=1, le=10_000)] = 20
    webhook_allow_private: bool | None = None
    log_format: Literal["console", "json"] = "console"
    public_url: Annotated[str, AfterValidator(_origin)] | None = None
    oidc_issuer: Annotated[str, StringConstraints(pattern="^https?://[^ ]+$")] | None = None
    oidc_client_id: str | None = None
    oidc_client_secret: SecretStr | None = None
    oidc_scope: str = "openid profile"
    oidc_claim: str = "groups"
    oidc_groups: Annotated[dict[str, str], AfterValidator(_groups)] | None = None

    @property
    def oidc(self) -> OidcSettings | None:
        """The identity provider, where one is set."""
        if not (self.oidc_issuer and self.oidc_client_id and self.oidc_client_secret and self.oidc_groups):
            return None
        return OidcSettings(
            issuer=self.oidc_issuer,
            client_id=self.oidc_client_id,
            client_secret=self.oidc_client_secret,
            scope=self.oidc_scope,
            claim=self.oidc_claim,
            groups=self.oidc_groups,
        )

    @model_validator(mode="after")
    def _whole_provider(self) -> Self:
        given = [self.oidc_issuer, self.oidc_client_id, self.oidc_client_secret, self.oidc_groups]
        if any(given) and not all(given):
            raise _wrong(
                "an identity provider needs NRDB_OIDC_ISSUER, NRDB_OIDC_CLIENT_ID, NRDB_OIDC_CLIENT_SECRET "
                "and NRDB_OIDC_GROUPS"
            )
        if all(given) and self.public_url is None:
            raise _wrong("with NRDB_OIDC_ISSUER, NRDB_PUBLIC_URL must say where browsers find the service")
        return self

    @property
    def retention(self) -> timedelta:
        """How long personal data are kept after the instant that their retention runs from."""
        return timedelta(days=self.retention_days)

    @property
    def inbox_retention(self) -> timedelta:
        """How long an item stays in an inbox at least; one that is not acknowledged stays longer."""
        return timedelta(days=self.inbox_days)

    @property
    def private_webhooks(self) -> bool:
        """Whether webhooks may go to loopback, link-local and private addresses, and without TLS."""
        return self.sandbox if self.webhook_allow_private is None else self.webhook_allow_private


def _sentence(error: ErrorDetails) -> str:
    """One mistake in words, without the value that was given."""
    text = error["msg"]
    if not error["loc"]:
        return text
    name = _PREFIX + str(error["loc"][0]).upper()
    if error["type"] == "setting":
        return f"{name} {text}"
    return f"{name}: {text[:1].lower()}{text[1:]}"


def load_settings() -> Settings:
    """Read the environment; raises ConfigurationError naming every variable that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        mistakes = error.errors(include_url=False, include_context=False, include_input=False)
        raise ConfigurationError("; ".join(_sentence(mistake) for mistake in mistakes)) from None

"""Settings: what is accepted, and that a wrong value is named but never repeated."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from nrdb.errors import ConfigurationError
from nrdb.settings import Settings, data_keys, load_settings

KEY = "k" * 31 + "!"
DATA_KEY = "d" * 32


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables of whoever runs the tests shall not decide them."""
    for field in Settings.model_fields:
        monkeypatch.delenv(f"NRDB_{field.upper()}", raising=False)


def test_defaults_are_those_of_the_contract() -> None:
    settings = load_settings()
    assert settings.database_url is None
    assert settings.data_dir == Path(".nrdb")
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.admin_key is None
    assert settings.data_key is None
    assert (settings.retention_days, settings.retention) == (90, timedelta(days=90))
    assert settings.seed == "none"
    assert settings.sandbox is False
    assert settings.sandbox_start is None
    assert settings.pool_size == 10
    assert settings.log_format == "console"


def test_every_setting_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "DATABASE_URL": "postgresql+asyncpg://nrdb:secret@db:5433/nrdb?sslmode=require",
        "DATA_DIR": "/var/lib/nrdb",
        "HOST": "::1",
        "PORT": "9000",
        "ADMIN_KEY": KEY,
        "DATA_KEY": f"{DATA_KEY},{KEY}",
        "RETENTION_DAYS": "30",
        "SEED": "norway",
        "SANDBOX": "1",
        "SANDBOX_START": "2026-03-02T08:00:00+01:00",
        "POOL_SIZE": "25",
        "LOG_FORMAT": "json",
    }
    for name, value in given.items():
        monkeypatch.setenv(f"NRDB_{name}", value)
    settings = load_settings()
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == "postgresql://nrdb:secret@db:5433/nrdb?sslmode=require"
    assert settings.data_dir == Path("/var/lib/nrdb")
    assert (settings.host, settings.port) == ("::1", 9000)
    assert settings.admin_key is not None
    assert settings.admin_key.get_secret_value() == KEY
    assert settings.data_key is not None
    assert data_keys(settings.data_key.get_secret_value()) == (DATA_KEY, KEY)
    assert settings.retention == timedelta(days=30)
    assert settings.seed == "norway"
    assert settings.sandbox is True
    assert settings.sandbox_start == datetime(2026, 3, 2, 7, tzinfo=UTC)
    assert settings.pool_size == 25
    assert settings.log_format == "json"


def test_an_empty_variable_counts_as_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NRDB_DATABASE_URL", "")
    monkeypatch.setenv("NRDB_ADMIN_KEY", "")
    settings = load_settings()
    assert (settings.database_url, settings.admin_key) == (None, None)


@pytest.mark.parametrize(
    "url", ["postgres://db/nrdb", "postgresql://db/nrdb", "postgresql://nrdb@/nrdb?host=/run/postgresql"]
)
def test_database_url_is_handed_on_in_the_one_spelling(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("NRDB_DATABASE_URL", url)
    database_url = load_settings().database_url
    assert database_url is not None
    assert database_url.get_secret_value() == url.replace("postgres://", "postgresql://")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://nrdb:hunter2@db/nrdb"),
        ("DATABASE_URL", "hunter2"),
        ("DATABASE_URL", "postgresql://[hunter2/nrdb"),
        ("DATABASE_URL", "postgresql://nrdb:hunter2@db:port/nrdb"),
        ("PORT", "65536"),
        ("PORT", "hunter2"),
        ("ADMIN_KEY", "hunter2" + "x" * 24),
        ("ADMIN_KEY", "hunter2 " + "x" * 32),
        ("DATA_KEY", "hunter2" + "x" * 24),
        ("DATA_KEY", "hunter2" + "x" * 25 + ","),
        ("DATA_KEY", "hunter2" + "x" * 25 + ", " + "y" * 32),
        ("DATA_KEY", "hunter2" + "x" * 25 + ",short"),
        ("DATA_KEY", "hunter2" + "æ" * 32),
        ("DATA_KEY", "hunter2" + "x" * 506),
        ("RETENTION_DAYS", "0"),
        ("RETENTION_DAYS", "3651"),
        ("RETENTION_DAYS", "hunter2"),
        ("SEED", "hunter2"),
        ("SANDBOX", "hunter2"),
        ("SANDBOX_START", "2026-03-02T08:00:00"),
        ("SANDBOX_START", "2026-03-02"),
        ("SANDBOX_START", "2026-02-30T08:00:00Z"),
        ("SANDBOX_START", "1772438400"),
        ("POOL_SIZE", "1"),
        ("LOG_FORMAT", "hunter2"),
    ],
)
def test_a_wrong_value_is_named_and_not_repeated(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"NRDB_{name}", value)
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    text = str(caught.value)
    assert text.startswith(f"NRDB_{name}")
    assert "hunter2" not in text
    assert "\n" not in text


def test_all_wrong_values_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NRDB_PORT", "no")
    monkeypatch.setenv("NRDB_SEED", "sweden")
    with pytest.raises(ConfigurationError, match=r"NRDB_PORT.*; NRDB_SEED"):
        load_settings()


def test_settings_are_frozen_and_print_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NRDB_ADMIN_KEY", KEY)
    monkeypatch.setenv("NRDB_DATA_KEY", DATA_KEY)
    monkeypatch.setenv("NRDB_DATABASE_URL", "postgresql://nrdb:hunter2@db/nrdb")
    settings = load_settings()
    assert KEY not in repr(settings)
    assert DATA_KEY not in repr(settings)
    assert "hunter2" not in repr(settings)
    name = "port"
    with pytest.raises(ValidationError):
        setattr(settings, name, 1)

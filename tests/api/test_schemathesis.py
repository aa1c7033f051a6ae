"""The running service against its own OpenAPI document: no 5xx, and no answer outside the document."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.support.server import Databases, sandbox_settings
from tests.support.service import local, served

from nrdb.app import create_app

DOCUMENT = create_app(sandbox_settings(Path("unused")), "postgresql:///").openapi()
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
#: Each operation is asked so often, with data of its schema and with data beside it.
EXAMPLES = 25


@dataclass(frozen=True)
class Running:
    """The service in a thread of its own, since schemathesis asks and waits."""

    address: str
    keys: dict[str, str]


@pytest.fixture(scope="module")
def running(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One sandbox for all operations."""
    loop = asyncio.new_event_loop()
    up, end = threading.Event(), asyncio.Event()
    addresses: list[str] = []

    async def serve() -> None:
        place = sandbox_settings(tmp_path_factory.mktemp("fuzz"))
        async with databases.sandbox(local("2026-11-23 08:00")) as dsn, served(place, dsn) as address:
            addresses.append(address)
            up.set()
            await end.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert up.wait(20)
    yield Running(addresses[0], databases.keys)
    loop.call_soon_threadsafe(end.set)
    thread.join(20)
    loop.close()


@schemathesis.serializer("application/x-ndjson")
def as_lines(_context: Any, value: Any) -> bytes:
    """A batch of two equal lines."""
    line = orjson.dumps(value, default=str)
    return line + b"\n" + line


@schemathesis.deserializer("application/x-ndjson")
def first_line(_context: Any, response: Any) -> Any:
    """The document describes a line; the first stands for all."""
    return orjson.loads(response.content.split(b"\n")[0])


#: A stream has no end, and nothing else than a stream can be read of it: `test_stream` does.
schema = schemathesis.openapi.from_dict(DOCUMENT).exclude(path="/v1/inbox/stream")


def key_for(case: Any, keys: dict[str, str]) -> str:
    """Whoever may do it."""
    path, method = case.operation.path, case.operation.method.upper()
    if path.startswith("/v1/admin") or path == "/v1/audit" or (path.startswith("/v1/sandbox") and method == "PUT"):
        return keys["ADMIN"]
    return keys["TELIA"]


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_answer_outside_the_document(case: Any, running: Running) -> None:
    headers = {"Authorization": f"Bearer {key_for(case, running.keys)}"}
    if isinstance(waits := case.query.get("wait"), int | float) and 0 <= waits <= 30:
        # Nothing comes meanwhile, and the answer is the same.
        case.query["wait"] = waits / 1000
    response = case.call(base_url=running.address, headers=headers)
    case.validate_response(response, checks=CHECKS)
    assert response.headers["x-request-id"]

"""The console as people see it: a real service, a real Chromium.

    async def test_it(service: Service, page: Watched) -> None:      # eight times: every look
    async def test_it(service: Service, visitors: Visitors) -> None:  # once, with as many people as are wanted
    async def test_it(process: Process, browser: Browser) -> None:    # `nrdb serve` as an operator starts it

One loop serves all tests here, for the browser outlives each of them.
"""

import asyncio
from collections.abc import AsyncIterator
from inspect import iscoroutinefunction
from itertools import product
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect
from tests.support import processes
from tests.support.browser import Locale, Scheme, Visitors, Watched, Width, launch
from tests.support.processes import Process
from tests.support.server import BEGINNING, DATA_KEY, Databases, sandbox_settings
from tests.support.service import Service, local, running
from tests.support.soundness import check_routing

# On a busy machine, pages that ask every two seconds take a while to tell.
expect.set_options(timeout=15_000)
#: A Monday without holidays near it, as in the other tests.
START = "2026-11-23 08:00"
HERE = Path(__file__).parent
#: Both languages, light and dark, telephone and desk.
LOOKS = list(product(("nb-NO", "en-GB"), ("light", "dark"), (390, 1440)))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run these tests in the loop of the browser."""
    for item in items:
        if HERE in item.path.parents and isinstance(item, pytest.Function) and iscoroutinefunction(item.function):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for all tests."""
    async with async_playwright() as playwright:
        started = await launch(playwright)
        yield started
        await started.close()


@pytest_asyncio.fixture(loop_scope="session")
async def service(databases: Databases, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Service]:
    """The same sandbox as everywhere, in the loop of the browser."""
    start = local(getattr(request, "param", START))
    async with (
        databases.sandbox(start) as dsn,
        running(sandbox_settings(tmp_path), dsn, databases.keys) as found,
    ):
        yield found
        await check_routing(found.db)


@pytest_asyncio.fixture(loop_scope="session")
async def process(databases: Databases, tmp_path: Path) -> AsyncIterator[Process]:
    """`nrdb serve` itself, as a program, on the same sandbox; everybody's key is in `databases.keys`."""
    async with databases.sandbox(local(START)) as dsn:
        settings = {"NRDB_DATABASE_URL": dsn, "NRDB_DATA_KEY": DATA_KEY, "NRDB_SANDBOX_START": BEGINNING.isoformat()}
        with processes.process(tmp_path / "data", "serve", **settings) as started:
            await asyncio.to_thread(started.await_address)
            yield started
            await asyncio.to_thread(started.end)


@pytest_asyncio.fixture(loop_scope="session")
async def visitors(service: Service, browser: Browser) -> AsyncIterator[Visitors]:
    """`await visitors.visit(locale, scheme, width)` gives somebody a page of the service.

    The test fails at its end when any page asked another host, wrote an error, or broke its security policy.
    """
    made = Visitors(browser, service.address)
    yield made
    await made.leave()


@pytest_asyncio.fixture(
    loop_scope="session", params=LOOKS, ids=[f"{locale}-{scheme}-{width}" for locale, scheme, width in LOOKS]
)
async def look(request: pytest.FixtureRequest) -> tuple[Locale, Scheme, Width]:
    """Every look, one after the other."""
    found: tuple[Locale, Scheme, Width] = request.param
    return found


@pytest_asyncio.fixture(loop_scope="session")
async def page(visitors: Visitors, look: tuple[Locale, Scheme, Width]) -> Watched:
    """A page in every look: the test runs eight times."""
    return await visitors.visit(*look)

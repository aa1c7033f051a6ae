"""A database server of each test's own, which it may kill."""

from collections.abc import Iterator

import pytest
from tests.support.cluster import OwnPostgres


@pytest.fixture
def postgres() -> Iterator[OwnPostgres]:
    """A PostgreSQL as durable as in production."""
    own = OwnPostgres()
    yield own
    own.end()

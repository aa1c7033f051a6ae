"""Engines from the packages of Debian; without them these tests fail, and say how to install them."""

from collections.abc import Iterator

import pytest
from tests.support.service import Service

from nrdb.engines import make_roles
from nrdb.engines.dns import PowerDNS


@pytest.fixture
def dns(service: Service) -> Iterator[PowerDNS]:
    """A PowerDNS on the database of the test."""
    make_roles(service.dsn)
    with PowerDNS(service.dsn) as engine:
        yield engine

"""Calls by SIP: Kamailio asks PowerDNS, and the call arrives at the gateway of the network that serves the number."""

import asyncio
from collections.abc import Iterator

import pytest
from tests.support.portings import scheduled
from tests.support.service import Service, local

from nrdb.engines import make_roles
from nrdb.engines.dns import PowerDNS
from nrdb.engines.sip import Call, Gateway, Kamailio, call

TEN = local("2026-11-23 10:00")


class Exchange:
    """A Kamailio before two gateways: one that knows the number plan, and that of TELIA's network."""

    def __init__(self, dns: PowerDNS, kamailio: Kamailio, home: Gateway, telia: Gateway) -> None:
        self.dns, self.kamailio, self.home, self.telia = dns, kamailio, home, telia

    async def call(self, number: str) -> Call:
        """A call to a number."""
        return await asyncio.to_thread(call, self.kamailio, number)

    def arrived(self) -> tuple[list[str], list[str]]:
        """The calls that came to each, without the address that they came to."""
        return tuple([uri.split("@")[0] for uri in gateway.calls()] for gateway in (self.home, self.telia))  # type: ignore[return-value]


@pytest.fixture
def exchange(service: Service) -> Iterator[Exchange]:
    make_roles(service.dsn)
    with PowerDNS(service.dsn, port=53) as dns, Gateway() as home, Gateway() as telia:
        ways = {"none": home.address, "+47990010": telia.address, "D0006": telia.address}
        with Kamailio(ways) as kamailio:
            yield Exchange(dns, kamailio, home, telia)


async def test_calls_follow_a_porting(service: Service, exchange: Exchange) -> None:
    await service.case_in("scheduled", main_number="90012345")
    await service.time_passes(TEN.replace(hour=9, minute=59, second=59))
    assert await exchange.call("90012345") == Call(200, done=True)
    assert exchange.arrived() == (["sip:+4790012345;npdi"], [])
    await service.time_passes(TEN)
    assert await exchange.call("90012345") == Call(200, done=True)
    assert exchange.arrived() == (["sip:+4790012345;npdi"], ["sip:+4790012345;npdi;rn=+47990010"])
    assert "90012345" not in exchange.kamailio.log


async def test_other_calls(service: Service, exchange: Exchange) -> None:
    await scheduled(service, "LYSE", "90012345")
    await scheduled(service, "COM4", "90012346")
    await service.clock(TEN)
    for number in ("99999999", "02800", "9001234", "580012345678"):
        assert await exchange.call(number) == Call(404, done=False), number
    assert exchange.arrived() == ([], [])
    assert (await exchange.call("22015001")).done
    assert (await exchange.call("90012345")).done
    assert exchange.arrived() == (["sip:+4722015001;npdi"], ["sip:+4790012345;npdi;rn=D0006;rn-context=+47"])
    # A network that the table of gateways does not have: refused, and the log tells which; not the number.
    assert (await exchange.call("90012346")).status == 503
    assert "no gateway for routing number" in exchange.kamailio.log
    assert "90012346" not in exchange.kamailio.log


async def test_a_call_while_the_name_server_is_away(exchange: Exchange) -> None:
    exchange.dns.stop()
    assert await exchange.call("90012345") == Call(404, done=False)
    exchange.dns.start()
    assert (await exchange.call("90012345")).done
    assert exchange.arrived() == (["sip:+4790012345;npdi"], [])

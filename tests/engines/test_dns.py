"""Numbers by DNS: PowerDNS over the routing table, with the configuration that is shipped (RFC 6116, 4769)."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest
from tests.support.portings import scheduled
from tests.support.service import KARI, Service, local

from nrdb.engines import make_roles
from nrdb.engines.dns import Answer, PowerDNS, tel_uri
from nrdb.routing.store import tel_uri as tel_uri_of

NUMBER = "90012345"
TEN = local("2026-11-23 10:00")


async def same_by_http(service: Service, dns: PowerDNS, number: str) -> str | None:
    """What DNS says of a number, which must be what HTTP says."""
    response = await service.get(f"/routing/{number}")
    by_http = response.json()["tel_uri"] if response.status_code == 200 else None
    by_dns = tel_uri(await asyncio.to_thread(dns.ask, number))
    assert by_dns == by_http, number
    return by_dns


async def test_a_porting_is_answered_from_its_instant_on(service: Service, dns: PowerDNS) -> None:
    await service.case_in("scheduled", main_number=NUMBER)
    assert await same_by_http(service, dns, NUMBER) == f"tel:+47{NUMBER};npdi"
    await service.time_passes(TEN.replace(hour=9, minute=59, second=59))
    assert await same_by_http(service, dns, NUMBER) == f"tel:+47{NUMBER};npdi"
    await service.time_passes(TEN)
    assert await same_by_http(service, dns, NUMBER) == f"tel:+47{NUMBER};npdi;rn=+47990010"


async def test_a_hexadecimal_routing_number_has_its_context(service: Service, dns: PowerDNS) -> None:
    await scheduled(service, "LYSE", "90012345")
    await service.clock(TEN)
    assert await same_by_http(service, dns, NUMBER) == f"tel:+47{NUMBER};npdi;rn=D0006;rn-context=+47"


async def test_numbers_of_all_kinds_are_as_by_http(service: Service, dns: PowerDNS) -> None:
    asked = {
        "22015001": "tel:+4722015001;npdi",
        # A number that the regulator has lent to an emergency network is there, and never ported.
        "59900112": "tel:+4759900112;npdi",
        "580000123456": "tel:+47580000123456;npdi",
        # Nobody serves it: given back with its series, not assigned, not in the plan.
        "45360001": None,
        "02800": None,
        "99999999": None,
        "580012345678": None,
    }
    for number, uri in asked.items():
        assert await same_by_http(service, dns, number) == uri
    right = {"name": "Sparebanken Eksempel AS", "organisation_number": "974760673"}
    response = await service.post(
        "TELIA", "5_IVER", main_number="02800", donor="0", porting_time=TEN.isoformat(), target_number="22000001",
        right_holder=right,
    )  # fmt: skip
    assert response.status_code == 201, response.text
    assert await same_by_http(service, dns, "02800") is None
    await service.clock(TEN)
    assert await same_by_http(service, dns, "02800") == "tel:+4702800;npdi;rn=+47990010"
    assert KARI["name"] not in dns.log


async def test_names_that_are_no_numbers(dns: PowerDNS) -> None:
    def status(name: str, kind: str = "NAPTR") -> tuple[str, int]:
        answer = dns.query(name, kind)
        return answer.status, len(answer.records)

    soa = dns.query("e164.arpa", "SOA")
    assert len(soa.records) == 1
    assert dns.query("e164.arpa", "NS").records == ("ns.e164.arpa.",)
    nothing, denied = ("NOERROR", 0), ("NXDOMAIN", 0)
    # Other types of a number that is there; names between the zone and numbers, which a denial would cut off.
    assert status("5.4.3.2.1.0.0.9.7.4.e164.arpa", "A") == nothing
    for prefix in ("4", "47", "479", "47900123", "4702", "4758000012345"[:9]):
        expected = denied if prefix == "4702" else nothing
        assert status(f"{'.'.join(reversed(prefix))}.e164.arpa") == expected, prefix
    for name in (
        "6.4.e164.arpa", "1.5.4.3.2.1.0.0.9.7.4.e164.arpa", "9.9.9.9.4.3.2.1.0.0.9.7.4.e164.arpa",
        "1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.7.4.e164.arpa", "*.7.4.e164.arpa", "*.4.3.2.1.0.0.9.7.4.e164.arpa",
        "x.7.4.e164.arpa", "54.3.2.1.0.0.9.7.4.e164.arpa", "5.4.3.x.2.1.0.0.9.7.4.e164.arpa", "a\\.b.e164.arpa",
    ):  # fmt: skip
        assert status(name) == denied, name
    assert status("5.4.3.2.1.0.0.9.7.4.E164.ARPA") == ("NOERROR", 1)
    assert status("5.4.3.2.1.0.0.9.7.4.example.net") == ("REFUSED", 0)
    # What is not there may not be kept: the last number of the SOA is for how long (RFC 2308).
    for answer in (dns.ask("99999999"), dns.ask(NUMBER, "A")):
        assert len(answer.authority) == 1
        assert answer.authority[0].endswith(" 0"), answer


async def test_another_zone(service: Service) -> None:
    make_roles(service.dsn)
    with PowerDNS(service.dsn, zone="enum.example.net") as private, PowerDNS(service.dsn, zone="7.4.e164.arpa") as own:
        assert tel_uri(private.ask(NUMBER)) == f"tel:+47{NUMBER};npdi"
        assert private.query("5.4.3.2.1.0.0.9.7.4.e164.arpa", "NAPTR").status == "REFUSED"
        # The zone of a country code: the same names, without what lies above.
        assert tel_uri(own.query("5.4.3.2.1.0.0.9.7.4.e164.arpa", "NAPTR")) == f"tel:+47{NUMBER};npdi"
        assert own.query("6.4.e164.arpa", "NAPTR").status == "REFUSED"


async def test_answers_may_be_kept_until_the_next_change_at_most(service: Service) -> None:
    """A database that is no sandbox, whose clock is the machine's."""

    async def ttl(name: str) -> int:
        found: int = await service.db.fetchval("SELECT ttl FROM enum.records($1)", f"{name}.e164.arpa")
        return found

    await scheduled(service, "TELIA", NUMBER)
    ported, other = "5.4.3.2.1.0.0.9.7.4", "1.0.0.5.1.0.2.2.7.4"
    assert (await ttl(ported), await ttl(other)) == (0, 0)
    undo = service.db.transaction()
    await undo.start()
    try:
        await service.db.execute("UPDATE world SET sandbox = false, sandbox_now = NULL")
        # Whatever the day is, the row that ends is the one of today: the sandbox's days pass, too.
        shift = """UPDATE routing SET valid_from = CASE WHEN valid_until < 'infinity' THEN valid_from ELSE soon END,
                                      valid_until = CASE WHEN valid_until < 'infinity' THEN soon ELSE valid_until END
                     FROM (SELECT clock_timestamp() + $1::interval AS soon) AS _
                    WHERE removed_at = 'infinity' AND first IN
                          (SELECT first FROM routing WHERE valid_until < 'infinity' AND removed_at = 'infinity')"""
        await service.db.execute(shift, timedelta(seconds=40))
        assert 20 <= await ttl(ported) < 40
        await service.db.execute(shift, timedelta(hours=1))
        assert await ttl(ported) == 60
        assert await ttl(other) == 60
    finally:
        await undo.rollback()


async def test_its_role_reads_nothing_else(service: Service) -> None:
    make_roles(service.dsn)
    tables = [name for (name,) in await service.db.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    assert {"routing", "cases", "message_log", "provider", "api_key"} <= set(tables)
    connection = await asyncpg.connect(service.dsn.replace("//nrdb@", "//nrdb_dns@"))
    try:
        assert len(await connection.fetch("SELECT * FROM enum.records('e164.arpa')")) == 2
        for statement in (
            *(f"SELECT 1 FROM {table}" for table in tables), "SELECT enum.leads_on('47', now())", "SELECT nrdb_now()",
            "SELECT routing_of(4790012345, 4790012345)", "CREATE TABLE public.mine ()", "CREATE TABLE enum.mine ()",
        ):  # fmt: skip
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
        # Functions of its own making cannot step in for those that the answer calls.
        await connection.execute(
            "CREATE FUNCTION pg_temp.nrdb_now() RETURNS timestamptz LANGUAGE sql AS $$ SELECT NULL::timestamptz $$"
        )
        await connection.execute("CREATE TEMPORARY TABLE routing (put_seq bigint)")
        assert len(await connection.fetch("SELECT * FROM enum.records('5.4.3.2.1.0.0.9.7.4.e164.arpa')")) == 1
    finally:
        await connection.close()


@pytest.mark.parametrize(("ported", "routing_number"), [
    (False, None), (False, "+47990010"), (True, None), (True, "+47990010"), (True, "D0006"), (True, "0123"),
])  # fmt: skip
async def test_one_form_of_the_uri(service: Service, ported: bool, routing_number: str | None) -> None:
    found = await service.db.fetchval("SELECT enum.tel_uri(4790012345, $1, $2)", ported, routing_number)
    assert found == tel_uri_of(4790012345, routing_number if ported else None)


def test_an_answer_of_another_shape_is_no_number() -> None:
    with pytest.raises(ValueError, match="not the record"):
        tel_uri(Answer("NOERROR", ('10 100 "u" "E2U+sip" "!^.*$!sip:x!" .',), (0,), ()))

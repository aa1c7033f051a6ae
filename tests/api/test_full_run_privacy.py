"""A whole run of a real process, in which persons are named in every way that the API knows: nobody finds them.

Everything that anybody is answered passes `Watch`: problems hold none of the words, and neither does anything that is
read by who is no party. At the end the database, the logs and the metrics are searched; and after the retention the
parties themselves read null, while cases, history and log remain.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
from tests.support.processes import Process, bearer, client_of, process
from tests.support.search import find_in_database
from tests.support.server import ADMIN_KEY, DATA_KEY, Databases
from tests.support.service import order_fields

NUMBER, SECOND, FIVE = "90012345", "90012346", "02800"
TARGET = "22000001"


def organisation(digits: str) -> str:
    """A number that is valid, from its first eight digits."""
    rest = 11 - sum(int(digit) * weight for digit, weight in zip(digits, (3, 2, 7, 6, 5, 4, 3, 2), strict=True)) % 11
    assert rest != 10, "these digits have no check digit"
    return f"{digits}{rest % 11}"


PERSON = {"name": "Åse Frydenlund", "birth_date": "1971-07-13"}
CHANGED = {"name": "Torbjørg Østmo", "birth_date": "1944-11-29"}
FIRM = {"name": "Kvernelva Sagbruk AS", "organisation_number": organisation("81273645")}
BANK = {"name": "Sparekassen Storfossen", "organisation_number": organisation("83462510")}
TAXI = {"name": "Drosjelaget Nattugla", "organisation_number": organisation("87150362")}
EXPECTED = {"name": "Synnøve Solbakken-Lie", "birth_date": "19680229"}
REFERENCE = "fullmakt-kverulant-7712"
COMMENTS = ("ring på den grønne klokka", "bikkja heter Passopp", "nøkkelen ligger under matta")
MALFORMED = "Hjørdis Fornebo"
WORDS = (
    *(str(value) for who in (PERSON, CHANGED, FIRM, BANK, TAXI, EXPECTED) for value in who.values()),
    "19710713", "19441129", "1968-02-29", REFERENCE, *COMMENTS, MALFORMED,
)  # fmt: skip
#: The one thing of a right of use that operators and admins may read (contract section 7).
ORGANISATIONS = (BANK["organisation_number"], TAXI["organisation_number"])


def held(text: str, words: tuple[str, ...] = WORDS) -> list[str]:
    """Which of the words stand in the text, however JSON spells them."""
    spelled = text.casefold()
    return [
        word for word in words if word.casefold() in spelled or json.dumps(word)[1:-1].casefold() in spelled
    ]  # fmt: skip


class Watch:
    """Everybody's client. It looks into each answer for what must not stand there."""

    def __init__(self, client: httpx.Client, keys: Mapping[str, str]) -> None:
        self._client = client
        self._keys = {**keys, "ADMIN": ADMIN_KEY}
        self.problems: set[str] = set()

    def ask(self, who: str, method: str, path: str, **more: Any) -> httpx.Response:
        """A request. A problem, of a message, a line or a check, names nobody."""
        headers = {**bearer(self._keys[who]), **more.pop("headers", {})}
        reply = self._client.request(method, f"/v1{path}", headers=headers, **more)
        assert reply.status_code < 500, reply.text
        for document in self._problems(reply):
            assert held(json.dumps(document, ensure_ascii=False)) == [], document
            self.problems.add(document["code"])
        return reply

    def _problems(self, reply: httpx.Response) -> Iterator[dict[str, Any]]:
        kind = reply.headers.get("content-type", "")
        if "problem" in kind:
            yield reply.json()
        elif "ndjson" in kind and "batch" in str(reply.url):
            yield from (line for line in map(json.loads, reply.text.splitlines()) if "code" in line)
        elif str(reply.url).endswith("/check") and reply.json()["status"] >= 400:
            yield reply.json()["answer"]

    def read(self, who: str, path: str, **params: Any) -> Any:
        """A GET that must succeed."""
        reply = self.ask(who, "GET", path, params=params)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def post(self, who: str, kind: str, status: int | str = 201, **fields: Any) -> dict[str, Any]:
        """A message, by itself, and before that asked for; a refusal must have the code."""
        message = {"type": kind, "message_id": str(uuid4()), "sender": who, **fields}
        checked = self.ask(who, "POST", "/messages/check", json=message).json()
        reply = self.ask(who, "POST", "/messages", json=message)
        body: dict[str, Any] = reply.json()
        assert (body.get("code") or reply.status_code) == status, reply.text
        assert checked["status"] == reply.status_code
        return {**body, "sent": message}

    def admin(self, method: str, path: str, body: Any) -> Any:
        """What an administrator does; nobody's name is told in the answer."""
        reply = self.ask("ADMIN", method, path, json=body)
        assert reply.is_success, reply.text
        assert [word for word in held(reply.text) if word not in ORGANISATIONS] == []
        return reply.json()

    def clock(self, at: str) -> None:
        """The sandbox clock moves."""
        self.admin("PUT", "/sandbox/clock", {"now": at})

    def strangers_find_nothing(self, parties: tuple[str, ...] = ("TELIA", "TELENOR")) -> None:
        """Everything that can be read by who is no party of any case; a cell of every list."""
        for code in self._keys:
            if code not in (*parties, "ADMIN", "OPERATOR"):
                for path in (f"/inbox?after=0&limit=1000&code={code}", "/cases?limit=1000", "/reports/overdue"):
                    assert held(self.ask(code, "GET", path).text) == [], (code, path)
        cases = self.read("OPERATOR", "/cases", limit=1000)["items"]
        days = "from=2026-11-23&to=2026-11-30"
        paths = [
            *(f"/cases/{case['case_id']}{more}" for case in cases for more in ("", "/history")),
            *(f"/inbox?after=0&limit=1000&code={code}" for code in ("TELIA", "TELENOR", "LYSE")),
            "/cases?limit=1000", "/audit?limit=1000", "/reports/overdue", f"/reports/daily?{days}",
            f"/reports/caps?{days}", "/reports/terminations", "/reports/majority", "/reports/delivery",
            "/reports/skipped", "/providers", f"/routing/{FIVE}", "/routing/changes?after=0", "/rules",
            "/admin/planned-changes",
        ]  # fmt: skip
        for who in ("OPERATOR", "ADMIN"):
            for path in paths:
                for kind in ("application/json", "text/csv"):
                    reply = self.ask(who, "GET", path, headers={"Accept": kind})
                    assert held(reply.text) == [], (who, path, reply.text)
        assert held(self._client.get("/metrics").text) == []


@contextmanager
def watched(serve: Process) -> Iterator[Watch]:
    with client_of(serve) as client:
        yield Watch(client, serve.keys())


def order(**fields: Any) -> dict[str, Any]:
    return order_fields(**{"authorisation_reference": REFERENCE, "customer": PERSON, **fields})


def a_porting(watch: Watch) -> str:
    """Ordered, changed, refused by nobody, executed, remarked on; its answer and replay are its parties' alone."""
    first = watch.post("TELIA", "NP_BEST", **order())
    case = first["case"]["case_id"]
    assert first["case"]["customer"] == PERSON
    again = watch.ask("TELIA", "POST", "/messages", json=first["sent"])
    assert (again.status_code, again.json()["case"]["customer"]) == (200, PERSON)
    other = {**first["sent"], "customer": CHANGED}
    assert watch.ask("TELIA", "POST", "/messages", json=other).json()["code"] == "duplicate-message"
    watch.post("TELIA", "NP_ENDR", case_id=case, customer=CHANGED)
    watch.post("TELENOR", "NP_GODK", case_id=case)
    watch.post("TELIA", "NP_IVER", case_id=case)
    watch.post("LYSE", "NP_FIVE", case_id=case, comment=COMMENTS[0])
    watch.post("TELIA", "NP_ENDR", "case-state", case_id=case, customer=FIRM)
    inbox = watch.read("TELENOR", "/inbox", after=0)["items"]
    assert [item["message"].get("customer") for item in inbox][:2] == [PERSON, CHANGED]
    return str(case)


def a_refusal(watch: Watch) -> str:
    """Everything that NP_FBES may say of the right owner, and may not."""
    case = watch.post("TELIA", "NP_BEST", **order(main_number=SECOND, customer=FIRM))["case"]["case_id"]
    told = {"case_id": case, "reason": "owner-mismatch"}
    watch.post("TELENOR", "NP_FBES", "expected-value-missing", **told, expected={"name": EXPECTED["name"]})
    firm = {"name": EXPECTED["name"], "organisation_number": FIRM["organisation_number"]}
    watch.post("TELENOR", "NP_FBES", "reason-not-permitted", **told, expected=firm)
    secret = {**told, "secret_number": True}
    watch.post("TELENOR", "NP_FBES", "secret-number-disclosed", **secret, expected=EXPECTED)
    watch.post("TELENOR", "NP_FBES", "secret-number-disclosed", **secret, comment=COMMENTS[1])
    watch.post("LYSE", "NP_FBES", "unknown-case", **told, comment=COMMENTS[1])
    watch.post("TELENOR", "NP_FBES", **told, expected=EXPECTED, comment=COMMENTS[1])
    seen = watch.read("TELIA", "/inbox", after=0)["items"][-1]["message"]
    assert (seen["expected"]["birth_date"], seen["comment"]) == (EXPECTED["birth_date"], COMMENTS[1])
    return str(case)


def refused_orders(watch: Watch) -> None:
    """A message that is refused by a rule of each kind: number plan, parties, cap, time."""
    for code, fields in (
        ("number-unknown", {"main_number": "11111111"}),
        ("number-not-portable", {"main_number": "59900001"}),
        ("five-digit-message-required", {"main_number": FIVE}),
        ("number-type-mismatch", {"main_number": "22000000", "number_type": "T"}),
        ("mixed-number-classes", {"number_type": "T", "additional_numbers": ["22000000"]}),
        ("duplicate-number", {"number_type": "T", "additional_numbers": [NUMBER]}),
        ("block-too-large", {"number_type": "S", "series": [{"first": "90020000", "last": "90030000"}]}),
        ("donor-not-holder", {"main_number": "90012399", "donor": "LYSE"}),
        ("recipient-is-donor", {"main_number": "40000001", "donor": "TELIA"}),
        ("number-in-open-case", {}),
        ("porting-time-too-early", {"main_number": "90012399", "porting_time": "2026-11-23T08:34:59+01:00"}),
        ("porting-time-too-late", {"main_number": "90012399", "porting_time": "2027-11-23T08:00:00+01:00"}),
    ):
        watch.post("TELIA", "NP_BEST", code, **order(**fields))
    watch.admin("PUT", "/admin/caps/TELIA/2026-11-24", {"limit": 0, "reason": "a test"})
    late = order(main_number="90012399", porting_time="2026-11-24T10:00:00+01:00")
    watch.post("TELIA", "NP_BEST", "daily-cap-exceeded", **late)
    foreign = {"type": "NP_BEST", "message_id": str(uuid4()), "sender": "LYSE", **order()}
    assert watch.ask("TELIA", "POST", "/messages", json=foreign).status_code == 403


def wrong_forms(watch: Watch) -> None:
    """Names where they do not belong: values of every field, names of fields, types, paths, queries, broken JSON."""
    whole = {"type": "NP_BEST", "message_id": str(uuid4()), "sender": "TELIA", **order()}
    forms: list[Any] = [{**whole, field: MALFORMED} for field in whole if field != "authorisation_reference"]
    forms += [{**whole, name: 1} for name in (MALFORMED, PERSON["birth_date"], BANK["organisation_number"], REFERENCE)]
    forms += [
        {**whole, "customer": {**PERSON, MALFORMED: 1}}, {**whole, "customer": {**PERSON, **FIRM}},
        {**whole, "customer": {"name": MALFORMED}}, {**whole, "customer": {**PERSON, "birth_date": "19710713"}},
        {**whole, "customer": {**PERSON, "birth_date": "1971-07-13 "}}, {**whole, "customer": [PERSON]},
        {**whole, "customer": {"name": MALFORMED, "organisation_number": FIRM["organisation_number"][::-1]}},
        {**whole, "authorisation_reference": MALFORMED * 10}, {**whole, "series": [{MALFORMED: PERSON}]},
        {"name": MALFORMED, "customer": PERSON}, [whole], MALFORMED, {**whole, "type": "NP_FBES", "expected": EXPECTED},
    ]  # fmt: skip
    for form in forms:
        for language in ("en", "nb"):
            reply = watch.ask("TELIA", "POST", "/messages", json=form, headers={"Accept-Language": language})
            assert reply.status_code in (422, 403), (form, reply.text)
    torn = json.dumps(whole, ensure_ascii=False).encode()[:-20]
    headers = {"Content-Type": "application/json"}
    assert watch.ask("TELIA", "POST", "/messages", content=torn, headers=headers).status_code == 400
    for path in ("/cases/{}", "/messages/{}", "/routing/{}", "/portability/{}", "/five-digit/{}/right-holder", "/{}"):
        assert watch.ask("TELIA", "GET", path.format(MALFORMED)).status_code in (404, 422)
    for path in ("/cases", "/inbox", "/series", "/audit", "/calendar", "/reports/daily", "/reports/caps"):
        for name in ("number", "code", "after", "from", "day", "state"):
            watch.ask("OPERATOR", "GET", path, params={name: MALFORMED})
    slots = {"type": "NP_BEST", "numbers": [MALFORMED], "donor": MALFORMED, "recipient": "TELIA", MALFORMED: PERSON}
    assert watch.ask("TELIA", "POST", "/slots", json=slots).status_code == 422
    for method, path in (
        ("PUT", f"/admin/five-digit/{FIVE}/right-holder"), ("POST", "/admin/series"), ("POST", "/admin/providers"),
        ("POST", "/admin/provider-codes/TELIA/transfer"), ("PUT", "/admin/caps/TELIA/2026-11-24"),
    ):  # fmt: skip
        body = {"organisation_number": MALFORMED, "name": PERSON, MALFORMED: BANK}
        assert watch.ask("ADMIN", method, path, json=body).status_code == 422


def a_batch(watch: Watch) -> None:
    """Lines that are accepted, refused, wrong, torn and replayed, with names in all of them."""
    good = {"type": "NP_BEST", "message_id": str(uuid4()), "sender": "TELIA", **order(main_number="90012350")}
    wrong: list[Any] = [
        good,
        {**good, "message_id": str(uuid4()), "customer": CHANGED},
        {**good, "customer": FIRM},
        {**good, "customer": MALFORMED, MALFORMED: EXPECTED},
        {**good, "message_id": str(uuid4()), "sender": "LYSE"},
        good,
    ]
    lines = [json.dumps(message, ensure_ascii=False).encode() for message in wrong]
    lines += [MALFORMED.encode(), lines[0][:-7]]
    headers = {"Content-Type": "application/x-ndjson"}
    reply = watch.ask("TELIA", "POST", "/messages/batch", content=b"\n".join(lines), headers=headers)
    statuses = [json.loads(line)["status"] for line in reply.text.splitlines()]
    assert statuses == [201, 409, 409, 422, 403, 200, 400, 400]


def five_digits(watch: Watch) -> None:
    """A right of use that is granted, contested, passed on and given up."""
    path = f"/admin/five-digit/{FIVE}/right-holder"
    grant = {**BANK, "reason": "granted by Nkom"}
    watch.admin("PUT", f"{path}?dry_run=true", grant)
    watch.admin("PUT", path, grant)
    order5: dict[str, Any] = {
        "main_number": FIVE, "donor": "0", "porting_time": "2026-11-23T09:00:00+01:00", "target_number": TARGET,
    }  # fmt: skip
    watch.post("TELIA", "5_IVER", "right-holder-differs", **order5, right_holder=TAXI)
    watch.post("TELIA", "5_IVER", "donor-must-be-nkom", **{**order5, "donor": "TELENOR"}, right_holder=BANK)
    watch.post("TELIA", "5_IVER", **order5, right_holder=BANK)
    assert watch.read("TELIA", f"/five-digit/{FIVE}/right-holder")["name"] == BANK["name"]
    watch.clock("2026-11-23T09:00:00+01:00")
    moved = {**order5, "donor": "TELIA", "porting_time": "2026-11-23T09:35:00+01:00"}
    watch.post("TELENOR", "5_IVER", "right-holder-differs", **moved, right_holder=TAXI)
    watch.admin("PUT", path, {**TAXI, "reason": "consent of Nkom"})
    watch.post("TELENOR", "5_IVER", **moved, right_holder=TAXI)
    assert watch.read("TELIA", "/inbox", after=0)["items"][-1]["message"]["right_holder"] == TAXI
    for who in ("OPERATOR", "ADMIN"):
        assert watch.read(who, f"/five-digit/{FIVE}/right-holder")["name"] is None
    assert watch.ask("LYSE", "GET", f"/five-digit/{FIVE}/right-holder").status_code == 404
    watch.clock("2026-11-23T10:00:00+01:00")
    end = "2026-11-24T12:00:00+01:00"
    watch.post("TELENOR", "5_OPPS", main_number=FIVE, termination_time=end)


def a_termination(watch: Watch) -> None:
    """The ported number is to go back, and its range holder objects with a comment."""
    end = "2026-11-24T13:00:00+01:00"
    case = watch.post("TELIA", "NP_OPPS", main_number=NUMBER, termination_time=end)["case"]["case_id"]
    watch.post("TELENOR", "NP_FOPS", case_id=case, reason="other", comment=COMMENTS[2])
    assert watch.read("TELIA", "/inbox", after=0)["items"][-1]["message"]["comment"] == COMMENTS[2]
    watch.post("TELENOR", "NP_FOPS", "case-state", case_id=case, reason="other", comment=COMMENTS[2])


def parties_read_null(watch: Watch) -> None:
    """After the retention nobody is named to the parties either, in no way of reading."""
    for code in ("TELIA", "TELENOR"):
        items = watch.read(code, "/inbox", after=0, limit=1000)["items"]
        assert items
        for item in items:
            again = watch.read(code, f"/messages/{item['message']['message_id']}")
            for message in (item["message"], again):
                shown = {message.get(name) for name in ("expected", "comment", "authorisation_reference")}
                assert shown == {None}, message
                assert message.get("customer") is None
                assert message.get("right_holder") is None
        cases = watch.read(code, "/cases", limit=1000)["items"]
        assert {case["customer"] for case in cases} == {None}
        for case in cases:
            assert held(json.dumps(watch.read(code, f"/cases/{case['case_id']}/history"), ensure_ascii=False)) == []
        assert watch.ask(code, "GET", f"/five-digit/{FIVE}/right-holder").status_code == 404


async def counted(db: asyncpg.Connection) -> dict[str, int]:
    """What is kept for ever."""
    return {
        table: await db.fetchval(f"SELECT count(*) FROM {table}")
        for table in ("cases", "message_log", "inbox", "refusal")
    }


async def test_nobody_is_found_who_is_no_party(databases: Databases, tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    settings = {"NRDB_DATA_KEY": DATA_KEY}
    async with databases.empty() as dsn:
        db = await asyncpg.connect(dsn)
        with process(data_dir, "serve", NRDB_DATABASE_URL=dsn, **settings) as serve:
            serve.await_address()
            with watched(serve) as watch:
                ported, rejected = a_porting(watch), a_refusal(watch)
                refused_orders(watch)
                wrong_forms(watch)
                a_batch(watch)
                watch.strangers_find_nothing()
                five_digits(watch)
                a_termination(watch)
                watch.strangers_find_nothing()
                assert await find_in_database(db, WORDS) == []
                kept = await counted(db)
                sealed = await db.fetchval("SELECT count(sealed) FROM message_log")
                assert sealed >= 9
                assert {"invalid-message", "not-json", "daily-cap-exceeded", "right-holder-differs"} <= watch.problems

                # The number was given back on the 24th; 90 days after that, not a second before, all of it is gone.
                last = datetime.fromisoformat("2026-11-24T12:00:00+01:00") + timedelta(days=90)
                watch.clock((last - timedelta(seconds=1)).isoformat())
                assert await db.fetchval("SELECT count(*) FROM right_of_use WHERE sealed IS NOT NULL") == 1
                watch.clock(last.isoformat())
                watch.clock((last + timedelta(days=2)).isoformat())
                assert await db.fetchval("SELECT count(sealed) FROM message_log") == 0
                assert await db.fetchval("SELECT count(sealed) FROM right_of_use") == 0
                parties_read_null(watch)
                watch.strangers_find_nothing()
                after = await counted(db)
                assert {table: after[table] >= count for table, count in kept.items()} == dict.fromkeys(kept, True)
                states = [watch.read("TELIA", f"/cases/{case}")["state"] for case in (ported, rejected)]
                assert states == ["awaiting_completion", "rejected"]
            assert serve.end()[0] == 0
        log = serve.log_path.read_text()
        assert log.count('"request"') > 50
        assert held(log + "".join(serve.said)) == []
        assert await find_in_database(db, WORDS) == []
        # A control: the same search finds what leaks, in a place where nobody would look.
        assert held('{"event": "request", "route": "/v1/cases/Åse Frydenlund"}') == ["Åse Frydenlund"]
        await db.execute("UPDATE audit SET reason = $1 WHERE id = (SELECT max(id) FROM audit)", f"for {MALFORMED} only")
        assert await find_in_database(db, WORDS) == [f"audit.reason: {MALFORMED}"]
        await db.close()

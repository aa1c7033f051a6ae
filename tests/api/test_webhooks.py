"""Webhooks as providers set and see them, over HTTP. What is posted is in the tests of delivery and failures."""

import asyncio
from typing import Any

import pytest
import standardwebhooks
from tests.support.hooks import hook
from tests.support.service import Service

URL = "http://127.0.0.1:9/hook"


async def put(service: Service, who: str = "TELENOR", **form: Any) -> dict[str, Any]:
    response = await service.send("PUT", "/webhook", who, {"url": URL, **form})
    assert response.is_success, response.text
    return {"status_code": response.status_code, **response.json()}


async def test_a_new_webhook_shows_its_secret_this_once(service: Service) -> None:
    made = await put(service)
    assert made["status_code"] == 201
    assert made["secret"].startswith("whsec_")
    seen = await service.read("/webhook", "TELENOR")
    assert seen == {name: value for name, value in made.items() if name not in {"secret", "status_code"}}
    assert seen == {
        "code": "TELENOR", "url": URL, "types": None, "position": 0, "pending": 0, "state": "on",
        "created_at": seen["created_at"], "delivered_at": None, "failing_since": None, "attempts": 0,
        "next_attempt_at": None, "last_attempt": None, "skipped": 0, "old_secret_until": None,
    }  # fmt: skip
    again = await put(service, url=URL + "/other", types=["NP_BEST", "NOTICE", "NP_BEST"])
    assert again["status_code"] == 200
    assert "secret" not in again
    assert (again["url"], again["types"], again["created_at"]) == (
        URL + "/other", ["NOTICE", "NP_BEST"], seen["created_at"],
    )  # fmt: skip


async def test_no_secret_stands_in_the_open(service: Service) -> None:
    made = await put(service)
    rotated = (await service.send("POST", "/webhook/secret", "TELENOR", None)).json()
    dump = str(await service.dump())
    for secret in (made["secret"], rotated["secret"]):
        assert secret.removeprefix("whsec_") not in dump


async def test_where_it_begins(service: Service) -> None:
    """Where the code has acknowledged, like the other ways of reading; or where it is told to."""
    for n in range(4):
        await service.ordered(main_number=f"9001234{n}")
    seqs = [item["seq"] for item in await service.inbox("TELENOR")]
    await service.send("POST", "/inbox/ack", "TELENOR", {"through": seqs[1]})
    made = await put(service)
    assert (made["position"], made["pending"]) == (seqs[1], 2)
    # Acknowledging moves it no more, and neither does setting it again.
    await service.send("POST", "/inbox/ack", "TELENOR", {"through": seqs[2]})
    assert (await put(service, types=["NP_BEST"]))["position"] == seqs[1]
    assert (await put(service, types=["NP_GODK"]))["pending"] == 0
    assert (await put(service, after=0))["pending"] == 4
    assert (await put(service, after=seqs[3]))["pending"] == 0
    async with service.unchanged():
        response = await service.send("PUT", "/webhook", "TELENOR", {"url": URL, "after": seqs[3] + 1})
        service.refused(response, "invalid-message")
        assert response.json()["errors"][0]["pointer"] == "/after"


async def test_a_position_that_is_gone(service: Service) -> None:
    for n in range(2):
        await service.ordered(main_number=f"9001234{n}")
    first, second = [item["seq"] for item in await service.inbox("TELENOR")]
    await put(service, after=0)
    await service.db.execute("INSERT INTO inbox_ack (code, through, gone_through) VALUES ('TELENOR', $1, $1)", first)
    await service.db.execute("DELETE FROM inbox WHERE to_code = 'TELENOR' AND seq = $1", first)
    async with service.unchanged():
        response = await service.send("PUT", "/webhook", "TELENOR", {"url": URL, "after": 0})
        assert service.refused(response, "position-gone", status=410)["oldest"] == second
    # One that had stopped further back goes on from what there is.
    assert (await put(service))["position"] == first


@pytest.mark.parametrize(
    ("form", "pointer"),
    [
        ({}, "/url"),
        ({"url": ""}, "/url"),
        ({"url": URL, "types": []}, "/types"),
        ({"url": URL, "types": ["NP_BETS"]}, "/types/0"),
        ({"url": URL, "after": -1}, "/after"),
        ({"url": URL, "after": "0"}, "/after"),
        ({"url": URL, "secret": "whsec_x"}, "/secret"),
    ],
)
async def test_wrong_forms(service: Service, form: dict[str, Any], pointer: str) -> None:
    async with service.unchanged():
        response = await service.send("PUT", "/webhook", "TELENOR", form)
        service.refused(response, "invalid-message")
        assert [error["pointer"] for error in response.json()["errors"]] == [pointer]


async def test_who_may(service: Service) -> None:
    """A provider its own; operators and administrators look."""
    await put(service)
    for who in ("OPERATOR", "ADMIN"):
        assert (await service.read("/webhook", who, code="TELENOR"))["url"] == URL
        assert await service.read("/webhook/attempts", who, code="TELENOR") == {"items": [], "next": None}
        for method, path in (("PUT", ""), ("DELETE", ""), ("POST", "/secret"), ("POST", "/test")):
            response = await service.send(
                method, f"/webhook{path}?code=TELENOR", who, {"url": URL} if path == "" else None
            )
            service.refused(response, "role-not-permitted-here", status=403)
    service.refused(await service.get("/webhook", "TELIA", code="TELENOR"), "sender-not-yours", status=403)
    async with service.unchanged():
        response = await service.send("DELETE", "/webhook?code=TELENOR", "TELIA", None)
        service.refused(response, "sender-not-yours", status=403)


async def test_without_one(service: Service) -> None:
    service.refused(await service.get("/webhook", "TELENOR"), "not-found", status=404)
    for method, path in (("DELETE", ""), ("POST", "/secret"), ("POST", "/test")):
        service.refused(await service.send(method, f"/webhook{path}", "TELENOR", None), "not-found", status=404)
    await put(service)
    assert (await service.send("DELETE", "/webhook", "TELENOR", None)).status_code == 204
    service.refused(await service.send("DELETE", "/webhook", "TELENOR", None), "not-found", status=404)
    assert (await put(service))["status_code"] == 201


async def test_the_audit_log_names_who_redirects_what(service: Service) -> None:
    """With the host only: the rest of an address may be as good as a key."""
    await put(service, url="http://127.0.0.1:9/token-of-telenor")
    await put(service, url="http://127.0.0.1:9/token-of-telenor")
    await put(service, url="http://localhost:9/another-token", types=["NOTICE"])
    await service.send("POST", "/webhook/secret", "TELENOR", None)
    await service.send("DELETE", "/webhook", "TELENOR", None)
    lines = [
        line for line in (await service.read("/audit", "ADMIN", limit=1000))["items"] if "webhook" in line["action"]
    ]
    assert [(line["action"], line["subject"], line["before"], line["after"]) for line in lines] == [
        ("webhook-set", "TELENOR", None, {"host": "127.0.0.1", "types": None}),
        ("webhook-set", "TELENOR", {"host": "127.0.0.1", "types": None}, {"host": "localhost", "types": ["NOTICE"]}),
        ("webhook-secret-rotated", "TELENOR", None, None),
        ("webhook-deleted", "TELENOR", {"host": "localhost", "types": ["NOTICE"]}, None),
    ]
    assert len({line["key_id"] for line in lines}) == 1
    assert "token" not in str(lines)


async def test_a_test_message_is_signed_and_moves_nothing(service: Service) -> None:
    await service.ordered()
    async with hook() as found:
        made = await put(service, url=found.url)
        answer = (await service.send("POST", "/webhook/test", "TELENOR", None)).json()
        assert answer == {"delivered": True, "status": 204, "error": None, "milliseconds": answer["milliseconds"]}
        (post,) = found.posts
        post.verify(made["secret"])
        message = post.item["message"]
        assert post.item == {"seq": None, "at": "2026-11-23T07:00:00Z", "to": "TELENOR", "message": message}
        assert (message["type"], message["sender"], message["notice"]) == ("NOTICE", "NRDB", "test")
        found.decide = lambda _: 410
        answer = (await service.send("POST", "/webhook/test", "TELENOR", None)).json()
        assert (answer["delivered"], answer["status"]) == (False, 410)
    seen = await service.read("/webhook", "TELENOR")
    assert (seen["position"], seen["pending"], seen["state"], seen["attempts"]) == (0, 1, "on", 0)
    attempts = (await service.read("/webhook/attempts", "TELENOR"))["items"]
    assert [(one["seq"], one["outcome"], one["status"]) for one in attempts] == [
        (None, "failed", 410),
        (None, "delivered", 204),
    ]
    assert seen["last_attempt"] == attempts[0]
    answer = (await service.send("POST", "/webhook/test", "TELENOR", None)).json()
    assert (answer["delivered"], answer["status"]) == (False, None)
    assert answer["error"]


async def test_one_test_at_a_time(service: Service) -> None:
    async with hook() as found:
        await put(service, url=found.url)
        found.held.clear()
        first = asyncio.create_task(service.send("POST", "/webhook/test", "TELENOR", None))
        await found.count(1)
        response = await service.send("POST", "/webhook/test", "TELENOR", None)
        service.refused(response, "too-many-requests", status=429)
        assert response.headers["retry-after"] == "1"
        found.held.set()
        assert (await first).json()["delivered"] is True
        assert (await service.send("POST", "/webhook/test", "TELENOR", None)).json()["delivered"] is True


async def test_two_secrets_live_and_no_more(service: Service) -> None:
    async with hook() as found:
        secrets = [(await put(service, url=found.url))["secret"]]
        for _ in range(2):
            answer = (await service.send("POST", "/webhook/secret", "TELENOR", None)).json()
            secrets.append(answer["secret"])
            assert (await service.read("/webhook", "TELENOR"))["old_secret_until"] == answer["old_secret_until"]
        await service.send("POST", "/webhook/test", "TELENOR", None)
        for secret in secrets[1:]:
            found.posts[0].verify(secret)
        with pytest.raises(standardwebhooks.WebhookVerificationError):
            found.posts[0].verify(secrets[0])
        assert len(found.posts[0].headers["webhook-signature"].split()) == 2
        # A day later the newest alone signs.
        left = await service.db.fetchval("SELECT old_secret_until - clock_timestamp() FROM webhook")
        assert 24 * 3600 - 60 < left.total_seconds() <= 24 * 3600
        await service.db.execute("UPDATE webhook SET old_secret_until = clock_timestamp()")
        await service.send("POST", "/webhook/test", "TELENOR", None)
        found.posts[1].verify(secrets[2])
        with pytest.raises(standardwebhooks.WebhookVerificationError):
            found.posts[1].verify(secrets[1])
        assert (await service.read("/webhook", "TELENOR"))["old_secret_until"] is None


async def test_attempts_come_newest_first_in_pages(service: Service) -> None:
    await put(service)
    for _ in range(5):
        await service.send("POST", "/webhook/test", "TELENOR", None)
    whole = (await service.read("/webhook/attempts", "TELENOR"))["items"]
    assert len(whole) == 5
    assert [one["at"] for one in whole] == sorted((one["at"] for one in whole), reverse=True)
    pages: list[dict[str, Any]] = []
    after = None
    while True:
        page = await service.read("/webhook/attempts", "TELENOR", limit=2, after=after)
        pages += page["items"]
        if (after := page["next"]) is None:
            break
    assert pages == whole
    service.refused(await service.get("/webhook/attempts", "TELENOR", after="x"), "invalid-message")


async def test_the_status_of_the_inbox_tells_of_failing(service: Service) -> None:
    """Not of a failure or two: of one that lasts an hour, and of an address that is gone."""

    async def told() -> Any:
        return (await service.read("/inbox/status", "TELENOR"))["webhook"]

    assert await told() is None
    await put(service)
    assert await told() == {"state": "on", "failing_since": None}
    await service.db.execute("UPDATE webhook SET failing_since = clock_timestamp() - interval '59 minutes'")
    assert await told() == {"state": "on", "failing_since": None}
    assert (await service.read("/webhook", "TELENOR"))["failing_since"] is not None
    await service.db.execute("UPDATE webhook SET failing_since = '2026-01-01T00:00:00Z'")
    assert await told() == {"state": "failing", "failing_since": "2026-01-01T00:00:00Z"}
    assert (await service.read("/webhook", "TELENOR"))["state"] == "failing"
    await service.db.execute("UPDATE webhook SET switched_off_at = clock_timestamp()")
    assert await told() == {"state": "off", "failing_since": "2026-01-01T00:00:00Z"}
    # The same address again: it is given another chance.
    assert (await put(service))["state"] == "on"
    assert await told() == {"state": "on", "failing_since": None}


async def test_what_is_counted_belongs_to_the_next_item_and_the_address(service: Service) -> None:
    await put(service)

    async def failed() -> None:
        await service.db.execute(
            "UPDATE webhook SET attempts = 7, first_attempt_at = '2026-01-01T00:00:00Z',"
            " failing_since = '2026-01-01T00:00:00Z', next_attempt_at = clock_timestamp() + interval '1 hour'"
        )

    await failed()
    # Said again: the next attempt at once, and nothing is forgotten.
    same = await put(service)
    assert (same["attempts"], same["next_attempt_at"], same["state"]) == (7, None, "failing")
    other_items = await put(service, types=["NOTICE"])
    assert (other_items["attempts"], other_items["state"]) == (0, "failing")
    await failed()
    elsewhere = await put(service, url=URL + "2", types=["NOTICE"])
    assert (elsewhere["attempts"], elsewhere["state"], elsewhere["failing_since"]) == (0, "on", None)
    assert await service.db.fetchval("SELECT first_attempt_at FROM webhook") is None

"""English and Norwegian over HTTP: problems, form errors, derivations, pages, and the list of rules."""

from typing import Any, get_args
from uuid import uuid4

import httpx
import pytest
from tests.support.service import Service, order_fields

from nrdb.api.languages import choose
from nrdb.errors import REFUSALS
from nrdb.rulebook import load_rulebook
from nrdb.rulebook.model import TerminationRefusal

CHOICES = [
    ("", "en"),
    ("en", "en"),
    ("nb", "nb"),
    ("no", "nb"),
    ("nn", "nb"),
    ("nb-NO", "nb"),
    ("NO", "nb"),
    ("nb-NO,nb;q=0.9,no;q=0.8,nn;q=0.6,en-US;q=0.5,en;q=0.4", "nb"),
    ("en-GB,en;q=0.9,nb;q=0.8", "en"),
    ("de", "en"),
    ("de, nb;q=0.1", "nb"),
    ("de, en;q=0.1, nb;q=0.2", "nb"),
    ("en;q=0.5, nb;q=0.5", "en"),
    ("nb;q=0.5, en;q=0.5", "nb"),
    ("nb ; q=0.8 , en ; q=0.7", "nb"),
    ("*", "en"),
    ("nb;q=0.5, *", "en"),
    ("nb, *;q=0.5", "nb"),
    ("*, en;q=0", "nb"),
    ("*;q=0", "en"),
    ("nb;q=0", "en"),
    ("nn;q=0, nb;q=0.3", "nb"),
    ("en;q=0, nb;q=0", "en"),
    ("nb;q=0.001", "nb"),
    ("nb;q=2", "en"),
    ("nb;q=x, en;q=0.1", "en"),
    ("nb;q=0.1234", "en"),
    (",,;q=1,nb", "nb"),
    ("nbx", "en"),
    ("\u00f8", "en"),
]


@pytest.mark.parametrize(("header", "language"), CHOICES)
def test_the_language_that_is_liked_best(header: str, language: str) -> None:
    assert choose(header) == language


async def ask(service: Service, language: str | None, who: str | None, method: str, path: str, body: Any) -> Any:
    headers = [*service.headers(who).items(), *([("Accept-Language", language)] if language is not None else [])]
    return await service.client.request(method, path, headers=headers, json=body)


def spoken(response: httpx.Response, language: str) -> dict[str, Any]:
    """The problem, which says its language; its sentences."""
    assert response.headers["content-language"] == language
    assert "Accept-Language" in response.headers["vary"]
    problem: dict[str, Any] = response.json()
    return problem


async def test_a_refusal_in_both_languages(service: Service) -> None:
    message = {"type": "NP_BEST", "message_id": str(uuid4()), "sender": "TELIA", **order_fields()}
    message["porting_time"] = "2026-11-23T08:34:59+01:00"
    told = {}
    for header, language in ((None, "en"), ("de", "en"), ("nb-NO, en;q=0.5", "nb"), ("nn", "nb")):
        response = await ask(service, header, "TELIA", "POST", "/v1/messages", message)
        service.refused(response, "porting-time-too-early", "T9")
        told[language] = spoken(response, language)
    assert told["en"]["title"] == "The porting time is too early"
    assert told["nb"]["title"] == "Porteringstidspunktet er for tidlig"
    assert told["en"]["facts"]["derivation"] == [
        "T9: 35 working minutes from Mon 2026-11-23 08:00:00",
        "Mon 2026-11-23 08:00:00-08:35:00: 35 working minutes",
    ]
    assert told["nb"]["facts"]["derivation"] == [
        "T9: 35 virkeminutter fra man. 23.11.2026 kl. 08.00.00",
        "man. 23.11.2026 kl. 08.00.00–08.35.00: 35 virkeminutter",
    ]
    for name in ("code", "rule", "source", "status", "type"):
        assert told["en"][name] == told["nb"][name]
    assert told["en"]["facts"]["earliest"] == told["nb"]["facts"]["earliest"] == "2026-11-23T07:35:00Z"


async def test_form_errors_in_both_languages(service: Service) -> None:
    message = {
        "type": "NP_BEST", "message_id": "x", "sender": "TELIA",
        **order_fields(donor="telenor", number_type="X", main_number="1", customer={"name": " "}, surplus=1),
    }  # fmt: skip
    message.pop("authorisation_reference")
    told = {}
    for language in ("en", "nb"):
        response = await ask(service, language, "TELIA", "POST", "/v1/messages", message)
        service.refused(response, "invalid-message")
        problem = spoken(response, language)
        told[language] = {error["pointer"]: error["detail"] for error in problem["errors"]}
        told[language][""] = problem["detail"]
    assert told["en"] == {
        "": "7 fields are wrong: they are named with what would be right. Nothing was changed.",
        "/message_id": "must be a UUID",
        "/donor": "must be a provider's code: 2 to 8 capital letters (A to Z) and digits, or 0 for Nkom",
        "/number_type": "must be E, T or S",
        "/main_number": "a number has 5, 8 or 12 national digits, with or without +47 before them",
        "/customer/name": "must not be only space",
        "/authorisation_reference": "is missing",
        "/surplus": "there is no such field here",
    }
    assert told["nb"] == {
        "": "7 felter er feil utfylt: de er nevnt sammen med hva som er riktig. Ingenting ble endret.",
        "/message_id": "må være en UUID",
        "/donor": "må være en tilbyderkode: 2 til 8 store bokstaver (A til Z) og sifre, eller 0 for Nkom",
        "/number_type": "må være E, T eller S",
        "/main_number": "et nummer har 5, 8 eller 12 nasjonale sifre, med eller uten +47 foran",
        "/customer/name": "kan ikke være bare mellomrom",
        "/authorisation_reference": "mangler",
        "/surplus": "det finnes ikke noe slikt felt her",
    }


SAID: list[tuple[str | None, str, str, Any, str]] = [
    (None, "GET", "/v1/me", None, "Send 'Authorization: Bearer <key>' med en nøkkel som verken er"),
    ("TELIA", "POST", "/v1/admin/series", {}, "Dette er for rollen admin; nøkkelen din har rollen provider."),
    ("ADMIN", "GET", "/v1/nothing", None, "Det er ingenting på denne adressen."),
    ("ADMIN", "DELETE", "/v1/me", None, "Adressen finnes, men ikke for denne metoden: se headeren 'Allow'."),
    ("ADMIN", "GET", "/v1/cases?after=x", None,
     "1 felt er feil utfylt: det er nevnt sammen med hva som er riktig. Ingenting ble endret."),
    ("ADMIN", "GET", "/v1/routing/99999999", None, "99999999 er ikke i noen serie i nummerplanen på det tidspunktet."),
    ("ADMIN", "PUT", "/v1/sandbox/clock", {"now": "2026-11-23T07:59:00+01:00"},
     "Klokken viser man. 23.11.2026 kl. 08.00.00 og går bare fremover."),
    (None, "GET", "/problems/nonsense", None, "Problemkoden finnes ikke."),
]  # fmt: skip


@pytest.mark.parametrize(("who", "method", "path", "body", "detail"), SAID, ids=[row[2] for row in SAID])
async def test_every_part_speaks_norwegian(
    service: Service, who: str | None, method: str, path: str, body: Any, detail: str
) -> None:
    problem = spoken(await ask(service, "nb", who, method, path, body), "nb")
    assert problem["detail"].startswith(detail)
    assert problem["title"]


WARNED = {
    "en": "Type E ports the main number only; the other numbers are not registered (S3 2.3.2).",
    "nb": "Type E porterer bare hovednummeret; de andre numrene blir ikke registrert (S3 2.3.2).",
}


@pytest.mark.parametrize("kept", ["as it is", "by another release"])
async def test_the_warnings_of_a_case_are_told_in_the_readers_language(service: Service, kept: str) -> None:
    message = {
        "type": "NP_BEST", "message_id": str(uuid4()), "sender": "TELIA",
        **order_fields(additional_numbers=["90012346"]),
    }  # fmt: skip

    def told(language: str, found: dict[str, Any]) -> None:
        wanted = [{"code": "extra-numbers-not-registered", "detail": WARNED[language]}]
        assert found["warnings"] == found.get("case", found)["warnings"] == wanted

    response = await ask(service, "nb", "TELIA", "POST", "/v1/messages/check", message)
    told("nb", spoken(response, "nb")["answer"])
    first = await ask(service, "nb", "TELIA", "POST", "/v1/messages", message)
    assert first.status_code == 201
    told("nb", spoken(first, "nb"))
    case = first.json()["case"]["case_id"]
    if kept == "by another release":
        # Whatever its words were, a code that is known is told in today's.
        await service.db.execute("UPDATE cases SET warnings = jsonb_set(warnings, '{0,detail}', '\"Other words.\"')")
    for language in ("en", "nb"):
        again = await ask(service, language, "TELIA", "POST", "/v1/messages", message)
        assert (again.status_code, again.headers["idempotent-replayed"]) == (200, "true")
        told(language, spoken(again, language))
        for who in ("TELIA", "TELENOR", "OPERATOR"):
            told(language, spoken(await ask(service, language, who, "GET", f"/v1/cases/{case}", None), language))
            listed = spoken(await ask(service, language, who, "GET", "/v1/cases", None), language)
            told(language, listed["items"][0])
    # One that only another release knows is shown as it is kept.
    await service.db.execute('UPDATE cases SET warnings = \'[{"code": "old", "detail": "Old words."}]\'')
    shown = await ask(service, "nb", "TELIA", "GET", f"/v1/cases/{case}", None)
    assert shown.json()["warnings"] == [{"code": "old", "detail": "Old words."}]


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"reason": "outstanding-balance"},
     "Reason 8 (the customer owes money) is no ground for a refusal here: it never stops a porting.",
     "Begrunnelse 8 (kunden skylder penger) er ingen grunn til avvisning her: den stopper aldri en portering."),
    ({"reason": "owner-mismatch"},
     ("With reason 2 (another owner) the refusal must say what would be right: "
     "the owner's name and the birth date or the organisation number."),
     ("Med begrunnelse 2 (en annen eier) må avvisningen si hva som ville vært riktig: "
     "eierens navn og fødselsdatoen eller organisasjonsnummeret.")),
    ({"reason": "number-type-wrong"},
     "With reason 4 (wrong type of number) the refusal must say what would be right: the right type of number.",
     "Med begrunnelse 4 (feil nummertype) må avvisningen si hva som ville vært riktig: riktig nummertype."),
    ({"reason": "number-not-held", "secret_number": True, "comment": "x"},
     "The number is secret: leave out the comment.", "Nummeret er hemmelig: utelat kommentaren."),
]  # fmt: skip


async def test_the_state_of_a_case_is_told_in_words(service: Service) -> None:
    case = await service.case_in("rejected")
    message = {"type": "NP_GODK", "message_id": str(uuid4()), "sender": "TELENOR", "case_id": case}
    for language, sentence in (
        ("en", "The case is rejected: NP_GODK is not possible now. Possible now: nothing."),
        ("nb", "Saken er avvist: NP_GODK er ikke mulig nå. Mulig nå: ingenting."),
    ):
        response = await ask(service, language, "TELENOR", "POST", "/v1/messages", message)
        assert service.refused(response, "case-state")["state"] == "rejected"
        assert spoken(response, language)["detail"] == sentence


async def test_the_reasons_of_a_refusal_are_told_in_words(service: Service) -> None:
    case = await service.case_in("awaiting_donor")
    for fields, *sentences in REFUSED:
        message = {"type": "NP_FBES", "message_id": str(uuid4()), "sender": "TELENOR", "case_id": case, **fields}
        for language, sentence in zip(("en", "nb"), sentences, strict=True):
            response = await ask(service, language, "TELENOR", "POST", "/v1/messages", message)
            assert spoken(response, language)["detail"] == sentence


async def test_several_headers_are_one(service: Service) -> None:
    headers = [("Accept-Language", "de"), ("Accept-Language", "nb;q=0.2")]
    spoken(await service.client.get("/v1/me", headers=headers), "nb")


async def test_a_calendar_in_norwegian(service: Service) -> None:
    query = "/v1/calendar?from=2026-12-24&to=2026-12-27"
    for language, wanted in (
        ("en", [None, "Christmas Day", "weekend"]),
        ("nb", [None, "Første juledag", "helg"]),
    ):
        response = await ask(service, language, "TELIA", "GET", query, None)
        assert [day["reason"] for day in response.json()["items"]] == wanted
        assert response.headers["content-language"] == language
    query = "/v1/calendar/add?from=2026-12-24T12:00:00Z&working_days=0"
    response = await ask(service, "nb", "TELIA", "GET", query, None)
    assert response.json()["derivation"] == [
        "tors. 24.12.2026: dag 0, dagen det telles fra",
        "tors. 24.12.2026 kl. 24.00.00: slutten av dag 0",
    ]


async def test_the_page_of_a_code_in_norwegian(service: Service) -> None:
    response = await ask(service, "nb", None, "GET", "/problems/block-too-large", None)
    assert "<html lang=nb>" in response.text
    assert "<h1>Blokken er for stor til å porteres</h1>" in response.text
    assert "Mer enn 10\u00a0000 sammenhengende numre" in response.text
    assert "Regel: block limit. Kilde: S3 2.9." in response.text
    response = await ask(service, None, None, "GET", "/problems/block-too-large", None)
    assert "<html lang=en>" in response.text
    assert "More than 10,000 consecutive numbers" in response.text


async def test_the_rules_can_be_read_by_any_key(service: Service) -> None:
    pages = [await service.read("/rules", who) for who in ("TELIA", "OPERATOR", "ADMIN")]
    assert pages[0] == pages[1] == pages[2]
    service.refused(await service.get("/rules", None), "unauthenticated")
    items = pages[0]["items"]
    assert pages[0]["next"] is None
    rulebook = load_rulebook()
    refusals = [item for item in items if item["kind"] == "refusal"]
    assert list(dict.fromkeys(item["code"] for item in refusals)) == list(REFUSALS)
    timed = {item["timer"]: (item["value"], item["unit"]) for item in refusals if item["timer"]}
    assert timed == {name: (timer.value, timer.unit) for name, timer in rulebook.timers.items()}
    by_code = {item["code"]: item for item in items}
    assert (by_code["daily-cap-exceeded"]["value"], by_code["daily-cap-exceeded"]["unit"]) == (15_000, "numbers/day")
    assert (by_code["block-too-large"]["value"], by_code["block-too-large"]["unit"]) == (10_000, "numbers")
    role = by_code["role-not-permitted"]
    assert (role["timer"], role["value"], role["unit"], role["source"]) == (None, None, None, "S3 2.4.1")
    assert {item["code"] for item in items if item["kind"] == "reason"} == set(rulebook.reasons)
    given_back = {item["code"]: item["source"] for item in items if item["kind"] == "termination-reason"}
    assert given_back == dict.fromkeys(get_args(TerminationRefusal), "ours")
    assumed = [item for item in items if item["source"] == "assumption"]
    assert [item["code"] for item in assumed] == ["working-hours", "answer-due", "completion-due"]
    assert all(item["text"]["en"].startswith("ASSUMPTION") for item in assumed)
    assert all(item["text"]["nb"].startswith("ANTAKELSE") for item in assumed)
    for item in items:
        assert item["text"]["en"] != item["text"]["nb"]
        assert "{" not in item["text"]["en"] + item["text"]["nb"]

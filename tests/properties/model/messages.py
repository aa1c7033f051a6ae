"""Random messages and times: most of them lawful or nearly so, at the very boundaries that the rules have."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from tests.properties.model.clearinghouse import MAY, Case, Message, Model
from tests.properties.model.market import CODES, HOPELESS, MICROSECOND, NKOM, POOL, TARGETS, instant, text
from tests.properties.model.refusals import HALF_HOUR, accepts, benign, earliest, latest

T = TypeVar("T")
#: Local times worth beginning at.
STARTS = (
    "2026-11-23 08:00",  # a Monday without holidays near it
    "2026-11-27 15:24",  # Friday, 36 working minutes before the weekend
    "2027-03-24 15:40",  # the afternoon before Easter, at whose end summer time begins
    "2027-03-28 01:15",  # the night in which it does
    "2026-10-25 01:40",  # the night in which it ends
    "2026-10-23 15:50",  # the Friday before
    "2026-12-31 23:59:30",  # the last minute of the year
    "2026-12-23 14:00",
    "2027-05-14 15:30",  # before Whitsun and 17 May
    "2026-11-28 12:00",  # Saturday
)
NUDGES = (timedelta(), timedelta(), MICROSECOND, -MICROSECOND, timedelta(seconds=1), -timedelta(seconds=1))
CASE_MESSAGES = tuple(dict.fromkeys(kind for _, kind in MAY))
REASONS = (
    "number-not-held", "owner-mismatch", "numbers-incomplete", "number-type-wrong", "subscription-ended",
    "authorisation-invalid", "complex-porting", "outstanding-balance", "customer-changed-mind", "staff-unavailable",
)  # fmt: skip
ORGANISATIONS = ("974760673", "923609016")
#: What is ordered together: the type, the main number, additional numbers, series.
ORDERS: tuple[tuple[str, list[str], list[tuple[str, str]]], ...] = (
    ("E", ["90012346"], []),
    ("T", ["90012345", "90012346"], []),
    ("T", ["40000001", "580000000001", "46000001"], []),
    ("T", ["22000001", "22000002"], []),
    ("T", ["90012346"], []),
    ("T", ["22000001"], []),
    ("T", ["90012345", "90012345"], []),
    ("T", ["90012345", "22000001"], []),
    ("T", ["90012347", "99999999", "98888888"], []),
    ("T", ["90012345", "40000001"], []),
    ("S", ["90012345"], [("90012345", "90012347")]),
    ("S", ["46000001"], [("90012346", "90012347")]),
    ("S", ["90012345", "90012346"], [("90012346", "90012347")]),
    ("S", ["90000000"], [("90000001", "90010000")]),
    ("S", ["02800"], [("02801", "02802")]),
)


def pick(dice: Random, items: Iterable[T]) -> T:
    """One of them."""
    return dice.choice(list(items))


def often(dice: Random, times: int = 4) -> bool:
    """False once in so many times and one."""
    return dice.randint(0, times) > 0


class Author:
    """Writes messages for one world. `told` are the instants that the service itself has named."""

    def __init__(self, start: datetime) -> None:
        self.written = 0
        # Personal data are erased 90 days after the porting time, of which the model knows nothing.
        self.end = start + timedelta(days=80)
        self.told: list[datetime] = []

    def _common(self, kind: str, sender: str) -> Message:
        self.written += 1
        return {"type": kind, "message_id": str(UUID(int=(0x7E57 << 112) + self.written)), "sender": sender}

    # --- times ---

    def when(self, dice: Random, model: Model, kind: str) -> str:
        """A porting or termination time: near the earliest or latest lawful one, or ahead."""
        first, last = earliest(model, kind), latest(model)
        ahead = [first, first, first + HALF_HOUR, model.now + timedelta(hours=2), model.now + timedelta(days=1), last]
        at = pick(dice, [*ahead, *(at for at in self.told[-4:] if at > model.now)])
        return text(at + pick(dice, NUDGES) if not often(dice, 2) else at)

    def moments(self, model: Model) -> list[datetime]:
        """The instants at which something changes, soonest first."""
        open_cases = [case for case in model.cases.values() if case.time >= model.now]
        changes = [at for case in open_cases for at in (case.time, case.time - HALF_HOUR)]
        # The clock does not wait for the 60th working day, or nothing would be left to do.
        soon = model.now + timedelta(days=14)
        return sorted({at for at in (*changes, *self.told[-6:]) if model.now <= at <= soon})

    def later(self, dice: Random, model: Model) -> datetime:
        """Where the clock goes: to a boundary or beside it, or on."""
        moments = self.moments(model)[:4]
        if moments and often(dice):
            return self.forward(model, pick(dice, moments) + pick(dice, NUDGES))
        return self.forward(model, model.now + pick(dice, [timedelta(minutes=n) for n in (1, 10, 35, 120, 1440)]))

    def forward(self, model: Model, to: datetime) -> datetime:
        """The same, neither back nor beyond the end."""
        return max(model.now, min(to, self.end))

    # --- messages that open a case ---

    def opening(self, dice: Random, model: Model, number: str | None = None) -> Message:
        """NP_BEST, 5_IVER, NP_OPPS or 5_OPPS, for a number or for any."""
        away = sorted(set(POOL) - model_home(model))
        number = number or pick(dice, away if away and not often(dice, 2) else POOL)
        holder = model.serving(number)[0]
        five = len(number) == 5
        if not often(dice, 12):
            kind = pick(dice, ("NP_BEST", "5_IVER", "NP_OPPS", "5_OPPS"))
        elif holder != NKOM and number in away and often(dice, 1):
            kind = "5_OPPS" if five else "NP_OPPS"
        else:
            kind = "5_IVER" if five else "NP_BEST"
        if kind in ("NP_OPPS", "5_OPPS"):
            sender = holder if holder != NKOM and often(dice, 6) else pick(dice, CODES)
            return self._termination(dice, model, kind, sender, number)
        sender = pick(dice, [code for code in CODES if code != holder] if often(dice, 9) else CODES)
        donor = holder if often(dice, 9) else pick(dice, (*CODES, NKOM))
        if kind == "5_IVER":
            return self._five_digit(dice, model, donor if not often(dice) else sender, donor, number)
        return self._order(dice, model, sender, donor, number)

    def _order(self, dice: Random, model: Model, sender: str, donor: str, number: str) -> Message:
        m = self._common("NP_BEST", sender)
        m |= {"donor": donor, "number_type": "E", "main_number": number, "authorisation_reference": self._secret("ref")}
        if not often(dice, 2):
            number_type, (main, *others), series = pick(dice, ORDERS)
            m |= {"number_type": number_type, "main_number": main}
            m["donor"] = model.serving(main)[0] if main in POOL and often(dice, 6) else donor
            m |= {"additional_numbers": others} if others else {}
            m |= {"series": [{"first": first, "last": last} for first, last in series]} if series else {}
        elif not often(dice, 9):
            m["main_number"] = pick(dice, HOPELESS)
        elif not often(dice, 9):
            m["additional_numbers"] = ["99999999"]
        return m | {"porting_time": self.when(dice, model, "NP_BEST"), "customer": self._customer(dice)}

    def _five_digit(self, dice: Random, model: Model, sender: str, donor: str, number: str) -> Message:
        m = self._common("5_IVER", sender if sender != NKOM else pick(dice, CODES))
        m |= {"main_number": number, "donor": donor, "porting_time": self.when(dice, model, "5_IVER")}
        m["target_number"] = pick(dice, TARGETS[:2] if often(dice, 9) else TARGETS)
        right = model.rights.get(number)
        organisation = right[0] if right and often(dice, 6) else pick(dice, ORGANISATIONS)
        m["right_holder"] = {"name": self._secret("Firm"), "organisation_number": organisation}
        if m["sender"] == "CHILI" or not often(dice, 6):
            m["network"] = pick(dice, CODES)
        return m

    def _termination(self, dice: Random, model: Model, kind: str, sender: str, number: str) -> Message:
        m = self._common(kind, sender) | {"main_number": number}
        if kind == "NP_OPPS" and not often(dice, 2):
            held = [other for other in POOL if other != number and model.serving(other)[0] == sender]
            m |= {"additional_numbers": held[:2]} if held else {}
        return m | {"termination_time": self.when(dice, model, kind)}

    def _secret(self, what: str) -> str:
        return f"{what}-{self.written}-secret"

    def _customer(self, dice: Random) -> dict[str, str]:
        name = self._secret("Person")
        if often(dice, 3):
            born = datetime(1931, 1, 1, tzinfo=UTC) + timedelta(days=self.written)
            return {"name": name, "birth_date": born.strftime("%Y-%m-%d")}
        return {"name": name, "organisation_number": pick(dice, ORGANISATIONS)}

    # --- messages about a case ---

    def lawful(self, dice: Random, model: Model, case: Case | None = None) -> Message | None:
        """One of the messages that would be accepted now, if there is any."""
        cases = [case] if case else list(model.cases.values())
        offers = [
            (found.case_id, kind, sender)
            for found in cases
            for kind in CASE_MESSAGES
            for sender in sorted({*found.parties, *found.told})
            if accepts(model, found, kind, sender)
        ]
        if not offers:
            return None
        # Stopping and changing are some of many offers, and most cases would never get anywhere.
        going_on = [
            offer for offer in offers if offer[1] not in ("NP_ANNU", "NP_FBES", "NP_FOPS", "NP_FIVE", "NP_ENDR")
        ]
        if not going_on and often(dice, 2):
            return None
        case_id, kind, sender = pick(dice, going_on if going_on and often(dice) else offers)
        found = model.cases[case_id]
        m = self._common(kind, sender)
        m = {**benign(kind, sender, found, model), **m}
        if kind in ("NP_GODK", "NP_FBES") and not often(dice, 2):
            m["answers"] = found.newest
        return self._varied(dice, model, m) if not often(dice, 2) else m

    def about(self, dice: Random, model: Model, case: Case | None = None) -> Message | None:
        """Any message about any case, of anybody."""
        if not model.cases:
            return None
        found = case or model.cases[pick(dice, model.cases)]
        kind = pick(dice, CASE_MESSAGES)
        sender = pick(dice, CODES if not often(dice, 2) else sorted({*found.parties, *found.told}))
        m = {**benign(kind, sender, found, model), **self._common(kind, sender)}
        return self._varied(dice, model, m) if often(dice, 1) else m

    def _varied(self, dice: Random, model: Model, m: Message) -> Message:
        match m["type"]:
            case "NP_ENDR":
                m["porting_time"] = self.when(dice, model, "NP_ENDR")
                if often(dice, 1):
                    m["customer"] = self._customer(dice)
                    if often(dice, 1):
                        del m["porting_time"]
            case "NP_IVER":
                if often(dice, 1):
                    m["network"] = pick(dice, CODES)
                else:
                    del m["network"]
            case "NP_FBES":
                m |= self._refusal(dice, model, m["case_id"])
            case "NP_FIVE":
                m["comment"] = self._secret("comment")
            case "NP_FOPS":
                m["comment"] = self._secret("comment")
                m["reason"] = pick(dice, ("numbers-incomplete", "termination-time-wrong", "other"))
            case "NP_GODK":
                newest = [case.newest for case in model.cases.values() if case.newest]
                m["answers"] = pick(dice, newest or [m["message_id"]])
        return m

    def _refusal(self, dice: Random, model: Model, case_id: str) -> Message:
        reason = pick(dice, REASONS)
        m: Message = {"reason": reason, "secret_number": often(dice, 1)}
        if often(dice, 1):
            m["comment"] = self._secret("comment")
        expected: dict[str, Any] = {}
        match reason:
            case "owner-mismatch":
                customer = model.cases[case_id].customer or {}
                right = customer.get("birth_date", "1980-01-31").replace("-", "")
                expected = pick(dice, (
                    {}, {"name": self._secret("Expected")}, {"name": self._secret("Expected"), "birth_date": right},
                    {"name": self._secret("Expected"), "birth_date": "19700101"},
                    {"name": self._secret("Expected"), "organisation_number": ORGANISATIONS[0]},
                ))  # fmt: skip
            case "numbers-incomplete":
                expected = pick(dice, ({}, {"numbers": [{"first": "22000001", "last": "22000003"}]}))
            case "number-type-wrong":
                expected = pick(dice, ({}, {"number_type": "S"}))
            case "complex-porting":
                expected = pick(dice, ({}, {"porting_time": text(model.now + timedelta(days=3))}))
        return m | ({"expected": expected} if expected else {})


def model_home(model: Model) -> set[str]:
    """The numbers of the pool that their range holders serve."""
    return {number for number in POOL if model.serving(number)[0] == model.home(number)}


def respelled(m: Message) -> Message:
    """The same message in other words: order, +47, offsets, spelled-out defaults."""
    other = dict(reversed(m.items()))
    for name in ("main_number", "target_number"):
        if name in other:
            other[name] = f"+47{other[name]}"
    for name in ("porting_time", "termination_time"):
        if name in other:
            other[name] = instant(other[name]).astimezone(ZoneInfo("Asia/Kathmandu")).isoformat()
    if m["type"] in ("NP_BEST", "NP_OPPS"):
        other.setdefault("series", [])
        other["additional_numbers"] = list(reversed(other.get("additional_numbers", [])))
    if m["type"] in ("NP_IVER", "5_IVER"):
        other.setdefault("network", m["sender"])
    if m["type"] == "NP_FBES":
        other.setdefault("secret_number", False)
    return other

"""What the console's pictures show: two weeks of a market, told through the public API like any other client's.

The same every time: the clock of the sandbox begins at `BEGINNING` and moves only here, and chance has a seed. Only
the ids of cases, which the service makes, differ from one telling to the next.
"""

import random
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

import httpx

from nrdb.texts import OSLO

#: A Monday with two weeks of working days ahead of it.
FIRST_DAY: Final = date(2026, 11, 9)
BEGINNING: Final = datetime.combine(FIRST_DAY, time(8), OSLO)
#: The day of the pictures, two weeks later.
TODAY: Final = 14
#: The number whose story the pictures tell.
NUMBER: Final = "90012345"
#: One that TELIA has given away and gets back.
LEFT: Final = "40012345"

Json = dict[str, Any]
#: Where the numbers of an ordinary day come from: the donor, and the next of its numbers that nobody has asked for.
_SERIES: Final = {
    "TELENOR": 41000000, "TELIA": 92000000, "LYSE": 47000000, "UNIFON": 93000000, "CHILI": 46000000,
    "LYCA": 45000000, "NEXTGEN": 32000000,
}  # fmt: skip
_RECIPIENTS: Final = ("TELIA", "TELIA", "LYSE", "UNIFON", "TELENOR", "GLOBCON")
#: How many numbers an order has.
_SIZES: Final = (1, 1, 1, 40, 600, 2500)
#: What is ported on which day without fail: the numbers of the pictures, and large parts of series.
_BLOCKS: Final = {
    0: (("LYSE", "TELENOR", NUMBER, 1), ("GLOBCON", "TELIA", LEFT, 1)),
    1: (("TELIA", "UNIFON", "67000000", 7000),),
    3: (("LYSE", "TELENOR", "73000000", 2500),),
    7: (("TELIA", "PUZZEL", "81500000", 4200),),
    9: (("GLOBCON", "TELENOR", "57000000", 9100),),
}
#: When a donor answers, on the day of the order.
_ANSWERS: Final = ("08:15", "08:30", "08:50", "09:20", "10:30")
#: Which orders come to nothing, of all: the donor refuses, the recipient cancels, nobody answers.
_REJECTED, _CANCELLED, _FORGOTTEN = 0.08, 0.14, 0.2
_NAMES: Final = ("Kari Nordmann", "Ola Nordmann", "Ingrid Eksempel", "Per Prøve", "Åse Øverli")


class RefusedError(Exception):
    """The service answered otherwise than the scene expects."""


@dataclass
class Scene:
    """A sandbox with the example market, and the keys of all who act in it."""

    http: httpx.Client
    keys: dict[str, str]
    chance: random.Random = field(default_factory=lambda: random.Random(2026))  # noqa: S311 (no secret)
    free: dict[str, int] = field(default_factory=lambda: dict(_SERIES))
    #: What has been ported, one number each: who has it, whose it was, and the number.
    ported: list[tuple[str, str, str]] = field(default_factory=list)

    def ask(self, who: str, method: str, path: str, body: Json | None = None, status: int = 0) -> Json:
        """What the API answers; `status` 0 is any success."""
        headers = {"Authorization": f"Bearer {self.keys[who]}"}
        answer = self.http.request(method, f"/v1{path}", json=body, headers=headers)
        if answer.status_code != status and not (status == 0 and answer.is_success):
            raise RefusedError(f"{who} {method} {path} {body}: {answer.status_code} {answer.text}")
        found: Json = answer.json()
        return found

    def send(self, sender: str, kind: str, status: int = 0, **fields: object) -> Json:
        """A message; its answer."""
        message_id = UUID(int=self.chance.getrandbits(128), version=4)
        body = {"type": kind, "message_id": str(message_id), "sender": sender, **fields}
        return self.ask(sender, "POST", "/messages", body, status)

    def clock(self, day: int, at: str) -> None:
        """Move on to that time of Norway, `day` days after the first."""
        self.ask("ADMIN", "PUT", "/sandbox/clock", {"now": instant(day, at)})

    def order(self, recipient: str, donor: str, number: str, at: str, count: int = 1) -> str:
        """NP_BEST for one number, or for so many from there; the case."""
        name = self.chance.choice(_NAMES)
        last = str(int(number) + count - 1)
        answer = self.send(
            recipient, "NP_BEST", donor=donor, number_type="S" if count > 1 else "E", main_number=number,
            series=[{"first": number, "last": last}] if count > 1 else [],
            porting_time=at, customer={"name": name, "birth_date": "1980-01-31"}, authorisation_reference="FM-0815",
        )  # fmt: skip
        case_id: str = answer["case"]["case_id"]
        return case_id

    def moved(self, recipient: str, donor: str, case_id: str) -> None:
        """The donor approves, the recipient orders it carried out."""
        self.send(donor, "NP_GODK", case_id=case_id)
        self.send(recipient, "NP_IVER", case_id=case_id)

    def reported(self, recipient: str, case_id: str, but: tuple[str, ...] = (), kind: str = "NP_FERD") -> None:
        """All who route report that it is done, but for these."""
        for code in self.ask(recipient, "GET", f"/cases/{case_id}")["completion"]["missing"]:
            if code not in but:
                self.send(code, kind, case_id=case_id)

    def taken(self, donor: str, count: int) -> str:
        """Free numbers of a donor, the first of them."""
        first, self.free[donor] = self.free[donor], self.free[donor] + count
        return str(first)

    def pair(self) -> tuple[str, str]:
        """Somebody who gains a number, and somebody who loses it."""
        recipient = self.chance.choice(_RECIPIENTS)
        return recipient, self.chance.choice([code for code in _SERIES if code != recipient])


def instant(day: int, at: str) -> str:
    """A time of Norway as messages write it."""
    return datetime.combine(FIRST_DAY + timedelta(days=day), time.fromisoformat(at), OSLO).isoformat()


def tell(scene: Scene) -> str:
    """Everything up to the moment of the pictures; the case that they show."""
    for day in range(TODAY):
        if (FIRST_DAY + timedelta(days=day)).weekday() < 5:
            _ordinary_day(scene, day)
    return _today(scene)


def _ordinary_day(scene: Scene, day: int) -> None:
    """Orders in the morning, answers one after another, portings at noon, reports after lunch; nothing stays open."""
    scene.clock(day, "08:02")
    opened = []
    for _ in range(scene.chance.randint(4, 8)):
        recipient, donor = scene.pair()
        count = scene.chance.choice(_SIZES)
        opened.append((recipient, donor, scene.taken(donor, count), count))
    opened += _BLOCKS.get(day, ())
    noon = instant(day, "12:00")
    orders = [(*one[:3], scene.order(*one[:3], noon, one[3])) for one in opened]
    _refusals(scene, day)
    done, wanted = [], {number for _, _, number, _ in _BLOCKS.get(day, ())}
    for at, recipient, donor, number, case_id in sorted((scene.chance.choice(_ANSWERS), *order) for order in orders):
        scene.clock(day, at)
        outcome = 1.0 if number in wanted else scene.chance.random()
        if outcome < _REJECTED:
            scene.send(donor, "NP_FBES", case_id=case_id, reason="subscription-ended")
        elif outcome < _CANCELLED:
            scene.send(recipient, "NP_ANNU", case_id=case_id)
        elif outcome > _FORGOTTEN:
            scene.moved(recipient, donor, case_id)
            done.append((recipient, donor, number, case_id))
    scene.clock(day, "12:20")
    for recipient, donor, number, case_id in done:
        scene.reported(recipient, case_id)
        scene.ported.append((recipient, donor, number))


def _refusals(scene: Scene, day: int) -> None:
    """What people get wrong."""
    customer = {"name": "Kari Nordmann", "birth_date": "1980-01-31"}
    common = {"number_type": "E", "customer": customer, "authorisation_reference": "FM-0816"}
    at = instant(day, "12:00")
    wrong: tuple[Json, ...] = (
        {"donor": "TELENOR", "main_number": "90100001", "porting_time": instant(day, "08:20")},
        {"donor": "TELIA", "main_number": "90100002", "porting_time": at},
        {"donor": "TELENOR", "main_number": "90100003", "porting_time": instant(day + 150, "12:00")},
        {"donor": "DSB", "main_number": "59900001", "porting_time": at},
    )
    for one in scene.chance.sample(wrong, scene.chance.randint(0, 3)):
        scene.send("CHILI", "NP_BEST", 409, **common, **one)


def _today(scene: Scene) -> str:
    """Cases in every state, and limits that large orders have used."""
    scene.clock(TODAY, "08:05")
    noon, soon = instant(TODAY, "12:00"), instant(TODAY, "15:00")
    case_id = scene.order("TELIA", "LYSE", NUMBER, instant(TODAY, "11:00"))
    theirs = scene.order("UNIFON", "TELIA", "92050000", noon)
    forgotten = scene.order("TELIA", "CHILI", "46020000", noon)
    owner = {"name": "Taxi Eksempel SA", "organisation_number": "923609016"}
    five = scene.send("LYSE", "5_IVER", main_number="02800", donor="0", porting_time=noon,
                      target_number="51000001", right_holder=owner)["case"]["case_id"]  # fmt: skip
    ends = ("10:00", "15:30", "12:30")
    returned, *_ = [_ended(scene, one, at) for one, at in zip(_single(scene), ends, strict=True)]
    _ahead(scene)
    scene.clock(TODAY, "08:40")
    scene.send("TELIA", "NP_ENDR", case_id=case_id, porting_time=noon)
    scene.clock(TODAY, "09:15")
    scene.send("LYSE", "NP_GODK", case_id=case_id)
    scene.clock(TODAY, "09:35")
    scene.send("TELIA", "NP_IVER", case_id=case_id)
    scene.moved("UNIFON", "TELIA", theirs)
    scene.send("CHILI", "NP_GODK", case_id=forgotten)
    scene.clock(TODAY, "10:05")
    scene.send(returned[1], "NP_TILB", case_id=returned[0])
    approved = scene.order("TELIA", "UNIFON", "93020000", soon)
    scene.send("UNIFON", "NP_GODK", case_id=approved)
    theirs_next = (("UNIFON", instant(TODAY + 2, "12:00")), ("GLOBCON", instant(TODAY + 1, "09:00")), ("LYSE", soon))
    for place, (recipient, at) in enumerate(theirs_next):
        scene.order(recipient, "TELIA", str(92050001 + place), at)
        # In lists the newest case comes first, and those of one instant in any order.
        scene.clock(TODAY, f"10:{10 + place}")
    scene.clock(TODAY, "12:10")
    scene.reported("UNIFON", theirs, ("TELIA", "NEXTGEN"))
    scene.reported("LYSE", five, (), "5_FERD")
    scene.reported("TELIA", case_id, ("TELENOR", "NEXTGEN", "GLOBCON"))
    scene.clock(TODAY, "12:40")
    return case_id


def _single(scene: Scene) -> list[tuple[str, str, str]]:
    """Numbers that can be given back: first TELIA's to others, then the one that TELIA has given away."""
    return [*[one for one in scene.ported if one[0] == "TELIA"][:2], ("GLOBCON", "TELIA", LEFT)]


def _ended(scene: Scene, ported: tuple[str, str, str], at: str) -> tuple[str, str]:
    """NP_OPPS for that number; the case, and to whom the number goes."""
    holder, back, number = ported
    answer = scene.send(holder, "NP_OPPS", main_number=number, termination_time=instant(TODAY, at))
    return answer["case"]["case_id"], back


def _ahead(scene: Scene) -> None:
    """Large orders on the days to come, so that some days are nearly full and one is."""
    first = 90100000
    for day, counts in (
        (15, (9000,)),
        (16, (7700, 6500)),
        (17, (2500,)),
        (18, (9000, 6000)),
        (21, (6200,)),
        (22, (800,)),
    ):
        for count in counts:
            case_id = scene.order("TELIA", "TELENOR", str(first), instant(day, "10:00"), count)
            if len(counts) > 1:
                scene.moved("TELIA", "TELENOR", case_id)
            # Not side by side: Nkom moves whole blocks.
            first += count + 10

"""The market: five providers, a network for a closed user group, and a number plan. All of it invented."""

from dataclasses import dataclass

from nrdb.demo.player import Json, Player
from nrdb.demo.stage import Stage

#: Routing numbers in both forms that the contract knows: E.164 and hexadecimal.
PROVIDERS: tuple[Json, ...] = (
    {"code": "NORD", "name": "Nordnett AS", "terminating": True, "routing_number": "+47990101"},
    {"code": "FJELL", "name": "Fjellmobil AS", "terminating": True, "routing_number": "+47990102"},
    {"code": "KYST", "name": "Kystfon AS", "terminating": True, "routing_number": "D0103"},
    {"code": "SKOG", "name": "Skogen Breiband AS", "terminating": True, "routing_number": "+47990104"},
    {"code": "BYTEL", "name": "Bytel AS, a provider without a network", "terminating": False},
)
CLOSED_NETWORK: Json = {"code": "VAKT", "name": "Vaktnett, an emergency network", "terminating": False}


@dataclass(frozen=True, slots=True)
class Series:
    """A series of the number plan."""

    first: str
    last: str
    holder: str
    status: str = "open"


PLAN = (
    Series("90000000", "90009999", "NORD"),
    Series("41000000", "41009999", "FJELL"),
    Series("22000000", "22019999", "NORD"),
    Series("73000000", "73009999", "KYST"),
    Series("67000000", "67009999", "SKOG"),
    Series("81500000", "81509999", "BYTEL"),
    Series("580000000000", "580000009999", "NORD"),
    Series("59900000", "59909999", "VAKT", "blocked"),
    Series("45360000", "45369999", "0", "returned"),
    Series("02000", "09999", "0"),
)

#: The numbers whose routing answers stand in the table at the end.
WATCHED = (
    "90000001", "90000003", "90000005", "90000006", "90000007", "90000008", "90000009", "90000013", "580000000001",
    "41000001", "22000000", "22004711", "22009999", "22010000", "22015000", "22017000", "67000100", "67000101",
    "73000000", "81500002", "81500009", "02800", "03000", "59900112",
)  # fmt: skip


def opens(stage: Stage) -> str:
    """The administrator makes providers, keys and the number plan; nobody else can."""
    stage.checks.equal("without a key", stage.wire.ask("GET", "/v1/me").status, 401)
    for provider in (*PROVIDERS, CLOSED_NETWORK):
        _joins(stage, provider)
    _keys_open_what_they_should(stage)
    for series in PLAN:
        _enters_the_plan(stage, series)
    codes = [item["code"] for item in stage["BYTEL"].get("/v1/providers")["items"]]
    wanted = sorted(["0", *stage.players, CLOSED_NETWORK["code"]])
    stage.checks.equal("everybody sees the register", codes, wanted)
    stage.follow()
    for number in WATCHED:
        stage.before[number] = stage.routing(number)
    return f"{len(PROVIDERS)} providers, {len(PLAN)} series"


def _joins(stage: Stage, provider: Json) -> None:
    code = provider["code"]
    stage.audience.step(f"admin  creates {code}, {provider['name']}")
    contact = {"email": f"porting@{code.lower()}.example", "phone": "22000000"}
    created = stage.admin("POST", "/v1/admin/providers", 201, json={**provider, "contact": contact})
    stage.checks.holds(f"the new provider {code}", created, code=code, active=True, contact=contact)
    if provider is CLOSED_NETWORK:
        return
    path = f"/v1/admin/providers/{code}/keys"
    key = stage.admin("POST", path, 201, json={"label": "demo"})["key"]
    stage.players[code] = Player(code, key, stage)


def _keys_open_what_they_should(stage: Stage) -> None:
    nord = stage["NORD"]
    stage.checks.holds("NORD asks who it is", nord.get("/v1/me"), role="provider", codes=["NORD"])
    for path in ("/v1/admin/providers", "/v1/admin/series"):
        reply = stage.wire.ask("POST", path, key=nord.key, json={})
        stage.checks.equal("a provider administers", reply.status, 403)
        stage.checks.holds("a provider administers", reply.body, code="role-not-permitted-here")
    taken = {**PROVIDERS[0], "contact": {"email": "a@b.example", "phone": "22000000"}}
    again = stage.admin("POST", "/v1/admin/providers", 409, json=taken)
    stage.checks.holds("a code given twice", again, code="code-exists")


def _enters_the_plan(stage: Stage, series: Series) -> None:
    stage.audience.step(f"admin  gives {series.first}-{series.last} to {series.holder} ({series.status})")
    form = {"first": series.first, "last": series.last, "holder": series.holder, "reason": "demo"}
    created = stage.admin("POST", "/v1/admin/series", 201, json={**form, "status": series.status})
    stage.checks.holds("the new series", created, **form, status=series.status)
    again = stage.admin("POST", "/v1/admin/series", 409, json=form)
    stage.checks.holds("a series entered twice", again, code="series-overlap")

"""How a robot behaves: a TOML file, read strictly. What ships with nrdb lies in `profiles/`.

What chance decides hangs on the seed, the robot's code and the main number, and on nothing else: the same number meets
the same fate each time, after a restart too, whatever the clearinghouse calls the case.
"""

import hashlib
import tomllib
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictFloat,
    StrictInt,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from nrdb.robot.duties import Duty, Kind

Fate = Literal["acts", "refuses", "forgets", "silent"]
OrderReason = Literal[
    "number-not-held", "owner-mismatch", "owner-mismatch-secret", "numbers-incomplete", "number-type-wrong",
    "subscription-ended", "authorisation-invalid", "complex-porting",
]  # fmt: skip
TerminationReason = Literal["number-not-held", "numbers-incomplete", "termination-time-wrong", "other"]
Share = Annotated[StrictFloat, Field(ge=0, le=1)]


class ProfileError(ValueError):
    """A profile that cannot be used; the text names it and all that is wrong in it."""


def _span(value: object) -> object:
    return (value, value) if isinstance(value, int) else tuple(value) if isinstance(value, list) else value


#: One number, or two between which chance decides.
Span = Annotated[
    tuple[Annotated[StrictInt, Field(ge=0, le=100_000)], Annotated[StrictInt, Field(ge=0, le=100_000)]],
    BeforeValidator(_span),
]
_NONE = (0, 0)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Wait(_Part):
    """How long others wait: so many working minutes and then minutes of the sandbox clock, and then real seconds."""

    working_minutes: Span = _NONE
    minutes: Span = _NONE
    seconds: Span = _NONE

    @model_validator(mode="after")
    def _forward(self) -> Self:
        wrong = [name for name in type(self).model_fields if getattr(self, name)[0] > getattr(self, name)[1]]
        if wrong:
            raise ValueError(f"{wrong[0]}: the first of two must not be the larger one")
        return self


class Manner(_Part):
    """What becomes of one kind of duty. Shares of all numbers: never done, done when reminded, refused; the rest is
    done. `stutters` is the share of what is sent that is sent twice, and once more under a new message_id."""

    silent: Share = 0.0
    forgets: Share = 0.0
    stutters: Share = 0.0
    wait: Wait = Wait()

    @property
    def refused(self) -> float:
        """The share refused; an execution cannot be."""
        return 0.0

    @model_validator(mode="after")
    def _a_whole(self) -> Self:
        if self.silent + self.forgets + self.refused > 1:
            raise ValueError("silent, forgets and refuses together are more than 1")
        return self


class OrderManner(Manner):
    """NP_BEST and NP_ENDR: approved with NP_GODK or refused with NP_FBES, for each of `reasons` in turn."""

    refuses: Share = 0.0
    reasons: Annotated[tuple[OrderReason, ...], Field(min_length=1)] = get_args(OrderReason)

    @property
    def refused(self) -> float:
        """The share refused."""
        return self.refuses


class TerminationManner(Manner):
    """NP_OPPS: taken back with NP_TILB or refused with NP_FOPS, for each of `reasons` in turn."""

    refuses: Share = 0.0
    reasons: Annotated[tuple[TerminationReason, ...], Field(min_length=1)] = get_args(TerminationReason)

    @property
    def refused(self) -> float:
        """The share refused."""
        return self.refuses


class Profile(_Part):
    """All of a robot's behaviour."""

    description: str = ""
    orders: OrderManner = OrderManner()
    executions: Manner = Manner()
    terminations: TerminationManner = TerminationManner()

    def manner(self, kind: Kind) -> OrderManner | Manner | TerminationManner:
        """What holds for this kind of duty."""
        return {"order": self.orders, "execution": self.executions, "termination": self.terminations}[kind]


class Chance:
    """What the seed has decided about a number, for one robot."""

    def __init__(self, profile: Profile, seed: int, code: str) -> None:
        self._profile = profile
        self._seed = seed
        self._code = code

    def fate(self, duty: Duty) -> Fate:
        """What becomes of the duty."""
        manner = self._profile.manner(duty.kind)
        drawn = self._draw(duty, "fate")
        if drawn < manner.silent:
            return "silent"
        if drawn < manner.silent + manner.forgets:
            return "forgets"
        return "refuses" if drawn < manner.silent + manner.forgets + manner.refused else "acts"

    def reasons(self, duty: Duty) -> tuple[str, ...]:
        """The reasons for a refusal, beginning with the one whose turn it is: the next number begins with the next."""
        manner = self._profile.manner(duty.kind)
        reasons = manner.reasons if isinstance(manner, OrderManner | TerminationManner) else ()
        turn = (int(duty.main_number) + self._seed) % max(len(reasons), 1)
        return reasons[turn:] + reasons[:turn]

    def stutters(self, duty: Duty) -> bool:
        """Whether it sends everything more often than once."""
        return self._draw(duty, "stutters") < self._profile.manner(duty.kind).stutters

    def wait(self, duty: Duty) -> tuple[int, int, int]:
        """Working minutes, minutes and seconds to let the others wait."""
        wait = self._profile.manner(duty.kind).wait
        return (
            self._within(duty, "working_minutes", wait.working_minutes),
            self._within(duty, "minutes", wait.minutes),
            self._within(duty, "seconds", wait.seconds),
        )

    def _within(self, duty: Duty, what: str, span: tuple[int, int]) -> int:
        return span[0] + int(self._draw(duty, what) * (span[1] - span[0] + 1))

    def _draw(self, duty: Duty, what: str) -> float:
        """From 0 up to 1, evenly."""
        text = f"{self._seed} {self._code} {duty.kind} {duty.main_number} {what}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2**48


_BUILT_IN = files("nrdb.robot") / "profiles"


def built_in() -> list[str]:
    """The names of the profiles that ship with nrdb."""
    return sorted(entry.name.removesuffix(".toml") for entry in _BUILT_IN.iterdir() if entry.name.endswith(".toml"))


def load_profile(name: str) -> Profile:
    """A profile of ours by name, or one's own by the path of its file. Raises `ProfileError`."""
    if not name.endswith(".toml"):
        if name not in built_in():
            raise ProfileError(
                f"there is no profile {name}: take {', '.join(built_in())}, or a file that ends in .toml"
            )
        return _read(name, _BUILT_IN / f"{name}.toml")
    return _read(name, Path(name))


def _read(name: str, file: Traversable) -> Profile:
    try:
        return Profile.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise ProfileError(f"{name} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ProfileError(f"{name} is no TOML: {error}") from None
    except ValidationError as error:
        raise ProfileError(f"{name}: " + "; ".join(map(_sentence, error.errors()))) from None


def _sentence(error: ErrorDetails) -> str:
    """What is wrong where, and for an unknown setting which ones there are."""
    place = ".".join(str(part) for part in error["loc"])
    if error["type"] != "extra_forbidden":
        message = error["msg"].removeprefix("Value error, ")
        return f"{place}: {message}" if place else message
    return f"{place} is no setting; there are {', '.join(_settings_beside(error['loc']))}"


def _settings_beside(place: tuple[int | str, ...]) -> list[str]:
    part: Any = Profile()
    for name in place[:-1]:
        part = getattr(part, str(name))
    return list(type(part).model_fields)

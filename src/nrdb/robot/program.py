"""The command: which codes are played with which keys, and everybody at once until Ctrl-C."""

import asyncio
import re
import signal
import sys
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from math import inf
from pathlib import Path

import httpx

from nrdb.client import Client, NotPermittedError, NrdbError, RefusedError
from nrdb.robot.clock import SandboxClock
from nrdb.robot.profile import Profile, ProfileError, load_profile
from nrdb.robot.robot import Robot
from nrdb.robot.telling import Presence, aside, printer

_FAILED = 1
_WRONG_USE = 2
#: Seconds to wait at start for a service that is just starting itself.
_PATIENCE = 15.0
_KEY = re.compile(r"[\x21-\x7e]+")
_LINE = re.compile(rf"^[A-Z0-9]+_KEY=({_KEY.pattern})[ \t\r]*$", re.MULTILINE)
_TIMEOUT = httpx.Timeout(30, connect=10)


class WrongUseError(Exception):
    """What was asked for cannot be done; the text says what would be right."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command was told. `keys` is a file of keys, and wins over `key`."""

    url: str
    key: str | None = None
    keys: Path | None = None
    codes: Sequence[str] = ()
    but: Sequence[str] = ()
    profile: str = "prompt"
    seed: int = 1
    plain: bool = True


def play(wanted: Wanted) -> int:
    """Play until Ctrl-C; the exit code: 0, 1 when it could not go on, 2 for wrong use."""
    try:
        profile, keys = load_profile(wanted.profile), _keys(wanted)
        asyncio.run(_until_stopped(wanted, profile, keys))
    except (WrongUseError, ProfileError) as error:
        sys.stderr.write(f"nrdb robot: {error}\n")
        return _WRONG_USE
    except (NrdbError, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        sys.stderr.write(f"nrdb robot: {error}\n")
        return _FAILED
    return 0


def _keys(wanted: Wanted) -> list[str]:
    """The keys given, of a file its `NAME_KEY=…` lines as the sandbox writes them; what they open, the service says."""
    if wanted.keys is None:
        if not wanted.key:
            raise WrongUseError("a provider's key is needed, in NRDB_KEY or --key, or a file of them in --keys")
        if not _KEY.fullmatch(wanted.key):
            raise WrongUseError("the key holds signs that no key has")
        return [wanted.key]
    try:
        text = wanted.keys.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUseError(f"{wanted.keys} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    found = _LINE.findall(text)
    if not found:
        raise WrongUseError(f"{wanted.keys} holds no line like TELIA_KEY=…")
    return found


async def _until_stopped(wanted: Wanted, profile: Profile, keys: Sequence[str]) -> None:
    work = asyncio.create_task(_play(wanted, profile, keys))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, work.cancel)
    with suppress(asyncio.CancelledError):
        await work


async def _play(wanted: Wanted, profile: Profile, keys: Sequence[str]) -> None:
    # Reading the machine's certificates takes long enough to do it once for all.
    tls = httpx.create_ssl_context()

    def client(key: str, code: str | None = None, patience: float = _PATIENCE) -> Client:
        return Client(wanted.url, key, code, patience=patience, http=httpx.AsyncClient(verify=tls, timeout=_TIMEOUT))

    async with AsyncExitStack() as stack:
        holders: dict[str, str] = {}
        for key in keys:
            async with client(key) as asking:
                holders |= {code: key for code in await _codes(asking) if code not in holders}
        codes = _chosen(wanted, holders)
        async with client(holders[codes[0]]) as asking:
            now = await _sandbox_time(asking, wanted.url)
        aside(f"{len(codes)} robots ({', '.join(codes)}), profile {wanted.profile}, seed {wanted.seed}")
        aside(f"{profile.description or 'as the file says'}; the sandbox clock shows {now}; Ctrl-C ends it")
        clock = SandboxClock(await stack.enter_async_context(client(holders[codes[0]], patience=0)))
        tell, presence = printer(plain=wanted.plain), Presence()
        robots = [
            Robot(
                await stack.enter_async_context(client(holders[code], code, inf)),
                code, clock, profile, wanted.seed, tell, presence.on_state(code),
            )
            for code in codes
        ]  # fmt: skip
        await _all(clock, dict(zip(codes, robots, strict=True)))


async def _all(clock: SandboxClock, robots: dict[str, Robot]) -> None:
    """Everybody plays for themselves: one whose key is revoked stops alone. Raises when nobody is left."""
    looking = asyncio.create_task(clock.run())
    try:
        await asyncio.gather(*(_one(code, robot) for code, robot in robots.items()))
    finally:
        looking.cancel()
    raise NrdbError("nobody-plays", "no robot can go on")


async def _one(code: str, robot: Robot) -> None:
    try:
        await robot.run()
    except* NrdbError as errors:
        for error in errors.exceptions:
            aside(f"{code} has stopped: {error}")


async def _sandbox_time(client: Client, url: str) -> str:
    """What its clock shows. Raises `WrongUseError` for a service that is no sandbox: a robot must move no number."""
    try:
        return str((await client.get("/v1/sandbox/clock"))["now"])
    except RefusedError:
        raise WrongUseError(f"{url} is not a sandbox, and robots play in sandboxes only") from None


async def _codes(client: Client) -> list[str]:
    """The codes that a key may play; none for an administrator's, an operator's or a revoked one."""
    try:
        found = await client.get("/v1/me")
    except NotPermittedError:
        aside("a key is not known to this service: is it of another sandbox?")
        return []
    return list(found["codes"]) if found["role"] == "provider" else []


def _chosen(wanted: Wanted, holders: Iterable[str]) -> list[str]:
    """The codes to play, of those that there are keys for. A slip of the pen is told: it might play one's own code."""
    there = sorted(holders)
    unknown = [code for code in (*wanted.codes, *wanted.but) if code not in there]
    if unknown:
        raise WrongUseError(f"no key is for {', '.join(unknown)}; there are keys for {', '.join(there) or 'no code'}")
    chosen = [code for code in there if code in (wanted.codes or there) and code not in wanted.but]
    if not chosen:
        raise WrongUseError("no provider's key is left to play with")
    return chosen

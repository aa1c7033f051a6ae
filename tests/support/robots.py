"""Robots in the loop of the test, and what they told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from math import inf

from tests.support.service import Service, eventually, new_client

from nrdb.client import Client
from nrdb.client.following import OnState
from nrdb.robot import Event, Profile, Robot, SandboxClock, load_profile

#: Those that terminate calls, less TELIA, which the tests play.
OTHERS = (
    "BANENOR", "COM4", "DSB", "GLOBCON", "IRISTEL", "LYSE", "NEXTGEN", "TELENOR", "TLINX", "UNIFON",
)  # fmt: skip


class Told(list[Event]):
    """All that robots told, in order."""

    def of(self, did: str, type_: str = "") -> list[Event]:
        """What they did, with messages of a type."""
        return [event for event in self if event.did == did and type_ in ("", event.type)]

    async def comes_to(self, expected: int, did: str, type_: str = "") -> None:
        """Wait until it has been told so often."""

        async def told() -> bool:
            return len(self.of(did, type_)) >= expected

        await eventually(told)
        assert len(self.of(did, type_)) == expected


def client_of(service: Service, code: str, patience: float = inf) -> Client:
    return Client(service.address, service.keys[code], code, patience=patience, http=new_client(service.address))


@asynccontextmanager
async def playing(
    service: Service, *codes: str, profile: str | Profile = "prompt", seed: int = 1
) -> AsyncIterator[Told]:
    """Robots for these codes, once they follow their inboxes; when they are stopped, none has failed."""
    told = Told()
    following: set[str] = set()
    profile = load_profile(profile) if isinstance(profile, str) else profile
    async with AsyncExitStack() as stack:
        clock = SandboxClock(await stack.enter_async_context(client_of(service, codes[0], 0)), look=0.02)
        works = [asyncio.create_task(clock.run())]

        def on_state(code: str) -> OnState:
            return lambda _state: following.add(code)

        for code in codes:
            client = await stack.enter_async_context(client_of(service, code))
            robot = Robot(client, code, clock, profile, seed, told.append, on_state(code))
            works.append(asyncio.create_task(robot.run()))

        async def ready() -> bool:
            return len(following) == len(codes) or any(work.done() for work in works)

        try:
            await eventually(ready, 20)
            yield told
        finally:
            for work in works:
                work.cancel()
            ended = await asyncio.gather(*works, return_exceptions=True)
        assert all(isinstance(error, asyncio.CancelledError) for error in ended), ended


async def becomes(service: Service, case_id: str, state: str) -> None:
    """Wait until the case is in the state."""

    async def there() -> bool:
        return bool((await service.case(case_id))["state"] == state)

    await eventually(there)


async def types_of(service: Service, case_id: str, *types: str) -> list[str]:
    """Who sent messages of these types in the case, in order."""
    return [line["by"] for line in await service.history(case_id) if line["type"] in types]

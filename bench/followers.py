"""A process of followers: an open stream for each code, read as fast as it comes, and every item counted.

`python -m bench.followers PORT FILE COUNT [--times]`: FILE holds a key for each code as JSON. It writes a line when all
streams are open, and another when each has had COUNT items. With `--times` that one tells when each item came.
"""

import asyncio
import json
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

_EVENT = re.compile(rb"^id: (\d+)\n", re.MULTILINE)
_MESSAGE = re.compile(rb'"message_id":"([^"]{36})"')


@dataclass
class Followed:
    """What one stream has brought; `disorder` counts items whose `seq` was not above the one before."""

    items: int = 0
    disorder: int = 0
    newest: int = 0
    size: int = 0
    times: list[tuple[str, float]] = field(default_factory=list)

    def take(self, events: bytes, *, timed: bool) -> None:
        """Count whole events."""
        self.size += len(events)
        for seq in map(int, _EVENT.findall(events)):
            self.items += 1
            self.disorder += seq <= self.newest
            self.newest = seq
        if timed:
            now = monotonic()
            self.times += [(message.decode(), now) for message in _MESSAGE.findall(events)]


async def _follow(port: int, key: str, count: int, found: Followed, opened: asyncio.Event, *, timed: bool) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    request = f"GET /v1/inbox/stream HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n\r\n"
    writer.write(request.encode())
    head = await reader.readuntil(b": connected\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(head.decode())
    opened.set()
    rest = b""
    # The sizes of chunks stand between the events and look like none of their lines.
    while found.items < count:
        piece = await reader.read(1 << 20)
        if not piece:
            raise RuntimeError("the stream has ended")
        whole, end, rest = (rest + piece).rpartition(b"\n\n")
        found.take(whole + end, timed=timed)
    writer.close()


async def _main(port: int, keys: dict[str, str], count: int, *, timed: bool) -> None:
    followed = {code: Followed() for code in keys}
    opened = {code: asyncio.Event() for code in keys}
    following = [
        asyncio.create_task(_follow(port, key, count, followed[code], opened[code], timed=timed))
        for code, key in keys.items()
    ]
    for event in opened.values():
        await event.wait()
    print("open", flush=True)
    await asyncio.gather(*following)
    print(
        json.dumps(
            {
                "at": monotonic(),
                "items": sum(one.items for one in followed.values()),
                "disorder": sum(one.disorder for one in followed.values()),
                "megabytes": sum(one.size for one in followed.values()) / 1e6,
                "times": [time for one in followed.values() for time in one.times],
            }
        ),
        flush=True,
    )


if __name__ == "__main__":
    _, _port, _file, _count, *_more = sys.argv
    asyncio.run(_main(int(_port), json.loads(Path(_file).read_text()), int(_count), timed="--times" in _more))

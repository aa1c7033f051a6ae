"""The stream through a proxy, read by clients that we did not write: nothing waits in a buffer, nothing is lost."""

import asyncio
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import httpx_sse
import pytest
import sseclient
from tests.support.nginx import nginx_before
from tests.support.service import Service, eventually

Seen = list[tuple[int, dict[str, Any]]]
Follow = Callable[[str, str, Seen, threading.Event], None]


def follow_with_httpx_sse(address: str, key: str, seen: Seen, enough: threading.Event) -> None:
    """As its documentation shows, and again from the last id when the connection breaks."""
    with httpx.Client(trust_env=False, timeout=30) as client:
        while not enough.is_set():
            headers = {"Authorization": f"Bearer {key}"} | ({"Last-Event-ID": str(seen[-1][0])} if seen else {})
            try:
                with httpx_sse.connect_sse(client, "GET", f"{address}/v1/inbox/stream", headers=headers) as source:
                    for event in source.iter_sse():
                        seen.append((int(event.id), event.json()))
                        if enough.is_set():
                            return
            except (httpx.TransportError, httpx_sse.SSEError):
                enough.wait(0.05)


def follow_with_sseclient(address: str, key: str, seen: Seen, enough: threading.Event) -> None:
    """As its documentation shows, and again from the last id when the connection breaks."""
    with httpx.Client(trust_env=False, timeout=30) as client:
        while not enough.is_set():
            headers = {"Authorization": f"Bearer {key}"} | ({"Last-Event-ID": str(seen[-1][0])} if seen else {})
            try:
                with client.stream("GET", f"{address}/v1/inbox/stream", headers=headers) as response:
                    for event in sseclient.SSEClient(response.iter_bytes()).events():
                        seen.append((int(event.id or 0), json.loads(event.data)))
                        if enough.is_set():
                            return
            except httpx.TransportError:
                enough.wait(0.05)


@pytest.mark.parametrize("follow", [follow_with_httpx_sse, follow_with_sseclient])
async def test_a_stream_through_nginx(service: Service, tmp_path: Path, follow: Follow) -> None:
    """Items come as they are sent; when the proxy is restarted in the middle, the client goes on where it was."""
    seen: Seen = []
    enough = threading.Event()
    async with nginx_before(service.address, tmp_path) as proxy:
        following = asyncio.create_task(asyncio.to_thread(follow, proxy.address, service.keys["TELENOR"], seen, enough))
        try:
            for n in range(30):
                if away := n % 10 == 5:
                    await proxy.kill()
                # One at a time: nothing else comes that could push an item through a buffer.
                await service.ordered(main_number=f"900123{n:02}")
                if away:
                    await proxy.start()
                await _seen(seen, n + 1, following)
        finally:
            enough.set()
            await service.ordered(main_number="90012599")
            await following
    polled = [(item["seq"], item) for item in await service.inbox("TELENOR", limit=1000)]
    assert seen == polled[: len(seen)]
    assert len(seen) >= 30


async def _seen(seen: Seen, count: int, following: asyncio.Task[None]) -> None:
    async def enough() -> bool:
        if following.done():
            following.result()
        return len(seen) >= count

    await eventually(enough, seconds=20)

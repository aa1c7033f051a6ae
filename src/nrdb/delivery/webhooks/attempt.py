"""One attempt to post an item: bounded in time and size, to the address that was checked, and never anywhere else.

Redirects are not followed, proxies of the environment are not used, and nothing of the answer is kept but its status.
"""

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

import httpcore
import httpx

from nrdb.clock import monotonic
from nrdb.delivery.webhooks.addresses import Resolve, is_public, resolve

#: Seconds that an attempt may take, from the name to the end of the answer's headers.
TIMEOUT = 15.0
#: Of the answer's body so much is read, for so many seconds, to use the connection again; the rest is of no interest.
_READ_BYTES = 65_536
_READ_SECONDS = 1.0
_CONNECTIONS = 200
#: Seconds after which a name's next address is tried.
_NEXT_ADDRESS_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of it: the `status` answered, or the `error` in words of ours.

    `retry_after` is the receiver's header as it is.
    """

    status: int | None
    error: str | None
    retry_after: str | None
    milliseconds: int

    @property
    def delivered(self) -> bool:
        """Only 2xx counts. A redirect is none."""
        return self.status is not None and 200 <= self.status < 300


class _RefusedAddressError(httpcore.ConnectError):
    """The name resolves to an address where webhooks must not go."""


class _NoAddressError(httpcore.ConnectError):
    """The name does not resolve."""


class _Network(httpcore.AsyncNetworkBackend):
    """Connects to addresses that it has checked itself, so that a name cannot mean two things."""

    def __init__(self, resolve: Resolve, *, allow_private: bool) -> None:
        self._tcp = httpcore.AnyIOBackend()
        self._resolve = resolve
        self._allow_private = allow_private

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (the library's signature)
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise _NoAddressError(str(error)) from error
        if not self._allow_private and not all(map(is_public, addresses)):
            raise _RefusedAddressError
        # One address that does not answer must not use up the time of the others.
        for address in addresses[:-1]:
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return await self._tcp.connect_tcp(
                    str(address), port, _NEXT_ADDRESS_SECONDS, local_address, socket_options
                )
        return await self._tcp.connect_tcp(str(addresses[-1]), port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Sender:
    """Posts to receivers, and keeps connections to them for the next item. To be used in an `async with` block."""

    def __init__(
        self, *, allow_private: bool, trusted: ssl.SSLContext | None = None, resolve: Resolve = resolve
    ) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            # Made once: left to the pool, it would be read from the disk again for each connection.
            ssl_context=trusted or httpx.create_ssl_context(),
            max_connections=_CONNECTIONS,
            keepalive_expiry=30,
            network_backend=_Network(resolve, allow_private=allow_private),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._pool.aclose()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Attempt:
        """One attempt, or two where a kept connection turns out to be dead before anything was answered."""
        began = monotonic()
        answer, error = _Answer(), None
        try:
            async with asyncio.timeout(TIMEOUT):
                await self._post(url, headers, body, answer)
        except TimeoutError:
            error = f"timed out after {TIMEOUT:.0f} s"
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, OSError) as failure:
            error = _in_words(failure)
        # What comes after the headers, or does not, takes nothing back.
        error = None if answer.status is not None else error
        return Attempt(answer.status, error, answer.retry_after, round((monotonic() - began) * 1000))

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes, answer: "_Answer") -> None:
        fresh = False

        async def note(event: str, _info: Mapping[str, Any]) -> None:
            nonlocal fresh
            fresh = fresh or event == "connection.connect_tcp.started"

        while True:
            try:
                await self._exchange(url, headers, body, answer, note)
            except (httpcore.NetworkError, httpcore.ProtocolError):
                if fresh or answer.status is not None:
                    raise
            else:
                return

    async def _exchange(self, url: str, headers: Mapping[str, str], body: bytes, answer: "_Answer", note: Any) -> None:
        parts = httpx.URL(url)
        target = httpcore.URL(scheme=parts.raw_scheme, host=parts.raw_host, port=parts.port, target=parts.raw_path)
        sent = [("host", parts.netloc.decode()), ("content-length", str(len(body))), *headers.items()]
        async with self._pool.stream(
            "POST", target, headers=sent, content=body, extensions={"trace": note}
        ) as response:
            asked = _header(response.headers, b"retry-after")
            answer.status, answer.retry_after = response.status, asked.decode("latin-1") if asked else None
            await _drain(response)


@dataclass(slots=True)
class _Answer:
    """What the receiver has said, as soon as its headers were complete."""

    status: int | None = None
    retry_after: str | None = None


def _header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    return next((value for found, value in headers if found.lower() == name), None)


async def _drain(response: httpcore.Response) -> None:
    """Read a short body, so that the connection can be used again; a long or slow one closes it."""
    read = 0
    with suppress(TimeoutError, httpcore.NetworkError, httpcore.ProtocolError):
        async with asyncio.timeout(_READ_SECONDS):
            async for piece in response.aiter_stream():
                read += len(piece)
                if read > _READ_BYTES:
                    break


def _in_words(failure: Exception) -> str:
    """Never the receiver's own words: they may hold anything."""
    if isinstance(failure, _RefusedAddressError):
        return "its address is not on the public internet"
    if isinstance(failure, _NoAddressError):
        return "its name does not resolve"
    if isinstance(failure, httpcore.ProtocolError):
        return "no proper HTTP answer"
    causes: list[BaseException | None] = [failure, failure.__cause__, failure.__context__]
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return "TLS failure"
    is_connecting = isinstance(failure, httpcore.ConnectError | httpcore.ConnectTimeout)
    return "cannot connect" if is_connecting else "connection lost"

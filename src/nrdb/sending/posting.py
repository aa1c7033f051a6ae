"""Request after request, and what to do when one does not get its answers."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import httpx
import orjson

from nrdb.sending.answers import Answers
from nrdb.sending.lines import Line, Queue
from nrdb.sending.show import Show

_NDJSON = "application/x-ndjson"
_HEADERS = {"Content-Type": _NDJSON, "Accept": _NDJSON}
#: Statuses of a request that may pass by waiting.
_PASSING = {429, 500, 502, 503, 504}
_FIRST_DELAY = 0.5
_LONGEST_DELAY = 30.0


class RefusedError(Exception):
    """The service refuses the whole request, and would again."""


class TooLongAwayError(Exception):
    """The service has not answered for longer than we are to wait."""


class _LaterError(Exception):
    """No answer now; `retry_after` is what the service asked for."""

    def __init__(self, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Posting:
    """Sends a queue. `stop` is set to end it after the request under way."""

    def __init__(self, client: httpx.AsyncClient, queue: Queue, answers: Answers, show: Show, patience: float) -> None:
        self.stop = asyncio.Event()
        self._client = client
        self._queue = queue
        self._answers = answers
        self._show = show
        self._patience = patience
        self._failures = 0
        self._waited = 0.0

    async def run(self) -> bool:
        """Whether every line has its answer; False after `stop`. Raises `RefusedError` or `TooLongAwayError`."""
        while request := self._queue.request():
            if self.stop.is_set():
                return False
            try:
                await self._post(request)
            except orjson.JSONDecodeError:
                raise RefusedError("what answers is not JSON, so it is no nrdb") from None
            except httpx.TransportError as error:
                await self._wait(_LaterError(type(error).__name__))
            except _LaterError as later:
                await self._wait(later)
            finally:
                self._answers.flush()
        return True

    async def _post(self, request: list[Line]) -> None:
        """One request; each answer counts as soon as it has come."""
        body = b"\n".join(line.content for line in request) + b"\n"
        async with self._client.stream("POST", "/v1/messages/batch", content=body, headers=_HEADERS) as response:
            await _check(response)
            expected = iter(enumerate(request, 1))
            async for answer in _answers(response):
                number, line = next(expected, (0, None))
                if answer.get("status") == 503:
                    raise _LaterError(str(answer.get("code")), float(answer.get("retry_after", 0)))
                if answer.get("status") == 401:
                    raise RefusedError(f"401 {answer.get('code')}: {answer.get('detail')}")
                if line is None or answer.get("line") != number:
                    raise RefusedError(f"the answer to line {line.number if line else '?'} is none")
                self._keep(line, answer)
            if next(expected, None) is not None:
                raise _LaterError("the answer ended early")

    def _keep(self, line: Line, answer: dict[str, Any]) -> None:
        self._answers.write(line, answer)
        self._queue.answered()
        self._show.answered(line, answer)
        self._failures, self._waited = 0, 0.0

    async def _wait(self, later: _LaterError) -> None:
        """A little longer each time, and never less than the service asked for; a stop ends it."""
        delay = min(_FIRST_DELAY * 2**self._failures, _LONGEST_DELAY)
        # Those who were sent away together shall not come back together.
        delay = max(delay * random.uniform(0.5, 1), later.retry_after)  # noqa: S311 (no secret)
        self._failures = min(self._failures + 1, 10)
        if self._waited + delay > self._patience:
            raise TooLongAwayError(f"The service is not there ({later}), after waiting {self._waited:.0f} s.")
        self._waited += delay
        self._show.waiting(str(later), delay)
        with suppress(TimeoutError):
            await asyncio.wait_for(self.stop.wait(), delay)


async def _check(response: httpx.Response) -> None:
    """Raises for anything but the answer to a batch."""
    kind = response.headers.get("content-type", "").partition(";")[0].strip()
    if response.status_code == 200 and kind == _NDJSON:
        return
    if response.status_code in _PASSING:
        after = response.headers.get("retry-after", "")
        raise _LaterError(f"status {response.status_code}", float(after) if after.isdecimal() else 0.0)
    if kind != "application/problem+json":
        raise RefusedError(f"{response.url} answers {response.status_code} {kind}, as no nrdb does")
    problem = orjson.loads(await response.aread())
    raise RefusedError(f"{response.status_code} {problem.get('code')}: {problem.get('detail')}")


async def _answers(response: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    """The whole lines of the answer; one that a broken connection tore is none.

    `aiter_lines` of httpx also ends lines at signs that may stand in a name.
    """
    rest = b""
    async for piece in response.aiter_bytes():
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            answer = orjson.loads(line)
            if not isinstance(answer, dict):
                raise RefusedError("a line of the answer is none")
            yield answer

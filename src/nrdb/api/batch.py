"""`POST /v1/messages/batch`: a message a line, each decided and committed by itself, each answered at once.

Both directions stream. What is held is one piece of the body (the server stops reading a sender that is ahead of its
answers) and the line that it has not ended yet, however many lines follow. The way of a line is a chain of iterators:
pieces of the body, groups of parsed lines that have come together, answers.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from nrdb.api.answers import problems
from nrdb.api.context import Services, services
from nrdb.api.guard import BODY_LIMIT, caller_of, check_parameters, guarded
from nrdb.api.languages import language_of, write_json
from nrdb.api.messages import POSTERS, check_sender, decide_many, parse_message
from nrdb.api.problems import RETRY_AFTER, problem_document, problem_of
from nrdb.deciding import Answer
from nrdb.errors import Code, Problem
from nrdb.messages.kinds import AnyMessage
from nrdb.providers.keys import Caller
from nrdb.texts import Language, say

NDJSON = "application/x-ndjson"
#: Lines of a batch, blank ones counted: a line's number is its number in the sender's file.
LINES = 10_000
#: Lines parsed in one go; between two groups it is everybody else's turn.
GROUP = 128
#: Statuses after which no line can fare better: the key opens nothing any more, or the database is away.
_ENDING = (401, 503)

router = guarded(*POSTERS, tags=["messages"])
#: Answers to the first of these messages, at least to one; what they say is committed.
Decision = Callable[[Sequence[AnyMessage]], Awaitable[Sequence[Answer | Problem]]]


class StoppingError(Exception):
    """The process is to end, and the rest of the body has not come."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is not blank. `content` is None where it is longer than a message may be."""

    number: int
    content: bytes | None


@dataclass(frozen=True, slots=True)
class ParsedLine:
    """What stands in a line: a message of one of the sender's codes, or what is wrong with it."""

    number: int
    message: AnyMessage | Problem


@dataclass(frozen=True, slots=True)
class LineAnswer:
    """What the sender of a line is told."""

    number: int
    answer: Answer | Problem

    @property
    def last(self) -> bool:
        """No line after this one is looked at."""
        answer = self.answer
        return isinstance(answer, Problem) and (answer.status in _ENDING or answer.code is Code.BATCH_TOO_LONG)

    def rendered(self, request_id: str | None, language: Language) -> bytes:
        """The line as it is sent, a problem in that language. What else is a header is a field here."""
        if isinstance(self.answer, Answer):
            marks = {"status": 200, "replayed": True} if self.answer.replayed else {"status": 201}
            body = self.answer.body
        else:
            body = problem_document(self.answer, request_id)
            marks = {"status": self.answer.status}
            if "Retry-After" in self.answer.headers:
                marks["retry_after"] = int(self.answer.headers["Retry-After"])
        return write_json({"line": self.number, **marks, **body}, language) + b"\n"


class Splitter:
    """Cuts a body into lines, whatever its pieces are. Of a line over the limit it holds nothing."""

    def __init__(self, limit: int = BODY_LIMIT) -> None:
        self._limit = limit
        self._held = bytearray()
        self._too_long = False
        self._ended = 0

    def feed(self, piece: bytes) -> Iterator[Line]:
        """The lines that end in this piece, blank ones left out."""
        start = 0
        while (end := piece.find(b"\n", start)) >= 0:
            self._hold(piece, start, end)
            yield from self.end()
            start = end + 1
        self._hold(piece, start, len(piece))

    def end(self) -> Iterator[Line]:
        """The line ends here, with a newline or with the body."""
        self._ended += 1
        content = None if self._too_long else bytes(self._held)
        self._held, self._too_long = bytearray(), False
        if content is None or content.strip(b" \t\r"):
            yield Line(self._ended, content)

    def _hold(self, piece: bytes, start: int, end: int) -> None:
        if self._too_long or len(self._held) + end - start > self._limit:
            self._held, self._too_long = bytearray(), True
        else:
            self._held += memoryview(piece)[start:end]


async def read_pieces(receive: Receive, stopping: asyncio.Event) -> AsyncGenerator[bytes]:
    """The body as it comes, to its proper end. Raises `ClientDisconnect` where it breaks off, or `StoppingError`."""
    stopped = asyncio.create_task(stopping.wait())
    try:
        more = True
        while more:
            coming = asyncio.ensure_future(receive())
            try:
                await asyncio.wait({coming, stopped}, return_when=asyncio.FIRST_COMPLETED)
                if not coming.done():
                    raise StoppingError
            finally:
                coming.cancel()
            event = coming.result()
            if event["type"] != "http.request":
                raise ClientDisconnect
            yield event.get("body", b"")
            more = event.get("more_body", False)
    finally:
        stopped.cancel()


async def read_lines(pieces: AsyncIterator[bytes], caller: Caller) -> AsyncGenerator[Sequence[ParsedLine]]:
    """The lines of the body that are not blank, in groups of what has come together."""
    splitter = Splitter()
    async for piece in pieces:
        lines = splitter.feed(piece)
        while group := [parse_line(line, caller) for line in islice(lines, GROUP)]:
            yield group
            await asyncio.sleep(0)
    # Only a body that ended as it should ends a line without a newline: what a broken connection tore is dropped.
    if group := [parse_line(line, caller) for line in splitter.end()]:
        yield group


def parse_line(line: Line, caller: Caller) -> ParsedLine:
    """The same as for a single message, as far as that goes without the database."""
    try:
        if line.number > LINES:
            raise Problem(
                Code.BATCH_TOO_LONG,
                say("A batch ends after line {limit}. Send what follows in another batch.", limit=LINES),
                facts={"limit": LINES},
            )
        if line.content is None:
            raise Problem(
                Code.BODY_TOO_LARGE,
                say("The line is longer than {limit} bytes. Nothing was changed.", limit=BODY_LIMIT),
                facts={"limit": BODY_LIMIT},
            )
        message = parse_message(line.content)
        check_sender(message, caller)
    except Problem as problem:
        # Whatever the number of the first line too many: the batch ends after its last lawful one.
        return ParsedLine(min(line.number, LINES + 1), problem)
    return ParsedLine(line.number, message)


async def answer_lines(
    groups: AsyncIterator[Sequence[ParsedLine]], decision: Decision, stopping: asyncio.Event
) -> AsyncGenerator[Sequence[LineAnswer]]:
    """The answers in order, each when it is true: those of lines that were decided together come together.

    The one place where lines meet the database. A group is what may be decided together without making anybody wait
    for a line that has not come. Where the process ends, the last answer names the line from which on nothing was done.
    """
    number = 0
    try:
        async for group in groups:
            left = list(group)
            while left:
                if stopping.is_set():
                    raise StoppingError
                answers = await _first_answers(left, decision)
                end = next((place for place, answer in enumerate(answers, start=1) if answer.last), None)
                yield answers[:end]
                if end:
                    return
                number = answers[-1].number
                del left[: len(answers)]
    except StoppingError:
        detail = say("The service is stopping. Nothing was done from this line on: send it and what follows again.")
        stopped = Problem(Code.UNAVAILABLE, detail, headers={"Retry-After": RETRY_AFTER})
        yield [LineAnswer(number + 1, stopped)]


async def _first_answers(lines: Sequence[ParsedLine], decision: Decision) -> Sequence[LineAnswer]:
    """Answers to the first lines: to one that is wrong in itself, or to messages that are decided together."""
    first = lines[0]
    if isinstance(first.message, Problem):
        return [LineAnswer(first.number, first.message)]
    messages: list[AnyMessage] = []
    for line in lines:
        if isinstance(line.message, Problem):
            break
        messages.append(line.message)
    return [LineAnswer(line.number, found) for line, found in zip(lines, await decision(messages), strict=False)]


@dataclass(slots=True)
class _Output:
    """The way back. Sending waits for a receiver that is behind."""

    send: Send
    headers: list[tuple[bytes, bytes]]
    begun: bool = False

    async def begin(self) -> None:
        """The status and the headers, once."""
        if not self.begun:
            self.begun = True
            await self.send({"type": "http.response.start", "status": 200, "headers": self.headers})

    async def write(self, body: bytes, *, more: bool = True) -> None:
        """A piece of the answer."""
        await self.begin()
        await self.send({"type": "http.response.body", "body": body, "more_body": more})


class BatchResponse(Response):
    """The answer to a batch. It reads the request itself: Starlette's streaming would take pieces of it away."""

    media_type = NDJSON

    def __init__(self, parts: Services, caller: Caller, request_id: str | None) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._parts = parts
        self._caller = caller
        self._request_id = request_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read, decide and answer line by line, until the body or the sender's patience ends."""
        output = _Output(send, self.raw_headers)
        language = language_of(scope)
        pieces = self._pieces(receive, output)
        groups = read_lines(pieces, self._caller)
        answers = answer_lines(groups, self._decision, self._parts.stopping)
        with suppress(ClientDisconnect):
            async with aclosing(pieces), aclosing(groups), aclosing(answers):
                async for together in answers:
                    lines = (answer.rendered(self._request_id, language) for answer in together)
                    await output.write(b"".join(lines))
            await output.write(b"", more=False)

    async def _pieces(self, receive: Receive, output: _Output) -> AsyncGenerator[bytes]:
        """The body; a sender that waits to be told to go on is told so before it gets the headers."""
        async with aclosing(read_pieces(receive, self._parts.stopping)) as pieces:
            async for piece in pieces:
                await output.begin()
                yield piece

    async def _decision(self, messages: Sequence[AnyMessage]) -> Sequence[Answer | Problem]:
        """What single messages would be answered. Whatever goes wrong with one is its own answer."""
        try:
            return await decide_many(self._parts, messages, self._caller)
        except Exception as error:  # noqa: BLE001 (a bad line never sinks the others)
            return [problem_of(error, self._request_id)]


_LINE: dict[str, Any] = {
    "type": "object",
    "required": ["line", "status"],
    "properties": {
        "line": {"type": "integer", "minimum": 1, "maximum": LINES + 1, "description": "The number of the line"},
        "status": {"type": "integer", "description": "What the message alone would have been answered with"},
        "replayed": {"const": True, "description": "With status 200: the first answer again"},
        "retry_after": {"type": "integer", "description": "With status 503: seconds to wait"},
    },
    "anyOf": [
        {"$ref": "#/components/schemas/MessageAnswer"},
        {"$ref": "#/components/schemas/ProblemDocument"},
    ],
}


@router.post(
    "/messages/batch",
    response_class=Response,
    response_model=None,
    responses={
        200: {
            "description": "An answer for each line that is not blank, in order",
            "content": {NDJSON: {"schema": _LINE}},
        },
        **problems(415),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "One message a line, at most 10,000 lines of at most 1 MiB each",
            "content": {NDJSON: {"schema": {"$ref": "#/components/schemas/Message"}}},
        }
    },
    summary="Post many messages, one a line",
)
async def post_batch(request: Request) -> Response:
    """Decide on each line as on a single message, in order; each is committed before it is answered.

    A line sees what the lines before it did, and a bad one sinks no other. Blank lines are counted and not answered.
    Answers come while lines are still sent: read them while you send, because the service waits for a sender that is
    behind in reading. The first 401 or 503 is the last answer: nothing was done from that line on that an answer does
    not say. After a broken connection, send the file again: what had been accepted is replayed.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != NDJSON:
        raise Problem(Code.UNSUPPORTED_MEDIA_TYPE, say("Send the lines with 'Content-Type: {type}'.", type=NDJSON))
    check_parameters(request)
    return BatchResponse(services(request), caller_of(request), getattr(request.state, "request_id", None))

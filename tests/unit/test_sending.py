"""What `nrdb send` reads of its file, and how much goes into one request."""

from io import BytesIO

import pytest

from nrdb.sending.lines import LINE_LIMIT, REQUEST_BYTES, REQUEST_LINES, Line, Queue, read_lines


def lines_of(content: bytes) -> list[Line]:
    """All lines of a file of this content."""
    return list(read_lines(BytesIO(content)))


def drained(content: bytes) -> list[list[Line]]:
    """The requests in which a file goes out when every line is answered."""
    queue, requests = Queue(read_lines(BytesIO(content))), []
    while request := queue.request():
        requests.append(request)
        for _ in request:
            queue.answered()
    return requests


def test_blank_lines_count_and_the_last_needs_no_newline() -> None:
    found = lines_of(b"a\n\n \t\r\nb\r\nc")
    assert [(line.number, line.content, line.end) for line in found] == [(1, b"a", 2), (4, b"b\r", 10), (5, b"c", 11)]


def test_a_newline_at_the_end_of_the_file_changes_no_line() -> None:
    for content in (b"a\nb", b"a\n" + b"x" * (3 * LINE_LIMIT)):
        assert [line.digest for line in lines_of(content)] == [line.digest for line in lines_of(content + b"\n")]


@pytest.mark.parametrize("length", [LINE_LIMIT, LINE_LIMIT + 1, LINE_LIMIT + 2, LINE_LIMIT + 3, 3 * LINE_LIMIT])
def test_of_a_line_that_is_too_long_just_enough_is_kept(length: int) -> None:
    """Enough for the service to see that it is too long; a difference in the rest is noticed all the same."""
    first, second = lines_of(b"x" * length + b"\nb\n")
    assert (len(first.content) > LINE_LIMIT) == (length > LINE_LIMIT)
    assert len(first.content) <= LINE_LIMIT + 2
    assert (second.number, second.content, second.end) == (2, b"b", length + 3)
    assert lines_of(b"x" * (length - 1) + b"y\nb\n")[0].digest != first.digest


def test_a_request_is_taken_in_whole_by_the_service() -> None:
    """At most so many lines and bytes, newlines included; a longer line goes alone; none is lost or moved."""
    content = b"{}\n" * 1200 + (b"x" * 30_000 + b"\n") * 5 + b"y" * 100_000 + b"\n" + b"{}\n" * 3
    requests = drained(content)
    assert [line for request in requests for line in request] == lines_of(content)
    for request in requests:
        size = sum(len(line.content) + 1 for line in request)
        assert size <= REQUEST_BYTES or len(request) == 1
        assert len(request) <= REQUEST_LINES


def test_what_was_not_answered_goes_out_again() -> None:
    queue = Queue(read_lines(BytesIO(b"a\nb\nc\n")))
    assert [line.number for line in queue.request()] == [1, 2, 3]
    queue.answered()
    assert [line.number for line in queue.request()] == [2, 3]

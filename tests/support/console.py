"""People at the console without a browser: HTTP with cookies, and forms as the pages have them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser

import httpx
from tests.support.service import Service, new_client

_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


@dataclass
class Element:
    """An element of a page: its name, its attributes, its text with the elements in it."""

    name: str
    attributes: dict[str, str]
    children: list["Element"] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text in it, with single spaces."""
        return " ".join("".join(self.texts).split())

    def all(self, name: str, /, **attributes: str) -> list["Element"]:
        """The elements of that name below it with these attributes; `class_` is one of its classes."""
        found = []
        for child in self.children:
            if child.name == name and child._has(attributes):
                found.append(child)
            found += child.all(name, **attributes)
        return found

    def one(self, name: str, /, **attributes: str) -> "Element":
        """The only one."""
        (found,) = self.all(name, **attributes)
        return found

    def _has(self, wanted: dict[str, str]) -> bool:
        return all(
            value in self.attributes.get("class", "").split()
            if name == "class_"
            else self.attributes.get(name) == value
            for name, value in wanted.items()
        )


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self._open[-1].children.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1].name == tag, f"</{tag}> closes <{self._open[-1].name}>"
        self._open.pop()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.texts.append(data)


def read(response: httpx.Response) -> Element:
    """A page. Every element must be closed in its place."""
    assert response.headers["content-type"] == "text/html; charset=utf-8", response.text[:200]
    parser = _Parser()
    parser.feed(response.text)
    assert parser._open == [parser.root], f"<{parser._open[-1].name}> is never closed"
    return parser.root


@dataclass
class Visitor:
    """Somebody at the console."""

    client: httpx.AsyncClient

    async def get(self, path: str, status: int = 200, **parameters: str) -> Element:
        """A page below /console, followed to where it leads."""
        response = await self.client.get(f"/console{path}", params=parameters or None, follow_redirects=True)
        assert response.status_code == status, response.text
        return read(response)

    async def token(self) -> str:
        """What this session's forms carry."""
        page = await self.get("/me")
        return page.all("input", name="form_token")[0].attributes["value"]

    async def post(self, path: str, **fields: str | list[str]) -> httpx.Response:
        """A form of this session, not followed."""
        return await self.client.post(f"/console{path}", data={"form_token": await self.token(), **fields})

    async def submit(self, path: str, status: int = 200, **fields: str | list[str]) -> Element:
        """A form of this session, followed to the page that it leads to."""
        response = await self.post(path, **fields)
        if response.is_redirect:
            response = await self.client.get(response.headers["location"], follow_redirects=True)
        assert response.status_code == status, response.text
        return read(response)


@asynccontextmanager
async def visitor(service: Service, who: str | None = None, language: str = "en") -> AsyncIterator[Visitor]:
    """Somebody new at the console, signed in with the key of a code, ADMIN or OPERATOR; nobody for None."""
    async with new_client(service.address) as client:
        client.headers["Accept-Language"] = language
        if who is not None:
            answer = await client.post("/console/sign-in", data={"key": service.keys[who]})
            assert answer.status_code == 303, answer.text
        yield Visitor(client)

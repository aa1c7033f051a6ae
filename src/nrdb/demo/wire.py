"""The only way to the service: HTTP, as any provider's own client speaks it."""

import json as json_text
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import httpx

from nrdb.demo.checks import UnansweredError

_TIMEOUT_SECONDS = 30.0
_CONNECTIONS = 50


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer."""

    status: int
    body: dict[str, Any]
    headers: httpx.Headers

    def __str__(self) -> str:
        said = self.body.get("code") or self.body.get("case", {}).get("state") or ""
        return f"{self.status} {said}".strip()

    @property
    def why(self) -> str:
        """The status, and for a problem what it says."""
        parts = (str(self), self.body.get("detail"), self.body.get("errors"), self.body.get("request_id"))
        return ", ".join(str(part) for part in parts if part)


class Wire:
    """One or several processes of the service; they take turns, because they must agree."""

    def __init__(self, urls: tuple[str, ...]) -> None:
        self.urls = urls
        limits = httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS)
        # No proxy of the environment stands between the demo and its own machine.
        self._clients = [
            httpx.Client(base_url=url, timeout=_TIMEOUT_SECONDS, limits=limits, trust_env=False) for url in urls
        ]
        self._turns = cycle(self._clients)

    def close(self) -> None:
        """Give the connections back."""
        for client in self._clients:
            client.close()

    def ask(
        self,
        method: str,
        path: str,
        *,
        key: str | None = None,
        json: object = None,
        params: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        content: bytes | None = None,
    ) -> Reply:
        """One request. Raises `UnansweredError` when no answer comes."""
        said = {**({"Authorization": f"Bearer {key}"} if key else {}), **(headers or {})}
        try:
            answer = next(self._turns).request(method, path, headers=said, json=json, params=params, content=content)
        except httpx.TransportError as error:
            raise UnansweredError(f"{method} {path}: expected an answer, came {type(error).__name__}") from None
        return Reply(answer.status_code, _json(answer), answer.headers)


def _json(answer: httpx.Response) -> dict[str, Any]:
    kind = answer.headers.get("content-type", "")
    if "ndjson" in kind:
        return {"lines": [json_text.loads(line) for line in answer.text.splitlines()]}
    if "json" not in kind:
        return {"text": answer.text}
    body = answer.json()
    return body if isinstance(body, dict) else {"list": body}

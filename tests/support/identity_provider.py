"""A small OpenID Connect provider on loopback, a program of its own: discovery, code with PKCE, RS256, key set.

`kari=["nrdb-telia"]` is somebody whom it knows, and her groups, which stand in the claim `groups` of her token.
"""

import base64
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import httpx
from playwright.async_api import Page

if TYPE_CHECKING:
    from flask import Flask


@dataclass(frozen=True)
class Registered:
    """What a provider tells whoever registers with it."""

    issuer: str
    client_id: str
    client_secret: str


@contextmanager
def identity_provider(redirect_uri: str, **people: list[str]) -> Iterator[Registered]:
    """A running provider with which we are registered."""
    with subprocess.Popen(
        [sys.executable, __file__, json.dumps(people)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as program:
        try:
            assert program.stdout is not None
            address = program.stdout.readline().strip()
            assert address.startswith("http"), "the identity provider does not start"
            yield _registered(address, redirect_uri)
        finally:
            program.kill()


def _registered(issuer: str, redirect_uri: str) -> Registered:
    wanted = {"redirect_uris": [redirect_uri], "token_endpoint_auth_method": "client_secret_basic"}
    with httpx.Client(base_url=issuer, trust_env=False) as client:
        found = client.get("/.well-known/openid-configuration").json()
        answer = client.post(found["registration_endpoint"], json=wanted).raise_for_status().json()
    return Registered(found["issuer"], answer["client_id"], answer["client_secret"])


async def sign_in(page: Page, name: str) -> None:
    """At the provider's page: who one is. The tests' provider believes everybody."""
    await page.fill("[name=sub]", name)
    await page.press("[name=sub]", "Enter")


def _mend(app: "Flask") -> None:
    """Refuse whoever cannot answer the challenge (RFC 7636), of which the library takes no notice.

    And its pages must not ask another host for a style sheet.
    """
    from flask import Response, request  # noqa: PLC0415

    challenges: dict[str, str] = {}

    @app.after_request
    def remember(response: Response) -> Response:
        codes = parse_qs(urlsplit(response.headers.get("Location", "")).query).get("code", [])
        if request.path == "/oauth2/authorize" and codes:
            assert request.args["code_challenge_method"] == "S256"
            challenges[codes[0]] = request.args["code_challenge"]
        if response.mimetype == "text/html":
            response.set_data(re.sub("<link[^>]*>", "", response.get_data(as_text=True)))
        return response

    @app.before_request
    def demand() -> Response | None:
        if request.path != "/oauth2/token":
            return None
        hashed = hashlib.sha256(request.form.get("code_verifier", "").encode()).digest()
        answered = base64.urlsafe_b64encode(hashed).rstrip(b"=").decode()
        if challenges.pop(request.form["code"], None) == answered:
            return None
        return Response('{"error": "invalid_grant"}', 400, content_type="application/json")


def main(people: dict[str, list[str]]) -> None:
    """Serve until killed."""
    # What these say is deprecated is nothing for the process of the tests, where warnings are errors.
    from oidc_provider_mock import User, app  # noqa: PLC0415
    from werkzeug.serving import make_server  # noqa: PLC0415

    users = [
        User(sub=name, claims={"name": name.title(), "email": f"{name}@example.org", "groups": groups})
        for name, groups in people.items()
    ]
    provider = app(require_nonce=True, require_client_registration=True, user_claims=users)
    _mend(provider)
    # A thread for each connection: a browser opens some that it says nothing on.
    server = make_server("127.0.0.1", 0, provider, threaded=True)
    print(f"http://127.0.0.1:{server.port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))

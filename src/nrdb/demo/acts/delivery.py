"""How messages reach those concerned: pushed to an address, and followed by stream all along."""

import hmac
import json
import threading
from base64 import b64decode, b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from nrdb.demo.player import Json
from nrdb.demo.stage import Stage

_PATIENCE = 20.0


class _Receiver:
    """An address of a provider's: it is busy the first time, then takes what comes."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.news = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with receiver.news:
                    receiver.requests.append(({name.lower(): value for name, value in self.headers.items()}, body))
                    self.send_response(503 if len(receiver.requests) == 1 else 204)
                    self.end_headers()
                    receiver.news.notify_all()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the library's name)
                """Nobody wants to read of each request."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/nrdb"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def wait_for(self, count: int) -> bool:
        with self.news:
            return self.news.wait_for(lambda: len(self.requests) >= count, _PATIENCE)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def pushed(stage: Stage) -> str:
    """NORD has its items posted to an address: signed, tried again until it takes them, each once."""
    if stage.service is not None and not stage.service.has_worker:
        return "left out: without a worker nobody pushes"
    nord, fjell = stage["NORD"], stage["FJELL"]
    stage.clock(9, "13:02")
    receiver = _Receiver()
    try:
        reply = stage.wire.ask("PUT", "/v1/webhook", key=nord.key, json={"url": receiver.url})
        stage.checks.answered("NORD sets its webhook", reply, 201)
        secret = reply.body["secret"]
        again = stage.wire.ask("PUT", "/v1/webhook", key=nord.key, json={"url": receiver.url})
        stage.checks.true("the secret is shown once", "secret" not in again.body, "it again")
        porting = fjell.orders(nord, "90000140", stage.at(9, "16:00"))
        stage.checks.true("it comes, and again after 503", receiver.wait_for(2), len(receiver.requests))
        stage.told("NP_BEST", porting, "NORD")
        fjell.cancels(porting)
        stage.checks.true("the next one comes after it", receiver.wait_for(3), len(receiver.requests))
        stage.told("NP_ANNU", porting, "NORD")
        first, second, third = receiver.requests[:3]
        stage.checks.equal("tried again: the same id", first[0]["webhook-id"], second[0]["webhook-id"])
        stage.checks.equal("tried again: the same item", first[1], second[1])
        for headers, body in (first, second, third):
            stage.checks.true("the signature", _is_signed(secret, headers, body), headers["webhook-signature"])
        items: list[Json] = [json.loads(body) for _, body in (second, third)]
        polled = nord.get("/v1/inbox", {"after": items[0]["seq"] - 1, "limit": 2})["items"]
        stage.checks.equal("what is pushed is what is polled", items, polled)
        stage.checks.equal("nothing else came", len(receiver.requests), 3)
    finally:
        stage.wire.ask("DELETE", "/v1/webhook", key=nord.key)
        receiver.close()
    return "503 first, then taken; the order and the cancellation, each once, in order, signed"


def _is_signed(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """As the Standard Webhooks specification says, with nothing but the standard library."""
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = "v1," + b64encode(hmac.digest(b64decode(secret.removeprefix("whsec_")), content, "sha256")).decode()
    return any(hmac.compare_digest(wanted, given) for given in headers["webhook-signature"].split())


def followed_all_along(stage: Stage) -> str:
    """Every provider's own client has followed by stream since the opening: it has seen what was polled, once each."""
    followers = stage.followers
    stage.checks.true("somebody follows", followers is not None, None)
    assert followers is not None  # noqa: S101 (for the type checker: it was looked at just before)
    count = 0
    for player in stage.players.values():
        player.reads_inbox()
        caught_up = followers.wait_for(player.code, player.position, _PATIENCE) or not player.received
        stage.checks.equal(f"{player.code}'s stream has no error", followers.errors.get(player.code), None)
        stage.checks.true(f"{player.code}'s stream has come to the end", caught_up, followers.seen[player.code][-1:])
        seen = [item.seq for item in followers.seen[player.code]]
        stage.checks.equal(f"{player.code}'s stream", seen, player.received)
        count += len(seen)
    away = sum(state.by == "away" for states in followers.states.values() for state in states)
    return f"{count} items by {len(stage.players)} streams, each once, in order; {away} times the service was away"

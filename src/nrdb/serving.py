"""One process at work: the HTTP server and the background work in one event loop, and their orderly stop.

At SIGTERM or Ctrl-C nothing new is accepted, long answers (streams, waiting inbox readers) are told through
`app.state.stopping`, what is in hand gets some seconds, and the process ends with 0. A second signal ends the
patience.
"""

import asyncio
import contextlib
import gc
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Iterator

import structlog
import uvicorn

from nrdb.app import create_app
from nrdb.console.page import HOME
from nrdb.listening import SIGNALS
from nrdb.seed import KEYS_FILE
from nrdb.settings import Settings
from nrdb.starting import prepare
from nrdb.worker import run_worker

_log = structlog.get_logger(__name__)

# The contract gives a stop 10 s in all; the embedded PostgreSQL gets what is left.
_GRACE_SECONDS = 6
_BACKLOG = 2048
_FAILED = 1
#: Keys of a sandbox that its first visitor is shown, and what they open.
_SHOWN_KEYS = {
    "TELIA_KEY": "Telia, a provider: orders, approves, reports",
    "OPERATOR_KEY": "an operator: sees everything",
    "ADMIN_KEY": "an administrator: changes codes, series and limits",
}


class _Server(uvicorn.Server):
    """Uvicorn with our signals instead of its own, which it raises again at the end: no exit code 0."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._tell_started = started

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `_on_signals`."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell when the address answers."""
        await super().startup(sockets)
        _settle_memory()
        self._tell_started()


def _settle_memory() -> None:
    """Take what a started process holds for ever out of the garbage collector's rounds, and let it go round less often.

    A message makes a few thousand objects, none in cycles; walking the modules again for each hundred messages cost a
    tenth of the time and made pauses.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def _announce(settings: Settings, listener: socket.socket) -> None:
    """Say on standard output where the service is, and in a sandbox the keys to begin with."""
    host, port = listener.getsockname()[:2]
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    lines = [f"nrdb serves {address}", f"Documentation: {address}/docs", f"Console: {address}{HOME}"]
    file = settings.data_dir / KEYS_FILE
    if settings.sandbox and file.exists():
        keys = dict(line.split("=", 1) for line in file.read_text().splitlines() if not line.startswith("#"))
        shown = [f"  {key}  {what}" for name, what in _SHOWN_KEYS.items() if (key := keys.get(name))]
        lines += ["Keys to sign in with:", *shown, f"The keys of the other providers stand in {file}"]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


@contextlib.contextmanager
def _on_signals(act: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, act)
    try:
        yield
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
            # The stop is under way; another signal shall not cut off the database's.
            signal.signal(number, signal.SIG_IGN)


async def serve(settings: Settings, dsn: str, listener: socket.socket, *, with_worker: bool) -> int:
    """Prepare the database and serve until a signal; the exit code."""
    app = create_app(settings, dsn)
    stop: asyncio.Event = app.state.stopping
    config = uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    server = _Server(config, started=lambda: _announce(settings, listener))

    def end() -> None:
        server.force_exit = server.should_exit
        server.should_exit = True
        stop.set()

    with _on_signals(end):
        if not await _prepared(settings, dsn, stop):
            return 0
        background = asyncio.create_task(_work_beside(settings, dsn, stop, end, wanted=with_worker))
        code = await _serve(server, listener)
        stop.set()
        return max(code, await _finish(background))


async def _prepared(settings: Settings, dsn: str, stop: asyncio.Event) -> bool:
    """Prepare the database; false when told to stop meanwhile, which leaves what was not done to the next start."""
    await _until_told(prepare(settings, dsn), stop, grace=0)
    return not stop.is_set()


async def _until_told(doing: Coroutine[None, None, object], stop: asyncio.Event, *, grace: float) -> None:
    """Do it to its end, or until told to stop and then for `grace` seconds at most. Raises what it raises."""
    task = asyncio.create_task(doing)
    told = asyncio.create_task(stop.wait())
    await asyncio.wait({task, told}, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    await asyncio.wait({task}, timeout=grace)
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.result()


async def _serve(server: _Server, listener: socket.socket) -> int:
    """Uvicorn ends the process when the application does not start; here that is an exit code like others."""
    try:
        await server.serve(sockets=[listener])
    except SystemExit:
        return _FAILED
    except OSError as error:
        _log.error("cannot listen", reason=str(error))
        return _FAILED
    return 0


async def _work_beside(
    settings: Settings, dsn: str, stop: asyncio.Event, end: Callable[[], None], *, wanted: bool
) -> None:
    """The background work; if it ends unasked, so does the process, for its supervisor to start it again."""
    if not wanted:
        return
    try:
        await _work(settings, dsn, stop)
    finally:
        if not stop.is_set():
            end()


async def _work(settings: Settings, dsn: str, stop: asyncio.Event) -> None:
    """Run the background work until told to stop, and then for the time of grace at most."""
    await _until_told(run_worker(settings, dsn, stop), stop, grace=_GRACE_SECONDS)
    if not stop.is_set():
        raise RuntimeError("the background work ended unasked")


async def _finish(background: asyncio.Task[None]) -> int:
    """The exit code of the background work, once it has ended."""
    try:
        await background
    except Exception:  # noqa: BLE001 - Whatever ended it, the log says so and the process ends.
        _log.exception("the background work failed")
        return _FAILED
    return 0


async def work(settings: Settings, dsn: str) -> int:
    """Prepare the database and do the background work alone until a signal; the exit code."""
    stop = asyncio.Event()
    with _on_signals(stop.set):
        if not await _prepared(settings, dsn, stop):
            return 0
        return await _finish(asyncio.create_task(_work(settings, dsn, stop)))

"""A real nginx before the service, with its buffering as Debian ships it."""

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

#: Debian's nginx.conf without what needs the machine: nothing about buffering or the version of HTTP is said in it.
_CONFIGURATION = """
daemon off;
worker_processes 1;
pid {place}/nginx.pid;
error_log {place}/error.log;
events {{ worker_connections 768; }}
http {{
    sendfile on;
    tcp_nopush on;
    types_hash_max_size 2048;
    access_log off;
    gzip on;
    client_body_temp_path {place}/body;
    proxy_temp_path {place}/proxy;
    fastcgi_temp_path {place}/fastcgi;
    uwsgi_temp_path {place}/uwsgi;
    scgi_temp_path {place}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass {upstream};
            proxy_set_header Host $http_host;
        }}
    }}
}}
"""


@dataclass
class Nginx:
    """A running nginx, and its address."""

    place: Path
    upstream: str
    port: int = 0
    process: asyncio.subprocess.Process | None = field(default=None, repr=False)

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start, and wait until it answers."""
        program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
        assert program, "nginx is missing: `make nginx` installs it"
        self.port = self.port or free_port()
        configuration = self.place / "nginx.conf"
        configuration.write_text(_CONFIGURATION.format(place=self.place, port=self.port, upstream=self.upstream))
        self.process = await asyncio.create_subprocess_exec(
            program, "-p", str(self.place), "-c", str(configuration), "-e", str(self.place / "error.log")
        )
        while True:
            assert self.process.returncode is None, (self.place / "error.log").read_text()
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return

    async def kill(self) -> None:
        """End it at once; every connection through it breaks."""
        if self.process is not None and self.process.returncode is None:
            # The master stops its workers at once at SIGTERM; killed, it would leave them behind.
            self.process.terminate()
            await self.process.wait()


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@asynccontextmanager
async def nginx_before(upstream: str, place: Path) -> AsyncIterator[Nginx]:
    """An nginx before an address."""
    proxy = Nginx(place, upstream)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.kill()

"""Kamailio that asks a name server, gateways that take calls, and calls that are placed: the last two by `sipp`."""

import os
import re
import shutil
import socket
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nrdb.engines import Engine, deploy_dir, program, run
from nrdb.engines.dns import HOST, ZONE, free_port

_LOOPBACK = "127.0.0.1"
_LOOK_SECONDS = 0.5


class Gateway(Engine):
    """A network's gateway: it takes every call and remembers what for."""

    def __init__(self) -> None:
        super().__init__()
        self.port = free_port()

    @property
    def address(self) -> str:
        """Where it takes calls."""
        return f"{_LOOPBACK}:{self.port}"

    def command(self) -> list[str]:
        """`sipp` as the called side."""
        return [
            program("sipp"), "-sf", str(deploy_dir() / "sipp" / "gateway.xml"), "-i", _LOOPBACK, "-p", str(self.port),
            "-nostdin", "-trace_msg", "-message_file", str(self.place / "messages"),
        ]  # fmt: skip

    def answers(self) -> bool:
        """Whether its port is taken: it would count a question as a call."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mine:
            try:
                mine.bind((_LOOPBACK, self.port))
            except OSError:
                return True
        return False

    def calls(self) -> list[str]:
        """The request URIs of the calls that came here, oldest first."""
        messages = self.place / "messages"
        return re.findall(r"^INVITE (\S+) SIP/2\.0", messages.read_text(), re.MULTILINE) if messages.exists() else []


class Kamailio(Engine):
    """The shipped configuration on the loopback address, with these gateways by routing number.

    It asks the name server of its machine, on port 53: to ask another one, it runs where /etc/resolv.conf is another
    file, which takes the rights of root.
    """

    def __init__(self, gateways: Mapping[str, str], *, name_server: str = HOST, zone: str = ZONE) -> None:
        super().__init__()
        self.port, self._zone = free_port(), zone
        shutil.copy(deploy_dir() / "kamailio" / "kamailio.cfg", self.place)
        lines = "".join(f'    $sht(gateway=>{rn}) = "{address}";\n' for rn, address in gateways.items())
        (self.place / "gateways.cfg").write_text(f"event_route[htable:mod-init] {{\n{lines}}}\n")
        (self.place / "resolv.conf").write_text(f"nameserver {name_server}\n")

    @property
    def address(self) -> str:
        """Where calls are sent."""
        return f"{_LOOPBACK}:{self.port}"

    def command(self) -> list[str]:
        """Kamailio in a mount namespace of its own, in which its name server is the machine's."""
        return [
            "unshare", "--mount" if os.geteuid() == 0 else "--map-root-user", "--mount", "sh", "-c",
            'mount --bind resolv.conf "$(realpath /etc/resolv.conf)" && exec "$@"', "sh",
            program("kamailio"), "-DD", "-E", "-f", str(self.place / "kamailio.cfg"), "-Y", str(self.place),
            "-A", f"LISTEN=udp:{self.address}", "-A", f'ZONE="{self._zone}."', "-m", "32", "-M", "4",
        ]  # fmt: skip

    def answers(self) -> bool:
        """Whether it refuses what is no call."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(_LOOK_SECONDS)
            asking.connect((_LOOPBACK, self.port))
            me = f"{_LOOPBACK}:{asking.getsockname()[1]}"
            lines = (
                f"OPTIONS sip:{self.address} SIP/2.0", f"Via: SIP/2.0/UDP {me};branch=z9hG4bKready", "CSeq: 1 OPTIONS",
                f"From: <sip:ready@{me}>;tag=1", f"To: <sip:{self.address}>", f"Call-ID: ready@{me}",
                "Max-Forwards: 1", "Content-Length: 0", "", "",
            )  # fmt: skip
            try:
                asking.send("\r\n".join(lines).encode())
                return asking.recv(4096).startswith(b"SIP/2.0 405")
            except OSError:
                return False


@dataclass(frozen=True, slots=True)
class Call:
    """What became of a call: the last status that it got, and whether it was answered and hung up in order."""

    status: int
    done: bool


def call(kamailio: Kamailio, number: str) -> Call:
    """Call a number, given as its national digits."""
    with tempfile.TemporaryDirectory(prefix="nrdb-call-") as place:
        messages = Path(place) / "messages"
        ended = run(
            program("sipp"), kamailio.address, "-sf", str(deploy_dir() / "sipp" / "call.xml"), "-s", f"+47{number}",
            "-i", _LOOPBACK, "-p", str(free_port()), "-m", "1", "-nostdin", "-timeout", "15s", "-timeout_error",
            "-trace_msg", "-message_file", str(messages),
        )  # fmt: skip
        statuses = re.findall(r"^SIP/2\.0 (\d+) ", messages.read_text(), re.MULTILINE)
    return Call(int(statuses[-1]) if statuses else 0, ended.returncode == 0)

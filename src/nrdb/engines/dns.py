"""PowerDNS on a database, and `dig` to ask it."""

import re
import socket
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from nrdb.engines import Engine, deploy_dir, program, run

#: Where a name server for programs that know no other port than 53 stands, away from one that the machine may have.
HOST = "127.0.47.53"
ZONE = "e164.arpa"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a name server says: the status, the records as zone files write them, and for how long they may be kept."""

    status: str
    records: tuple[str, ...]
    ttls: tuple[int, ...]
    authority: tuple[str, ...]


class PowerDNS(Engine):
    """The shipped configuration on the loopback address, over a database that an address of libpq's form names."""

    def __init__(self, dsn: str, *, user: str = "nrdb_dns", zone: str = ZONE, port: int = 0, host: str = HOST) -> None:
        super().__init__()
        self._dsn, self._user, self.zone, self.host = dsn, user, zone, host
        self.port = port or free_port(host)

    def command(self) -> list[str]:
        """The shipped file as it is; only what belongs to this place is given beside it."""
        address = urlsplit(self._dsn)
        place = parse_qs(address.query).get("host", [address.hostname or "localhost"])[0]
        return [
            program("pdns_server"), f"--config-dir={deploy_dir() / 'pdns'}", f"--socket-dir={self.place}",
            f"--local-address={self.host}", f"--local-port={self.port}", f"--gpgsql-host={unquote(place)}",
            f"--gpgsql-port={address.port or 5432}", f"--gpgsql-dbname={address.path[1:]}",
            f"--gpgsql-user={self._user}", f"--gpgsql-password={address.password or ''}",
            f"--gpgsql-extra-connection-parameters=options='-c enum.zone={self.zone} -c jit=off'",
        ]  # fmt: skip

    def answers(self) -> bool:
        """Whether it knows its zone."""
        return self._dig("SOA", self.zone).status == "NOERROR"

    def ask(self, number: str, kind: str = "NAPTR") -> Answer:
        """What it says of a number, given as its national digits."""
        return self.query(f"{'.'.join(reversed('47' + number))}.{self.zone}", kind)

    def query(self, name: str, kind: str) -> Answer:
        """What it says of a name."""
        answer = self._dig(kind, name)
        if not answer.status:
            raise TimeoutError(f"no answer for {kind} {name}: {self.log[-2000:]}")
        return answer

    def _dig(self, kind: str, name: str) -> Answer:
        said = run(program("dig"), f"@{self.host}", "-p", str(self.port), "+norecurse", "+tries=2", "+time=2",
                   "-t", kind, "-q", name).stdout  # fmt: skip
        status = re.search(r"status: (\w+)", said)
        sections = {title: lines.splitlines() for title, lines in re.findall(r";; (\w+) SECTION:\n((?:.+\n)*)", said)}
        answer = [line.split(None, 4) for line in sections.get("ANSWER", [])]
        authority = [line.split(None, 4) for line in sections.get("AUTHORITY", [])]
        return Answer(
            status[1] if status else "",
            tuple(line[4] for line in answer),
            tuple(int(line[1]) for line in answer),
            tuple(f"{line[3]} {line[4]}" for line in authority),
        )


def tel_uri(answer: Answer) -> str | None:
    """The URI of the one record that a number has; None where the number does not exist."""
    if answer.status == "NXDOMAIN" or not answer.records:
        return None
    (record,) = answer.records
    found = re.fullmatch(r'10 100 "u" "E2U\+pstn:tel" "!\^\.\*\$!(.+)!" \.', record)
    if found is None:
        raise ValueError(f"not the record of a number: {record}")
    return found[1]


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody uses now, for UDP and TCP."""
    with socket.socket() as taken:
        taken.bind((host, 0))
        port: int = taken.getsockname()[1]
        return port

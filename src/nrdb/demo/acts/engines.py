"""The last act: the same number by HTTP, by DNS and by SIP, before its porting time and at it."""

from contextlib import ExitStack

from nrdb.demo.stage import Stage
from nrdb.embedded_server import ready
from nrdb.engines import INSTALL, make_roles, missing
from nrdb.engines.dns import PowerDNS, tel_uri
from nrdb.engines.sip import Gateway, Kamailio, call
from nrdb.errors import UnusableError

_NUMBER = "90000150"
_ROUTING_NUMBER = "+47990102"


class _Engines:
    """PowerDNS on the sandbox's database, Kamailio that asks it, and the gateways of two networks."""

    def __init__(self, dsn: str, stack: ExitStack) -> None:
        make_roles(dsn)
        self.dns = stack.enter_context(PowerDNS(dsn, port=53))
        self.home, self.fjell = stack.enter_context(Gateway()), stack.enter_context(Gateway())
        ways = {"none": self.home.address, _ROUTING_NUMBER: self.fjell.address}
        self.kamailio = stack.enter_context(Kamailio(ways))

    def by_dns(self) -> str | None:
        """The URI that DNS gives."""
        return tel_uri(self.dns.ask(_NUMBER))

    def by_sip(self) -> tuple[str, str]:
        """Where a call arrives, and with which URI: that of a tel URI, in the form of SIP."""
        before = len(self.home.calls()), len(self.fjell.calls())
        call(self.kamailio, _NUMBER)
        arrived = [("NORD", uri) for uri in self.home.calls()[before[0] :]]
        arrived += [("FJELL", uri) for uri in self.fjell.calls()[before[1] :]]
        ((network, uri),) = arrived or [("nowhere", "")]
        return network, "tel:" + uri.removeprefix("sip:").split("@")[0]


def asked_in_three_ways(stage: Stage) -> str:
    """A number moves at 11:00:00, and whoever asks gets the same answer, however it asks."""
    nord, fjell = stage["NORD"], stage["FJELL"]
    stage.clock(10, "10:00")
    porting = fjell.orders(nord, _NUMBER, stage.at(10, "11:00"))
    stage.moves(porting)
    with ExitStack() as stack:
        engines, without = _start(stage, stack)
        stage.clock(10, "10:59:59")
        _equal(stage, engines, "NORD", f"tel:+47{_NUMBER};npdi")
        stage.clock(10, "11:00")
        _equal(stage, engines, "FJELL", f"tel:+47{_NUMBER};npdi;rn={_ROUTING_NUMBER}")
    stage.all_report_done(porting)
    if without:
        return f"by HTTP: NORD until 10:59:59, FJELL from 11:00:00; DNS and SIP left out: {without}"
    return "HTTP, DNS and SIP: NORD until 10:59:59, FJELL from 11:00:00, three equal answers each time"


def _start(stage: Stage, stack: ExitStack) -> tuple[_Engines | None, str]:
    """The engines, or why there are none."""
    if stage.service is None:
        return None, "the database is somebody else's"
    if missing():
        return None, f"install them with: {INSTALL}"
    server = ready(stage.service.data_dir / "postgres")
    if server is None:
        return None, "the sandbox has no PostgreSQL of its own"
    try:
        return _Engines(f"postgresql://nrdb@/nrdb?host={server.socket_dir}", stack), ""
    except UnusableError as error:
        return None, f"they need port 53 and another /etc/resolv.conf, that is, root: {str(error).splitlines()[0]}"


def _equal(stage: Stage, engines: _Engines | None, network: str, uri: str) -> None:
    answer = stage.served_by(_NUMBER, network)
    stage.checks.holds("by HTTP", answer, network=network, tel_uri=uri)
    stage.audience.step(f"HTTP   {_NUMBER}  {network}  {uri}")
    if engines is None:
        return
    by_dns = engines.by_dns()
    stage.checks.equal("by DNS", by_dns, uri)
    stage.audience.step(f"DNS    {_NUMBER}  {by_dns}")
    by_sip = engines.by_sip()
    stage.checks.equal("by SIP", by_sip, (network, uri))
    stage.audience.step(f"SIP    {_NUMBER}  {' '.join(by_sip)}")

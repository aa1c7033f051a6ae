"""Where a webhook may go: not to the machine it comes from, nor to anything else that only our network reaches.

A name is checked when it is entered, to tell a mistake at once, and again at each connection, because it may resolve to
something else by then: the connection goes to the very address that was checked.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import httpx

from nrdb.texts import FieldError, say

LONGEST_URL = 2000
_RESOLVE_SECONDS = 5.0
_NAT64 = IPv6Network("64:ff9b::/96")
#: Kept for protocols of the network itself.
_PROTOCOLS = IPv4Network("192.0.0.0/24")
Address = IPv4Address | IPv6Address
#: The addresses of a name and port. Raises `OSError` where there are none.
Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]


async def resolve(host: str, port: int) -> Sequence[Address]:
    """As the machine's resolver answers, each address once, in its order."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ip_address(str(sockaddr[0]).partition("%")[0]) for *_, sockaddr in found))


def is_public(address: Address) -> bool:
    """Whether the address is one of the public internet, also where another is wrapped in it."""
    if isinstance(address, IPv6Address):
        inner = _inner(address)
        if not all(map(is_public, inner)) or address.is_site_local:
            return False
        if inner:
            return True
    elif address in _PROTOCOLS:
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _inner(address: IPv6Address) -> list[Address]:
    """The IPv4 addresses that an IPv6 address stands for: mapped, 6to4, Teredo, NAT64."""
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        found.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return [inner for inner in found if inner is not None]


async def check_url(url: str, *, allow_private: bool, resolve: Resolve = resolve) -> None:
    """Raises `FieldError` with what is wrong about the address of a webhook.

    Where private addresses are allowed, as in a sandbox, plain HTTP is, too, and no name is looked up. Elsewhere it is
    HTTPS, because items hold personal data.
    """
    try:
        found = httpx.URL(url)
    except httpx.InvalidURL:
        raise FieldError(say("is no address such as https://porting.example/nrdb")) from None
    if len(url) > LONGEST_URL:
        raise FieldError(say("is longer than {limit} characters", limit=LONGEST_URL))
    if found.scheme == "http" and not allow_private:
        raise FieldError(say("must begin with https://, because items hold personal data"))
    if found.scheme not in ("https", "http") or not found.host:
        raise FieldError(say("is no address such as https://porting.example/nrdb"))
    if found.userinfo or found.fragment:
        raise FieldError(say("must have neither a user nor a fragment"))
    if found.port is not None and not 0 < found.port < 65536:
        raise FieldError(say("is no address such as https://porting.example/nrdb"))
    if not allow_private:
        try:
            async with asyncio.timeout(_RESOLVE_SECONDS):
                addresses = await resolve(found.host, found.port or 443)
        except (OSError, UnicodeError):
            raise FieldError(say("its name does not resolve to an address")) from None
        if not (addresses and all(map(is_public, addresses))):
            raise FieldError(say("resolves to an address that is not on the public internet"))

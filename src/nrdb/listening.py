"""The address that a process serves, and the signals that end it: what is needed before anything heavy is read."""

import signal
import socket

SIGNALS = (signal.SIGTERM, signal.SIGINT)
#: Seconds after which the system ends a connection whose other side does not take what it was sent, be it a page, a
#: stream, or a heartbeat to somebody whose cable is cut. It holds megabytes until then, and no program can end it in
#: order, because such an end waits until everything has been read.
UNREAD_SECONDS = 60.0


def bind(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A socket that holds the address, alone or beside others; it begins to listen when the application is ready."""
    family, kind, protocol, _name, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            # Connections inherit it. Only Linux has it; elsewhere somebody who never reads stays.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(UNREAD_SECONDS * 1000))
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    return listener

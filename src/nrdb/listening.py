"""The address that a process serves, and the signals that end it: what is needed before anything heavy is read."""

import signal
import socket

SIGNALS = (signal.SIGTERM, signal.SIGINT)


def bind(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A socket that holds the address, alone or beside others; it begins to listen when the application is ready."""
    family, kind, protocol, _name, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    return listener

"""Who the embedded PostgreSQL runs as when nrdb itself is started by root, as in many containers.

PostgreSQL refuses root. It then runs as a plain user that exists everywhere, and that user must be able to
reach the data and the programs. We open no more than that takes: the right to pass through a directory, not
to list it.
"""

import contextlib
import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import structlog

from nrdb.errors import ConfigurationError

_log = structlog.get_logger(__name__)

_OTHERS_PASS = 0o001
_OTHERS_READ = 0o004


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the operating system."""

    uid: int
    gid: int

    @classmethod
    def choose(cls, cluster: Path) -> Self | None:
        """The owner of existing data, else `postgres` or `nobody`; None when we are an ordinary user."""
        if os.geteuid() != 0:
            return None
        if cluster.exists() and (found := cluster.stat()).st_uid != 0:
            return cls(found.st_uid, found.st_gid)
        for name in ("postgres", "nobody"):
            with contextlib.suppress(KeyError):
                entry = pwd.getpwnam(name)
                return cls(entry.pw_uid, entry.pw_gid)
        raise ConfigurationError(
            "PostgreSQL does not run as root, and there is neither a user postgres nor nobody: "
            "start nrdb as an ordinary user"
        )

    def reach(self, directory: Path) -> None:
        """Let the account pass through a directory and those above it."""
        for above in (directory, *directory.parents):
            found = above.stat()
            if found.st_uid != self.uid and not found.st_mode & _OTHERS_PASS:
                _log.warning("opening a directory for PostgreSQL to pass through", directory=str(above))
                _allow(above, _OTHERS_PASS)

    def read(self, tree: Path) -> None:
        """Let the account run what is installed in a tree, which a strict umask may have closed."""
        self.reach(tree.parent)
        wanted = _OTHERS_READ | _OTHERS_PASS
        if not tree.exists() or tree.stat().st_mode & wanted == wanted:
            return
        for path in (*tree.rglob("*"), tree):
            owner_runs = path.stat().st_mode & 0o100
            _allow(path, wanted if owner_runs else _OTHERS_READ)


def _allow(path: Path, rights: int) -> None:
    try:
        path.chmod(path.stat().st_mode | rights)
    except OSError as error:
        raise ConfigurationError(
            f"PostgreSQL does not run as root, and its user cannot reach {path} ({error.strerror}): "
            "start nrdb as an ordinary user or choose another NRDB_DATA_DIR"
        ) from None

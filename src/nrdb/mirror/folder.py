"""The folder of a copy: one writer at a time, and a file that is only ever exchanged as a whole.

`routing.db` is a link to the file in use. A new one is filled beside it under a name of its own, with a journal of its
own, so that neither a crash nor a reader ever meets the file of one and the journal of the other.
"""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import Self
from uuid import uuid4

LINK = "routing.db"


class FolderError(Exception):
    """The folder cannot be used; the text says why."""


class Folder:
    """A folder with at most one copy in it. To be used in a `with` block: until its end nobody else writes here."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.link = path / LINK

    def __enter__(self) -> Self:
        if self.path.exists() and not self.path.is_dir():
            raise FolderError(f"{self.path} is no folder")
        if self.link.exists() and not self.link.is_symlink():
            raise FolderError(
                f"{self.link} is a file that no nrdb mirror has made: take it away, or name another folder"
            )
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise FolderError(f"another nrdb mirror keeps {self.path}") from None
        self.clear()
        return self

    def __exit__(self, *_error: object) -> None:
        # The lock falls with its file, and with the process.
        os.close(self._lock)

    @property
    def current(self) -> Path | None:
        """The file in use; None where there is none yet. It may be gone."""
        return self.path / self.link.readlink() if self.link.is_symlink() else None

    def new(self) -> Path:
        """A name for a new file."""
        return self.path / f"routing-{uuid4().hex[:12]}.db"

    def put_in_place(self, file: Path) -> None:
        """From now on this is the file in use, and lies on the disk. The one before it is gone."""
        _sync(file)
        beside = self.path / f"{LINK}.new"
        beside.unlink(missing_ok=True)
        beside.symlink_to(file.name)
        beside.replace(self.link)
        _sync(self.path)
        self.clear()

    def clear(self) -> None:
        """Take away what a crash has left, and files that are no longer in use."""
        kept = self.current
        for file in self.path.glob("routing-*.db*"):
            if kept is None or not file.name.startswith(kept.name):
                with suppress(FileNotFoundError):
                    file.unlink()


def _sync(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)

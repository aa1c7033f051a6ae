"""The file that holds the data key where nobody has given one: `data.key` beside the embedded PostgreSQL.

It holds what `NRDB_DATA_KEY` would, so a key is rotated in it the same way: the new one in front, then a comma.
"""

import os
import secrets
import tempfile
from pathlib import Path

from nrdb.errors import ConfigurationError
from nrdb.settings import data_keys

_NAME = "data.key"
_KEY_BYTES = 32


def path_of(data_dir: Path) -> Path:
    """Where the file of this data directory is."""
    return data_dir.expanduser().resolve() / _NAME


def read(path: Path) -> tuple[str, ...]:
    """The keys in the file, newest first; none where there is no file. Raises `ConfigurationError` for a wrong one."""
    try:
        return data_keys(path.read_text(encoding="ascii").strip())
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise ConfigurationError(
            f"{path} holds no data key: put the file back as it was, or set NRDB_DATA_KEY to what it held"
        ) from None


def make(path: Path) -> tuple[str, ...]:
    """Generate a key into the file, whole or not at all; of several processes one does, and all get the same key.

    On return it lies on the disk: what is sealed from now on cannot be opened without it.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _place(path)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from None
    return read(path)


def _place(path: Path) -> None:
    """Write beside the place and link there, which only the first one can."""
    descriptor, fresh = tempfile.mkstemp(prefix=f"{_NAME}-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(_KEY_BYTES) + "\n")
            file.flush()
            owner = path.parent.stat()
            if os.geteuid() == 0 and owner.st_uid != 0:
                # Started by root on somebody's directory, once: the next start may be its owner's own.
                os.fchown(descriptor, owner.st_uid, owner.st_gid)
            os.fsync(descriptor)
        try:
            os.link(fresh, path)
        except FileExistsError:
            return
    finally:
        Path(fresh).unlink()
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)

"""The generated key file: one key for all, for this user only, whole or not there."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nrdb import key_file
from nrdb.errors import ConfigurationError


def test_no_file_is_no_key(tmp_path: Path) -> None:
    assert key_file.read(key_file.path_of(tmp_path)) == ()


def test_a_key_is_generated_once_and_for_its_user_only(tmp_path: Path) -> None:
    path = key_file.path_of(tmp_path / "data")
    (key,) = key_file.make(path)
    assert len(key) >= 32
    assert path.name == "data.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert key_file.read(path) == (key,)
    assert key_file.make(path) == (key,)
    assert [item.name for item in path.parent.iterdir()] == ["data.key"]


def test_many_at_once_get_the_same_key(tmp_path: Path) -> None:
    path = key_file.path_of(tmp_path)
    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(key_file.make, [path] * 64))) == 1
    assert [item.name for item in tmp_path.iterdir()] == ["data.key"]


def test_the_file_holds_a_list_as_the_setting_does(tmp_path: Path) -> None:
    path = key_file.path_of(tmp_path)
    path.write_text(f"{'n' * 32},{'o' * 32}\n")
    assert key_file.read(path) == ("n" * 32, "o" * 32)


@pytest.mark.parametrize("content", ["", "hunter2", "hunter2" + "x" * 30 + ", " + "y" * 32, "hunter2" + "æ" * 32])
def test_a_wrong_file_is_named_and_not_repeated(tmp_path: Path, content: str) -> None:
    path = key_file.path_of(tmp_path)
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"data\.key") as caught:
        key_file.read(path)
    assert "hunter2" not in str(caught.value)
    assert path.read_text(encoding="utf-8") == content


def test_a_place_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=r"data\.key cannot be"):
        key_file.make(key_file.path_of(tmp_path / "file"))
    (tmp_path / "data.key").mkdir()
    with pytest.raises(ConfigurationError, match=r"data\.key cannot be"):
        key_file.read(key_file.path_of(tmp_path))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can hand files to another user")
def test_made_by_root_it_belongs_to_the_owner_of_the_directory(tmp_path: Path) -> None:
    os.chown(tmp_path, 65534, 65534)
    path = key_file.path_of(tmp_path)
    key_file.make(path)
    found = path.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (65534, 65534, 0o600)

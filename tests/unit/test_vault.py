"""What is sealed opens with its key only, and a digest cannot be made without one."""

import os
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from nrdb.data_key import unwrap, wrap
from nrdb.vault import Vault

KARI = {"customer": {"name": "Kari Nordmann", "birth_date": "1980-01-31"}, "comment": "blåbær"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcæ", max_size=3), inner, max_size=3),
    max_leaves=10,
)


def new_vault() -> Vault:
    return Vault(os.urandom(32), os.urandom(32))


@given(st.dictionaries(st.text("abcæ", max_size=3), JSON, max_size=5))
def test_what_was_sealed_comes_back(content: dict[str, Any]) -> None:
    vault = new_vault()
    assert vault.open(vault.seal(content)) == content


def test_where_nothing_was_sealed_nothing_is() -> None:
    assert new_vault().open(None) is None


def test_nothing_of_the_content_shows_and_no_two_seals_are_alike() -> None:
    vault = new_vault()
    first, second = vault.seal(KARI), vault.seal(KARI)
    assert first != second
    for word in ("Kari", "1980-01-31", "blåbær", "customer"):
        assert word.encode() not in first


def test_another_key_does_not_open() -> None:
    with pytest.raises(InvalidTag):
        new_vault().open(new_vault().seal(KARI))


@pytest.mark.parametrize("place", [0, 11, 12, -1], ids=["nonce", "end of nonce", "content", "tag"])
def test_what_was_altered_does_not_open(place: int) -> None:
    vault = new_vault()
    sealed = bytearray(vault.seal(KARI))
    sealed[place] ^= 1
    with pytest.raises(InvalidTag):
        vault.open(bytes(sealed))


def test_a_digest_depends_on_content_and_key() -> None:
    keys = os.urandom(32), os.urandom(32)
    assert Vault(*keys).mac(b"content") == Vault(*keys).mac(b"content")
    assert Vault(*keys).mac(b"content") != Vault(*keys).mac(b"contenu")
    assert Vault(*keys).mac(b"content") != new_vault().mac(b"content")


def test_a_wrapped_key_opens_with_the_key_that_wrapped_it_only() -> None:
    content = os.urandom(64)
    wrapped = wrap(content, "k" * 32)
    assert unwrap(wrapped, "k" * 32) == content
    assert unwrap(wrapped, "k" * 33) is None
    assert unwrap(wrapped[:-1], "k" * 32) is None
    assert content not in wrapped
    assert wrap(content, "k" * 32) != wrapped

"""The page for a provider's engineer, as printed: its program ports a number with robots as everybody else."""

import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from tests.support.processes import ROOT, bearer, environment, process, until
from tests.support.server import ADMIN_KEY

PAGE = ROOT / "docs" / "first-port.md"


def test_the_first_ported_number(tmp_path: Path) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    with process(tmp_path / "data", "serve") as service:
        service.await_address()
        keys = service.keys()
        where = {**environment(tmp_path), "NRDB_URL": service.address, "NRDB_KEY": keys["TELIA"]}
        said = tmp_path / "said"
        robots = ["robot", "--keys", str(tmp_path / "data" / "sandbox-keys.env"), "--but", "TELIA"]
        with said.open("wb") as out:
            playing = subprocess.Popen([sys.executable, "-m", "nrdb", *robots], env=where, stdout=out, stderr=out)
            porting = subprocess.Popen(
                [sys.executable, "-u", "-c", program], env=where, cwd=tmp_path, stdout=subprocess.PIPE, text=True
            )
            try:
                with httpx.Client(base_url=service.address, trust_env=False) as client:
                    _moves(client, keys["TELIA"], porting, said)
            finally:
                for one in (playing, porting):
                    one.terminate()
                    one.communicate()


def _moves(client: httpx.Client, key: str, porting: "subprocess.Popen[str]", said: Path) -> None:
    def scheduled() -> str | None:
        assert porting.poll() is None, said.read_text()
        answer = client.get("/v1/routing/90012345", headers=bearer(key)).json()["next"]
        return answer["at"] if answer else None

    at = until(scheduled, 30)
    client.put("/v1/sandbox/clock", headers=bearer(ADMIN_KEY), json={"now": at}).raise_for_status()
    assert porting.wait(30) == 0
    assert porting.stdout is not None
    lines = porting.stdout.read().splitlines()
    assert re.fullmatch(rf"\S+ awaiting_donor for {at}", lines[0])
    assert lines[1] == "NP_GODK  from TELENOR"
    assert lines[2] == f"everybody routes the number at {at}"
    assert lines[-1] == "NOTICE completed from NRDB"
    assert len(lines) > 5
    assert all(line.startswith("NP_FERD  from ") for line in lines[3:-1])
    answer = client.get("/v1/routing/90012345", headers=bearer(key)).json()
    assert (answer["holder"], answer["ported"]) == ("TELIA", True)


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target

"""A provider alone with a sandbox: robots play everybody else."""

import subprocess
import sys
import tempfile
from pathlib import Path

from nrdb.demo.player import Json
from nrdb.demo.stage import Stage

_PLAYED = ("FJELL", "KYST", "SKOG")
_STOP_SECONDS = 10.0


def alone_with_robots(stage: Stage) -> str:
    """NORD orders from KYST and executes; nobody but `nrdb robot` approves and reports."""
    nord, kyst = stage["NORD"], stage["KYST"]
    stage.clock(10, "09:05")
    left = {case["case_id"] for case in _awaiting_completion(stage)}
    with tempfile.TemporaryDirectory(prefix="nrdb-robots-") as place:
        keys, said = Path(place) / "keys.env", Path(place) / "said"
        keys.write_text("".join(f"{code}_KEY={stage[code].key}\n" for code in _PLAYED))
        with said.open("wb") as out:
            robots = subprocess.Popen(  # noqa: S603 (this very program)
                [sys.executable, "-m", "nrdb", "robot", "--keys", str(keys), "--url", stage.wire.urls[0]],
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        stage.others_play = True
        try:
            porting = nord.orders(kyst, "73000120", stage.at(10, "09:50"))
            approval = nord.awaits("NP_GODK", porting)
            stage.checks.holds("the robot's approval", approval, sender="KYST", answers=porting.order_id)
            case = nord.executes(porting)["case"]
            stage.checks.equal("who is to report", case["completion"]["expected"], list(_PLAYED))
            stage.clock(10, "09:50")
            nord.awaits("NOTICE", porting)
        finally:
            robots.terminate()
            code = robots.wait(_STOP_SECONDS)
            stage.others_play = False
        stage.checks.equal("the robots stop when they are told to", code, 0)
        lines = said.read_text().splitlines()
    reports = [item for item in nord.inbox if item["type"] == "NP_FERD" and item["case_id"] == porting.case_id]
    stage.checks.equal("who has reported", sorted(item["sender"] for item in reports), list(_PLAYED))
    nord.inbox = [item for item in nord.inbox if item not in reports]
    stage.told("NP_BEST", porting, "KYST")
    stage.told("NP_IVER", porting, *_PLAYED)
    stage.told("NOTICE", porting, "KYST")
    stage.checks.holds("completed", nord.case(porting), state="completed")
    stage.served_by("73000120", "NORD")
    stage.checks.equal("what others had left undone, the robots have done", _awaiting_completion(stage), [])
    for player in stage.players.values():
        player.reads_inbox()
        player.inbox = [item for item in player.inbox if item.get("case_id") not in left]
    sent = sum("sent" in line for line in lines)
    return f"approved, executed, routed, reported; {sent} messages sent by three robots, old debts included"


def _awaiting_completion(stage: Stage) -> list[Json]:
    found: list[Json] = stage.admin("GET", "/v1/cases", params={"state": "awaiting_completion"})["items"]
    return found

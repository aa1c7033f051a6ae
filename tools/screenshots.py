"""Take the pictures of the console that the documentation shows: docs/screenshots/*.png.

    make screenshots            all of them
    python tools/screenshots.py case number     these

A sandbox of its own is started and lives through two weeks (scene.py); a browser signs people in and takes the
pictures. The sandbox is gone afterwards.
"""

import argparse
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

from nrdb.demo.service import Service
from scene import BEGINNING, Scene, tell

PLACE: Final = Path(__file__).parents[1] / "docs" / "screenshots"
#: As in the tests: no word to the browser's maker, and root in a container may start it.
_ARGUMENTS: Final = (
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-proxy-server",
)  # fmt: skip
_DESK: Final = 1440
#: No picture is higher; a page that goes on is cut there.
_HIGHEST: Final = 1500


def _nothing(_page: Page) -> None:
    """The page as it is."""


def _review(page: Page) -> None:
    """The form of a transfer filled in, and what would come of it."""
    page.get_by_label("To the code").fill("TELENOR")
    page.get_by_label("Reason").fill("Merger, entered in the register on 20 November")
    page.get_by_role("button", name="Look at it first").click()
    page.get_by_role("heading", name="Before and after").wait_for()


@dataclass(frozen=True, slots=True)
class Picture:
    """A page below /console as somebody sees it, after what they have done there. `{case}` is the scene's case."""

    name: str
    address: str
    who: str = "TELIA"
    before: Callable[[Page], None] = _nothing
    locale: Literal["en-GB", "nb-NO"] = "en-GB"
    scheme: Literal["light", "dark"] = "light"
    width: int = _DESK
    highest: int = _HIGHEST


PICTURES: Final = (
    Picture("start", "/", highest=1080),
    Picture("case", "/cases/{case}", highest=1120),
    Picture("case-phone", "/cases/{case}", locale="nb-NO", scheme="dark", width=390, highest=930),
    Picture("number", "/numbers/90012345"),
    Picture("work", "/work"),
    Picture("post", "/post/NP_BEST?main_number=90054321"),
    Picture("overview", "/overview", who="OPERATOR"),
    Picture("series", "/series", who="ADMIN", highest=1300),
    Picture("limits", "/limits?code=TELIA&month=2026-11", who="ADMIN", highest=720),
    Picture("review", "/admin/change/transfer?code=NEXTGEN", who="ADMIN", before=_review),
    Picture("rules", "/rules", highest=760),
)


def take(browser: Browser, scene: Scene, case_id: str, picture: Picture) -> None:
    """Sign in through the form, go there, and take it."""
    with browser.new_context(
        base_url=str(scene.http.base_url), locale=picture.locale, timezone_id="Europe/Oslo",
        color_scheme=picture.scheme, viewport={"width": picture.width, "height": 900}, reduced_motion="reduce",
    ) as context:  # fmt: skip
        page = context.new_page()
        page.goto("/console/sign-in")
        page.locator("#key").fill(scene.keys[picture.who])
        page.locator("main button[type=submit]").click()
        page.wait_for_url("**/console/")
        # A page that stays open for news is never idle; all that it shows stands in its first answer.
        page.goto(f"/console{picture.address.format(case=case_id)}", wait_until="load")
        picture.before(page)
        height = min(int(page.evaluate("document.documentElement.scrollHeight")), picture.highest)
        page.mouse.move(0, 0)
        page.screenshot(
            path=PLACE / f"{picture.name}.png", full_page=True, animations="disabled", caret="hide",
            clip={"x": 0, "y": 0, "width": picture.width, "height": height},
        )  # fmt: skip


def main(names: list[str]) -> None:
    """Take the pictures of these names, or all."""
    wanted = [picture for picture in PICTURES if not names or picture.name in names]
    if unknown := set(names) - {picture.name for picture in wanted}:
        sys.exit(f"there is no picture {', '.join(sorted(unknown))}")
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        sys.exit("no chromium: `make browser` installs it")
    PLACE.mkdir(parents=True, exist_ok=True)
    with (
        Service(worker=True, clock_start=BEGINNING.isoformat(), seed="norway") as service,
        httpx.Client(base_url=service.url, timeout=60, trust_env=False) as http,
        sync_playwright() as playwright,
    ):
        lines = (service.data_dir / "sandbox-keys.env").read_text().splitlines()
        scene = Scene(http, dict(line.split("_KEY=") for line in lines if "_KEY=" in line))
        case_id = tell(scene)
        browser = playwright.chromium.launch(executable_path=program, args=_ARGUMENTS)
        for picture in wanted:
            take(browser, scene, case_id, picture)
            print(f"docs/screenshots/{picture.name}.png  {(PLACE / f'{picture.name}.png').stat().st_size // 1024} KB")
        browser.close()


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("names", nargs="*", help="which pictures; all where none is named")
    main(options.parse_args().names)

"""A page in a real Chromium that remembers everything it must not do, and the accessibility check."""

import shutil
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, Request, Response

Locale = Literal["nb-NO", "en-GB"]
Scheme = Literal["light", "dark"]
Width = Literal[390, 1440]

#: Without the second line Chromium looks for its maker's hosts at each start. The tests run as root in containers.
_ARGUMENTS: Final = (
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic",
    "--no-proxy-server",
)  # fmt: skip
#: What WCAG 2.1 asks at A and AA, and what axe-core's authors count as good practice beside it.
_RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
_GRAVE: Final = ("serious", "critical")
#: Runs before any script of the page, and hears of every violation, those of inline styles and of images, too.
_WATCH = """
document.addEventListener("securitypolicyviolation", event => window.__tell_violation(
    `${event.effectiveDirective} forbids ${event.blockedURI || "inline"} at ${event.sourceFile}:${event.lineNumber}`));
"""
#: The policy of the console's pages: nothing inline, nothing from elsewhere. Pico's icons are data.
POLICY: Final = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'"
#: What the page has to tell has been told when a frame of it has been drawn.
SETTLE: Final = "new Promise(requestAnimationFrame)"


async def launch(playwright: Playwright) -> Browser:
    """The Chromium of the system."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    assert program, "no chromium: `make browser` installs it"
    return await playwright.chromium.launch(executable_path=program, args=_ARGUMENTS)


@dataclass
class Watched:
    """A page, and what it has done that no page of ours may do.

    `failures` is what is left to complain about when the test ends; a test that provokes an error on purpose
    takes it out with `expected`.
    """

    page: Page
    origin: str
    #: Others whom it may ask, such as those who sign people in; what their pages do is not ours.
    others: set[str]
    failures: list[str] = field(default_factory=list)

    async def begin(self) -> "Watched":
        """Listen, before the page does anything."""
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.failures.append(f"script: {error}"))
        self.page.on("request", self._request)
        self.page.on("requestfailed", self._failed)
        self.page.on("response", self._response)
        await self.page.expose_function("__tell_violation", lambda text: self.failures.append(f"policy: {text}"))
        await self.page.add_init_script(_WATCH)
        return self

    def expected(self, *beginnings: str) -> None:
        """Each of these must have happened, and none counts as a failure."""
        for beginning in beginnings:
            found = [failure for failure in self.failures if failure.startswith(beginning)]
            assert found, f"nothing that begins with {beginning!r} in {self.failures}"
            self.failures = [failure for failure in self.failures if failure not in found]

    async def accessible(self) -> None:
        """axe-core finds nothing serious or critical in the page as it stands."""
        found = await violations(self.page)
        assert not found, f"{self.page.url}\n" + "\n".join(found)

    async def fits(self) -> None:
        """Nothing makes the page itself scroll sideways; a table scrolls in its own frame."""
        inside = await self.page.evaluate("document.documentElement.scrollWidth")
        outside = await self.page.evaluate("document.documentElement.clientWidth")
        assert inside <= outside, f"{self.page.url}: {inside} wide in {outside}"

    def _console(self, message: ConsoleMessage) -> None:
        # The browser's own word about an answer; `_response` has judged that answer.
        about_answer = message.text.startswith("Failed to load resource")
        if message.type in {"error", "warning"} and not about_answer and _origin(self.page.url) not in self.others:
            self.failures.append(f"console: {message.text}")

    def _request(self, request: Request) -> None:
        if request.url.startswith(("data:", "about:", "blob:")):
            return
        if _origin(request.url) not in {self.origin, *self.others}:
            self.failures.append(f"foreign: {request.url}")

    def _failed(self, request: Request) -> None:
        # What a page no longer wants when it is left (an open stream) is given up, and that is as it should be.
        if request.failure != "net::ERR_ABORTED":
            self.failures.append(f"failed: {request.url} {request.failure}")

    def _response(self, response: Response) -> None:
        if response.status >= 500:
            self.failures.append(f"answer: {response.status} {response.url}")


@dataclass
class Visitors:
    """Makes pages, each for somebody of their own: cookies are shared with nobody."""

    browser: Browser
    origin: str
    others: set[str] = field(default_factory=set)
    contexts: list[BrowserContext] = field(default_factory=list)
    watched: list[Watched] = field(default_factory=list)

    async def visit(
        self, locale: Locale = "en-GB", scheme: Scheme = "light", width: Width = 1440, **options: Any
    ) -> Watched:
        """A page in a context of its own; `options` are playwright's, such as `java_script_enabled=False`."""
        context = await self.browser.new_context(
            base_url=self.origin, locale=locale, color_scheme=scheme, timezone_id="Europe/Oslo",
            viewport={"width": width, "height": 900}, reduced_motion="reduce", **options,
        )  # fmt: skip
        self.contexts.append(context)
        return await self.page(context)

    async def page(self, context: BrowserContext) -> Watched:
        """Another page of the same person."""
        context.set_default_timeout(15_000)
        watched = await Watched(await context.new_page(), self.origin, self.others).begin()
        self.watched.append(watched)
        return watched

    async def leave(self) -> None:
        """Close all, then say what any page did that it must not."""
        for context in self.contexts:
            await context.close()
        failures = [failure for watched in self.watched for failure in watched.failures]
        assert not failures, "\n".join(failures)


def _origin(url: str) -> str:
    address = urlsplit(url)
    return f"{address.scheme}://{address.netloc}"


async def violations(page: Page) -> list[str]:
    """What axe-core finds that is serious or critical, one line for each element."""
    options = {"runOnly": {"type": "tag", "values": _RULES}, "resultTypes": ["violations"]}
    found = (await Axe().run(page, options=options)).response["violations"]
    return [
        f"{rule['impact']}: {rule['id']}: {rule['help']}: {node['html'][:200]} {node.get('failureSummary', '')}"
        for rule in found
        if rule["impact"] in _GRAVE
        for node in rule["nodes"]
    ]


async def open_made_up(page: Watched, body: str) -> None:
    """A page under the policy of the console, as if the service had sent it."""
    address = f"{page.origin}/made-up"
    headers = {"Content-Security-Policy": POLICY, "Content-Type": "text/html; charset=utf-8"}
    await page.page.route(address, lambda route: route.fulfill(body=body, headers=headers))
    await page.page.goto(address)

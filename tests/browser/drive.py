"""Drives the status page in Chromium, in an environment of its own, and prints what
was seen as JSON.

    python tests/browser/drive.py watch URL FOLDER     in all forms; uses all of it
    python tests/browser/drive.py token URL TOKEN      where a token is asked for
    python tests/browser/drive.py letters URL -        page after page of dead letters
    python tests/browser/drive.py images URL FOLDER    pictures for the docs
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)
FORMS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1200, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1200, "height": 900}},
    "phone": {"color_scheme": "light", "viewport": {"width": 360, "height": 800}},
}
SIZES = {
    "light": {"width": 1100, "height": 760},
    "dark": {"width": 1100, "height": 760},
    "phone": {"width": 360, "height": 800},
}
"""Of the pictures in the docs."""
SECONDS_MAX = 20
LIVE = "() => document.getElementById('connection').textContent === 'live'"
MOVED = "before => document.getElementById('lanes').innerText !== before"
ONE_FOUND = "() => document.querySelectorAll('#dead tr').length === 1"
AGAIN_APPLIED = """async () => {
    const told = await (await fetch("/api/annotations?input_id=i&id=again")).text();
    return told.includes('"applied"');
}"""
SELECTED = "() => document.getElementById('dead-told').textContent.includes('1 selected')"
FOUND = "() => document.querySelectorAll('#dead tr').length > 0"


MORE_FOUND = "shown => document.querySelectorAll('#dead tr').length > shown"
NONE_LEFT = "() => document.querySelectorAll('#dead tr').length === 0"


class Seen:
    """What a page did that it should not have done."""

    def __init__(self, page: Page, url: str) -> None:
        self.errors: list[str] = []
        self.elsewhere: list[str] = []
        page.on("console", lambda message: self._note(message.type, message.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("dialog", lambda dialog: self.errors.append(f"dialog: {dialog.message}"))
        page.on(
            "request",
            lambda asked: asked.url.startswith((url, "data:")) or self.elsewhere.append(asked.url),
        )

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.errors.append(text)


def wait(page: Page, predicate: str, value: object = None) -> None:
    """Wait until this function of the page says yes. The driver's own way of waiting
    runs text within the page, which its policy forbids.
    """
    for _ in range(SECONDS_MAX * 10):
        if page.evaluate(predicate, value):
            return
        page.wait_for_timeout(100)
    raise TimeoutError(predicate)


def watch(browser: Browser, url: str, folder: str) -> dict[str, Any]:
    """Open the page in each form, and use it."""
    found: dict[str, Any] = {"errors": [], "elsewhere": [], "violations": []}
    for name, form in FORMS.items():
        page = browser.new_context(**form).new_page()
        seen = Seen(page, url)
        page.goto(url)
        wait(page, LIVE)
        page.wait_for_selector("#dead tr")
        page.wait_for_selector("#plots svg")
        if name == "light":
            found |= use(page)
        page.screenshot(path=Path(folder, f"page-{name}.png"))
        for violation in Axe().run(page).response["violations"]:
            nodes = [node["html"][:120] for node in violation["nodes"][:3]]
            found["violations"].append(f"{name}: {violation['id']}: {nodes}")
        found["errors"] += seen.errors
        found["elsewhere"] += seen.elsewhere
    return found


def use(page: Page) -> dict[str, Any]:
    """Use all that can be pressed."""
    found: dict[str, Any] = {"title": page.title(), "dead": page.inner_text("#dead")}
    before = page.inner_text("#lanes")
    wait(page, MOVED, before)
    # By their role: the reason of a pause speaks of "resume", too.
    page.get_by_role("button", name="Pause lane clarifai").click()
    resume = page.get_by_role("button", name="Resume lane clarifai")
    resume.wait_for()
    found["paused"] = page.inner_text("#lanes")
    resume.click()
    page.get_by_role("button", name="Pause lane clarifai").wait_for()
    page.fill("#story-input", "i")
    page.fill("#story-id", "known")
    page.click("text=Find")
    page.wait_for_selector("#story li")
    found["story"] = page.inner_text("#story")
    page.fill("#dead-text", "again")
    page.click("text=Search")
    wait(page, ONE_FOUND)
    page.click("#dead-retry")
    page.click("#confirm-yes")
    wait(page, SELECTED)
    wait(page, AGAIN_APPLIED)
    page.fill("#dead-text", "gone")
    page.click("text=Search")
    wait(page, ONE_FOUND)
    page.click("#dead-drop")
    found["question"] = page.inner_text("#confirm-text")
    page.click("#confirm-yes")
    wait(page, SELECTED)
    page.fill("#dead-text", "")
    page.click("text=Search")
    wait(page, FOUND)
    return found


def turn_over(browser: Browser, url: str, _: str) -> dict[str, Any]:
    """Let more dead letters be shown until there are no more."""
    page = browser.new_context().new_page()
    page.goto(url)
    shown = []
    for _ in range(2):
        page.wait_for_selector("#dead-more:not([hidden])")
        shown.append(page.locator("#dead tr").count())
        page.click("#dead-more")
        wait(page, MORE_FOUND, shown[-1])
    shown.append(page.locator("#dead tr").count())
    page.wait_for_selector("#dead-more", state="hidden")
    page.click("#dead-drop")
    question = page.inner_text("#confirm-text")
    page.click("#confirm-yes")
    wait(page, NONE_LEFT)
    return {"shown": shown, "question": question}


def unlock(browser: Browser, url: str, token: str) -> dict[str, Any]:
    """Open the page where a token is asked for."""
    page = browser.new_context().new_page()
    page.goto(url)
    page.wait_for_selector("#ask:not([hidden])")
    before = page.inner_text("#lanes")
    page.fill("#token", token)
    page.click("text=Show")
    wait(page, LIVE)
    page.wait_for_selector("#lanes tr")
    page.reload()
    page.wait_for_selector("#lanes tr")
    return {"before": before, "after": page.inner_text("#lanes"), "url": page.url}


def picture(browser: Browser, url: str, folder: str) -> dict[str, Any]:
    """Take the pictures of the docs."""
    for name, form in FORMS.items():
        page = browser.new_context(**form | {"viewport": SIZES[name]}).new_page()
        page.goto(url)
        wait(page, LIVE)
        page.wait_for_selector("#plots svg")
        page.wait_for_timeout(2000)
        page.screenshot(path=Path(folder, f"status-{name}.png"))
    return {}


WAYS = {"watch": watch, "token": unlock, "letters": turn_over, "images": picture}


def main() -> None:
    """See the module."""
    what, url, more = sys.argv[1:]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        found = WAYS[what](browser, url, more)
        browser.close()
    print(json.dumps(found))


if __name__ == "__main__":
    main()

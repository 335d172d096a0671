"""Opens pages in the distribution's Chromium, and lets no error of a page or its policy pass unseen."""

import os
import shutil
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import sync_playwright

AXE = (Path(__file__).parent / "vendor/axe.min.js").read_text(encoding="utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@contextmanager
def chromium():
    """The browser; it has no sandbox, because tests run as root in containers."""
    program = shutil.which(os.environ.get("LADDER_CHROMIUM", "chromium"))
    assert program, "scripts/test-prerequisites installs chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


class Window:
    """One page, and everything that went wrong in it."""

    def __init__(self, browser, address, **options):
        self.address = address
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.faults, self.requests = [], []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.faults.append(dialog.message), dialog.dismiss()))
        self.page.on("request", lambda request: self.requests.append(request.url))

    def _heard(self, message):
        # An answer that is an error is part of some tests; what the page itself says is not.
        if message.type == "error" and "the server responded with a status of" not in message.text:
            self.faults.append(message.text)

    def open(self, path):
        self.page.goto(path if ":/" in path else f"{self.address}{path}")
        return self.page

    def follow(self, target):
        """Click on what leads to another page, and wait until all of that page is there."""
        with self.page.expect_navigation(wait_until="load"):
            target.click()

    def by(self, test_id):
        return self.page.get_by_test_id(test_id)

    def rows(self, test_id):
        """Cells of a table as they are rendered."""
        read = "table => [...table.tBodies[0].rows].map(row => [...row.cells].map(cell => cell.innerText.trim()))"
        return self.by(test_id).evaluate(read)

    def axe(self):
        self.page.evaluate(AXE)
        found = self.page.evaluate(
            "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})", TAGS
        )
        return [(each["id"], [node["html"][:200] for node in each["nodes"][:3]]) for each in found["violations"]]

    def overflow(self):
        """How far the page is wider than its window."""
        return self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")

"""A page that only our own files can make do anything: what the strict content policy asks of our markup."""

from __future__ import annotations

from html.parser import HTMLParser

ADDRESSES = ("href", "src", "action", "hx-get", "hx-post", "data-src", "formaction")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "script" and not given.get("src", "").startswith("/static/"):
            self.wrong.append(f"a script without a file of ours: {given}")
        if tag in ("style", "iframe", "object", "embed", "base", "img"):
            self.wrong.append(f"an element {tag}")
        for name, value in given.items():
            if name.startswith("on") or name in ("style", "srcdoc"):
                self.wrong.append(f"an attribute {name}={value[:60]!r}")
            if name in ADDRESSES and value and not value.startswith(("/", "?", "#")):
                self.wrong.append(f"an address {name}={value[:60]!r}")

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def assert_inert(html: str) -> str:
    """Fails when the page holds anything that the browser would run or fetch from elsewhere; gives back its text."""
    reader = _Reader()
    reader.feed(html)
    assert reader.wrong == []
    return "".join(reader.text)

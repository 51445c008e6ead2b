"""What a page holds, for tests: its text, its tags, and whatever it would load."""

from __future__ import annotations

from html.parser import HTMLParser

_VOID = {"meta", "br", "img", "hr", "link", "input"}
_LOADING = ("href", "src", "xlink:href", "srcset", "data", "action", "poster")


class Page(HTMLParser):
    """A parsed page; `problems` has every tag that is not closed in its place."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.problems: list[str] = []
        self.loads: list[str] = []
        self.words: list[str] = []
        self.policy = ""
        self.feed(html)
        self.close()
        self.problems += [f"<{tag}> stays open" for tag in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in _VOID:
            self.open.append(tag)
        found = dict(attrs)
        self.loads += [found[name] or "" for name in _LOADING if name in found]
        if found.get("http-equiv") == "Content-Security-Policy":
            self.policy = found["content"] or ""

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.words.append(data)

"""Every block of README, CONTRIBUTING and docs does what the page says, against a real server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pages
import pytest

PAGES = pages.pages()


def read(name: str) -> tuple[list[pages.Block], str]:
    text = PAGES[name].read_text(encoding="utf-8")
    return pages.blocks(name, text), text


@pytest.mark.parametrize("name", PAGES)
def test_every_block_says_what_it_is(name: str) -> None:
    for block in read(name)[0]:
        place = f"{block.page}:{block.line}"
        known = pages.RUN + pages.SHOWN
        assert block.language in known, f"{place}: {block.language!r} is neither run nor shown; known are {known}"
        assert not (block.not_run and len(block.not_run) < 10), f"{place}: the reason why it is not run says nothing"
        if block.language == "console" and block.runs:
            assert pages.commands(block), f"{place}: a console block with no line that begins with '$ '"


@pytest.mark.parametrize("name", [name for name in PAGES if any(block.runs for block in read(name)[0])])
def test_the_blocks_of_the_page_run(name: str, page_runner: Callable[[set[str]], Any]) -> None:
    blocks, text = read(name)
    runner = page_runner(pages.needs(text))
    for block in blocks:
        if block.runs:
            runner.run(block)

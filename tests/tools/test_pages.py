"""Blocks are found as Markdown has them, and compared as the page promises."""

from __future__ import annotations

import pages
import pytest

PAGE = """# Title

```python
x = 1
```

<!-- not run: needs a network -->
```sh
curl example.org
```

<!-- not run: this comment belongs to nothing -->
Some words.

- in a list:

  ```console
  $ echo one \\
  > two
  one two
  $ true
  ```

```json
{}
```
"""


def test_blocks_carry_language_line_and_exemption() -> None:
    found = pages.blocks("p.md", PAGE)
    assert [(b.language, b.line, b.not_run, b.runs) for b in found] == [
        ("python", 3, "", True),
        ("sh", 8, "needs a network", False),
        ("console", 17, "", True),
        ("json", 24, "", False),
    ]


def test_a_console_block_holds_commands_with_their_output() -> None:
    block = pages.blocks("p.md", PAGE)[2]
    assert pages.commands(block) == [("echo one \\\ntwo", "one two\n"), ("true", "")]


def test_a_block_that_does_not_end_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"p\.md:1"):
        pages.blocks("p.md", "```sh\ntrue\n")


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("one two", "one   two\n", True),
        ("one … four", "one two three four", True),
        ("one … four", "one two three", False),
        ("one", "one two", False),
        ("a.c", "abc", False),
        ("… b …", "a\nb\nc", True),
    ],
)
def test_output_is_compared_with_gaps(shown: str, printed: str, same: bool) -> None:
    assert pages.matches(shown, printed) is same


def test_needs_are_read_from_the_page() -> None:
    assert pages.needs("<!-- needs: demo, repository -->\n") == {"demo", "repository"}

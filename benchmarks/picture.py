"""Turns what a terminal shows into a picture for the docs.

    tmux capture-pane -e -p -t NAME | python -m benchmarks.picture docs/terminal.svg "thumbwise"

The picture is of what was really on the screen: nothing is redrawn by hand.
"""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text


def picture(screen: str, title: str, width: int) -> str:
    """The screen, with its ANSI colours, as an SVG that loads nothing from elsewhere."""
    console = Console(record=True, width=width, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(screen.rstrip("\n")))
    svg = console.export_svg(title=title)
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


def main() -> None:
    """Read the screen from standard input, write the picture."""
    target, title = Path(sys.argv[1]), sys.argv[2]
    screen = sys.stdin.read()
    plain = (Text.from_ansi(line).cell_len for line in screen.splitlines())
    target.write_text(picture(screen, title, max(plain, default=1) + 1), encoding="utf-8")
    print(f"wrote {target}")


if __name__ == "__main__":
    main()

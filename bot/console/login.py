"""The two pages that are shown without the key: plain HTML, nothing to load."""

from __future__ import annotations

from html import escape
from typing import Final

_STYLE: Final = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { display: grid; place-items: center; min-height: 90vh; margin: 0; padding: 1rem }
form { display: grid; gap: .75rem; width: min(22rem, 100%) }
h1 { font-size: 1.4rem; margin: 0 }
p { margin: 0; opacity: .8 }
.wrong { color: #c2410c; opacity: 1 }
input, button { font: inherit; padding: .6rem .8rem; border-radius: .5rem; border: 1px solid #8888 }
button { background: #0f766e; color: #fff; border: 0; cursor: pointer }
"""


def login_page(problem: str = "") -> str:
    """The page that asks for the key."""
    said = f'<p class="wrong" role="alert">{escape(problem)}</p>' if problem else ""
    return _page(
        '<form method="post" action="/login"><h1>thumbwise</h1>'
        "<p>The console needs its key. The bot shows a link with it when it starts.</p>"
        f"{said}"
        '<input name="key" type="password" aria-label="Key" placeholder="Key" required autofocus'
        ' autocomplete="current-password"><button>Come in</button></form>'
    )


def welcome_page(path: str) -> str:
    """The page that goes on to a page of the console at once."""
    to = escape(path, quote=True)
    return _page(f'<p>Welcome. <a href="{to}">Go on</a></p>', f"0; url={to}")


def _page(body: str, refresh: str = "") -> str:
    on = f'<meta http-equiv="refresh" content="{refresh}">' if refresh else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>thumbwise</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"{on}<style>{_STYLE}</style></head><body>{body}</body></html>"
    )

"""A Markdown page as one HTML file that needs no other: its pictures lie in it."""

import html
import re
from base64 import b64encode
from pathlib import Path

__all__ = ["html_page"]

FRAME = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
body {{ max-width: 68rem; margin: 2rem auto; padding: 0 1rem; font: 15px/1.5 system-ui, sans-serif; }}
body {{ color: #1f2933; }}
h2 {{ margin-top: 3rem; border-top: 1px solid #e4e7eb; padding-top: 1rem; }}
img {{ display: block; width: 100%; margin: 1rem 0; }}
table {{ border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; margin: 1rem 0; }}
table {{ display: block; overflow-x: auto; }}
th, td {{ padding: .2rem .8rem .2rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid #e4e7eb; }}
th {{ font-weight: normal; color: #616e7c; }}
pre {{ background: #f5f7fa; padding: .6rem .8rem; overflow-x: auto; }}
code {{ font-size: 13px; }}
</style>
</head>
<body>
{body}
</body>
</html>
"""
KINDS = {".svg": "svg+xml", ".png": "png"}


def html_page(text: str, folder: Path) -> str:
    """Turn Markdown into a page. Pictures are found from `folder`; links to other pages become plain text."""
    from markdown import markdown

    title = re.search(r"^# (.*)$", text, re.MULTILINE)
    body = markdown(text, extensions=["tables", "fenced_code"])
    body = re.sub(r'<a href="(?!#)[^"]*">(.*?)</a>', r"\1", body)
    body = re.sub(r'src="([^"]+)"', lambda found: f'src="{_as_data(folder / found[1])}"', body)
    return FRAME.format(title=html.escape(title[1] if title else folder.name), body=body)


def _as_data(picture: Path) -> str:
    return f"data:image/{KINDS[picture.suffix]};base64,{b64encode(picture.read_bytes()).decode()}"

"""The page itself: template, style, scripts and data joined into one file that asks for nothing from outside."""

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from gem_core.export.globe_modules import SHARED_MODULES, join_modules

PARTS = Path(__file__).parent / "parts"
SCRIPTS = ("sphere.js", "labels.js", "map_motion.js", "map.js", "input_events.js", "tree.js", "page.js")
ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


def page(*, colors: Sequence[str], data: dict[str, Any], **content: Any) -> str:
    """Fill the template.

    The policy in its head allows this script and these styles by their hashes, images that are inside the file, and
    nothing else: no request can leave the page, whatever a corpus holds.

    Parameters
    ----------
    colors : sequence of "#rrggbb"
        Of the clusters, as classes k0, k1, ...
    data : dict
        What the scripts read.
    content : what the template shows; escaped by it.
    """
    script = _script()
    style = _part("report.css") + "".join(f".k{index}{{--k:{color}}}\n" for index, color in enumerate(colors))
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_digest(script)}'",
            f"style-src '{_digest(style)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    return (
        _environment()
        .get_template("report.html")
        .render(
            policy=policy,
            style=Markup(style),
            script=Markup(script),
            data=data_block(data),
            icon=_icon(),
            mark=Markup(_part("mark.svg")),
            **content,
        )
    )


def data_block(value: Any) -> Markup:
    r"""JSON that can stand inside a script element: nothing in it can end the element or begin a tag.

    Examples
    --------
    >>> print(data_block({"label": "</script><b>&"}))
    {"label":"\u003c/script\u003e\u003cb\u003e\u0026"}
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(text.translate(ESCAPES))


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(PARTS), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def _part(name: str) -> str:
    return (PARTS / name).read_text(encoding="utf-8")


def _script() -> str:
    return (
        '(() => {\n"use strict";\n' + join_modules([*SHARED_MODULES, *(PARTS / name for name in SCRIPTS)]) + "\n})();\n"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _icon() -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(_part("icon.svg").encode()).decode("ascii")

"""Small pieces that several screens share. Corpus text goes through st.text, st.code and st.dataframe only."""

import re

JOINER = "\u2060"  # takes no room and breaks no line
ADDRESS = re.compile(r"https?(?=:)|www(?=\.)|\S(?=@)", re.IGNORECASE)  # what Markdown makes a link of by itself


def escape(text: str) -> str:
    """Make text safe inside st.markdown, button labels and captions: nothing in it is read as Markdown or LaTeX.

    Addresses turn into links even where every sign is escaped, so an invisible joiner stands inside them.
    """
    flat = ADDRESS.sub(f"\\g<0>{JOINER}", " ".join(text.split()))
    return "".join("\\" + c if c in "\\`*_{}[]()<>#+-.!|~$:=&^@/" else c for c in flat)


def plain(text: str) -> str:
    """Make text safe as a Plotly label: Plotly reads a few HTML tags."""
    flat = " ".join(text.split())
    return flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def short(text: str, limit: int = 60) -> str:
    """Cut text to `limit` characters."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"

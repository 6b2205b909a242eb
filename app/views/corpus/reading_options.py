"""Corpus view: how files are read and how the encoder is used, where the usual options do not fit."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from gem_core.corpus import ReadOptions

MIN_WORDS = 3
READING = "Reading options"
OWN = "encoder's own"
# Options that a refusal of the command names, and their controls here.
CONTROLS = {
    "--encoding": "Encoding",
    "--no-header": "First row is data",
    "--min-words": "Minimum words",
    "--split": "Split",
}


@dataclass(frozen=True)
class ReadingChoice:
    """Chosen reading options: for a preview, and as arguments of a command."""

    options: ReadOptions
    arguments: tuple[str, ...]


def choose_reading() -> ReadingChoice:
    """Show the options of reading, folded; they stay on screen when a file cannot be read with the present ones."""
    with st.expander(READING):
        cells = st.columns(4, vertical_alignment="bottom")
        encoding = cells[0].text_input(
            "Encoding", "utf-8", key="corpus_encoding", help="Of text files: utf-8, cp1252, utf-16, ..."
        )
        words = cells[1].number_input(
            "Minimum words", 1, 1000, MIN_WORDS, key="corpus_min_words", help="Texts with fewer words are skipped."
        )
        split = cells[2].text_input(
            "Split", key="corpus_split", placeholder="all", help="Of a folder: read only the files of this split."
        )
        no_header = cells[3].checkbox(
            "First row is data", key="corpus_no_header", help="CSV and TSV without a line of column names."
        )
    encoding, split = encoding.strip() or "utf-8", split.strip()
    arguments = (
        *((f"--encoding={encoding}",) if encoding != "utf-8" else ()),
        *((f"--min-words={int(words)}",) if words != MIN_WORDS else ()),
        *((f"--split={split}",) if split else ()),
        *(("--no-header",) if no_header else ()),
    )
    return ReadingChoice(ReadOptions(split or None, encoding, not no_header), arguments)


def choose_encoder_options() -> list[str]:
    """Show prompts and length for the encoder, folded, and return them as arguments of a command."""
    with st.expander("Encoder options"):
        cells = st.columns(3)
        prompt = cells[0].text_input(
            "Document prompt", key="corpus_prompt", placeholder=OWN, help="Prefix of each document, such as passage:"
        )
        query_prompt = cells[1].text_input(
            "Query prompt", key="corpus_query_prompt", placeholder=OWN, help="Prefix of search queries."
        )
        tokens = cells[2].number_input(
            "Max tokens",
            1,
            1_000_000,
            None,
            key="corpus_max_tokens",
            placeholder=OWN,
            help="Longest input of the encoder, in tokens per document.",
        )
    return [
        *([f"--prompt={prompt}"] if prompt else []),
        *([f"--query-prompt={query_prompt}"] if query_prompt else []),
        *([f"--max-tokens={int(tokens)}"] if tokens else []),
    ]


def point_to_controls(message: str) -> None:
    """Say under a refusal where the options that it names are set on this page."""
    controls = [f"**{control}**" for option, control in CONTROLS.items() if option in message]
    if controls:
        st.caption(f"Set {_join(controls)} under {READING} above.")


def _join(controls: Sequence[str]) -> str:
    return " or ".join((", ".join(controls[:-1]), controls[-1])) if len(controls) > 1 else controls[0]

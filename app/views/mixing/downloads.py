"""Mixing downloads: weight files, and the commands that reproduce them."""

import shlex
from functools import partial
from pathlib import Path

import streamlit as st

from app.data import mixing
from app.state.session import Session
from app.ui.downloads import retained_download
from app.views.mixing.mix_settings import Mix
from gem_core.export.mixtures import Format, mixture_text
from gem_core.mixing import Weights
from gem_core.pipeline.mixing.domains import Domains
from gem_core.workspace import Taxonomy

FILES: tuple[tuple[Format, str, str, str], ...] = (  # format, label, name, type
    ("csv", "CSV", "weights.csv", "text/csv"),
    ("regmix", "RegMix yaml", "weights-regmix.yaml", "application/yaml"),
    ("doremi", "DoReMi json", "weights-doremi.json", "application/json"),
    ("weborganizer", "WebOrganizer json", "weights-weborganizer.json", "application/json"),
)


def show_downloads(session: Session, mix: Mix, weights: Weights) -> None:
    """Show a download button for each weight format, and the equivalent commands."""
    taxonomy = session.mixing_taxonomy
    domains = mixing.domains(session.workspace, taxonomy)
    with st.container(border=True, gap="small", key="mixing-export"):
        st.markdown("**Export weights**")
        with st.container(horizontal=True, gap="small"):
            for form, label, name, mime in FILES:
                make = retained_download(partial(file_bytes, taxonomy, weights, form), name, mime)
                st.download_button(
                    label,
                    make,
                    name,
                    mime,
                    key=f"mixing-{form}",
                    on_click="ignore",
                    icon=":material/download:",
                    type="primary" if form == "csv" else "secondary",
                    help=f"Write {name}. The file names its taxonomy.",
                )
        commands_panel = st.expander(
            "CLI commands", icon=":material/terminal:", key="mixing-commands", on_change="rerun"
        )
        if commands_panel.open:  # The code viewer is large, so the browser loads it only when the panel is open.
            commands_panel.code("\n".join(commands(session.root, mix, domains)), language=None, wrap_lines=True)
            commands_panel.caption(
                "The first command writes these weights; use another file ending or --format for other formats. "
                "The second draws the training set."
            )


def file_bytes(taxonomy: Taxonomy, weights: Weights, form: Format) -> bytes:
    """Return the bytes that `gem-explorer mix weights --out` writes."""
    return mixture_text(taxonomy, weights, form).encode()


def commands(root: Path, mix: Mix, domains: Domains) -> list[str]:
    """Return the commands that write these weights and draw what they describe."""
    commands_panel = shlex.quote(str(root))
    parts = ["gem-explorer mix weights", commands_panel, f"--strategy {mix.strategy}"]
    if mix.strategy == "temperature":
        parts.append(f"--tau {mix.tau:g}")
    if mix.strategy == "custom":
        parts.append(
            "--custom " + shlex.quote(",".join(f"{number}={weight!r}" for number, weight in mix.fixed(domains)))
        )
    if mix.strategy in ("goal", "mixmin"):
        parts.append(f"--goal {shlex.quote(mix.goal)}" + (f" --part {mix.part!r}" if mix.part != 1 else ""))
    parts.append(f"--budget {mix.budget!r}")
    if mix.pool:
        parts.append(f"--pool {shlex.quote(mix.pool)}")
    if mix.max_epochs is not None:
        parts.append(f"--max-epochs {mix.max_epochs!r}")
    parts += [f"--{name} {value!r}" for name, value in (("floor", mix.floor), ("fold", mix.fold)) if value]
    return [
        " ".join([*parts, "--out weights.csv"]),
        f"gem-explorer mix sample {commands_panel} --weights weights.csv --tokens {mix.budget!r} --out FOLDER --seed 0",
    ]

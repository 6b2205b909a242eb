"""Student view: download a student, with the commands that reproduce and use it."""

import io
import shlex
import zipfile
from functools import partial
from pathlib import Path

import streamlit as st

from app.state.session import Session
from app.ui.downloads import retained_download
from gem_core.pipeline.student.registry import SavedStudent

LARGEST = 200_000_000  # bytes of a download; larger ones are copied by their path


def show_downloads(session: Session, student: SavedStudent) -> None:
    """Offer the folder as a zip where it is small enough, and show two commands."""
    size = sum(path.stat().st_size for path in student.folder.iterdir())
    with st.container(border=True, gap="small", key="student-export"):
        st.markdown("**Download the student**")
        if size <= LARGEST:
            make = retained_download(partial(zipped, student.folder), "student.zip", "application/zip")
            st.download_button(
                "Download as zip",
                make,
                "student.zip",
                "application/zip",
                key="student-zip",
                on_click="ignore",
                icon=":material/folder_zip:",
                help="student.safetensors, student.json, report.json.",
            )
        st.code("\n".join(commands(session.root, student)), language=None, wrap_lines=True)
        st.caption(f"{size / 1e6:,.1f} MB. The first command reproduces it, the second labels with it on any machine.")


def zipped(folder: Path) -> bytes:
    """Return the files of a student as one zip, stored as they are: rows of numbers hardly shrink."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, f"student/{path.name}")
    return packed.getvalue()


def commands(root: Path, student: SavedStudent) -> list[str]:
    """Return the commands that make a student again and label with it."""
    settings = student.report.settings
    hard = [] if settings["soft"] else ["--hard"]
    return [
        shlex.join(
            [
                "gem-explorer",
                "distill",
                str(root),
                "--out",
                "STUDENT",
                "--seed",
                str(settings["seed"]),
                "--test-share",
                f"{settings['test_share']:g}",
                "--drop",
                f"{settings['drop']:g}",
                *hard,
            ]
        ),
        shlex.join(["gem-explorer", "label", str(student.folder), "IN_FOLDER", "OUT_FOLDER"]),
    ]

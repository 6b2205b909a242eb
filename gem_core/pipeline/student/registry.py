"""Students that are kept in a workspace, beside the taxonomy that taught them."""

from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from gem_core._content_key import content_key
from gem_core.errors import WorkspaceError
from gem_core.pipeline.student.distil import DistilSettings
from gem_core.pipeline.student.report import FILE, DistilReport, read_report
from gem_core.workspace import Taxonomy, Workspace

FOLDER = "students"


@dataclass(frozen=True)
class SavedStudent:
    """A student's folder, its report, and when it was made (seconds since 1970)."""

    folder: Path
    report: DistilReport
    created_at: float

    def matches_taxonomy(self, taxonomy: Taxonomy) -> bool:
        """Whether this taxonomy, as it is, was the teacher: the same documents, names and exclusions."""
        return self.report.taxonomy_hash == taxonomy.taxonomy_hash


def student_folder(workspace: Workspace, taxonomy: Taxonomy, settings: DistilSettings) -> Path:
    """Return where the student of a taxonomy with these settings is kept: the same question, the same folder."""
    return workspace.root / FOLDER / content_key([taxonomy.taxonomy_hash, asdict(settings)])


def saved_students(workspace: Workspace) -> tuple[SavedStudent, ...]:
    """Return the students of a workspace, those made last first; a folder without a whole report is none."""
    students = []
    for path in (workspace.root / FOLDER).glob(f"[!.]*/{FILE}"):
        with suppress(WorkspaceError, OSError):
            students.append(SavedStudent(path.parent, read_report(path.parent), path.stat().st_mtime))
    return tuple(sorted(students, key=lambda student: (-student.created_at, student.folder.name)))

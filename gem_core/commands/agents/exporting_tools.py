"""Tools that write files: into one folder, under names that do not exist yet."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from gem_core.commands.agents.answers import ExportAnswer
from gem_core.commands.agents.mixing_tools import MixRequest, weigh_clusters
from gem_core.commands.agents.session import AgentSession
from gem_core.export.mixtures import Format

FileName = Annotated[str, Field(description="name of a new file or folder in the export folder, without a path")]


class ExportingTools:
    """Tools that write into the export folder alone."""

    def __init__(self, session: AgentSession) -> None:
        self._session = session

    def export_taxonomy(self, folder: FileName) -> ExportAnswer:
        """Write taxonomy, assignments of all documents, weights, history and receipt into a new folder."""
        from gem_core.export import export

        return self._answer(export(self._session.workspace, self._session.export_path(folder)))

    def export_weights(
        self,
        file: FileName,
        mix: MixRequest,
        format: Annotated[Format, Field(description="layout of the file, by the trainer that reads it")] = "csv",
    ) -> ExportAnswer:
        """Write the weights of a mixture as a file for a trainer."""
        from gem_core.export.mixtures import write_weights

        path = self._session.export_path(file)
        write_weights(path, self._session.taxonomy, weigh_clusters(self._session, mix), format, "")
        return self._answer((path,))

    def export_report(self, file: FileName) -> ExportAnswer:
        """Write one HTML page that opens offline: map, tree, clusters with texts of exemplars, balance path."""
        from gem_core.export import write_report

        path = self._session.export_path(file)
        return self._answer((write_report(self._session.workspace, path, progress=self._session.progress),))

    def _answer(self, paths: tuple[Path, ...]) -> ExportAnswer:
        folder = self._session.export_folder
        return ExportAnswer(files=[str(path.relative_to(folder)) if folder else path.name for path in paths])

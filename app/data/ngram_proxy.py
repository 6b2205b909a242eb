"""Background build of the n-gram proxy, in its own thread so that reruns of the page do not restart it."""

from dataclasses import dataclass, field
from threading import Thread

from gem_core.errors import GemError
from gem_core.mixing.ngram import NgramProxy
from gem_core.pipeline.mixing.domains import Domains
from gem_core.pipeline.mixing.ngram_preview import ngram_preview
from gem_core.workspace import Workspace

PATIENCE = 0.4  # seconds to wait for a proxy that is already on disk


@dataclass
class BuildStatus:
    """Progress and result of a build: the thread writes it, the page reads it.

    Attributes
    ----------
    completed, total : int
        Documents.
    proxy : NgramProxy or None
        Set when the build has finished.
    refused : str
        Reason why the build failed.
    """

    completed: int = 0
    total: int = 0
    proxy: NgramProxy | None = None
    refused: str = ""
    thread: Thread | None = field(default=None, repr=False)

    def wait(self) -> bool:
        """Wait briefly for the build; return whether it has ended."""
        if self.thread is not None:
            self.thread.join(PATIENCE)
        return self.proxy is not None or bool(self.refused)


def start_build(workspace: Workspace, domains: Domains) -> BuildStatus:
    """Start to read or build the n-gram proxy of some domains."""
    status = BuildStatus()

    def report(step: str, completed: int, total: int) -> None:
        status.completed, status.total = completed, total

    def work() -> None:
        try:
            status.proxy = ngram_preview(workspace, domains, progress=report)
        except GemError as error:
            status.refused = str(error)
        except Exception as error:  # An exception in a thread is not shown, so the page shows it.
            status.refused = f"{type(error).__name__}: {error}"

    status.thread = Thread(target=work, daemon=True)
    status.thread.start()
    return status

"""The instant proxy in the making: counted once in a thread of its own, so that no move of a slider starts it anew."""

from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

from gem_core.errors import GemError
from gem_core.mixing.ngram import NgramProxy
from gem_core.pipeline.mixing.domains import Domains
from gem_core.pipeline.mixing.ngram_preview import ngram_preview
from gem_core.workspace import Workspace

PATIENCE = 0.4  # seconds for one that only has to be read


@dataclass
class Making:
    """How one stands: the thread writes it, the page reads it.

    Attributes
    ----------
    done, total : int
        Documents.
    proxy : NgramProxy or None
        Once it is made.
    refused : str
        Why it cannot be made.
    """

    done: int = 0
    total: int = 0
    proxy: NgramProxy | None = None
    refused: str = ""
    thread: Thread | None = field(default=None, repr=False)

    def wait(self) -> bool:
        """Give it a moment; whether it has ended."""
        if self.thread is not None:
            self.thread.join(PATIENCE)
        return self.proxy is not None or bool(self.refused)


def making(root: Path, domains: Domains) -> Making:
    """Begin to read or make the proxy of a taxonomy's domains."""
    mark = Making()

    def tell(step: str, done: int, total: int) -> None:
        mark.done, mark.total = done, total

    def work() -> None:
        try:
            mark.proxy = ngram_preview(Workspace(root), domains, progress=tell)
        except GemError as error:
            mark.refused = str(error)
        except Exception as error:  # a thread has nobody to raise it to
            mark.refused = f"{type(error).__name__}: {error}"

    mark.thread = Thread(target=work, daemon=True)
    mark.thread.start()
    return mark

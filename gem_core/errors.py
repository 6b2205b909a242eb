"""What can go wrong, and the one wording for it: what must hold, what came, what to do."""


class GemError(Exception):
    """Base of every error that gem_core raises on purpose."""


class InputError(GemError, ValueError):
    """An argument, a file or a row is not what it must be.

    Parameters
    ----------
    must : str
        What must hold, a sentence without its full stop.
    came : str
        What came instead, with numbers and the first bad row where there is one.
    do : str
        What the reader can do about it.

    Examples
    --------
    >>> print(InputError("n_clusters must be at least 1", "0", "Ask for one cluster or more"))
    n_clusters must be at least 1; got 0. Ask for one cluster or more.
    """

    def __init__(self, must: str, came: str, do: str) -> None:
        self.must, self.came, self.do = must, came, do
        super().__init__(f"{must}; got {came}. {do}.")

    def __reduce__(self) -> tuple[type["InputError"], tuple[str, str, str]]:
        """Let other processes raise it here: the default would pass on one text for three."""
        return type(self), (self.must, self.came, self.do)


class CorpusError(InputError):
    """A corpus file cannot be read as documents."""


class WorkspaceError(InputError):
    """A workspace on disk cannot be opened or written."""


class EndpointError(InputError):
    """A language model's endpoint cannot be used."""


class AnswerError(EndpointError):
    """An endpoint refuses one request; the next may succeed."""


class Cancelled(GemError):
    """Raised by a progress callback to stop the work; what is on disk stays valid."""


class NotConvergedWarning(UserWarning):
    """A fit stopped at its iteration limit before it reached its tolerance."""

"""Errors of gem_core. Every refusal says what was expected, what it got and what to do."""


class GemError(Exception):
    """Base of every error that gem_core raises on purpose."""


class InputError(GemError, ValueError):
    """Raised when an argument, a file or a row is not valid.

    Parameters
    ----------
    expected : str
        What is required, a sentence without its full stop.
    got : str
        What was given instead, with numbers and the first bad row where there is one.
    hint : str
        What the reader can do about it.

    Examples
    --------
    >>> print(InputError("n_clusters must be at least 1", "0", "Ask for one cluster or more"))
    n_clusters must be at least 1; got 0. Ask for one cluster or more.
    """

    def __init__(self, expected: str, got: str, hint: str) -> None:
        self.expected, self.got, self.hint = expected, got, hint
        super().__init__(f"{expected}; got {got}. {hint}.")

    def __reduce__(self) -> tuple[type["InputError"], tuple[str, str, str]]:
        """Pickle the three parts, so that an error of a worker process is raised whole in this one."""
        return type(self), (self.expected, self.got, self.hint)


class CorpusError(InputError):
    """Raised when a corpus file cannot be read as documents."""


class WorkspaceError(InputError):
    """Raised when a workspace on disk cannot be opened or written."""


class DamageError(WorkspaceError):
    """Raised when a part of a workspace is missing or cannot be read; `gem-explorer check --mend` rebuilds it."""


class EndpointError(InputError):
    """Raised when the endpoint of a language model cannot be used."""


class AnswerError(EndpointError):
    """Raised when an endpoint refuses one request; the next one may succeed."""


class Cancelled(GemError):
    """Raised by a progress callback to stop the work; what is on disk stays valid."""


class NotConvergedWarning(UserWarning):
    """Warns that a fit stopped at its iteration limit before it reached its tolerance."""

"""Progress on a terminal, and in a file that another process can watch."""

import json
import os
import sys
import time
from contextlib import suppress
from pathlib import Path

QUIET = 10.0  # seconds between two lines of a step where no one watches live


class Console:
    """A `Progress` that writes one line a step to standard error, with rate and time left.

    Parameters
    ----------
    file : Path, optional
        Keeps {"step", "done", "total", "rate", "left", "at"} there as JSON, replaced whole; rate in units a second,
        left in seconds (null until there is a rate).
    """

    def __init__(self, file: Path | None = None) -> None:
        self.file = file
        self.step, self.started, self.first, self.shown, self.written = "", 0.0, 0, 0.0, 0.0
        self.live = sys.stderr.isatty()

    def __call__(self, step: str, done: int, total: int) -> None:
        """Show the progress at most five times a second, and always the end of a step."""
        now = time.monotonic()
        if step != self.step:
            self.end()
            self.step, self.started, self.first, self.shown, self.written = step, now, done, 0.0, now
        if now - self.shown < 0.2 and done < total:
            return
        self.shown = now
        seconds = now - self.started
        rate = (done - self.first) / seconds if seconds > 0 else 0.0
        left = (total - done) / rate if rate > 0 else None
        if self.file is not None:
            self._keep({"step": step, "done": done, "total": total, "rate": rate, "left": left, "at": time.time()})
        if self.live or done >= total or now - self.written >= QUIET:
            self.written = now
            line = f"{step}: {done:,} of {total:,}"
            if 0 < done < total and left is not None:
                line += f", {rate:,.0f} a second, {left:,.0f} s left"
            with suppress(OSError):  # nor for the sake of its log
                sys.stderr.write(f"\r\033[K{line}" if self.live else f"{line}\n")
                sys.stderr.flush()

    def _keep(self, state: dict[str, object]) -> None:
        assert self.file is not None
        temporary = self.file.with_name(self.file.name + ".new")
        with suppress(OSError):  # a full disk must not stop the work for the sake of its progress bar
            temporary.write_text(json.dumps(state), encoding="utf-8")
            os.replace(temporary, self.file)

    def end(self) -> None:
        """Close the line of the last step."""
        if self.step and self.live:
            sys.stderr.write("\n")
        self.step = ""

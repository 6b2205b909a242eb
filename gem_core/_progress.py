"""Progress of a command: a bar on a terminal, lines in a log, and a JSON file that another process can watch."""

import json
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

SHOW_INTERVAL = 0.2  # seconds between two updates of the bar and of the file
LOG_INTERVAL = 10.0  # seconds between two lines of one step where standard error is not a terminal


def describe_rate(rate: float) -> str:
    """Describe a rate in units per second; a slow one per minute.

    Examples
    --------
    >>> describe_rate(1234.0), describe_rate(2.5), describe_rate(0.2)
    ('1,234 per second', '2.5 per second', '12 per minute')
    """
    if rate < 1:
        return f"{60 * rate:.0f} per minute"
    return f"{rate:,.0f} per second" if rate >= 10 else f"{rate:.1f} per second"


class Console:
    """A `Progress` that writes to standard error.

    On a terminal each step is a bar of tqdm with rate and time left; elsewhere it is a line when the step ends, and
    one every `LOG_INTERVAL` seconds before.

    Parameters
    ----------
    file : Path, optional
        Holds {"step", "done", "total", "rate", "left", "at"} as JSON and is always replaced as a whole; rate in units
        per second, left in seconds (null until there is a rate), at in seconds since 1970.
    """

    def __init__(self, file: Path | None = None) -> None:
        self.file = file
        self.step, self.started, self.first, self.shown_at, self.written = "", 0.0, 0, 0.0, 0.0
        self.last, self.last_at = 0, 0.0
        self.live = sys.stderr.isatty()
        self._bar: Any = None

    def __call__(self, step: str, completed: int, total: int) -> None:
        """Show the progress at most five times per second, and always the end of a step."""
        now = time.monotonic()
        if step != self.step:
            self.end()
            self.step, self.started, self.first, self.shown_at, self.written = step, now, completed, 0.0, now
            self.last, self.last_at = completed, now
        if completed != self.last:
            self.last, self.last_at = completed, now
        if now - self.shown_at < SHOW_INTERVAL and completed < total:
            return
        self.shown_at = now
        # Measured at the last unit that was done: while a slow one is awaited the time left falls, and the rate stays.
        seconds = self.last_at - self.started
        rate = (completed - self.first) / seconds if seconds > 0 else 0.0
        seconds_left = max(0.0, (total - completed) / rate - (now - self.last_at)) if rate > 0 else None
        if self.file is not None:
            _replace(
                self.file,
                {
                    "step": step,
                    "done": completed,
                    "total": total,
                    "rate": rate,
                    "left": seconds_left,
                    "at": time.time(),
                },
            )
        with suppress(OSError):  # A full disk must not stop the work because its log cannot be written.
            if self.live:
                self._draw(step, completed, total)
            elif completed >= total or now - self.written >= LOG_INTERVAL:
                self.written = now
                speed = (
                    f", {describe_rate(rate)}, {seconds_left:,.0f} s left"
                    if 0 < completed < total and seconds_left is not None
                    else ""
                )
                print(f"{step}: {completed:,} of {total:,}{speed}", file=sys.stderr, flush=True)

    def _draw(self, step: str, completed: int, total: int) -> None:
        if self._bar is None:
            from tqdm import tqdm

            tqdm.monitor_interval = 0  # Its thread redraws bars without updates; here every step reports often.
            # With smoothing 0 the rate is that of the whole step, as in the file.
            self._bar = tqdm(
                desc=step,
                total=total,
                initial=self.first,
                smoothing=0,
                mininterval=0,
                file=sys.stderr,
                dynamic_ncols=True,
            )
        self._bar.total = total
        self._bar.n = completed
        self._bar.refresh()

    def end(self) -> None:
        """Close the bar of the last step."""
        if self._bar is not None:
            with suppress(OSError):
                self._bar.close()
            self._bar = None
        self.step = ""


def _replace(file: Path, state: dict[str, object]) -> None:
    temporary = file.with_name(file.name + ".new")
    with suppress(OSError):  # A full disk must not stop the work because its progress file cannot be written.
        temporary.write_text(json.dumps(state), encoding="utf-8")
        os.replace(temporary, file)

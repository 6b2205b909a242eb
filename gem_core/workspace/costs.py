"""Cost of a step: seconds, passes and peak memory."""

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from gem_core.workspace import StepCost


def reset_peak_memory() -> None:
    """Let `peak_memory_mib` count from now on; without effect where the system has no such counter (not Linux)."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak_memory_mib() -> float:
    """Peak resident memory of this process in MiB, since `reset_peak_memory` on Linux, elsewhere since its start."""
    with suppress(OSError, StopIteration):
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return round(int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024, 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024), 1)


@dataclass
class CostBook:
    """Collects the cost of each step of one piece of work."""

    costs: list[StepCost] = field(default_factory=list)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure what happens inside; `passes` can be set afterwards by `passes`."""
        started = time.perf_counter()
        reset_peak_memory()
        yield
        self.costs.append(StepCost(name, round(time.perf_counter() - started, 4), 0, peak_memory_mib()))

    def passes(self, count: int) -> None:
        """Set the number of passes over the documents of the last step."""
        last = self.costs[-1]
        self.costs[-1] = StepCost(last.step, last.seconds, count, last.peak_memory_mib)

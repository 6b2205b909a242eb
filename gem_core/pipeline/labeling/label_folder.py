"""Label a folder of shards with a student: claim the folder, run the workers, sum up the totals."""

import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gem_core._checkpoints import read_whole_record
from gem_core._storage import is_inside, is_remote, output_path, remove_file, remove_tree, storage_path, store_errors
from gem_core._types import Progress, silent
from gem_core.corpus.corpus_preview import guess_sound_columns
from gem_core.corpus.files import ReadOptions
from gem_core.errors import CorpusError, InputError
from gem_core.pipeline.labeling.completion_markers import (
    LIVE,
    MARKERS,
    Tally,
    bookkeeping,
    earlier_version_error,
    read_marker,
    read_shard_progress,
)
from gem_core.pipeline.labeling.engines import (
    ENGINES,
    Engine,
    LocalWorkers,
    RayWorkers,
    ShardResult,
    StudentFolder,
    Workers,
    label_shards,
)
from gem_core.pipeline.labeling.label_shard import PREFIX, STORE_SECONDS, LabelingJob
from gem_core.pipeline.labeling.shard_files import (
    NAMES_SHOWN,
    InputShard,
    check_shard_columns,
    list_first,
    list_shards,
    shards_of,
)
from gem_core.pipeline.labeling.totals import (
    INTERIM_TOTALS,
    TOTALS,
    Totals,
    make_totals,
    save_totals,
    write_interim_totals,
)
from gem_core.workspace.atomic_files import alone, clear_leftovers, write_json
from gem_core.workspace.manifest import versions

if TYPE_CHECKING:
    from gem_core.student import Student

RUN, LOCK = "run.json", "lock"
TOLD_SECONDS = 1.0  # between two writings of the totals so far


def label_folder(
    student_folder: Path,
    shards_folder: Path,
    out: Path,
    *,
    text: str | None = None,
    prefix: str = PREFIX,
    options: ReadOptions | None = None,
    engine: Engine = "local",
    workers: int | None = None,
    resume: bool = False,
    strict: bool = False,
    progress: Progress = silent,
) -> Totals:
    r"""Label every row of a folder of shards with the cluster that a student gives it.

    Each shard gives a shard of the same name and format in `out` (NAME.jsonl of web archives and text files), with its
    rows in order, every column of its own (of JSON: every byte of its rows) and four more: gem_cluster (number),
    gem_label, gem_margin (nats, at least 0: log odds of the best and the second-best cluster) and gem_tokens
    (estimate). The shards are the same bytes with every engine and number of workers. The folder opens as data: all
    else is beside it, in the hidden folder .NAME.gem-explorer. Rows that cannot be labeled are left out and counted;
    their numbers and reasons are in refused/SHARD.jsonl there, and totals.json, written last, is the sum over shards.

    Memory of a worker: the student, a batch of rows (1,024 or about 8 MiB) and a row group that is being written
    (8,192 rows or about 64 MiB), whatever the size of the folder.

    Parameters
    ----------
    student_folder : Path
        What `gem-explorer distill` wrote.
    shards_folder : Path
    out : Path
        Made if absent; empty, or with `resume` the same work begun before.
    text : str, optional
        Column of the text, or a dotted path into nested values; guessed from the first rows when None.
    prefix : str
        Begin of the names of the new columns; another one allows a second labeling of the same rows.
    options : ReadOptions, optional
        Split, encoding, header and longest row.
    engine : "local" or "ray"
        Processes of this machine, or Ray's workers (of the cluster that RAY_ADDRESS names, or of this machine). With
        several machines all must see the three folders under the same paths.
    workers : int, optional
        Shards at work at a time; all processors when None.
    resume : bool
        Go on in a folder where the same work was begun: shards that are done are kept.
    strict : bool
        End at the first row that cannot be labeled, and when a worker dies.
    progress : Progress
        Receives "label shards" in bytes of the input; `read_totals` gives the totals so far meanwhile.

    Returns
    -------
    Totals

    Raises
    ------
    CorpusError
        If some shards could not be read or their worker died; the others are labeled and the totals written.
    InputError
        If a folder is not what it must be, shards lack the text column or have one of ours.
    WorkspaceError
        If `out` cannot be written.
    """
    from gem_core.student import load_student

    _check(engine, workers)
    student_folder, shards_folder = (storage_path(path).resolve() for path in (student_folder, shards_folder))
    out = output_path(out).resolve()
    if not out.name:
        raise InputError("The output must be a folder", f"{out}, a whole bucket or disk", "Choose a folder in it")
    if is_inside(out, shards_folder):
        raise InputError(
            "The output must be a folder outside the input", f"{out} inside {shards_folder}", "Choose another folder"
        )
    own = bookkeeping(out)
    with store_errors(out):
        empty = not out.exists() or (out.is_dir() and not any(out.iterdir()))
    if not empty and not (own / RUN).exists() and (out / RUN).exists():
        raise earlier_version_error(out)
    if not empty and not (out.is_dir() and (own / RUN).exists()):
        raise InputError("The output folder must be empty", f"{out}, which holds other files", "Choose another folder")
    if empty and not resume:  # What is known of an earlier folder of this name is void.
        remove_file(own / RUN)
        remove_tree(own / MARKERS)
    student = load_student(student_folder)
    listing = list_shards(shards_folder, options)
    shards = shards_of(listing)
    names = [shard.labeled_name for shard in shards]
    if twice := sorted(name for name, count in Counter(names).items() if count > 1):
        raise InputError(
            "Each labeled shard must have a name of its own",
            f"a web archive or text file whose JSON Lines would have the name of another shard: {list_first(twice)}",
            "Rename one of them",
        )
    text = text or guess_sound_columns(shards_folder, listing).text
    job = LabelingJob(out, text, strict, prefix)
    check_shard_columns(shards, text, reserved=job.columns)
    with alone(own, LOCK, "One process at a time labels into a folder"):
        book = _Book(student, shards, job, progress, listing.notes)
        _claim(out, _request(student, shards_folder, shards, job, options), resume)
        book.take_up()
        remaining_shards = [shard for shard in shards if shard.name not in book.labeled]
        if remaining_shards:
            _work(engine, StudentFolder(student_folder, student.hash), remaining_shards, job, workers, book)
        return book.close()


def _work(
    engine: Engine,
    student: StudentFolder,
    shards: Sequence[InputShard],
    job: LabelingJob,
    count: int | None,
    book: "_Book",
) -> None:
    workers: Workers
    if engine == "ray":
        workers = RayWorkers(student, job, count, [shards[0].source.path])
    else:
        workers = LocalWorkers(student, job, min(count or _processors(), len(shards)))
    try:
        for result in label_shards(workers, shards, job.strict):
            book.enter(result)
    finally:
        workers.stop()


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _check(engine: str, workers: int | None) -> None:
    if engine not in ENGINES:
        raise InputError(f"--engine must be one of {', '.join(ENGINES)}", engine, "Choose one of them")
    if workers is not None and workers < 1:
        raise InputError("--workers must be at least 1", f"{workers}", "Leave it out for all processors")


def _options(job: LabelingJob) -> list[str]:
    """Return the options of the command that decide the bytes of the shards."""
    return ["--text-column", job.text, *(["--prefix", job.prefix] if job.prefix != PREFIX else [])]


def _request(
    student: "Student", folder: Path, shards: Sequence[InputShard], job: LabelingJob, options: ReadOptions | None
) -> dict[str, Any]:
    """Return everything that affects the bytes of the shards."""
    return {
        "student_hash": student.hash,
        "taxonomy_hash": student.taxonomy_hash,
        "input": str(folder),
        "text_column": job.text,
        "prefix": job.prefix,
        "read": asdict(options or ReadOptions()),
        "shards": {shard.name: shard.source.size for shard in shards},
    }


DIFFERS = {
    "taxonomy_hash": "a student of another taxonomy",
    "student_hash": "another student",
    "input": "another input folder",
    "text_column": "another text column",
    "prefix": "another prefix",
    "read": "other options of reading",
}


def _recorded_request(run: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
    request = dict(run["request"])
    return request, set(request["shards"])


def _claim(out: Path, request: dict[str, Any], resume: bool) -> None:
    """Claim an empty folder, or resume one in which the same work was started."""
    own = bookkeeping(out)
    path = own / RUN
    if path.exists() and not resume:
        raise InputError(
            "The output folder must be empty",
            f"{out}, which holds labeled shards",
            "Choose another folder, or give --resume to go on",
        )
    begun = read_whole_record(path, _recorded_request, hint="Choose another folder")
    if begun is not None:
        recorded_request, names = begun
        differs = next((words for name, words in DIFFERS.items() if recorded_request.get(name) != request[name]), None)
        if differs is None and names != set(request["shards"]):
            differs = f"other shards: {list_first(sorted(names ^ set(request['shards'])))}"
        if differs is not None:
            raise InputError(
                "--resume goes on with the same student, folder, shards and text column",
                f"{differs} than when {out} was begun",
                "Choose another output folder, or what it was",
            )
    for folder in (out, own):  # This process holds the lock, so no other process writes there.
        if not is_remote(folder):
            clear_leftovers(folder, older=-1.0)
    remove_tree(own / LIVE)
    remove_file(own / TOTALS)
    write_json(
        path, {"request": request, "begun": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "versions": versions()}
    )


@dataclass
class _Book:
    """What has been labeled so far; private and mutable."""

    student: "Student"
    shards: Sequence[InputShard]
    job: LabelingJob
    progress: Progress
    notes: tuple[str, ...] = ()
    labeled: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    read: int = 0
    last_report: float = 0.0
    furthest: int = 0

    def __post_init__(self) -> None:
        self.tally = Tally.empty(len(self.student.numbers))
        self.total = sum(shard.source.size for shard in self.shards)

    def take_up(self) -> None:
        """Add the shards that were labeled before."""
        for shard in self.shards:
            marker = read_marker(self.job.out, shard.name, shard.labeled_name)
            if marker is None:
                continue
            if marker.read != shard.source.size:
                raise InputError(
                    "Shards that are labeled must stay as they were",
                    f"{shard.name} with {shard.source.size:,} bytes, {marker.read:,} when it was labeled",
                    "Choose another output folder",
                )
            self.enter(ShardResult(shard, marker))

    def enter(self, result: ShardResult | None) -> None:
        """Enter a shard that has ended, or just say how things stand."""
        if result is not None:
            self.read += result.shard.source.size
            if result.marker is None:
                self.failed[result.shard.name] = result.failed
            else:
                self.labeled.add(result.shard.name)
                self.tally.add(result.marker.tally)
        now = time.monotonic()
        if now - self.last_report > (STORE_SECONDS if is_remote(self.job.out) else TOLD_SECONDS):
            self.last_report = now
            self._tell()

    def _tell(self) -> None:
        """Totals so far, with the shards at work."""
        tally, read = Tally.empty(len(self.student.numbers)), self.read
        tally.add(self.tally)
        live = bookkeeping(self.job.out) / LIVE
        for path in live.rglob("*.json") if live.exists() else ():
            shard_progress = read_shard_progress(self.job.out, path.relative_to(live).as_posix().removesuffix(".json"))
            if shard_progress is not None:
                read += shard_progress[0]
                tally.add(shard_progress[1])
        if read < self.furthest:  # a shard has ended that is not entered yet: nothing goes back
            return
        self.furthest = read
        write_interim_totals(self._totals(tally), self.job.out)
        if read < self.total:  # the end is told once, by `close`
            self.progress("label shards", read, self.total)

    def _totals(self, tally: Tally) -> Totals:
        counts = len(self.shards), len(self.labeled)
        return make_totals(self.student, tally, *counts, self.failed, _options(self.job), self.notes)

    def close(self) -> Totals:
        """Write the totals; say which shards could not be read."""
        totals = self._totals(self.tally)
        save_totals(totals, self.job.out)
        remove_tree(bookkeeping(self.job.out) / LIVE)
        remove_file(bookkeeping(self.job.out) / INTERIM_TOTALS)
        self.progress("label shards", self.total, self.total)
        if self.failed:
            reasons = "; ".join(words for _, words in sorted(self.failed.items())[:NAMES_SHOWN])
            more = (
                f"; and {len(self.failed) - NAMES_SHOWN:,} more, in {TOTALS}" if len(self.failed) > NAMES_SHOWN else ""
            )
            raise CorpusError(
                "Every shard must be one that can be read",
                f"{len(self.failed):,} of {len(self.shards):,} that cannot: {reasons}{more}",
                "The others are labeled. Replace these and give --resume",
            )
        return totals

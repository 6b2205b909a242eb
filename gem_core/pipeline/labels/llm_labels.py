"""Name clusters with a language model: requests, answers, and the renaming as one step of the history."""

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from gem_core._checkpoints import read_record
from gem_core._types import Progress, silent
from gem_core.errors import AnswerError, EndpointError, InputError
from gem_core.llm.answer_checks import describe_weakness
from gem_core.llm.client import Client
from gem_core.llm.endpoint import Endpoint
from gem_core.llm.label_prompt import MAX_CHARACTERS, clean_label, is_example
from gem_core.pipeline.editing.edit import edit
from gem_core.pipeline.editing.operations import MAX_LABEL, Kind, Rename
from gem_core.pipeline.labels.label_requests import NamingPlan, Question, naming_plan
from gem_core.pipeline.labels.relatedness import find_unrelated
from gem_core.workspace import Cluster, Group, Taxonomy, Workspace
from gem_core.workspace.atomic_files import write_json

STEP = "ask the model"
JOURNAL = "naming.json"  # answers of a run that has not ended; a killed one goes on from it
SAME = 3  # clusters with one answer from which the model says the same to everything
HOPELESS = 3  # refused requests in a row after which the fault is not in one of them


@dataclass(frozen=True)
class LabelOutcome:
    """Outcome for the label of a cluster, or of a group ("parent"); `note` says why it was kept, or is empty."""

    number: int
    before: str
    after: str
    outcome: Literal["named", "kept"]
    note: str = ""
    kind: Kind = "cluster"


@dataclass(frozen=True)
class Naming:
    """Result of a naming run.

    Attributes
    ----------
    labels : tuple of Named
        In the order of the plan.
    skipped : tuple of (number, reason)
    host, model : str
    requests : int
        Questions that were answered in this run.
    seconds : float
    """

    labels: tuple[LabelOutcome, ...]
    skipped: tuple[tuple[int, str], ...]
    host: str
    model: str
    requests: int
    seconds: float


@dataclass(frozen=True)
class _Reply:
    label: str
    note: str


def name_clusters(
    workspace: Workspace,
    endpoint: Endpoint,
    clusters: Sequence[int] | None = None,
    *,
    again: bool = False,
    groups: bool = False,
    progress: Progress = silent,
) -> Naming:
    """Ask a model for labels, one request a cluster, and rename the clusters in one step of the history.

    An answer in which there is no label leaves the cluster its keywords. What was answered before a failure, a cancel
    or a kill is kept: the first two end with the same single step, and the same call asks for the rest.

    Parameters
    ----------
    workspace : Workspace
    endpoint : Endpoint
    clusters, again, groups
        As in `naming_plan`.
    progress : Progress
        Receives each answer, and several times per second while there is none; raise in it to stop.

    Returns
    -------
    Naming

    Raises
    ------
    EndpointError
        If the endpoint cannot be used.
    WorkspaceError
        If there is no taxonomy or no such cluster, or the workspace cannot be written.
    """
    started = time.monotonic()
    plan = naming_plan(workspace, clusters, again=again, groups=groups)
    journal = _Journal(workspace, endpoint)
    before = journal.size
    labels: tuple[LabelOutcome, ...] = ()
    try:
        if any(question not in journal for question in plan.questions):
            _ask_all(plan, journal, endpoint, progress)
    except EndpointError as error:
        labels = _keep(workspace, plan, journal, endpoint)
        label_count = sum(label.outcome == "named" for label in labels)
        if not label_count:
            raise
        raise EndpointError(
            error.expected,
            error.got,
            f"{error.hint}; {label_count} new "
            f"{'label that came before is' if label_count == 1 else 'labels that came before are'} kept, "
            "the same command asks for the rest",
        ) from error
    except BaseException:  # stopped, by whatever means
        _keep(workspace, plan, journal, endpoint)
        raise
    labels = _keep(workspace, plan, journal, endpoint)
    return Naming(
        labels, plan.skipped, endpoint.host, endpoint.model, journal.size - before, time.monotonic() - started
    )


def _ask_all(plan: NamingPlan, journal: "_Journal", endpoint: Endpoint, progress: Progress) -> None:
    refused = 0
    with Client(endpoint) as client:
        for completed, question in enumerate(plan.questions):
            progress(STEP, completed, plan.requests)
            if question in journal:
                continue
            try:
                answer = client.ask(
                    question.messages,
                    lambda n=completed: progress(STEP, n, plan.requests),  # type: ignore[misc]
                )
            except AnswerError as error:
                refused += 1
                if refused == HOPELESS:
                    raise
                journal.add(question, _Reply("", f"refused: {error.got}"))
                continue
            refused = 0
            label = clean_label(answer.text)
            if is_example(label, question.messages):
                journal.add(question, _Reply("", "an example repeated"))
                continue
            journal.add(question, _Reply(label, "" if label else _why(answer.text, answer.finish)))
        progress(STEP, plan.requests, plan.requests)


def _why(text: str, finish: str) -> str:
    if text.strip():
        return "no label in the answer"
    return "all tokens used before the answer" if finish == "length" else "empty answer"


def _keep(workspace: Workspace, plan: NamingPlan, journal: "_Journal", endpoint: Endpoint) -> tuple[LabelOutcome, ...]:
    """Rename by the stored answers in one step, and return the outcome of each."""
    model = endpoint.model[:MAX_LABEL]
    answered = [(question, journal.reply(question)) for question in plan.questions if question in journal]
    while True:  # once, unless a cluster is renamed at this moment
        taxonomy = workspace.taxonomy()
        used: set[tuple[Kind, str]] = {("cluster", cluster.label.casefold()) for cluster in taxonomy.clusters}
        used |= {("parent", group.label.casefold()) for group in taxonomy.groups}
        unrelated = find_unrelated(
            workspace, taxonomy, {q.number: reply.label for q, reply in answered if q.kind == "cluster"}
        )
        answers = Counter(reply.label.casefold() for _, reply in answered if reply.label)
        labels, renames = [], []
        for question, reply in answered:
            if answers[reply.label.casefold()] >= SAME:
                reply = _Reply("", f"the same answer for {answers[reply.label.casefold()]} clusters")
            is_unrelated = question.kind == "cluster" and question.number in unrelated
            label = _judge_reply(taxonomy, question, reply, used, is_unrelated=is_unrelated)
            labels.append(label)
            if label.outcome == "named":
                renames.append(Rename(label.kind, label.number, label.after, source="llm", by=model))
        try:
            if renames:
                edit(workspace, *renames, made_on=taxonomy.key)
        except InputError:
            if workspace.taxonomy().key == taxonomy.key:
                raise
            continue
        journal.clear()
        return tuple(labels)


def _judge_reply(
    taxonomy: Taxonomy, question: Question, reply: _Reply, used: set[tuple[Kind, str]], *, is_unrelated: bool
) -> LabelOutcome:
    kind, present = question.kind, _present(taxonomy, question)
    if present is None or present.label != question.label:
        label = present.label if present else question.label
        return LabelOutcome(question.number, question.label, label, "kept", "changed by somebody meanwhile", kind)

    def refuse(note: str) -> LabelOutcome:
        return LabelOutcome(question.number, question.label, question.label, "kept", note, kind)

    if not reply.label:
        return refuse(reply.note)
    if reply.label.casefold() == present.label.casefold():
        return LabelOutcome(question.number, present.label, reply.label, "named", kind=kind)
    siblings: Sequence[Cluster | Group] = taxonomy.clusters if kind == "cluster" else taxonomy.groups
    others = (item.label for item in siblings if item.number != present.number)
    weakness = describe_weakness(reply.label, question.messages[0].content, others)
    if weakness:
        return refuse(f"the answer {reply.label!r} {weakness}")
    if is_unrelated:
        return refuse(f"the answer {reply.label!r} is unrelated to the cluster")
    # Two clusters of one answer are told apart by a keyword.
    keywords = present.keywords if isinstance(present, Cluster) else ()
    options = [reply.label, *(f"{reply.label}: {term}" for term, _ in keywords)]
    label = next((o for o in options if (kind, o.casefold()) not in used and len(o) <= MAX_CHARACTERS), "")
    if not label:
        return refuse("the same answer for another cluster")
    used.add((kind, label.casefold()))
    return LabelOutcome(question.number, present.label, label, "named", kind=kind)


def _present(taxonomy: Taxonomy, question: Question) -> Cluster | Group | None:
    """Return the cluster or group that a question is about, if it is still there."""
    if question.kind == "parent":
        return next((group for group in taxonomy.groups if group.number == question.number), None)
    return taxonomy.cluster(question.number) if taxonomy.has(question.number) else None


def model_of(workspace: Workspace, cluster: Cluster) -> str:
    """Return the name of the model that gave a cluster its label; "" when none did, or when it is not known."""
    if cluster.label_source != "llm":
        return ""
    history = workspace.history()
    for step in reversed(history.steps[: history.position + 1]):
        for record in step.edits:
            if (
                record.get("do"),
                record.get("kind"),
                record.get("number"),
                record.get("label"),
                record.get("source"),
            ) == (
                "rename",
                "cluster",
                cluster.number,
                cluster.label,
                "llm",
            ):
                return str(record.get("by", ""))
    return ""


class _Journal:
    """Answers stored on disk until they are applied, so that a killed run loses none."""

    def __init__(self, workspace: Workspace, endpoint: Endpoint) -> None:
        self._path, self._endpoint = workspace.root / JOURNAL, endpoint
        self._replies: dict[str, dict[str, Any]] = {}
        with suppress(KeyError, TypeError, ValueError):  # A damaged journal is ignored: the questions are asked again.
            self._replies = {
                str(name): {"label": clean_label(reply["label"]), "note": str(reply["note"])}
                for name, reply in (read_record(self._path) or {}).items()
            }

    def __contains__(self, question: Question) -> bool:
        return question.digest(self._endpoint) in self._replies

    @property
    def size(self) -> int:
        return len(self._replies)

    def add(self, question: Question, reply: _Reply) -> None:
        self._replies[question.digest(self._endpoint)] = {"label": reply.label, "note": reply.note}
        write_json(self._path, self._replies)

    def reply(self, question: Question) -> _Reply:
        return _Reply(**self._replies[question.digest(self._endpoint)])

    def clear(self) -> None:
        self._path.unlink(missing_ok=True)

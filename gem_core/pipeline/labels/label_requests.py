"""Requests for labels of clusters and groups: what would be sent to a language model."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from gem_core._content_key import content_key
from gem_core.llm.endpoint import Endpoint, Message
from gem_core.llm.label_prompt import OPENINGS, label_messages
from gem_core.pipeline.editing.operations import Kind
from gem_core.workspace import Cluster, Taxonomy, Workspace

BY_A_PERSON, BY_A_MODEL, EMPTY = "named by a person", "named by a model already", "without keywords and documents"


@dataclass(frozen=True)
class Question:
    """The request for one cluster or group.

    Attributes
    ----------
    number : int
        Of the cluster or group.
    label : str
        Its present label.
    messages : tuple of Message
        What is sent, all of it.
    kind : {"cluster", "parent"}
        "parent" for a group.
    """

    number: int
    label: str
    messages: tuple[Message, ...]
    kind: Kind = "cluster"

    @property
    def characters(self) -> int:
        """Characters of the messages."""
        return sum(len(message.content) for message in self.messages)

    @property
    def text(self) -> str:
        """The messages to read; documents and labels in it are hostile text."""
        return "\n".join(f"[{message.role}]\n{message.content}" for message in self.messages)

    def digest(self, endpoint: Endpoint) -> str:
        """Name of this question to this model."""
        return content_key([endpoint.url, endpoint.body(self.messages)], 64)


@dataclass(frozen=True)
class NamingPlan:
    """What would be sent.

    Attributes
    ----------
    questions : tuple of Question
        One request each.
    skipped : tuple of (number, reason)
        Clusters that nothing is asked for.
    """

    questions: tuple[Question, ...]
    skipped: tuple[tuple[int, str], ...]

    @property
    def requests(self) -> int:
        """How many requests would be sent, when none has to be repeated."""
        return len(self.questions)

    @property
    def characters(self) -> int:
        """Characters of all messages."""
        return sum(question.characters for question in self.questions)

    @property
    def digest(self) -> str:
        """Changes when anything that would be sent does."""
        return content_key([q.text for q in self.questions], 64)


def naming_plan(
    workspace: Workspace, clusters: Sequence[int] | None = None, *, again: bool = False, groups: bool = False
) -> NamingPlan:
    """Write the requests for labels of the present taxonomy; nothing is sent.

    Parameters
    ----------
    workspace : Workspace
    clusters : sequence of int, optional
        Numbers of the clusters; all when left out. One that a person named is skipped.
    again : bool
        Ask also for clusters that a model named before.
    groups : bool
        Ask also for the groups of several clusters that no person named.

    Returns
    -------
    NamingPlan
        The same as long as corpus, taxonomy and labels are.

    Raises
    ------
    WorkspaceError
        If there is no taxonomy, or no such cluster.
    """
    taxonomy = workspace.taxonomy()
    candidates = (
        [taxonomy.cluster(number) for number in dict.fromkeys(clusters)]
        if clusters is not None
        else list(taxonomy.clusters)
    )
    skipped = {cluster.number: reason for cluster in candidates if (reason := _reason(cluster, again))}
    clusters_to_name = [cluster for cluster in candidates if cluster.number not in skipped]
    rows = sorted({row for cluster in clusters_to_name for row in cluster.exemplars[:OPENINGS]})
    texts = dict(zip(rows, workspace.texts(rows), strict=True)) if rows else {}
    questions = tuple(
        Question(
            cluster.number,
            cluster.label,
            label_messages(
                [term for term, _ in cluster.keywords],
                [texts[row] for row in cluster.exemplars[:OPENINGS]],
                _others(taxonomy, cluster),
                proposal=cluster.label if cluster.label_source == "vocabulary" else "",
            ),
        )
        for cluster in clusters_to_name
    )
    if groups:
        questions += _group_questions(workspace, taxonomy, again)
    return NamingPlan(questions, tuple(skipped.items()))


def _group_questions(workspace: Workspace, taxonomy: Taxonomy, again: bool) -> tuple[Question, ...]:
    """Write the requests for groups of several clusters: keywords and most typical document of each cluster."""
    keep = ("person",) if again else ("person", "llm")
    questions = []
    for group in taxonomy.groups:
        members = sorted((taxonomy.cluster(n) for n in group.children), key=lambda c: (-c.documents, c.number))
        if len(members) < 2 or group.label_source in keep:
            continue
        turns = zip_longest(*([term for term, _ in c.keywords] for c in members))
        keywords = list(dict.fromkeys(term for turn in turns for term in turn if term is not None))
        rows = [c.exemplars[0] for c in members if c.exemplars][:OPENINGS]
        messages = label_messages(
            keywords,
            list(workspace.texts(rows)),
            [other.label for other in taxonomy.groups if other.number != group.number],
            proposal=group.label if group.label_source == "vocabulary" else "",
        )
        questions.append(Question(group.number, group.label, messages, "parent"))
    return tuple(questions)


def _reason(cluster: Cluster, again: bool) -> str:
    if cluster.label_source == "person":
        return BY_A_PERSON
    if cluster.label_source == "llm" and not again:
        return BY_A_MODEL
    return "" if cluster.keywords or cluster.exemplars else EMPTY


def _others(taxonomy: Taxonomy, cluster: Cluster) -> list[str]:
    """Labels of the clusters beside it in its group: those a new label could be mistaken for."""
    return [
        taxonomy.cluster(number).label for number in taxonomy.group(cluster.group).children if number != cluster.number
    ]

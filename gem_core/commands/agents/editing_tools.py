"""Tools that edit the taxonomy: each call is one step of the history, marked as made by an agent."""

from typing import Annotated

from mcp.server.mcpserver import Context
from pydantic import Field

from gem_core.commands.agents.answers import EditAnswer
from gem_core.commands.agents.corpus_rows import cluster_row
from gem_core.commands.agents.reading_tools import ClusterNumber
from gem_core.commands.agents.session import AgentSession
from gem_core.commands.agents.studying_tools import Parts
from gem_core.errors import InputError
from gem_core.pipeline import Exclude, Merge, Move, Note, Pin, Regroup, Rename, edit, propose_names, propose_split
from gem_core.pipeline.editing.operations import AGENT, Op
from gem_core.pipeline.labels.subtopics import count_subtopics
from gem_core.pipeline.search.document_ids import rows_of_ids
from gem_core.workspace import Taxonomy

Key = Annotated[
    str,
    Field(description="taxonomy_key of the answer you read the numbers in; refused if clusters were renumbered since"),
]
Label = Annotated[str, Field(description="new name, up to 120 characters")]
Caller = Context
MAX_NAME = 40  # characters of the name of an agent


class EditingTools:
    """Tools that change the taxonomy; a person can undo each step, and the tool `undo` those of agents."""

    def __init__(self, session: AgentSession) -> None:
        self._session = session

    def rename_cluster(self, taxonomy_key: Key, cluster: ClusterNumber, label: Label, context: Caller) -> EditAnswer:
        """Give a cluster another name."""
        return self._edit(
            taxonomy_key, context, Rename("cluster", cluster, label, source="llm", by=agent_name(context))
        )

    def rename_group(
        self,
        taxonomy_key: Key,
        group: Annotated[int, Field(description="number of a group, from list_groups")],
        label: Label,
        context: Caller,
    ) -> EditAnswer:
        """Give a cluster group another name."""
        return self._edit(taxonomy_key, context, Rename("parent", group, label, source="llm", by=agent_name(context)))

    def apply_proposed_names(self, taxonomy_key: Key, context: Caller) -> EditAnswer:
        """Give all clusters and groups the names of propose_names; names given by persons and models stay."""
        proposal = propose_names(self._session.workspace, progress=self._session.progress)
        return self._edit(taxonomy_key, context, proposal.edit)

    def merge_clusters(
        self,
        taxonomy_key: Key,
        clusters: Annotated[list[int], Field(description="numbers of two clusters or more", min_length=2)],
        context: Caller,
    ) -> EditAnswer:
        """Make one cluster of several. The largest keeps its number; the result is pinned."""
        return self._edit(taxonomy_key, context, Merge(tuple(clusters)))

    def split_cluster(
        self, taxonomy_key: Key, cluster: ClusterNumber, context: Caller, parts: Parts = None
    ) -> EditAnswer:
        """Divide a cluster as propose_split shows. The largest part keeps the number; the parts are pinned."""
        session, taxonomy = self._session, self._session.taxonomy
        taxonomy.cluster(cluster)
        into = parts or count_subtopics(session.workspace, taxonomy, cluster) or 2
        return self._edit(taxonomy_key, context, propose_split(session.workspace, taxonomy, cluster, into))

    def move_documents(
        self,
        taxonomy_key: Key,
        ids: Annotated[list[str], Field(description="ids of documents", min_length=1)],
        context: Caller,
        to: Annotated[int | None, Field(description="number of a cluster; a new one when left out")] = None,
    ) -> EditAnswer:
        """Put documents into another cluster, which is pinned."""
        return self._edit(taxonomy_key, context, Move(tuple(rows_of_ids(self._session.workspace, ids)), to))

    def regroup_cluster(
        self,
        taxonomy_key: Key,
        cluster: ClusterNumber,
        context: Caller,
        group: Annotated[int | None, Field(description="number of a group; a new one when left out")] = None,
    ) -> EditAnswer:
        """Put a cluster into another group."""
        return self._edit(taxonomy_key, context, Regroup(cluster, group))

    def pin_cluster(self, taxonomy_key: Key, cluster: ClusterNumber, context: Caller, on: bool = True) -> EditAnswer:
        """Pin a cluster, so that a refit keeps its documents together, or let it go (on = false)."""
        return self._edit(taxonomy_key, context, Pin(cluster, on))

    def exclude_clusters(
        self,
        taxonomy_key: Key,
        clusters: Annotated[list[int], Field(description="numbers of clusters", min_length=1)],
        context: Caller,
        on: bool = True,
    ) -> EditAnswer:
        """Leave clusters out of shares and weights, or include them again (on = false). Documents are not deleted."""
        return self._edit(taxonomy_key, context, Exclude(tuple(clusters), on))

    def write_note(
        self,
        taxonomy_key: Key,
        cluster: ClusterNumber,
        text: Annotated[str, Field(description="up to 1,900 characters; empty removes the note")],
        context: Caller,
    ) -> EditAnswer:
        """Write a note on a cluster for people; it begins with the name of the agent, and exports hold it."""
        return self._edit(taxonomy_key, context, Note(cluster, f"[{agent_name(context)}] {text}" if text else ""))

    def undo(self) -> EditAnswer:
        """Return to the step before, if an agent made the present one; a step of a person is refused."""
        session = self._session
        before, present = session.taxonomy, session.workspace.history().present
        if present is None or not present.edits[0].get(AGENT):
            raise InputError(
                "An agent undoes only steps that an agent made",
                "a step of a person",
                "Ask the person to undo it, in the app or with gem-explorer edit undo DIR",
            )
        session.workspace.undo()
        return self._answer(before, f"Undone: {present.sentence}")

    def _edit(self, taxonomy_key: str, context: Caller, operation: Op) -> EditAnswer:
        session, before = self._session, self._session.taxonomy
        edit(
            session.workspace,
            operation,
            made_on=taxonomy_key,
            agent=agent_name(context),
            progress=session.progress,
        )
        present = session.workspace.history().present
        return self._answer(before, present.sentence if present else "")

    def _answer(self, before: Taxonomy, sentence: str) -> EditAnswer:
        taxonomy = self._session.taxonomy
        old = {cluster.number: cluster_row(cluster) for cluster in before.clusters}
        rows = [cluster_row(cluster) for cluster in taxonomy.clusters]
        return EditAnswer(
            taxonomy_key=taxonomy.key,
            sentence=sentence,
            changed=[row for row in rows if row != old.get(row.number)],
            ended=sorted(set(old) - {row.number for row in rows}),
        )


def agent_name(context: Caller) -> str:
    """Return the name that a client gave itself, on one line and of at most 40 characters; "agent" without one."""
    client = context.session.client_params
    name = client.client_info.name if client else ""
    return " ".join("".join(c if c.isprintable() else " " for c in name).split())[:MAX_NAME] or "agent"

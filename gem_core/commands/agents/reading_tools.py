"""Tools that read a workspace: what it holds, clusters, groups, documents, history."""

from typing import Annotated

from pydantic import Field

from gem_core.clustering import balance_measures
from gem_core.commands.agents.answers import (
    ClustersAnswer,
    CorpusAnswer,
    DocumentsAnswer,
    EvidenceAnswer,
    GroupRow,
    GroupsAnswer,
    HistoryAnswer,
    StepRow,
)
from gem_core.commands.agents.corpus_rows import cluster_row, document_rows
from gem_core.commands.agents.session import MAX_DOCUMENTS, AgentSession
from gem_core.pipeline.editing.operations import AGENT
from gem_core.pipeline.search.document_ids import rows_of_ids
from gem_core.pipeline.search.semantic import encoder_of

ClusterNumber = Annotated[int, Field(description="number of a cluster, from list_clusters")]
Characters = Annotated[int, Field(description="characters of each text, up to 4000", ge=0, le=4000)]
EVIDENCE = 10  # documents of each kind that a cluster keeps as evidence, at most


class ReadingTools:
    """Tools that change nothing."""

    def __init__(self, session: AgentSession) -> None:
        self._session = session

    def describe_corpus(self) -> CorpusAnswer:
        """Describe the corpus and its taxonomy: sizes, encoder, columns, balance, and what this server may change.

        Call it first. A taxonomy puts each document into one cluster, and each cluster into one group.
        """
        session, taxonomy = self._session, self._session.taxonomy
        manifest, settings = session.workspace.manifest, taxonomy.settings.to_json()
        measures = balance_measures([cluster.mass for cluster in taxonomy.clusters])
        return CorpusAnswer(
            name=manifest.name,
            documents=manifest.documents,
            tokens=manifest.tokens,
            encoder=encoder_of(session.workspace) or "",
            dimension=manifest.dimension,
            columns=session.workspace.columns,
            taxonomy_key=taxonomy.key,
            clusters=len(taxonomy.clusters),
            groups=len(taxonomy.groups),
            strength=settings["strength"],
            target=settings["target"],
            weighting=settings["weighting"],
            normalized_entropy=measures.normalized_entropy,
            effective_clusters=measures.effective_clusters,
            edits_allowed=session.allow_edits,
            export_folder=session.export_folder is not None,
            history_steps=len(session.workspace.history().steps),
        )

    def list_groups(self) -> GroupsAnswer:
        """List the cluster groups, the upper level of the taxonomy, with their clusters and shares of documents."""
        taxonomy = self._session.taxonomy
        rows = [
            GroupRow(
                number=group.number,
                label=group.label,
                label_source=group.label_source,
                clusters=list(group.children),
                share_documents=sum(taxonomy.cluster(number).share_documents for number in group.children),
            )
            for group in taxonomy.groups
        ]
        return GroupsAnswer(taxonomy_key=taxonomy.key, groups=rows)

    def list_clusters(
        self, group: Annotated[int | None, Field(description="number of a group; all clusters when left out")] = None
    ) -> ClustersAnswer:
        """List clusters with label, keywords, documents, tokens, shares (fractions) and marks."""
        taxonomy = self._session.taxonomy
        numbers = None if group is None else taxonomy.group(group).children
        clusters = [c for c in taxonomy.clusters if numbers is None or c.number in numbers]
        return ClustersAnswer(taxonomy_key=taxonomy.key, clusters=[cluster_row(cluster) for cluster in clusters])

    def read_cluster(
        self,
        cluster: ClusterNumber,
        documents: Annotated[int, Field(description="documents of each kind, up to 10", ge=1, le=EVIDENCE)] = 3,
        characters: Characters = 600,
    ) -> EvidenceAnswer:
        """Read what a cluster is about: its most representative, its borderline and its least typical documents."""
        session, taxonomy = self._session, self._session.taxonomy
        present = taxonomy.cluster(cluster)
        kinds = [list(rows[:documents]) for rows in (present.exemplars, present.borderline, present.atypical)]
        lines = document_rows(session, [row for rows in kinds for row in rows], characters=characters)
        first, second = len(kinds[0]), len(kinds[0]) + len(kinds[1])
        return EvidenceAnswer(
            taxonomy_key=taxonomy.key,
            cluster=cluster_row(present),
            exemplars=lines[:first],
            borderline=lines[first:second],
            atypical=lines[second:],
        )

    def read_documents(
        self,
        ids: Annotated[
            list[str], Field(description="ids of documents, up to 50", min_length=1, max_length=MAX_DOCUMENTS)
        ],
        characters: Characters = 2000,
        begin: Annotated[int, Field(description="character of each document to begin at, from 0", ge=0)] = 0,
    ) -> DocumentsAnswer:
        """Read documents by id. One answer holds up to 20,000 characters; read a long document in parts by `begin`."""
        session = self._session
        rows = rows_of_ids(session.workspace, ids)
        lines = document_rows(session, rows, characters=characters, begin=begin)
        return DocumentsAnswer(taxonomy_key=session.taxonomy.key, matches=len(lines), documents=lines)

    def list_history(
        self, limit: Annotated[int, Field(description="latest steps, up to 200", ge=1, le=200)] = 20
    ) -> HistoryAnswer:
        """List the latest steps of the taxonomy, fits and edits, and say which of them an agent made."""
        history = self._session.workspace.history()
        rows = [
            StepRow(
                step=index + 1,
                sentence=step.sentence,
                at=step.at,
                agent=str(step.edits[0].get(AGENT, "")),
                is_present=index == history.position,
            )
            for index, step in enumerate(history.steps)
        ]
        return HistoryAnswer(steps=rows[-limit:], total_steps=len(rows))

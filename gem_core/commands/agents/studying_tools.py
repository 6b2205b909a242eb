"""Tools that show what another grouping, balance, name or split would be, without a change."""

import math
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from gem_core.clustering.target import read_target
from gem_core.commands.agents.answers import (
    ComparisonAnswer,
    MatchRow,
    NameRow,
    NamesAnswer,
    PartRow,
    PreviewAnswer,
    PreviewRow,
    SplitAnswer,
)
from gem_core.commands.agents.reading_tools import ClusterNumber
from gem_core.commands.agents.session import AgentSession

MOVED_IDS = 50  # ids of moved documents in an answer
Grouping = Annotated[
    str,
    Field(description="present, step:N of the history, column:NAME, kmeans, spherical or vmf; kmeans:32 = 32 clusters"),
]
Parts = Annotated[int | None, Field(description="number of parts; as many as the cluster has subtopics", ge=2)]


class StudyingTools:
    """Tools that change neither taxonomy nor goals; a fit of another method is stored as a cached result."""

    def __init__(self, session: AgentSession) -> None:
        self._session = session

    def compare_groupings(self, first: Grouping = "present", second: Grouping = "kmeans") -> ComparisonAnswer:
        """Compare two groupings of all documents: agreement, documents that move, best counterpart of each group."""
        from gem_core.pipeline.compare.comparison import compare, headline

        session = self._session
        comparison = compare(session.workspace, first, second, progress=session.progress)
        best, jaccard = comparison.best("a")
        ids = session.workspace.documents["id"]
        return ComparisonAnswer(
            finding=headline(comparison),
            ari=comparison.ari,
            nmi=comparison.nmi,
            moved_documents=len(comparison.moved_rows),
            moved_ids=[str(ids.iloc[row]) for row in comparison.moved_rows[:MOVED_IDS]],
            rows=[
                MatchRow(
                    group=comparison.a.numbers[k],
                    label=comparison.a.names[k],
                    documents=int(comparison.a.sizes[k]),
                    best_label=comparison.b.names[best[k]],
                    jaccard=float(jaccard[k]),
                )
                for k in comparison.order_a
            ],
        )

    def preview_balance(
        self,
        strength: Annotated[
            float | Literal["inf"], Field(description="0 = plain mixture, 1 = matched, 'inf' = exactly the target")
        ],
        target: Annotated[
            str, Field(description="uniform, natural, or floor:X = at least the share X, such as floor:0.02")
        ] = "uniform",
        clusters: Annotated[
            int | None, Field(description="number of clusters; as now when left out", ge=1, le=1000)
        ] = None,
    ) -> PreviewAnswer:
        """Preview a fit with another balance: shares (fractions) and documents that would move. Nothing is written."""
        from gem_core.pipeline import preview

        session, taxonomy = self._session, self._session.taxonomy
        settings = replace(
            taxonomy.settings,
            strength=math.inf if strength == "inf" else strength,
            target=read_target(target),
            n_clusters=clusters or taxonomy.settings.n_clusters,
        )
        trial = preview(session.workspace, taxonomy, settings, progress=session.progress)
        before = {c.number: float(share) for c, share in zip(taxonomy.clusters, trial.present, strict=True)}
        labels = {c.number: c.label for c in taxonomy.clusters}
        origins, numbers = trial.origin.tolist(), trial.numbers.tolist()
        columns = (trial.shares.tolist(), trial.target.tolist(), trial.steady.tolist())
        return PreviewAnswer(
            taxonomy_key=taxonomy.key,
            entropy_before=trial.before.normalized_entropy,
            entropy_after=trial.after.normalized_entropy,
            effective_before=trial.before.effective_clusters,
            effective_after=trial.after.effective_clusters,
            moved_documents=len(trial.moved_rows),
            moved_share=len(trial.moved_rows) / len(session.workspace),
            ari=trial.ari,
            clusters=[
                PreviewRow(
                    number=number,
                    label=labels.get(origin, ""),
                    share_before=before.get(origin, 0.0),
                    share_after=share,
                    target=None if math.isnan(aim) else aim,
                    keeps_most=steady,
                )
                for number, origin, share, aim, steady in zip(numbers, origins, *columns, strict=True)
            ],
            ended=sorted(set(labels) - set(origins)),
        )

    def propose_names(self) -> NamesAnswer:
        """Propose names of clusters and groups from a vocabulary. Nothing is written; judge them by read_cluster."""
        from gem_core.pipeline import propose_names

        session = self._session
        names = propose_names(session.workspace, progress=session.progress)
        return NamesAnswer(
            taxonomy_key=session.taxonomy.key,
            clusters=[
                NameRow(number=number, label=label, proposal=name.label, coverage=name.coverage, is_mixed=name.is_mixed)
                for number, label, name in names.clusters
            ],
            groups=[
                NameRow(number=number, label=label, proposal=proposal, coverage=0.0, is_mixed=False)
                for number, label, proposal in names.groups
            ],
        )

    def propose_split(self, cluster: ClusterNumber, parts: Parts = None) -> SplitAnswer:
        """Show the parts that a split of a cluster would make, with names and shares. Nothing is written."""
        from gem_core.pipeline.labels.subtopics import count_subtopics, split_parts

        session, taxonomy = self._session, self._session.taxonomy
        taxonomy.cluster(cluster)
        into = parts or count_subtopics(session.workspace, taxonomy, cluster) or 2
        subtopics = split_parts(session.workspace, taxonomy, cluster, into)
        return SplitAnswer(
            taxonomy_key=taxonomy.key,
            cluster=cluster,
            parts=[
                PartRow(label=part.label, documents=part.documents, share=part.share, keywords=list(part.keywords))
                for part in subtopics
            ],
        )

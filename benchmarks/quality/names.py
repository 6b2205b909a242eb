"""Names and groups of the clusters of workspaces, before (keyword triples) and after (vocabulary), to read and judge.

    python -m benchmarks.quality.names WORKSPACE [WORKSPACE ...]

A verdict is a person's: would you leave the name on a slide for a colleague? The table says what each cluster holds by
its commonest values in the label column, if there is one.
"""

import sys
import time
from pathlib import Path

import numpy as np

from gem_core.pipeline.editing.cluster_evidence import gather_evidence
from gem_core.pipeline.labels.concept_names import concept_naming
from gem_core.taxonomy import cluster_labels
from gem_core.taxonomy.cluster_groups import group_clusters, name_groups
from gem_core.workspace import Workspace


def main() -> None:
    for folder in sys.argv[1:]:
        workspace = Workspace(Path(folder))
        taxonomy = workspace.taxonomy()
        k = len(taxonomy.clusters)
        started, used = time.perf_counter(), time.process_time()
        evidence = gather_evidence(
            workspace, taxonomy.fit.centers, taxonomy.positions, taxonomy.documents, list(range(k))
        )
        gis = taxonomy.documents["gis"].to_numpy()
        naming = concept_naming(workspace, taxonomy.positions, gis, k, embed_exemplars=True)
        assert naming is not None  # exemplars are embedded where nobody knows the encoder
        names = naming.clusters(range(k), [item.words for item in evidence])
        labels = [name.label for name in names]
        masses = taxonomy.fit.masses
        means = taxonomy.fit.resultants / np.maximum(masses, 1e-12)[:, None]
        tree = group_clusters(means, masses, labels, scores=naming.scores)
        titles = name_groups(naming.scores, [group.children for group in tree.groups], labels, masses)
        spent = f"{time.process_time() - used:.2f} CPU s, {time.perf_counter() - started:.2f} s"
        print(f"\n{workspace.manifest.name}: {len(taxonomy.positions):,} documents, K = {k}, {spent}")
        before = cluster_labels([item.words for item in evidence])
        column = workspace.documents.get("label")
        for i in range(k):
            field_text = ""
            if column is not None:
                counts = column[taxonomy.positions == i].value_counts(normalize=True).head(2)
                field_text = ", ".join(f"{value} {share:.0%}" for value, share in counts.items())
            print(f"    {before[i]:42} {labels[i]:42} {names[i].source} {names[i].coverage:.2f}  {field_text}")
        print(f"  {len(titles)} groups; sqrt(K) {k**0.5:.1f}, 2 sqrt(K) {2 * k**0.5:.1f}")
        for title, group in zip(titles, tree.groups, strict=True):
            share = masses[list(group.children)].sum() / masses.sum()
            print(f"    {title} [{share:.0%}]: {', '.join(labels[c] for c in group.children)}")


if __name__ == "__main__":
    main()

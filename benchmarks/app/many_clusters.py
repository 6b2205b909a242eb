"""Build a workspace of very many clusters in a minute or two, without the search of a fit.

    python -m benchmarks.app.many_clusters CORPUS.parquet VECTORS.npy FOLDER [--clusters 1000]

The fit stops after a few iterations from k-means++; all other steps are the product's. Then
`python -m benchmarks.app.large_corpus measure FOLDER` times every screen, and the same with `--clusters 24` gives the
times to compare with.
"""

import argparse
import warnings
from pathlib import Path
from typing import Any

from gem_core.clustering import MixtureConfig, MixtureFit, fit_mixture
from gem_core.errors import NotConvergedWarning
from gem_core.pipeline.building import fit as fit_module
from gem_core.pipeline.building.fit import fit_taxonomy
from gem_core.pipeline.building.ingest import Source, finish_workspace, prepare
from gem_core.workspace import Settings, Taxonomy, Workspace

ITERATIONS = 3


def quick_fit(workspace: Workspace, settings: Settings, **_: Any) -> MixtureFit:
    """Return a fit of a few iterations from k-means++."""
    config = MixtureConfig(settings.n_clusters, settings.strength, start="plain", max_iter=ITERATIONS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotConvergedWarning)
        return fit_mixture(workspace.embeddings, config)


def build_quickly(corpus: Path, vectors: Path, folder: Path, clusters: int) -> Taxonomy:
    """Make the workspace, with everything but a balance path."""
    workspace = prepare(Source(corpus, vectors=vectors), folder)
    finish_workspace(workspace)
    fit_module.fit_settings = quick_fit
    return fit_taxonomy(workspace, Settings(n_clusters=clusters))


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("vectors", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clusters", type=int, default=1000)
    arguments = parser.parse_args()
    taxonomy = build_quickly(arguments.corpus, arguments.vectors, arguments.folder, arguments.clusters)
    print(f"{len(taxonomy.clusters)} clusters in {len(taxonomy.groups)} groups: {arguments.folder}")


if __name__ == "__main__":
    main()

# %% [markdown]
# # Explore a corpus and export its taxonomy
#
# A workspace is a folder with a corpus, its vectors and its taxonomy. This notebook opens the sample (651 short
# documents); `build(Source(Path("pool.parquet")), Path("pool"), Settings(n_clusters=24))` makes one of your own file.

# %%
from pathlib import Path

from gem_core import open_sample

workspace = open_sample(Path("sample"))
taxonomy = workspace.taxonomy()
print(f"{len(workspace)} documents, {len(taxonomy.clusters)} clusters in {len(taxonomy.groups)} groups")

# %% [markdown]
# ## Clusters
#
# Each cluster has a name, shares, keywords, and its most representative documents (exemplars).

# %%
import pandas as pd

table = pd.DataFrame(
    {
        "number": [cluster.number for cluster in taxonomy.clusters],
        "name": [cluster.label for cluster in taxonomy.clusters],
        "documents": [cluster.documents for cluster in taxonomy.clusters],
        "share": [round(cluster.share_documents, 3) for cluster in taxonomy.clusters],
    }
)
print(table.to_string(index=False))

# %%
largest = max(taxonomy.clusters, key=lambda cluster: cluster.documents)
for text in workspace.texts(largest.exemplars[:2]):
    print(text[:200], "\n")

# %% [markdown]
# ## Find documents
#
# By words, by meaning, and by what a filter says; all of them together where you want.

# %%
from gem_core.pipeline.search.filters import Filter, select
from gem_core.pipeline.search.semantic import search_meaning

selection = select(workspace, taxonomy, Filter(text="water", tokens=(80, None)))
near = search_meaning(workspace, "celestial bodies seen at night", limit=3)
print(f"{len(selection)} documents hold 'water' and 80 tokens or more")
for row, cosine in zip(near.rows, near.cosine, strict=True):
    print(f"{cosine:.2f}  {workspace.openings([row])[0][:80]}")

# %% [markdown]
# ## Edit, with undo
#
# Every edit is one step of a history.

# %%
from gem_core.pipeline import Rename, edit

edited = edit(workspace, Rename("cluster", largest.number, "My name for it"))
print(workspace.history().present.sentence)
workspace.undo()

# %% [markdown]
# ## Export
#
# `assignments.csv` has the cluster of every document, `receipt.json` what made it.

# %%
from gem_core.export import export

files = export(workspace, Path("sample-taxonomy"))
assignments = pd.read_csv("sample-taxonomy/assignments.csv")
print([file.name for file in files])
print(assignments.head(3).to_string(index=False))

# %% [markdown]
# # GEM as an estimator: scikit-learn and BERTopic
#
# `GEM` follows scikit-learn's contract: `fit`, `predict`, `get_params`, `clone`. It clusters vectors on the unit
# sphere and pulls the sizes of the clusters to a target.

# %%
from pathlib import Path

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from gem_core import GEM, open_sample

workspace = open_sample(Path("sample"))
X = np.asarray(workspace.embeddings)
texts = list(workspace.all_texts())
subjects = workspace.documents["subject"]

# %% [markdown]
# ## The effect of the strength
#
# 0 is a plain mixture, infinity gives exactly equal shares. Compare sizes and agreement with known subjects.

# %%
for strength in (0.0, 1.0, np.inf):
    labels = GEM(n_clusters=12, strength=strength, random_state=0).fit_predict(X)
    sizes = np.bincount(labels, minlength=12)
    agreement = adjusted_rand_score(subjects, labels)
    print(f"strength {strength}: {sizes.min()} to {sizes.max()} documents, ARI {agreement:.2f}")
kmeans = KMeans(12, n_init=1, random_state=0).fit_predict(X)
sizes = np.bincount(kmeans, minlength=12)
print(f"k-means: {sizes.min()} to {sizes.max()} documents, ARI {adjusted_rand_score(subjects, kmeans):.2f}")

# %% [markdown]
# ## New documents
#
# `predict` gives the cluster, `predict_proba` the probability of each.

# %%
model = GEM(n_clusters=12, random_state=0).fit(X[:600])
print(model.predict(X[600:605]), model.predict_proba(X[600:605]).max(axis=1).round(2))

# %% [markdown]
# ## BERTopic
#
# Hand the embeddings over unreduced; there are no outlier documents.

# %%
from bertopic import BERTopic
from bertopic.dimensionality import BaseDimensionalityReduction
from sklearn.feature_extraction.text import CountVectorizer

topic_model = BERTopic(
    hdbscan_model=GEM(n_clusters=12, random_state=0),
    umap_model=BaseDimensionalityReduction(),
    vectorizer_model=CountVectorizer(stop_words="english"),
    calculate_probabilities=True,
)
topics, probabilities = topic_model.fit_transform(texts, embeddings=X)
print(topic_model.get_topic_info()[["Topic", "Count", "Name"]].head(4).to_string(index=False))
print("outliers:", sum(topic == -1 for topic in topics), "probabilities:", probabilities.shape)

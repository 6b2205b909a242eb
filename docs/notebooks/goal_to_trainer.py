# %% [markdown]
# # From a goal to the files of a trainer
#
# A goal says which held-out loss a mixture should lower. This notebook states one, looks at what n-gram models expect
# of it, and writes weights and a training set. The losses are predictions: `mix search` and `mix verify` train proxies.

# %%
from pathlib import Path

from gem_core import open_sample
from gem_core.pipeline.mixing.domains import domains_of
from gem_core.pipeline.mixing.goal_store import compose_goal, save_goal

workspace = open_sample(Path("sample"))
taxonomy = workspace.taxonomy()
domains = domains_of(workspace, taxonomy)
group = taxonomy.groups[0]
goal = compose_goal(taxonomy, domains, "first-group", clusters={}, groups={group.number: 1.0}, natural=0.5)
save_goal(workspace, domains, goal)
print(f"half the corpus as it is, half {group.label}")

# %% [markdown]
# ## What can be gained

# %%
from gem_core.pipeline.mixing.strategies import goal_weights, weights_by

optimum = goal_weights(workspace, domains, "goal", goal.name)
print(optimum.certificate)

# %% [markdown]
# ## Weights
#
# Half the way from natural shares to the optimum, and no cluster read more than twice.

# %%
from gem_core.mixing import Limits

budget = float(domains.tokens.sum()) / 2
mix = weights_by(workspace, taxonomy, "goal", goal=goal.name, part=0.5, limits=Limits(budget=budget, max_epochs=2.0))
for number, weight, natural in zip(mix.numbers, mix.weights, mix.natural, strict=True):
    print(f"{weight:6.1%} (natural {natural:5.1%})  {taxonomy.cluster(number).label}")

# %% [markdown]
# ## Files of trainers

# %%
from gem_core.export.mixtures import write_weights

for name, trainer in (("weights.csv", "csv"), ("megatron.txt", "megatron"), ("olmo.yaml", "olmo-core")):
    write_weights(Path(name), taxonomy, mix, trainer, "data/{name}")
print(Path("megatron.txt").read_text()[:120])

# %% [markdown]
# ## A training set

# %%
from gem_core.pipeline.mixing.training_set import TrainingSetRequest, draw_training_set
from gem_core.pipeline.mixing.weights_file import read_weights

request = TrainingSetRequest(int(budget), seed=0)
training = draw_training_set(workspace, taxonomy, read_weights(Path("weights.csv")), Path("training"), request)
print(training.shards, int(training.drawn_tokens.sum()), "tokens")

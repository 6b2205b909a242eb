"""The commands of `gem-explorer mix`, with an example of each."""

import typer

from gem_core.commands.mixing import axis, cluster_probes, goals, mixture, proxy_training, regression, split

app = typer.Typer(no_args_is_help=True, help="From clusters, or proxy runs, to mixing weights.")
app.command(
    "regmix",
    epilog="Example: gem-explorer mix regmix --mixtures runs.csv --losses losses.csv "
    "--target web_loss --regressor auto --json",
)(regression.regmix)
app.command(
    "weights",
    epilog="Example: gem-explorer mix weights news --strategy temperature --tau 0.5 --budget "
    "1e9 --max-epochs 4 --out weights.csv    After edits: gem-explorer mix weights news "
    "--from weights.csv --out carried.csv",
)(mixture.weights)
app.command(
    "sample",
    epilog="Example: gem-explorer mix sample news --weights weights.csv --tokens 1e9 --out news-training --seed 0",
)(mixture.training_set)
app.command(
    "proxies",
    epilog="Example: gem-explorer mix proxies news --count 64    For one cluster: gem-explorer "
    "mix proxies news --target 3",
)(proxy_training.proxies)
app.command("doremi", epilog="Example: gem-explorer mix doremi news --normaliser domain --json")(proxy_training.doremi)
app.command(
    "import", epilog="Example: gem-explorer mix import news --mixtures mixtures.csv --losses losses.csv --target all"
)(proxy_training.import_)
app.command(
    "perfre",
    epilog="Example: gem-explorer mix perfre news    For one cluster: gem-explorer mix perfre news --target 3 --json",
)(cluster_probes.perfre)
app.command("probe", epilog="Example: gem-explorer mix probe news --probes 8 --json")(cluster_probes.probe)
app.command(
    "predict",
    epilog="Example: gem-explorer mix predict news --partition gem --runs 64    The control: "
    "gem-explorer mix predict news --partition random",
)(cluster_probes.predict)
app.command(
    "goal",
    epilog="Example: gem-explorer mix goal news --clusters 12=1,15=1 --natural 0.5 --name science    "
    "Example: gem-explorer mix goal news --file val.jsonl=1 --name val --json",
)(goals.goal)
app.command(
    "axis",
    epilog="Example: gem-explorer mix axis news --column quality --buckets 5    Back to clusters: gem-explorer mix "
    "axis news --off",
)(axis.axis)
app.command("mixmin", epilog="Example: gem-explorer mix mixmin news --goal science")(goals.mixmin)
app.command("search", epilog="Example: gem-explorer mix search news --goal science")(goals.search)
app.command("verify", epilog="Example: gem-explorer mix verify news --weights weights.csv --goal science")(goals.verify)
app.command(
    "split",
    epilog="Example: gem-explorer mix split news --out news-by-cluster    Labeled shards: gem-explorer mix split "
    "labeled --out by-cluster --format jsonl.zst",
)(split.split)
app.command(
    "swarm",
    epilog="Example: gem-explorer mix swarm news --count 64 --format olmo-core --out swarm    The losses back: "
    "gem-explorer mix swarm news --mixtures swarm/mixtures.csv --losses losses.csv --goal science --out weights.csv",
)(split.swarm)

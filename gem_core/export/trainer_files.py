"""Weight files for trainers: one template each over (name, weight, path), for folders of `{name}` data."""

import json
from collections.abc import Callable
from typing import Any, Literal, get_args

import yaml

from gem_core.errors import InputError
from gem_core.mixing import Weights

Trainer = Literal[
    "megatron", "nemo", "olmo-core", "nanotron", "streaming", "litdata", "huggingface", "levanter", "torchtitan"
]
TRAINERS: tuple[Trainer, ...] = get_args(Trainer)
ENDINGS: dict[Trainer, tuple[str, ...]] = {
    "megatron": (".txt",),
    "nemo": (".yaml", ".yml"),
    "olmo-core": (".yaml", ".yml"),
    "nanotron": (".yaml", ".yml"),
    "streaming": (".yaml", ".yml"),
    "litdata": (".json",),
    "huggingface": (".json",),
    "levanter": (".yaml", ".yml"),
    "torchtitan": (".json",),
}
PATHS: dict[Trainer, str] = {  # what each trainer expects behind a path, by default
    "megatron": "data/{name}_text_document",
    "nemo": "data/{name}_text_document",
    "olmo-core": "data/{name}/*.npy",
    "nanotron": "data/{name}",
    "streaming": "data/{name}",
    "litdata": "data/{name}",
    "huggingface": "data/{name}/*.parquet",
    "levanter": "data/{name}/*.jsonl.zst",
    "torchtitan": "data/{name}",
}
Part = tuple[str, float, str]


def trainer_text(
    names: dict[int, str], weights: Weights, trainer: Trainer, path: str = "", max_epochs: float | None = None
) -> str:
    """Return the weight file of a trainer; clusters without weight are left out, the others sum to 1.

    Parameters
    ----------
    names : {cluster number: name}
        As in the files of RegMix: cluster_0003.
    weights : Weights
    trainer : str
        megatron: `--data-args-path` of Megatron-LM, weight path pairs. nemo: `data_prefix` of NeMo. olmo-core:
        `sources` of SourceMixtureList. nanotron: `dataset_folder` and `dataset_weights`. streaming: `streams` with
        `proportion` of MosaicML Streaming. litdata: `datasets` and `weights` of CombinedStreamingDataset. huggingface:
        data files and `probabilities` of interleave_datasets. levanter: `configs` and `train_weights`. torchtitan:
        sources with `dataset_path` and `weight` for InterleavedHuggingFaceTextDataLoader, whose weights are sampling
        probabilities; its configuration is Python, which reads this file.
    path : str
        Pattern of the data of a cluster with {name} in it; the trainer's usual one when empty.
    max_epochs : float, optional
        For olmo-core, `max_repetition_ratio`; the cap of the weights when left out.

    Raises
    ------
    InputError
        If the pattern has no {name}, or no cluster has a weight.
    """
    pattern = path or PATHS[trainer]
    if "{name}" not in pattern:
        raise InputError("The path pattern must contain {name}", repr(pattern)[:80], "Use data/{name}, for example")
    parts = [
        (name, float(weight), pattern.replace("{name}", name))
        for (_, name), weight in zip(names.items(), weights.weights, strict=True)
        if weight > 0
    ]
    if not parts:
        raise InputError("A weight file needs a cluster with a weight", "none", "Choose other weights")
    repeat = max_epochs if max_epochs is not None else weights.limits.max_epochs
    writers: dict[Trainer, Callable[[], str]] = {
        "megatron": lambda: "".join(f"{weight!r} {where}\n" for _, weight, where in parts),
        "nemo": lambda: _yaml({"data_prefix": [item for _, weight, where in parts for item in (weight, where)]}),
        "olmo-core": lambda: _yaml({"sources": [_olmo_source(part, repeat) for part in parts]}),
        "nanotron": lambda: _yaml(
            {"dataset": {"dataset_folder": [p for _, _, p in parts], "dataset_weights": [w for _, w, _ in parts]}}
        ),
        "streaming": lambda: _yaml(
            {"streams": {name: {"remote": where, "proportion": weight} for name, weight, where in parts}}
        ),
        "litdata": lambda: _json({"datasets": [p for _, _, p in parts], "weights": [w for _, w, _ in parts]}),
        "huggingface": lambda: _json(
            {"data_files": {name: where for name, _, where in parts}, "probabilities": [w for _, w, _ in parts]}
        ),
        "levanter": lambda: _yaml(
            {
                "data": {
                    "configs": {name: {"train_urls": [where]} for name, _, where in parts},
                    "train_weights": {name: weight for name, weight, _ in parts},
                }
            }
        ),
        "torchtitan": lambda: _json(
            {"sources": [{"dataset": name, "dataset_path": where, "weight": weight} for name, weight, where in parts]}
        ),
    }
    return writers[trainer]()


def _olmo_source(part: Part, repeat: float | None) -> dict[str, Any]:
    name, weight, where = part
    source: dict[str, Any] = {"source_name": name, "target_ratio": weight, "paths": [where]}
    return source if repeat is None else {**source, "max_repetition_ratio": max(1.0, float(repeat))}


def _yaml(value: dict[str, Any]) -> str:
    return yaml.safe_dump(value, sort_keys=False, width=2**20)


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=1) + "\n"

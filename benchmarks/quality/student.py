"""Does the student agree with its teacher, and how fast does it read? Beside fastText, in one process, on one core.

Teacher: the clusters of a GEM fit (K = 24): a workspace's fit, and one of AG News vectors. Documents are split at
random, 70% training, 15% calibration, 15% test; fastText trains on the same 70% (word pairs, 5 epochs, one thread,
its own defaults otherwise; and, as a stronger peer, with its best rate of 0.5, 1 and 2 on the calibration part).
Figures are on the test part alone: agreement, recall of the six smallest clusters, mass error (L1 between the shares
of documents), mean and range over seeds. Speed: processor seconds from Arrow strings to labels, both sides in turn,
medians of rounds. fastText's texts are put in lower case and parted at punctuation by the faster of two ways.

    pip install fasttext
    python -m benchmarks.quality.student WEBMIX_WORKSPACE AGNEWS_PARQUET AGNEWS_VECTORS.npy [--seeds 5] [--rounds 7]
"""

import argparse
import os
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import fasttext
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks._harness import machine
from benchmarks.quality.student_fit import Corpus, Split, corpus, figures, ours, split, take_texts
from gem_core.clustering import MixtureConfig, fit_mixture
from gem_core.student import Student, StudentConfig, train_student
from gem_core.workspace import Workspace

_OTHER = re.compile(r"[\W_]+")


# --- students of ours


def uncalibrated(c: Corpus, parts: Split, seed: int) -> Student:
    return train_student(
        take_texts(c.texts, parts.training), c.labels[parts.training], c.k, config=StudentConfig(seed=seed)
    )


# --- fastText


def by_python(texts: pa.Array) -> list[str]:
    return [_OTHER.sub(" ", text.lower()) for text in texts.to_pylist()]


def by_arrow(texts: pa.Array) -> list[str]:
    return list(pc.replace_substring_regex(pc.utf8_lower(texts), r"[^\pL\pN]+", " ").to_pylist())


def lower_only(texts: pa.Array) -> list[str]:
    return [text.lower().replace("\n", " ") for text in texts.to_pylist()]


def peer(lines: list[str], labels: NDArray[np.int32], rate: float) -> fasttext.FastText._FastText:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lines.txt"
        path.write_text(
            "".join(f"__label__{label} {line}\n" for line, label in zip(lines, labels, strict=True)), encoding="utf-8"
        )
        return fasttext.train_supervised(str(path), wordNgrams=2, epoch=5, lr=rate, thread=1, verbose=0)


def predicted_labels(model: fasttext.FastText._FastText, lines: list[str]) -> NDArray[np.int32]:
    return np.array([int(label[0].removeprefix("__label__")) for label in model.predict(lines)[0]], dtype=np.int32)


# --- tables


def agreement(c: Corpus, seeds: int) -> None:
    rows: dict[str, list[list[float]]] = {}
    kinds: dict[str, Callable[[Split, int], Student]] = {
        "student, labels": lambda p, s: ours(c, p, s),
        "student, soft targets": lambda p, s: ours(c, p, s, soft=StudentConfig.softness),
        "  not calibrated": lambda p, s: uncalibrated(c, p, s),
        "  weights size^-0.5": lambda p, s: ours(c, p, s, balance=0.5),
        "  weights size^-1": lambda p, s: ours(c, p, s, balance=1.0),
        "  soft, softness 1": lambda p, s: ours(c, p, s, soft=1.0),
        "  without lowest 20% GIS": lambda p, s: ours(c, p, s, drop=0.2),
        "  65,536 buckets": lambda p, s: ours(c, p, s, buckets=1 << 16),
        "  2,097,152 buckets": lambda p, s: ours(c, p, s, buckets=1 << 21),
    }
    lines = by_python(c.texts)
    for seed in range(seeds):
        parts = split(len(c.texts), seed)
        truth, test = c.labels[parts.test], take_texts(c.texts, parts.test)
        for name, make in kinds.items():
            rows.setdefault(name, []).append(figures(make(parts, seed).score(test).cluster, truth, c.k))
        part = {key: [lines[i] for i in getattr(parts, key)] for key in ("training", "calibration", "test")}
        held_out, results = {}, {}
        for rate in (0.1, 0.5, 1.0, 2.0):  # one model at a time: each takes 0.8 GB and more
            model = peer(part["training"], c.labels[parts.training], rate)
            held_out[rate] = float(np.mean(predicted_labels(model, part["calibration"]) == c.labels[parts.calibration]))
            results[rate] = figures(predicted_labels(model, part["test"]), truth, c.k)
            del model
        rows.setdefault("fastText", []).append(results[0.1])
        rows.setdefault("fastText, best rate", []).append(results[max((0.5, 1.0, 2.0), key=held_out.__getitem__)])
    print(f"\n{c.name}: {len(c.texts):,} documents, K = {c.k}, seeds 0..{seeds - 1}")
    print(f"{'':28}{'agreement':>24}{'recall of smallest 6':>24}{'mass error':>24}")
    for name, each in rows.items():
        print(
            f"{name:28}"
            + "".join(
                f"{column.mean():9.3f} ({column.min():.3f} to {column.max():.3f})" for column in np.array(each).T
            ),
            flush=True,
        )
    for name in ("student, labels", "student, soft targets"):
        lead = np.array(rows[name])[:, 0] - np.array(rows["fastText, best rate"])[:, 0]
        print(
            f"{name}, less fastText at its best rate, paired by seed: {lead.mean():+.3f} ({lead.min():+.3f} to "
            f"{lead.max():+.3f})",
            flush=True,
        )


def seconds(call: Callable[[], object]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


def speed(c: Corpus, rounds: int) -> None:
    parts = split(len(c.texts), 0)
    texts = take_texts(c.texts, np.concatenate((parts.calibration, parts.test)))
    student = ours(c, parts, 0)
    model = peer(by_python(take_texts(c.texts, parts.training)), c.labels[parts.training], 0.1)
    lines = by_python(texts)
    ways: dict[str, Callable[[], object]] = {
        "student": lambda: student.score(texts),
        "fastText": lambda: model.predict(lines),
        "text for fastText, Python": lambda: by_python(texts),
        "text for fastText, Arrow": lambda: by_arrow(texts),
        "lower case only": lambda: lower_only(texts),
    }
    for call in ways.values():
        call()
    table = np.array([[seconds(call) for call in ways.values()] for _ in range(rounds)])
    taken_by = {name: table[:, i] for i, name in enumerate(ways)}
    size = float(pc.sum(pc.binary_length(texts)).as_py())
    words = float(student.score(texts).words.mean())
    print(
        f"\n{c.name}: {len(texts):,} documents of {words:.0f} words and {size / len(texts):,.0f} bytes, {rounds} rounds"
    )
    for name, each in taken_by.items():
        rate = len(texts) / each
        print(
            f"{name:28}{np.median(rate):10,.0f} documents/s ({rate.min():,.0f} to {rate.max():,.0f}), "
            f"{np.median(size / each) / 1e6:6.1f} MB/s"
        )
    text = np.minimum(taken_by["text for fastText, Python"], taken_by["text for fastText, Arrow"])
    for name, other in (
        ("fastText with its text", taken_by["fastText"] + text),
        ("fastText, lower case only", taken_by["fastText"] + taken_by["lower case only"]),
    ):
        ratio = other / taken_by["student"]
        print(
            f"{name:28}{np.median(len(texts) / other):10,.0f} documents/s; the student is {np.median(ratio):.1f} "
            f"times as fast ({ratio.min():.1f} to {ratio.max():.1f})",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("agnews", type=Path)
    parser.add_argument("vectors", type=Path)
    parser.add_argument("--seeds", type=int, default=5, help="0: speed only")
    parser.add_argument("--rounds", type=int, default=7, help="0: agreement only")
    args = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    pa.set_cpu_count(1)
    workspace = Workspace(args.workspace)
    x = np.load(args.vectors)
    corpora = [
        corpus(
            "webmix",
            pq.read_table(args.workspace / "documents.parquet", columns=["text"])["text"],
            np.asarray(workspace.embeddings),
            workspace.taxonomy().fit,
        ),
        corpus(
            "AG News",
            pq.read_table(args.agnews, columns=["text"])["text"],
            x,
            fit_mixture(x, MixtureConfig(n_clusters=24)),
        ),
    ]
    print(f"{machine()}; one core is used")
    for measured_corpus in corpora if args.rounds else []:
        speed(measured_corpus, args.rounds)
    for measured_corpus in corpora if args.seeds else []:
        agreement(measured_corpus, args.seeds)


if __name__ == "__main__":
    main()

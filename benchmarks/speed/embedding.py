"""How fast and how exact each way to embed is, beside plain SentenceTransformer.encode in the same process.

    python -m benchmarks.speed.embedding CORPUS.parquet --documents 64 --rounds 5 > benchmarks/results/embedding.txt

Each round takes the next documents, and all ways embed them in turn, so that other work on the machine hits all of
them; the table gives the median over rounds of each way's rate divided by the plain way's rate of the same round, and
the same for processor seconds (all threads), which waiting for other processes does not lengthen. A cosine compares a
document's vector with the plain way's.
"""

import argparse
import datetime
import platform
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from numpy.typing import NDArray

from gem_core.corpus import Columns, read_corpus
from gem_core.embedding import EncoderSettings, load_encoder
from gem_core.embedding import batches as batching
from gem_core.embedding.tokens import packaged_folder

Way = Callable[[list[str]], NDArray[np.float32]]


def plain_ways() -> dict[str, Way]:
    """The peers: sentence-transformers as its page says, and with its own options for speed."""
    from sentence_transformers import SentenceTransformer

    folder = str(packaged_folder())
    full, half = (SentenceTransformer(folder, device="cpu", local_files_only=True) for _ in range(2))
    half.to(torch.bfloat16)
    quarter = SentenceTransformer(folder, device="cpu", local_files_only=True)
    torch.ao.quantization.quantize_dynamic(quarter, {torch.nn.Linear}, dtype=torch.qint8, inplace=True)

    def encode_plainly(
        model: SentenceTransformer, size: int, inside: Callable[[], AbstractContextManager[object]]
    ) -> Way:
        def run(texts: list[str]) -> NDArray[np.float32]:
            with inside():
                return (
                    model.encode(texts, batch_size=size, show_progress_bar=False, convert_to_tensor=True)
                    .float()
                    .numpy()
                )

        return run

    return {
        "encode, float32, batches of 64 (plain)": encode_plainly(full, 64, nullcontext),
        "encode, bfloat16 autocast, batches of 16": encode_plainly(
            full, 16, lambda: torch.autocast("cpu", torch.bfloat16)
        ),
        "encode, bfloat16 model, batches of 16": encode_plainly(half, 16, nullcontext),
        "encode, dynamic int8, batches of 16": encode_plainly(quarter, 16, nullcontext),
    }


def our_ways() -> dict[str, Way]:
    """gem_core's encoder by precision, batch size in tokens, and sharing of the processor."""

    def encode_ours(precision: str, budget: int, threads: bool) -> Way:
        encoder = load_encoder(settings=EncoderSettings(precision=precision, device="cpu"))  # type: ignore[arg-type]
        if not threads:
            encoder.workers = 1

        def run(texts: list[str]) -> NDArray[np.float32]:
            before, batching.TOKENS_PER_BATCH["cpu"] = batching.TOKENS_PER_BATCH["cpu"], budget
            try:
                with batching.encoder_threads(encoder) as runner:
                    parts = []
                    for begin in range(0, len(texts), 256):  # as embed does
                        part = runner.prepare(texts[begin : begin + 256]).result()
                        parts.append(runner.rows(part, lambda completed: None, begin))
                    return np.concatenate(parts)
            finally:
                batching.TOKENS_PER_BATCH["cpu"] = before

        return run

    ways = {
        f"ours, bfloat16, {budget:,} tokens, a batch a thread": encode_ours("bfloat16", budget, True)
        for budget in (512, 2048, 8192)
    }
    ways["ours, bfloat16, 2,048 tokens, threads share a batch"] = encode_ours("bfloat16", 2048, False)
    ways["ours, float32, 2,048 tokens, a batch a thread"] = encode_ours("float32", 2048, True)
    return ways


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus")
    parser.add_argument("--documents", type=int, default=64, help="a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--text-column", default="text")
    options = parser.parse_args()
    corpus = read_corpus(options.corpus, columns=Columns(options.text_column))
    texts = corpus.documents["text"].tolist()[: options.documents * options.rounds]
    tokens = corpus.documents["tokens"].to_numpy()[: len(texts)]
    ways = plain_ways() | our_ways()
    plain = next(iter(ways))
    rates: dict[str, list[float]] = {name: [] for name in ways}
    costs: dict[str, list[float]] = {name: [] for name in ways}
    parts: dict[str, list[NDArray[np.float32]]] = {name: [] for name in ways}
    for encoder in ways.values():
        encoder(texts[-8:])  # what happens once only is not counted
    for start in range(0, len(texts), options.documents):
        some = texts[start : start + options.documents]
        for name, encoder in ways.items():
            begin, spent = time.perf_counter(), time.process_time()
            parts[name].append(encoder(some))
            rates[name].append(len(some) / (time.perf_counter() - begin))
            costs[name].append((time.process_time() - spent) / len(some))
            print(f"{start:6d}: {rates[name][-1]:7.1f} documents/s  {name}", file=sys.stderr)
    vectors = {name: np.concatenate(part) for name, part in parts.items()}
    print(
        f"{datetime.date.today()}  {platform.machine()}, {torch.get_num_threads()} threads, "
        f"{torch.backends.cpu.get_cpu_capability()}, AMX {torch.cpu._is_amx_tile_supported()}; torch "
        f"{torch.__version__}, Python {platform.python_version()}"
    )
    print(
        f"{len(texts)} documents, {tokens.mean():.0f} tokens on average, cut at 256 "
        f"({(tokens > 254).mean():.0%} are longer); in {options.rounds} rounds; no seed is used; "
        "the machine was shared with other work, so only the ratios within a round count\n"
    )
    print(
        f"{'way':52s} {'speed':>6s} {'(spread)':>14s} {'processor':>10s} {'documents/s':>12s} {'cosine':>8s} "
        f"{'least':>8s}"
    )
    for name in ways:
        ratio = np.array(rates[name]) / np.array(rates[plain])
        cheaper = np.median(np.array(costs[plain]) / np.array(costs[name]))
        unit = [v / np.linalg.norm(v, axis=1, keepdims=True) for v in (vectors[name], vectors[plain])]
        cosine = (unit[0] * unit[1]).sum(axis=1)
        spread = f"({ratio.min():.2f}-{ratio.max():.2f})"
        print(
            f"{name:52s} {np.median(ratio):6.2f} {spread:>14s} {cheaper:10.2f} {np.median(rates[name]):12.1f} "
            f"{cosine.mean():8.5f} {cosine.min():8.5f}"
        )


if __name__ == "__main__":
    main()

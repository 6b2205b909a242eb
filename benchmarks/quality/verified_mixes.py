"""Verified mixtures for three goals on a real workspace, with real proxies: does the mixture beat natural shares?

    python -m benchmarks.quality.verified_mixes WORKSPACE [--seeds=5] [--count=56] [--steps=600] [--budget=SECONDS]
        [--wide]

WORKSPACE needs a label column; it may be written to. Goals, stated before any training: half natural and half the
clusters whose commonest label is one of a list. The 58 runs are shared by the goals, and each proposal is trained
beside natural shares with fresh seeds of parameters and order (`goal_study`). Finished parts are read again: with
--budget the script ends with status 3 after so many seconds, and the same command goes on. --wide trains the accepted
mixture and natural shares once more with four times the width and steps.
"""

import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from gem_core.mixing.goals import Goal
from gem_core.mixing.proxies import ProxyConfig, train_proxies
from gem_core.pipeline.mixing.domains import Domains, domains_of
from gem_core.pipeline.mixing.goal_optimum import goal_proxy, optimize_goal
from gem_core.pipeline.mixing.goal_store import goal_corpus
from gem_core.pipeline.mixing.goal_study import GoalStudy, goal_study
from gem_core.workspace import Workspace
from gem_core.workspace.mixing_runs import Mixes

GOALS = {
    "science": ("arxiv_abstracts", "medical_abstracts"),
    "code": ("source_code", "man_pages", "licence_texts"),
    "fiction": ("books", "poetry_drama"),
}


class OutOfTime(Exception):
    """The time of this call is used up; what was trained is on disk."""


def commonest_labels(workspace: Workspace, domains: Domains) -> list[str]:
    """Return the commonest label of the documents of each cluster."""
    column = workspace.manifest.columns["label"]
    labels = workspace.documents[column].astype(str).to_numpy()
    return [
        max(set(rows := labels[domains.positions == at].tolist()), key=rows.count) for at in range(len(domains.numbers))
    ]


def make_goals(workspace: Workspace, domains: Domains) -> list[Goal]:
    """Return half natural and half the clusters of each list of labels."""
    labels, goals = commonest_labels(workspace, domains), []
    for name, words in GOALS.items():
        numbers = [n for n, label in zip(domains.numbers, labels, strict=True) if label in words]
        if not numbers:
            raise SystemExit(f"no cluster for the goal {name}: labels {sorted(set(labels))}")
        goals.append(Goal(name, dict.fromkeys(numbers, 1.0), natural=0.5))
    return goals


def report(study: GoalStudy, instant: float) -> None:
    """Print a study in a line: trained figures only, and what n-gram models predicted for their own optimum."""
    checked = study.verification
    print(
        f"{study.goal.name:<9} clusters {','.join(map(str, study.goal.clusters))}: natural {checked.natural_loss:.4f}, "
        f"mixture {checked.mixture_loss:.4f}; gain {checked.gain:+.4f} +- {checked.error:.4f} nats "
        f"({checked.gain / max(checked.error, 1e-9):.1f} standard errors) on {checked.seeds} fresh seeds, corpus "
        f"{checked.price:+.4f} +- {checked.price_error:.4f}; part {checked.part:g}; "
        f"{'accepted' if checked.accepted else 'natural kept'}; noise of natural {study.evidence['noise']:.4f}; law's "
        f"error at natural {study.evidence['law_error_at_natural']:+.4f}; n-gram optimum's own gain {instant:.4f}",
        flush=True,
    )


def wide_check(workspace: Workspace, study: GoalStudy, config: ProxyConfig, deadline: float) -> None:
    """Train mixture and natural shares once with four times the width and steps."""
    domains = study.domains
    shares = study.goal.shares(domains.numbers, domains.natural)
    streams = goal_corpus(workspace, domains, study.goal).streams
    wide = replace(config, width=4 * config.width, steps=4 * config.steps, seed=config.seed + 100)
    folder = Mixes(workspace.root, domains.taxonomy_hash).run_folder("wide", {"goal": study.goal.name})
    rows = np.array([domains.natural, study.verification.weights])
    losses = train_proxies(streams, rows, wide, folder, progress=lambda *_: _stop(deadline))
    fall = float((losses[0] - losses[1]) @ shares)
    print(
        f"{study.goal.name:<9} at width {wide.width}, {wide.steps} steps: gain {fall:+.4f} nats, one seed", flush=True
    )


def _stop(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise OutOfTime


def main() -> None:
    """Print the results."""
    options = dict((*word.lstrip("-").split("=", 1), "")[:2] for word in sys.argv[2:])
    deadline = time.monotonic() + float(options.get("budget", "inf"))
    workspace = Workspace(Path(sys.argv[1]))
    taxonomy = workspace.taxonomy()
    domains = domains_of(workspace, taxonomy)
    config = ProxyConfig(steps=int(options.get("steps", 600)))
    studies = []
    try:
        for goal in make_goals(workspace, domains):
            study = goal_study(
                workspace,
                taxonomy,
                goal,
                config,
                count=int(options.get("count", 56)),
                seeds=int(options.get("seeds", 5)),
                progress=lambda *_: _stop(deadline),
            )
            shares = goal.shares(domains.numbers, domains.natural)
            report(study, optimize_goal(goal_proxy(workspace, domains, goal), shares, domains.natural).gain)
            studies.append(study)
        for study in studies if "wide" in options else []:
            if study.verification.accepted:
                wide_check(workspace, study, config, deadline)
    except OutOfTime:
        raise SystemExit(3) from None


if __name__ == "__main__":
    main()

"""Which documents should teach a student: all, or the more typical ones? Should small clusters count more?

Documents are split as a distillation splits them, but the test part is left alone: a student learns from the training
part, is calibrated on one half of a larger calibration part, and is judged on its other half. What is tried: to leave
out the part of each cluster's training documents with the lowest influence score (GIS); weights (cluster size)^-b; soft
responsibilities of the fit in place of clusters. Figures: agreement with the taxonomy; mean recall, clusters counting
alike; mass error (L1 between shares). In brackets, the difference to the first line and its standard error over seeds,
each of which splits anew.

    python -m benchmarks.quality.distil_choices WORKSPACE [--seeds 5]
"""

import argparse
import os
import platform
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from gem_core.pipeline.student.distil import DistilSettings, read_texts, soft_targets, train_calibrated_student
from gem_core.pipeline.student.report import mass_error
from gem_core.pipeline.student.training_split import first_occurrences, split_training_data
from gem_core.workspace import Workspace

WAYS = {  # dropped, balance, soft
    "all documents": (0.0, 0.0, False),
    "10% least typical out": (0.1, 0.0, False),
    "30% least typical out": (0.3, 0.0, False),
    "50% least typical out": (0.5, 0.0, False),
    "balance 0.5": (0.0, 0.5, False),
    "balance 1": (0.0, 1.0, False),
    "10% out, balance 0.5": (0.1, 0.5, False),
    "30% out, balance 0.5": (0.3, 0.5, False),
    "soft": (0.0, 0.0, True),
    "soft, balance 0.5": (0.0, 0.5, True),
}


def judged(workspace: Workspace, seed: int) -> np.ndarray:
    """Agreement, mean recall and mass error of each way."""
    taxonomy = workspace.taxonomy()
    table, labels, k = taxonomy.documents, taxonomy.positions, len(taxonomy.clusters)
    copies, soft = first_occurrences(workspace), soft_targets(workspace, taxonomy)
    rows = []
    for drop, balance, is_soft in WAYS.values():
        plan = split_training_data(
            labels,
            table["gis"].to_numpy(),
            table["margin"].to_numpy(),
            copies,
            test_share=0.2,
            calibration_share=0.2,
            drop=drop,
            balance=balance,
            seed=seed,
        )
        mixed = np.random.default_rng(seed).permutation(plan.calibration)
        ours, judges = np.sort(mixed[::2]), np.sort(mixed[1::2])
        student = train_calibrated_student(
            workspace,
            labels,
            k,
            replace(plan, calibration=ours),
            DistilSettings(seed=seed),
            soft=soft if is_soft else None,
        )
        predicted, right = student.score(read_texts(workspace, judges)).cluster, labels[judges]
        recall = [np.mean(predicted[right == cluster] == cluster) for cluster in np.unique(right)]
        rows.append([np.mean(predicted == right), np.mean(recall), mass_error(right, predicted, k)])
    return np.array(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    workspace = Workspace(arguments.workspace)
    figures = np.array([judged(workspace, seed) for seed in range(arguments.seeds)])
    print(
        f"{time.strftime('%Y-%m-%d')}, {platform.machine()}, {os.cpu_count()} cores; {workspace.manifest.name}, "
        f"{len(workspace):,} documents, K = {len(workspace.taxonomy().clusters)}, seeds 0..{arguments.seeds - 1}"
    )
    print(f"{'':<24}{'agreement':>24}{'mean recall':>24}{'mass error':>24}")
    for name, row in zip(WAYS, figures.transpose(1, 0, 2), strict=True):
        line = f"{name:<24}"
        for measure in range(3):
            change = row[:, measure] - figures[:, 0, measure]
            error = change.std(ddof=1) / np.sqrt(len(change))
            line += f"{row[:, measure].mean():>9.2%} ({change.mean():+.2%} ± {error:.2%})".rjust(24)
        print(line)


if __name__ == "__main__":
    main()

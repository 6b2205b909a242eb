"""RegMix's published runs: rank correlation on unseen mixtures, for every loss, by number of runs.

    python -m benchmarks.quality.regmix FOLDER

FOLDER holds the CSV files of the authors' repository (train_mixture_1m.csv, train_pile_loss_1m.csv, test_mixture_*.csv,
test_pile_loss_*.csv). Fit, number of trees and choice of regressor see the training runs alone; the test sets (1M, 60M
and 1B parameters) are only reported. "auto" is the regressor with the best out-of-fold score. The best mixture is
searched as the authors do it: 100,000 draws from Dirichlet(token shares of the Pile), mean of the best 128.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from gem_core.mixing import Runs, choose, fit_regressor, read_runs, search, spearman

SIZES, RUNS = ("1m", "60m", "1B"), (512, 256, 64)
PILE = np.array(
    [
        0.11328527,
        0.07960865,
        0.00391349,
        0.1853759,
        0.05108136,
        0.01596293,
        0.10175077,
        0.00370752,
        0.06652935,
        0.00175077,
        0.02708548,
        0.23686921,
        0.01184346,
        0.00792997,
        0.00803296,
        0.03882595,
        0.04644696,
    ]
)  # token shares, in the order of the columns
PUBLISHED = "98.92 98.49 96.51"


def row(train: Runs, tests: list[Runs], target: str, limit: int) -> str:
    runs = train.head(limit)
    rows, losses = runs.rows, runs.loss(target)
    choice = choose(rows, losses)
    words = f"{limit:>4}"
    for name in ("lightgbm", choice.name):
        model = fit_regressor(name, rows, losses)
        correlations = [100 * spearman(model.predict(test.rows), test.loss(target)) for test in tests]
        words += f"  {name:<11} {100 * choice.scores[name]:>5.1f}" + "".join(f"{value:>7.2f}" for value in correlations)
    return words


def best(train: Runs, target: str) -> str:
    predict = fit_regressor("lightgbm", train.rows, train.loss(target)).predict
    weights = search(predict, PILE)
    top = sorted(zip(weights, train.domains, strict=True), reverse=True)[:3]
    return ", ".join(f"{name.removeprefix('train_the_pile_')} {weight:.3f}" for weight, name in top)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    train = read_runs(folder / "train_mixture_1m.csv", folder / "train_pile_loss_1m.csv")
    tests = [read_runs(folder / f"test_mixture_{size}.csv", folder / f"test_pile_loss_{size}.csv") for size in SIZES]
    began = time.process_time()
    print("Spearman x 100: out of fold (oof), then on the test runs of 1M, 60M and 1B parameters")
    print(f"Published for Pile-CC, LightGBM stopped on the 1M test set: {PUBLISHED}")
    print("runs  LightGBM      oof     1M    60M     1B  auto          oof     1M    60M     1B")
    for target in train.targets:
        print(
            f"\n{target.removeprefix('metric/the_pile_').removesuffix('_val_loss')}: best mixture of LightGBM: "
            f"{best(train, target)}"
        )
        for limit in RUNS:
            print(row(train, tests, target, limit), flush=True)
    print(f"\n{time.process_time() - began:.0f} s of one core")


if __name__ == "__main__":
    main()

"""RegMix: runs are read whole or refused, laws are recovered, the sampler keeps its caps, search finds the best."""

from pathlib import Path

import numpy as np
import pytest

from gem_core.errors import InputError
from gem_core.mixing import Runs, choose, fit_regressor, out_of_fold, read_runs, regmix, sample_mixtures, search
from gem_core.mixing.proxy_runs import target_weights
from gem_core.mixing.scaling_laws import EffectiveLaw, ExponentialLaw

SHARES = np.array([0.4, 0.3, 0.15, 0.1, 0.04, 0.01])
TRUE = EffectiveLaw(c=5.0, g=0.6, b=0.05, e=0.6, a=np.array([2.0, 0.5, 0.3, 0.1, 0.1, 1.0]))


def make_runs(n: int, noise: float = 0.0, seed: int = 0) -> Runs:
    w = sample_mixtures(SHARES, n, seed=seed)
    loss = TRUE.predict(w) + noise * np.random.default_rng(seed).normal(size=n)
    return Runs(
        tuple("abcdef"), ("web_loss", "code_loss"), w, np.stack([loss, loss[::-1]], axis=1), tuple(map(str, range(n)))
    )


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_rounded_weights_are_scaled_and_runs_are_joined_by_name(tmp_path: Path) -> None:
    m = write(tmp_path / "m.csv", "index,x,y\n1,0.333,0.666\n2,1.0,0.0\n")
    l = write(tmp_path / "l.csv", "index,loss\n2,2.5\n1,3.5\n")  # noqa: E741
    runs = read_runs(m, l)
    assert runs.mixtures.tolist() == [[pytest.approx(1 / 3), pytest.approx(2 / 3)], [1.0, 0.0]]
    assert runs.loss("loss").tolist() == [3.5, 2.5]


@pytest.mark.parametrize(
    ("mixtures", "losses", "message"),
    [
        (
            "index,x,y\n1,0.5,0.5\n",
            "index,l\n2,1\n",
            "Both files must hold the same runs; got none in common: '1' and '2' are the first",
        ),
        ("index,x,y\n1,0.5,0.3\n", "index,l\n1,1\n", "must sum to 1 .* got 0.8 in run '1'"),
        ("index,x,y\n1,1.5,-0.5\n", "index,l\n1,1\n", "Weights must not be negative; got -0.5 for y in run '1'"),
        ("index,x,y\n1,0.5,0.5\n", "index,l\n1,nan\n", "finite number in some run; got none for l"),
        ("index,x,y\n1,0.5,\n", "index,l\n1,1\n", "finite number; got a gap for y in run '1'"),
        ("index,x,y\n1,0.5,0.5\n1,0.5,0.5\n", "index,l\n1,1\n", "named once; got '1' twice"),
        ("index,x,x\n1,0.5,0.5\n", "index,l\n1,1\n", "named once; got 'x' twice"),
        ("index,x\n1,0.5,0.5\n", "index,l\n1,1\n", "as many cells"),
        ("index,x,y\n", "index,l\n1,1\n", "with 1 rows"),
    ],
)
def test_bad_runs_are_refused(tmp_path: Path, mixtures: str, losses: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_runs(write(tmp_path / "m.csv", mixtures), write(tmp_path / "l.csv", losses))


ROWS = [(0.2, 0.8, 1.0), (0.5, 0.5, 2.0), (0.9, 0.1, 3.0)]


@pytest.mark.parametrize(
    ("mixtures", "losses", "note"),
    [
        (
            "run,name,index,a,b\n" + "".join(f"r{i},mix {i},{i},{a},{b}\n" for i, (a, b, _) in enumerate(ROWS)),
            "run,l\n" + "".join(f"r{i},{x}\n" for i, (_, _, x) in enumerate(ROWS)),
            "columns of names skipped: name, index",
        ),
        (
            ",a,b\n" + "".join(f"{i},{a},{b}\n" for i, (a, b, _) in enumerate(ROWS)),
            ",l\n" + "".join(f"{i},{x}\n" for i, (_, _, x) in enumerate(ROWS)),
            None,
        ),
        (
            "index,a,b\n" + "".join(f"{i},{100 * a},{100 * b}\n" for i, (a, b, _) in enumerate(ROWS)),
            "index,l\n" + "".join(f"{i},{x}\n" for i, (_, _, x) in enumerate(ROWS)),
            "weights in percent",
        ),
        (
            "index,a,b\n" + "".join(f"{i},{a},{b}\n" for i, (a, b, _) in enumerate(ROWS)),
            "index,l,other\n" + "".join(f"{i},{x},{'' if i else 7}\n" for i, (_, _, x) in enumerate(ROWS)),
            None,
        ),
        (
            "index,a,b\n" + "".join(f"{i},{a},{b}\n" for i, (a, b, _) in enumerate([*ROWS, *[(0.5, 0.5, 0)] * 10])),
            "index,l\n" + "".join(f"{i},{x}\n" for i, (_, _, x) in enumerate(ROWS)),
            "3 runs have weights and losses; 10 others are left out",
        ),
        (
            "index;a;b\n" + "".join(f"{i};{a};{b}\n".replace(".", ",") for i, (a, b, _) in enumerate(ROWS)),
            "\ufeffindex;l\n" + "".join(f"{i};{x}\n".replace(".", ",") for i, (_, _, x) in enumerate(ROWS)),
            "separated by semicolons",
        ),
    ],
)
def test_tables_of_other_programs_load_untouched(tmp_path: Path, mixtures: str, losses: str, note: str | None) -> None:
    runs = read_runs(write(tmp_path / "m.csv", mixtures), write(tmp_path / "l.csv", losses))
    assert runs.mixtures == pytest.approx(np.array([row[:2] for row in ROWS]))
    assert runs.loss("l") == pytest.approx([row[2] for row in ROWS])
    assert note is None or note in runs.notes


def test_one_table_of_both_and_targets_by_pattern(tmp_path: Path) -> None:
    lines = ["run,ratio_a,ratio_b,metric_x,metric_y"]
    lines += [f"r{i},{a},{b},{x},{-x if i else ''}" for i, (a, b, x) in enumerate(ROWS)]
    path = write(tmp_path / "one.csv", "\n".join(lines) + "\n")
    runs = read_runs(path, weights=["ratio_*"], targets=["metric_*"])
    assert (runs.domains, runs.targets) == (("ratio_a", "ratio_b"), ("metric_x", "metric_y"))
    assert len(runs) == 3  # a gap in a loss that is not asked for
    assert read_runs(path, weights=["ratio_*"], targets=["metric_x"], higher=True).loss("x").tolist() == [-1, -2, -3]
    with pytest.raises(InputError, match="Use --weights"):
        read_runs(path)
    longer = write(tmp_path / "longer.csv", "\n".join([*lines, *(f"x{i},0.5,0.5,," for i in range(10))]) + "\n")
    read_back = read_runs(longer, weights=["ratio_*"], targets=["metric_*"])
    assert (len(read_back), read_back.notes) == (3, ("3 runs have weights and losses; 10 others are left out",))


def test_several_targets_have_a_fit_each(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    w = rng.dirichlet(np.ones(4), 60)
    losses = np.column_stack([5 - w[:, 0], 5 - w[:, 1], 9 + w[:, 2]])
    runs = Runs(tuple("abcd"), ("mmlu_x", "mmlu_y", "other"), w, losses, tuple(map(str, range(60))))
    assert target_weights("mmlu_*=2,other=1", runs) == {"mmlu_x": 2.0, "mmlu_y": 2.0, "other": 1.0}
    assert target_weights("oth", runs) == {"other": 1.0}
    result = regmix(runs, "mmlu_*=1", regressor="linear")
    assert result.best_mixture[:2].sum() > 0.9
    assert result.out_of_fold_spearman == pytest.approx(1)
    assert result.predicted_loss == pytest.approx(4.5, abs=0.1)
    with pytest.raises(InputError, match="must match a target"):
        target_weights("nothing_*=1", runs)


def test_the_sampler_keeps_caps_and_floor_over_many_draws() -> None:
    w = sample_mixtures(SHARES, 20_000, seed=3, most=4.0)
    assert np.allclose(w.sum(axis=1), 1)
    assert (w <= 4.0 * SHARES + 1e-12).all()
    assert not ((w > 0) & (w < 2e-4)).any()
    q = np.sqrt(SHARES) / np.sqrt(SHARES).sum()
    free = sample_mixtures(SHARES, 20_000, seed=3, most=np.inf)
    assert np.abs(free.mean(axis=0) - q).max() < 0.01, "without a cap the mean is the flattened prior"
    assert np.array_equal(w, sample_mixtures(SHARES, 20_000, seed=3, most=4.0))


def test_a_cap_that_cannot_be_met_is_refused() -> None:
    with pytest.raises(InputError, match=r"at most 0.9 times each share, 0.9 together"):
        sample_mixtures(SHARES, 2, most=0.9)


def test_a_planted_law_is_recovered_and_chosen() -> None:
    train, new = make_runs(60), make_runs(200, seed=9)
    fitted = fit_regressor("effective", train.mixtures, train.loss("web"))
    assert np.abs(fitted.predict(new.mixtures) - new.loss("web")).max() < 0.05
    choice = choose(train.mixtures, train.loss("web"))
    assert choice.name == "effective"
    assert choice.scores["effective"] > 0.995 > choice.scores["linear"]


def test_the_exponential_law_is_recovered() -> None:
    law = ExponentialLaw(c=2.0, k=0.5, t=np.array([-2.0, -1.0, 0.0, 0.5, 0.2, -0.5]))
    w, new = sample_mixtures(SHARES, 80, seed=1), sample_mixtures(SHARES, 80, seed=2)
    fitted = fit_regressor("exponential", w, law.predict(w))
    assert np.corrcoef(fitted.predict(new), law.predict(new))[0, 1] > 0.999


def test_out_of_fold_never_sees_the_run_it_predicts() -> None:
    runs = make_runs(40)
    losses = runs.loss("web").copy()
    first = out_of_fold("linear", runs.mixtures, losses, seed=1)
    losses[7] += 100.0
    again = out_of_fold("linear", runs.mixtures, losses, seed=1)
    assert again[7] == pytest.approx(first[7]), "its own loss has no say in its prediction"
    assert not np.allclose(again, first)


def test_noise_alone_is_not_predictable() -> None:
    runs = make_runs(80)
    noise = np.random.default_rng(0).normal(size=80)
    assert abs(choose(runs.mixtures, noise).scores["linear"]) < 0.4


def test_search_respects_caps_and_finds_the_corner() -> None:
    best = search(lambda w: w @ np.array([3.0, 1.0, 2.0]), [0.3, 0.3, 0.4], draws=20_000, caps=[1.0, 0.6, 1.0])
    assert best[1] <= 0.6
    assert best[1] > 0.5
    assert best[2] > best[0]


def test_search_under_caps_that_hardly_a_draw_keeps_to() -> None:
    assert search(lambda w: w[:, 0], [0.5, 0.5], draws=1000, caps=[0.5, 0.5]) == pytest.approx([0.5, 0.5])
    caps = np.array([0.3, 0.25, 0.2, 0.15, 0.11, 0.1])  # 1.11 together
    best = search(lambda w: w @ np.arange(6.0), SHARES, caps=caps)
    assert best.sum() == pytest.approx(1)
    assert (best <= caps + 1e-12).all()
    assert best[:3] == pytest.approx(caps[:3], abs=0.01), "the best are full; the least possible loss is 1.4"
    with pytest.raises(InputError, match="at least 128 mixtures; got 100"):
        search(lambda w: w[:, 0], [0.5, 0.5], draws=100)


def test_regmix_end_to_end_with_intervals() -> None:
    result = regmix(make_runs(64, noise=0.01), "web", test=make_runs(50, seed=4), prior=SHARES, resamples=4)
    assert result.regressor == "effective"
    assert result.test_spearman is not None
    assert result.test_spearman > 0.97
    assert result.best_mixture.argmax() == 0
    assert result.best_mixture.sum() == pytest.approx(1)
    assert (result.low <= result.high).all()
    with pytest.raises(InputError, match="at least 10 runs for 6 domains; got 4"):
        regmix(make_runs(5), "web", regressor="lightgbm")
    with pytest.raises(InputError, match="--target must name one loss column; got 'loss', which fits 2"):
        regmix(make_runs(20), "loss")

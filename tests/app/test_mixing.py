"""Mixing: what is shown is what the core says, own weights sum to 1, refusals speak, and files are the command's."""

import re
import shlex
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app.components.share_editor import Change
from app.jobs import runner
from app.state.session import Session
from app.views.mixing.budget import token_size
from app.views.mixing.downloads import FILES, file_bytes
from app.views.mixing.mix_settings import Mix
from gem_core.errors import InputError
from gem_core.export.saved_mix import saved_mix
from gem_core.mixing import sample_mixtures
from gem_core.pipeline import edit
from gem_core.pipeline.editing.operations import Exclude, Merge, Rename
from gem_core.pipeline.mixing.domains import Domains, domains_of
from gem_core.pipeline.mixing.ngram_preview import ngram_preview
from gem_core.pipeline.mixing.strategies import weights_by
from gem_core.workspace import Workspace
from gem_core.workspace.atomic_files import write_json
from gem_core.workspace.mixing_runs import Mixes
from tests.helpers.cli_process import run

APP = Path(__file__).resolve().parents[2] / "app"

HOSTILE = "<img src=x onerror=alert(1)> **[x](http://x.invalid)**"


def opened(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, strategy: str = "natural", view: str = "") -> AppTest:
    monkeypatch.setattr(sys, "argv", ["main.py", "--workspace", str(workspace.root)])
    app = AppTest.from_file(str(APP / "main.py"), default_timeout=120).run()
    app.switch_page("views/mixing/page.py").run()
    if strategy != "natural":
        app.radio[0].set_value(strategy).run()
    if view:
        app.segmented_control(key="mixing_view").set_value(view).run()
    assert not app.exception
    return app


def counted(app: AppTest) -> AppTest:
    """The screen once its preview is there."""
    for _ in range(120):
        if any(metric.label == "Predicted loss" for metric in app.metric):
            return app
        app.run()
    raise AssertionError("the preview did not come")


def all_text(app: AppTest) -> str:
    return "\n".join(str(element.value) for element in (*app.markdown, *app.subheader, *app.caption, *app.text))


def table(app: AppTest, column: str = "Epochs") -> Any:
    """The table that has a column, without its total."""
    value = next(frame.value for frame in app.dataframe if column in frame.value.columns)
    return value[value["Cluster"] != "Total"] if "Cluster" in value.columns else value


def plain(text: str) -> str:
    from app.ui.text import escape

    return escape(text)


def weights_shown(app: AppTest, domains: Domains) -> np.ndarray:
    weights = dict(zip(table(app)["Cluster"], table(app)["Weight"] / 100, strict=True))
    return np.array([weights[name] for name in domains.names])


def with_runs(workspace: Workspace, strategy: str, **more: Any) -> np.ndarray:
    """Leave what a run of that kind leaves."""
    domains = domains_of(workspace, workspace.taxonomy())
    weights = np.random.default_rng(3).dirichlet(np.ones(len(domains.numbers)))
    Mixes(workspace.root, domains.taxonomy_hash).write_evidence(
        strategy,
        {"seed": 0},
        {
            "weights": {str(n): float(w) for n, w in zip(domains.numbers, weights, strict=True)},
            "numbers": list(domains.numbers),
            **more,
        },
    )
    return weights


def test_strategies_show_the_weights_of_the_core(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    with_runs(sample, "doremi", curve=[], curve_steps=[], collapsed=False)
    app = opened(sample, monkeypatch)
    domains = domains_of(sample, sample.taxonomy())
    assert list(app.radio[0].options) == ["Natural", "Uniform", "Temperature", "Balanced", "Custom", "Goal", "DoReMi"]
    assert "Natural mix: each cluster is seen once." in all_text(app)
    for strategy in ("uniform", "temperature", "balanced", "doremi"):
        app.radio[0].set_value(strategy).run()
        weights = weights_by(sample, sample.taxonomy(), strategy)  # type: ignore[arg-type]
        assert weights_shown(app, domains) == pytest.approx(weights.weights), strategy
        up = int(np.argmax(weights.weights - domains.natural))
        assert f"{100 * (weights.weights - domains.natural)[up]:.1f} points" in all_text(app)
    app.radio[0].set_value("temperature").run()
    app.slider(key="mixing-tau").set_value(0.2).run()
    weights = weights_by(sample, sample.taxonomy(), "temperature", tau=0.2)
    assert weights_shown(app, domains) == pytest.approx(weights.weights)


def test_the_preview_is_that_of_the_core(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    app = counted(opened(sample, monkeypatch, "uniform"))
    domains = domains_of(sample, sample.taxonomy())
    proxy = ngram_preview(sample, domains)
    losses = proxy.losses(np.full(len(domains.numbers), 1 / len(domains.numbers)))
    frame = table(app).set_index("Cluster")
    assert [frame["Loss"][name] for name in domains.names] == pytest.approx(losses)
    assert [frame["Loss change"][name] for name in domains.names] == pytest.approx(
        losses - proxy.losses(domains.natural)
    )
    metric = next(metric for metric in app.metric if metric.label == "Predicted loss")
    assert metric.value == f"{losses @ domains.natural:.3f}"


def test_own_weights_renormalise_and_locks_hold(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(sample, monkeypatch, "custom")
    domains = domains_of(sample, sample.taxonomy())
    mix: Mix = app.session_state["session"].drafts.get(Mix)
    mix.change(Change(0, value=0.4))
    mix.change(Change(0, lock=True))
    mix.change(Change(1, value=0.3))
    app.run()
    weights = weights_shown(app, domains)
    assert weights.sum() == pytest.approx(1)
    assert weights[:2] == pytest.approx([0.4, 0.3])
    rest = domains.natural[2:]
    assert weights[2:] == pytest.approx(0.3 * rest / rest.sum())  # the others in proportion
    assert len(mix.fixed(domains)) == 2  # so the command is short
    mix.change(Change(2, value=0.9))
    assert "At most 60.0%" in mix.own.note
    app.run()
    assert weights_shown(app, domains)[[0, 2]] == pytest.approx([0.4, 0.6])
    mix.change(Change(2, value=0.1))  # the others hold nothing: equal parts, no longer natural ones
    app.run()
    assert len(mix.fixed(domains)) == len(domains.numbers)
    assert weights_shown(app, domains) == pytest.approx(np.array(mix.own.shares))


def test_limits_are_kept_or_refused_in_words(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(sample, monkeypatch, "uniform")
    domains = domains_of(sample, sample.taxonomy())
    app.number_input(key="mixing-epochs").set_value(1.1).run()
    caps = 1.1 * domains.tokens / domains.tokens.sum()
    weights = weights_shown(app, domains)
    assert (weights <= caps + 1e-12).all()
    assert np.isclose(weights, caps).any()
    app.number_input(key="mixing-epochs").set_value(0.5).run()
    assert not app.exception
    assert "These limits cannot be met" in all_text(app)
    total = int(domains.tokens.sum())
    assert f"need {2 * total:,} tokens" in all_text(app)  # by how much
    assert f"this sample has {total:,} tokens" in all_text(app)
    assert app.radio[0].value == "uniform"  # the controls stay
    app.number_input(key="mixing-epochs").set_value(None).run()
    app.number_input(key="mixing-floor").set_value(20.0).run()
    assert "floors that sum to" in all_text(app)
    app.number_input(key="mixing-floor").set_value(2.0).run()
    app.switch_page("views/export/page.py").run()
    app.switch_page("views/mixing/page.py").run()
    assert (app.radio[0].value, app.number_input(key="mixing-floor").value) == ("uniform", 2.0)
    assert not app.code
    app.session_state["mixing-commands"] = True
    app.run()
    assert "--strategy uniform" in app.code[0].value
    assert "--floor 0.02 " in app.code[0].value


def test_much_reading_is_warned_of(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(sample, monkeypatch, "uniform")
    total = int(domains_of(sample, sample.taxonomy()).tokens.sum())
    app.text_input(key=f"mixing-budget-{total}").set_value(str(6 * total)).run()
    assert not app.exception
    frame = table(app)
    often = int((frame["Epochs"] > 4).sum())
    assert often == len(frame) > 1
    assert f"{often} clusters are repeated more than 4 epochs" in all_text(app)
    assert f"Repeated more than 4 epochs: {plain(frame.sort_values('Epochs')['Cluster'].iloc[-1])}" in all_text(app)
    assert all("more than 4" in words for words in frame["Warning"])


def test_a_strategy_without_runs_says_how_to_make_them(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []
    monkeypatch.setattr(runner, "start", lambda *args: started.append(args))
    app = opened(sample, monkeypatch)
    assert [e.label for e in app.expander if "No runs" in e.label] == [
        "No runs yet: MixMin, DoReMi, RegMix, PerfRe, GRIP"
    ]
    app.button(key="mixing-start-proxies").click().run()
    app.segmented_control(key="mixing_view").set_value("Runs").run()
    app.number_input(key="mixing-run-steps").set_value(50).run()
    app.selectbox(key="mixing-grouping").set_value("random").run()
    app.button(key="mixing-run-start-predict").click().run()
    assert [arguments[:2] for _, arguments, _ in started] == [["mix", "proxies"], ["mix", "predict"]]
    assert started[1][1][2:] == [str(sample.root), "--seed", "0", "--steps", "50", "--partition", "random"]


def test_runs_say_what_they_found(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    names = domains_of(sample, sample.taxonomy()).numbers
    flat = [[1 / len(names)] * len(names)] * 3
    with_runs(sample, "doremi", curve=flat, curve_steps=[1, 2, 3], collapsed=True)
    with_runs(
        sample, "regmix", out_of_fold_spearman=0.31, n_runs=64, target="all", regressor="linear", predicted_loss=5.25
    )
    write_json(
        Mixes(sample.root, sample.taxonomy().taxonomy_hash).folder / f"predict-gem-{'0' * 16}.json",
        {
            "taxonomy_hash": sample.taxonomy().taxonomy_hash,
            "settings": {"partition": "gem"},
            "median": 0.41,
            "quartiles": [0.2, 0.5],
            "verdict": "Not predictable with these runs: median 0.41",
        },
    )
    app = opened(sample, monkeypatch, view="Runs")
    words = all_text(app)
    assert "The run collapsed" in words
    assert "Regression cannot rank mixtures: 0.31 out of fold on 64 runs" in words
    assert "hardly better than chance" in words
    assert "Not predictable with these runs" in words.replace("\\", "")
    assert list(table(app, "Median")["Median"]) == [0.41]


def test_weights_follow_an_edit_and_say_so(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    with_runs(sample, "perfre", benefits={})
    edit(sample, Merge(domains_of(sample, sample.taxonomy()).numbers[:2]))
    edit(sample, Exclude((domains_of(sample, sample.taxonomy()).numbers[-1],)))
    app = opened(sample, monkeypatch, "perfre")
    assert "weights were carried over" in all_text(app)
    assert "Excluded, weight 0" in all_text(app)
    weights = weights_by(sample, sample.taxonomy(), "perfre")
    assert weights.carried_from
    assert weights_shown(app, domains_of(sample, sample.taxonomy())) == pytest.approx(weights.weights)


def test_side_by_side_holds_a_column_a_strategy(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    app = counted(opened(sample, monkeypatch))
    app.session_state["mixing-compare"] = True
    app.run()
    frame = table(app, "Uniform")
    assert list(frame.columns) == ["Cluster", "Natural", "Uniform", "Temperature", "Balanced", "Custom", "Goal"]
    assert list(frame["Cluster"])[:3] == ["Effective clusters", "Most epochs", "Predicted loss"]
    assert set(frame["Uniform"][3:]) == {f"{100 / (len(frame) - 3):.1f}%"}


def test_files_and_command_are_the_same(sample: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    app = opened(sample, monkeypatch, "custom")
    mix: Mix = app.session_state["session"].drafts.get(Mix)
    mix.change(Change(1, value=0.2))
    app.session_state["mixing-commands"] = True
    app.number_input(key="mixing-floor").set_value(6.0).run()  # above what some would get
    command, draw = app.code[0].value.split("\n")
    assert shlex.split(draw)[1:3] == ["mix", "sample"]
    from app.views.mixing.mix_settings import mix_weights

    weights = mix_weights(sample, sample.taxonomy(), mix)
    words = shlex.split(command)[1:-1]
    for form, _, name, _ in FILES:
        path = tmp_path / name
        completed = run(*words, path, "--format", form)
        assert completed.returncode == 0, completed.stderr
        assert path.read_bytes() == file_bytes(sample.taxonomy(), weights, form), form


def test_hostile_names_stay_text(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    domains = domains_of(sample, sample.taxonomy())
    edit(sample, Rename("cluster", domains.numbers[int(np.argmin(domains.natural))], HOSTILE))
    app = counted(opened(sample, monkeypatch, "uniform"))
    assert HOSTILE in list(table(app)["Cluster"])
    assert not re.search(r"(?<!\\)<img", "\n".join(str(element.value) for element in (*app.markdown, *app.caption)))
    assert "\\<img" in all_text(app)


def test_imported_runs_become_evidence_or_are_refused(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.views.mixing import import_runs

    domains = domains_of(sample, sample.taxonomy())
    mixtures = sample_mixtures(domains.natural, 40, seed=1)
    header = ",".join(["index", *(f'"{n} {name}"' for n, name in zip(domains.numbers, domains.names, strict=True))])
    rows = "\n".join(f"{i}," + ",".join(map(repr, row)) for i, row in enumerate(mixtures.tolist()))
    losses = "index,web\n" + "\n".join(f"{i},{5 - 2 * row[0]}" for i, row in enumerate(mixtures.tolist()))
    session = Session(sample.root)
    files = [SimpleNamespace(getvalue=lambda text=text: text.encode()) for text in (f"{header}\n{rows}\n", losses)]
    others = SimpleNamespace(getvalue=lambda: ("index,a,b\n" + "".join(f"{i},0.5,0.5\n" for i in range(40))).encode())
    with pytest.raises(InputError, match=r"must have the \d+ clusters of this taxonomy"):
        import_runs._import_uploads(session, others, files[1], "all")
    weights = import_runs._import_uploads(session, *files, "all")
    assert (weights.evidence["n_runs"], weights.evidence["target"]) == (40, "web")
    app = opened(sample, monkeypatch, "regmix")
    assert weights_shown(app, domains) == pytest.approx(weights.weights)
    both = "index,web,code\n" + "".join(f"{i},{row[0]},{1 - row[0]}\n" for i, row in enumerate(mixtures.tolist()))
    scores = SimpleNamespace(getvalue=both.encode)
    import_runs._import_uploads(session, files[0], scores, "web", higher=True, unit="accuracy")
    app.session_state["mixing-explore-runs"] = True
    app.segmented_control(key="mixing_view").set_value("Runs").run()
    assert not app.exception
    assert "40 runs, 2 targets in accuracy, higher is better" in all_text(app)
    assert "runs are not beaten in both targets" in all_text(app)
    assert f"Strongest: {domains.numbers[0]} {plain(domains.names[0])} on " in all_text(app)


def test_token_sizes_have_units() -> None:
    assert (token_size(83_159), token_size(5), token_size(83_159, 83_159)) == ("83.2k", "5", "83.2k, entire corpus")
    assert token_size(10_000_000_000) == "10B"


def test_the_mix_is_saved_exported_and_restored_in_a_new_session(
    sample: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from app.views.export.files import FILES as EXPORTED
    from app.views.mixing.mix_settings import mix_weights

    app = opened(sample, monkeypatch)
    assert saved_mix(sample, sample.taxonomy()) is None, "an untouched mix is not saved"
    app.radio[0].set_value("temperature").run()
    app.slider(key="mixing-tau").set_value(0.2).run()
    total = int(domains_of(sample, sample.taxonomy()).tokens.sum())
    app.text_input(key=f"mixing-budget-{total}").set_value("10B").run()
    app.text_input(key="mixing-pool").set_value("5e12").run()
    app.number_input(key="mixing-epochs").set_value(4.0).run()
    assert "These limits cannot be met" not in all_text(app)
    mix: Mix = app.session_state["session"].drafts.get(Mix)
    expected = file_bytes(sample.taxonomy(), mix_weights(sample, sample.taxonomy(), mix), "csv")
    again = opened(sample, monkeypatch)  # a new session, as after F5
    restored: Mix = again.session_state["session"].drafts.get(Mix)
    assert restored.to_settings() == mix.to_settings()
    assert again.radio[0].value == "temperature"
    assert again.number_input(key="mixing-epochs").value == 4.0
    assert run("export", sample.root, "--out", tmp_path / "out").returncode == 0
    assert (tmp_path / "out" / "weights.csv").read_bytes() == expected
    file = next(file for file in EXPORTED if file.name == "weights.csv")
    assert file.content(sample, sample.taxonomy(), False) == expected


def test_a_damaged_saved_mix_is_named_and_no_export_passes_over_it(
    sample: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    app = opened(sample, monkeypatch)
    app.radio[0].set_value("uniform").run()
    (path,) = sample.root.glob("mixing/*/current-mix.json")
    path.write_text("{")
    completed = run("export", sample.root, "--out", tmp_path / "out")
    assert completed.returncode == 2
    assert "The saved mix must be whole; got " in completed.stderr
    assert not (tmp_path / "out" / "weights.csv").exists()
    again = opened(sample, monkeypatch)
    assert "The saved mix must be whole" in all_text(again).replace("\\", "")
    again.radio[0].set_value("uniform").run()
    mix = saved_mix(sample, sample.taxonomy())
    assert mix is not None
    assert mix.strategy == "uniform"


def test_without_a_pool_a_large_budget_names_the_way_out(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(sample, monkeypatch)
    total = int(domains_of(sample, sample.taxonomy()).tokens.sum())
    app.text_input(key=f"mixing-budget-{total}").set_value("ten").run()
    assert "Use 10e9, 10B or 300M" in all_text(app)
    app.text_input(key=f"mixing-budget-{total}").set_value("10e9").run()
    app.number_input(key="mixing-epochs").set_value(4.0).run()
    assert f"this sample has {total:,} tokens" in all_text(app)
    app.text_input(key="mixing-pool").set_value("x1000000").run()
    assert "These limits cannot be met" not in all_text(app)


def test_a_goal_is_stated_on_the_screen(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    domains = domains_of(sample, sample.taxonomy())
    app = counted(opened(sample, monkeypatch, "goal"))
    app.number_input(key="mixing-epochs").set_value(1.0).run()  # every cluster once: nothing can be won
    assert "of the best possible by these token probabilities: nothing to optimize" in all_text(app).replace("\\", "")
    app.number_input(key="mixing-epochs").set_value(None).run()
    app.multiselect(key="mixing-goal-parts").set_value([("cluster", domains.numbers[2])]).run()
    app.text_input(key="mixing-goal-name").set_value("third").run()
    app.button(key="mixing-goal-save").click().run()
    assert app.selectbox(key="mixing-goal-2").value == "third", "the new goal is chosen"
    assert not app.exception
    weights = weights_by(sample, sample.taxonomy(), "goal", goal="third")
    assert weights_shown(app, domains) == pytest.approx(weights.weights)
    assert "(predicted)" in all_text(app).replace("\\", "")
    app.slider(key="mixing-part").set_value(0.0).run()
    assert weights_shown(app, domains) == pytest.approx(domains.natural)

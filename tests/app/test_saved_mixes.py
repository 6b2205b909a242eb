"""Mixing: a mix is a named object that is saved, undone, linked and exported with the same bytes everywhere."""

import base64
import hashlib
import html
import io
import json
import re
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app.components.share_editor import Change
from app.data import cached_results, map_data
from app.jobs import runner
from app.shell.mix_codec import decode_mix, encode_mix
from app.views.mixing.custom_weights import change_group_weight, change_inside_group, group_members
from app.views.mixing.mix_settings import Mix
from gem_core.export import report_html
from gem_core.export.saved_mix import mix_names, save_mix, saved_mix
from gem_core.mixing import Limits
from gem_core.mixing.goals import Goal
from gem_core.pipeline import Merge, Rename, edit
from gem_core.pipeline.mixing.domains import domains_of
from gem_core.pipeline.mixing.goal_store import goal_names, read_goal, save_goal
from gem_core.pipeline.mixing.strategies import weights_by
from gem_core.pipeline.mixing.weights_file import read_weights
from gem_core.workspace import Workspace
from gem_core.workspace.mixing_runs import Mixes
from tests.app.test_mixing import all_text, file_bytes, opened, weights_shown
from tests.helpers.cli_process import run


def mix_of(app: AppTest) -> Mix:
    mix: Mix = app.session_state["session"].drafts.get(Mix)
    return mix


def save_as(app: AppTest, name: str) -> None:
    app.text_input(key=f"mixing-save-name-{mix_of(app).name}").set_value(name).run()
    app.button(key="mixing-save").click().run()
    assert not app.exception
    assert mix_of(app).name == name


def test_a_mix_is_saved_by_name_changed_loaded_and_exported_byte_for_byte(
    sample: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from app.views.export.files import everything

    app = opened(sample, monkeypatch, "temperature")
    app.slider(key="mixing-tau").set_value(0.2).run()
    save_as(app, "flat mix")
    weights = saved_mix(sample, sample.taxonomy(), "flat mix")
    assert weights is not None
    expected = file_bytes(sample.taxonomy(), weights, "csv")
    app.radio[0].set_value("uniform").run()
    assert mix_names(sample, sample.taxonomy()) == ("flat mix",)
    app.selectbox(key="mixing-saved-0-flat mix").set_value("").run()
    app.selectbox(key="mixing-saved-0-flat mix").set_value("flat mix").run()
    assert (app.radio[0].value, mix_of(app).tau) == ("temperature", 0.2)
    assert weights_shown(app, domains_of(sample, sample.taxonomy())) == pytest.approx(weights.weights)
    with zipfile.ZipFile(io.BytesIO(everything(sample))) as archive:
        assert archive.read("weights.csv") == expected
        receipt = json.loads(archive.read("receipt.json"))
    assert (
        receipt["mix"]["weights_csv_sha256"] == receipt["files"]["weights.csv"] == hashlib.sha256(expected).hexdigest()
    )
    assert (receipt["mix"]["strategy"], receipt["mix"]["tau"]) == ("temperature", 0.2)
    link = re.search(
        r'href="data:text/csv;base64,([^"]+)" download="weights.csv"', report_html(sample, sample.taxonomy())
    )
    assert link is not None
    assert base64.b64decode(html.unescape(link[1])) == expected, "the report carries the same file"
    completed = run("mix", "weights", sample.root, "--mix", "flat mix", "--out", tmp_path / "weights.csv")
    assert completed.returncode == 0, completed.stderr
    assert (tmp_path / "weights.csv").read_bytes() == expected
    app.button(key="mixing-delete").click().run()
    assert mix_names(sample, sample.taxonomy()) == ()
    assert app.radio[0].value == "temperature", "the settings on screen stay"


def test_changes_of_a_mix_are_undone_and_redone(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(sample, monkeypatch, "custom")
    mix = mix_of(app)
    before = mix.own.shares
    mix.change(Change(0, value=0.4))
    app.run()
    app.number_input(key="mixing-epochs").set_value(4.0).run()
    app.button(key="mixing-undo").click().run()
    assert app.number_input(key="mixing-epochs-1").value is None
    assert mix.own.shares[0] == pytest.approx(0.4)
    app.button(key="mixing-undo").click().run()
    assert mix.own.shares == pytest.approx(before)
    app.button(key="mixing-undo").click().run()
    assert app.radio[0].value == "natural"
    for _ in range(3):
        app.button(key="mixing-redo").click().run()
    assert mix.own.shares[0] == pytest.approx(0.4)
    assert app.number_input(key=f"mixing-epochs-{mix.revision}").value == 4.0
    current = saved_mix(sample, sample.taxonomy())
    assert current is not None
    assert current.weights[0] == pytest.approx(0.4)


def test_a_link_carries_the_mix_to_a_new_session(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(sample, monkeypatch, "custom")
    assert "mix" in app.query_params
    mix_of(app).change(Change(1, value=0.3))
    app.number_input(key="mixing-floor").set_value(2.0).run()
    link, weights = app.query_params["mix"], weights_shown(app, domains_of(sample, sample.taxonomy()))
    app.radio[0].set_value("uniform").run()  # the workspace goes on, the link does not
    monkeypatch.setattr(sys, "argv", ["main.py", "--workspace", str(sample.root)])
    other = AppTest.from_file(str(Path("app/main.py").resolve()), default_timeout=120)
    other.query_params["mix"] = link
    other.run().switch_page("views/mixing/page.py").run()
    assert not other.exception
    assert (other.radio[0].value, mix_of(other).floor) == ("custom", 0.02)
    assert weights_shown(other, domains_of(sample, sample.taxonomy())) == pytest.approx(weights)
    other.button(key="mixing-undo").click().run()
    assert other.radio[0].value == "uniform", "the mix before the link can be brought back"


def test_a_link_with_a_file_or_a_part_out_of_range_is_refused() -> None:
    for settings in (
        {"strategy": "goal", "pool": "totals.json"},
        {"strategy": "natural", "tau": 3.0},
        {"strategy": "x"},
    ):
        with pytest.raises(ValueError, match="a "):
            decode_mix(encode_mix(settings))
    fixed = {"strategy": "custom", "fixed": {"3": 0.25}, "budget": 1e10}
    assert decode_mix(encode_mix(fixed)) == {"strategy": "custom", "fixed": {3: 0.25}, "budget": 1e10}


def test_a_saved_mix_has_a_file_name_and_an_unknown_one_names_the_others(sample: Workspace, tmp_path: Path) -> None:
    weights = weights_by(sample, sample.taxonomy(), "uniform")
    with pytest.raises(Exception, match="The name of a mix has"):
        save_mix(sample, weights, {}, "../up")
    save_mix(sample, weights, {}, "even")
    with pytest.raises(Exception, match="Saved mixes: even"):
        saved_mix(sample, sample.taxonomy(), "odd")


def test_a_group_is_weighted_then_the_clusters_inside(sample: Workspace) -> None:
    domains = domains_of(sample, sample.taxonomy())
    groups = list(group_members(sample.taxonomy(), domains).values())
    mix = Mix("key")
    mix.start(tuple(domains.natural.tolist()), set())
    first = next(at for at, members in enumerate(groups) if len(members) > 1)
    change_group_weight(mix, groups, Change(first, value=0.5), domains.natural)
    shares, inside = np.array(mix.own.shares), domains.natural[groups[first]]
    assert shares[groups[first]] == pytest.approx(0.5 * inside / inside.sum())
    assert shares.sum() == pytest.approx(1)
    change_inside_group(mix, groups[first], Change(0, value=0.8))
    shares = np.array(mix.own.shares)
    assert shares[groups[first][0]] == pytest.approx(0.4)
    assert shares[groups[first]].sum() == pytest.approx(0.5)
    change_inside_group(mix, groups[first], Change(0, lock=True))
    change_group_weight(mix, groups, Change(first, value=0.1), domains.natural)
    assert np.array(mix.own.shares)[groups[first]].sum() == pytest.approx(0.5), "a locked cluster holds its group"
    assert dict(mix.fixed(domains))[domains.numbers[groups[first][0]]] == pytest.approx(0.4)


def test_the_table_has_a_total_and_group_rows(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(sample, monkeypatch, "uniform")
    domains = domains_of(sample, sample.taxonomy())
    app.segmented_control(key="mixing-rows").set_value("Groups").run()
    assert not app.exception
    mix_table = next(frame.value for frame in app.dataframe if "Mix tokens" in frame.value.columns).set_index("Cluster")
    total = int(domains.tokens.sum())
    assert mix_table.loc["Total", ["Weight", "Ratio", "Mix tokens", "Epochs"]].tolist() == pytest.approx(
        [100, 1, total, 1]
    )
    for group in sample.taxonomy().groups:
        children = [f"\u2003{sample.taxonomy().cluster(number).label}" for number in group.children]
        for column in ("Weight", "Natural share", "Available tokens", "Mix tokens"):
            assert mix_table.loc[group.label, column] == pytest.approx(mix_table.loc[children, column].sum()), column


def test_saved_mixes_stand_side_by_side(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("uniform", "balanced"):
        save_mix(sample, weights_by(sample, sample.taxonomy(), name), {"strategy": name}, f"my {name}")  # type: ignore[arg-type]
    app = opened(sample, monkeypatch)
    app.session_state["mixing-compare"] = True
    app.run()
    assert not app.exception
    mix_table = next(frame.value for frame in app.dataframe if "my uniform" in frame.value.columns).set_index("Cluster")
    assert list(mix_table.columns) == ["Mix on screen", "my balanced", "my uniform", "Natural"]
    domains = domains_of(sample, sample.taxonomy())
    assert set(mix_table.loc[list(domains.names), "my uniform"]) == {f"{100 / len(domains.numbers):.1f}%"}
    assert mix_table.loc["Effective clusters", "my uniform"] == f"{len(domains.numbers):.1f}"


def test_a_goal_of_a_group_and_a_validation_file_is_stated_on_the_screen(
    sample: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    domains, taxonomy = domains_of(sample, sample.taxonomy()), sample.taxonomy()
    group = max(taxonomy.groups, key=lambda group: len(group.children))
    app = opened(sample, monkeypatch, "goal")
    app.multiselect(key="mixing-goal-parts").set_value([("group", group.number)]).run()
    text = "The patient took the medicine twice a day until the fever was gone. " * 30
    app.file_uploader(key="mixing-goal-files").set_value([("ward notes.txt", text.encode(), "text/plain")]).run()
    app.slider(key="mixing-goal-natural").set_value(0.2).run()
    app.text_input(key="mixing-goal-name").set_value("ward").run()
    app.button(key="mixing-goal-save").click().run()
    assert not app.exception
    goal = read_goal(sample, domains, "ward")
    assert set(goal.clusters) == set(group.children)
    assert goal.natural == 0.2
    (path,) = map(Path, goal.files)
    assert (path.name, path.read_text(), path.is_relative_to(sample.root)) == ("ward-notes.txt", text, True)
    shares = goal.shares(domains.numbers, domains.natural)
    assert shares[-1] == pytest.approx(0.4)
    assert "40% ward-notes.txt" in all_text(app).replace("\\", "")
    assert "(predicted)" in all_text(app).replace("\\", "")


def test_a_rename_keeps_mixes_and_goals_and_a_merge_does_not(sample: Workspace) -> None:
    domains = domains_of(sample, sample.taxonomy())
    weights = weights_by(sample, sample.taxonomy(), "uniform")
    save_mix(sample, weights, {"strategy": "uniform"})
    save_mix(sample, weights, {"strategy": "uniform"}, "even")
    save_goal(sample, domains, Goal("first", {domains.numbers[0]: 1.0}, 0.5))
    edit(sample, Rename("cluster", domains.numbers[0], "Another name"))
    taxonomy = sample.taxonomy()
    assert taxonomy.taxonomy_hash != weights.taxonomy_hash
    current = saved_mix(sample, taxonomy)
    assert current is not None
    assert (current.taxonomy_hash, current.weights.tolist()) == (taxonomy.taxonomy_hash, weights.weights.tolist())
    assert mix_names(sample, taxonomy) == ("even",)
    assert goal_names(sample, domains_of(sample, taxonomy)) == ("first",)
    assert read_goal(sample, domains_of(sample, taxonomy), "first").natural == 0.5
    edit(sample, Merge(domains.numbers[:2]))
    assert saved_mix(sample, sample.taxonomy()) is None
    assert (mix_names(sample, sample.taxonomy()), goal_names(sample, domains_of(sample, sample.taxonomy()))) == ((), ())


def test_searches_and_checks_show_trained_figures_and_start_for_the_goal(
    sample: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    domains = domains_of(sample, sample.taxonomy())
    save_goal(sample, domains, Goal("first", {domains.numbers[0]: 1.0}, 0.5))
    proposal = dict(zip(map(str, domains.numbers), np.roll(domains.natural, 1).tolist(), strict=True))
    trained = {
        "target": "first",
        "verdict": "Better than natural by 0.210 ± 0.010 nats per token on the goal",
        "seeds": 3,
        "natural_loss": 5.5,
        "mixture_loss": 5.29,
        "parts": [0.5, 1.0],
        "first_gains": [0.1, 0.2],
        "part": 1.0,
        "gain": 0.21,
        "error": 0.01,
        "price": 0.024,
        "price_error": 0.002,
        "weights": proposal,
    }
    mixes = Mixes(sample.root, domains.taxonomy_hash)
    runs = [domains.natural.tolist()] * 3
    mixes.write_evidence(
        "regmix", {}, {**trained, "proposal": proposal, "mixtures": runs, "noise": 0.004, "law_error_at_natural": 0.01}
    )
    started: list[list[str]] = []
    monkeypatch.setattr(runner, "start", lambda title, arguments, root: started.append(arguments))
    app = opened(sample, monkeypatch, "uniform", view="Runs")
    words = all_text(app).replace("\\", "")
    assert "Better than natural by 0.210" in words
    assert "Corpus loss +0.0240 ± 0.0020" in words
    assert "Outside the range of the runs" in words
    app.selectbox(key="mixing-run-goal-corpus-first").set_value("first").run()
    app.button(key="mixing-run-start-search").click().run()
    app.button(key="mixing-run-start-verify").click().run()
    assert not app.exception
    assert started[0][1:] == ["search", str(sample.root), "--seed", "0", "--goal", "first"]
    file = read_weights(Path(started[1][-1]))
    assert list(file.weights.values()) == pytest.approx([1 / len(domains.numbers)] * len(domains.numbers))


def test_the_map_is_colored_by_the_mix(sample: Workspace) -> None:
    assert not set(map_data.MIX_VALUES) & set(cached_results.color_choices(sample, sample.taxonomy()))
    domains = domains_of(sample, sample.taxonomy())
    fixed = {domains.numbers[0]: 0.5}
    limits = Limits(float(domains.tokens.sum()))
    weights = weights_by(sample, sample.taxonomy(), "custom", fixed=fixed, limits=limits)
    save_mix(sample, weights, {"strategy": "custom"})
    assert set(map_data.MIX_VALUES) <= set(cached_results.color_choices(sample, sample.taxonomy()))
    for choice, values in zip(map_data.MIX_VALUES, (weights.weights, weights.ratio, weights.epochs), strict=True):
        coloring = cached_results.coloring(sample, sample.taxonomy(), choice)
        assert coloring.values is not None
        level = (values - values.min()) / (values.max() - values.min())
        assert coloring.values == pytest.approx(level[domains.positions])
    assert coloring.legend == ("Mix epochs", f"{weights.epochs.min():.2f}", f"{weights.epochs.max():.2f}")
    save_mix(sample, weights_by(sample, sample.taxonomy(), "uniform"), {"strategy": "uniform"})
    uniform = cached_results.coloring(sample, sample.taxonomy(), "Mix weight")
    assert uniform.values == pytest.approx(0.0), "it follows the mix"

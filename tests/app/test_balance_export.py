"""Balance and Export: what a draft shows, what Apply and Undo leave, what the files hold."""

import hashlib
import io
import json
import sys
import zipfile
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from app.charts import balance as balance_charts
from app.views.export.files import FILES, everything
from gem_core.pipeline import Rename, align_target_shares, edit, ensure_path, fit_taxonomy, preview
from gem_core.pipeline.compare.path_effects import strength_effect
from gem_core.workspace import Workspace
from tests.helpers.screen import APP, opened, table, words

INF = float("inf")


@pytest.fixture
def balance(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    return opened(sample.root, monkeypatch, "balance", timeout=240)


def measures(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def test_what_is_applied_is_shown_before_anything_moves(balance: AppTest, sample: Workspace) -> None:
    shares = [c.share_documents for c in sample.taxonomy().clusters]
    assert measures(balance)["Largest"] == f"{100 * max(shares):.1f}%"
    assert measures(balance)["Documents moved"] == "0"
    assert "No changes. Adjust a setting" in words(balance)
    assert balance.button(key="balance-apply").disabled
    assert balance.button(key="balance-undo").disabled


def test_a_penalty_sets_the_strength_and_follows_it(balance: AppTest, sample: Workspace) -> None:
    fit = sample.taxonomy().fit

    def penalty_input() -> Any:
        return next(each for each in balance.number_input if each.label == "Penalty")

    assert penalty_input().value == pytest.approx(fit.penalty)
    penalty_input().set_value(2 * fit.penalty).run()
    assert not balance.exception
    assert balance.select_slider[0].value == pytest.approx(2.0)
    balance.select_slider[0].set_value(INF).run()
    assert penalty_input().value is None


def test_a_stronger_balance_evens_the_shares_and_lists_who_moves(balance: AppTest, sample: Workspace) -> None:
    assert "Strength 1 against 0: splits no cluster." in words(balance)
    balance.select_slider[0].set_value(INF).run()
    draft_preview = preview(sample, sample.taxonomy(), replace(sample.taxonomy().settings, strength=INF))
    effect = strength_effect(sample, sample.taxonomy(), draft_preview.fit)
    assert "Strength exact against 0: " in words(balance)
    assert f"% of {effect.splits[0][0]} to {effect.splits[0][1]}" in words(balance)
    assert f"ARI {effect.ari[0]:.3f} → {effect.ari[1]:.3f}" in words(balance)
    assert measures(balance)["Largest"] == f"{100 * draft_preview.shares.max():.1f}%"
    assert measures(balance)["Agreement with current"] == f"{draft_preview.ari:.3f}"
    assert measures(balance)["Documents moved"] == f"{len(draft_preview.moved_rows):,}"
    moved_table = table(balance, "balance-moved")
    labels = [c.label for c in sample.taxonomy().clusters]
    texts = sample.texts(draft_preview.moved_rows.tolist())
    assert [str(line)[:40] for line in moved_table["Document"]] == [" ".join(text.split())[:40] for text in texts]
    assert list(moved_table["New margin"]) == pytest.approx(draft_preview.assignment.margin[draft_preview.moved_rows])
    assert list(moved_table["New margin"]) == sorted(moved_table["New margin"]), "least sure first"
    assert list(moved_table["From"]) == [
        labels[k] for k in sample.taxonomy().documents["cluster_id"].iloc[draft_preview.moved_rows]
    ]
    assert list(moved_table["To"]) == [labels[k] for k in draft_preview.assignment.labels[draft_preview.moved_rows]]
    assert list(moved_table["From"]) != list(moved_table["To"])
    balance.session_state["balance-objective"] = True
    assert "The objective converges to" in words(balance.run())
    balance.button(key="balance-reset").click().run()
    assert measures(balance)["Documents moved"] == "0"


def test_a_long_path_is_offered_as_a_job_while_previews_go_on(
    sample: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_path(sample)
    (sample.taxonomy().folder / "path.npz").unlink()
    monkeypatch.setattr("app.views.balance.missing_path.LONGEST_WAIT", 0.0)
    app = opened(sample.root, monkeypatch, "balance")
    assert not sample.taxonomy().has_path
    assert not app.button(key="balance_path_start").disabled
    app.select_slider[0].set_value(INF).run()
    assert not app.exception
    assert measures(app)["Documents moved"] != "0"
    assert "No balance path yet" in words(app)


def test_progress_of_a_path_counts_all_its_fits_once(sample: Workspace) -> None:
    taxonomy = ensure_path(sample)
    (taxonomy.folder / "path.npz").unlink()
    steps: list[tuple[int, int]] = []
    ensure_path(
        sample, progress=lambda step, completed, total: steps.append((completed, total)) if step == "path" else None
    )
    assert {total for _, total in steps} == {16}
    assert [completed for completed, _ in steps] == sorted(completed for completed, _ in steps)
    assert steps[-1][0] == 16


def test_apply_commits_undo_returns_and_redo_goes_forward(balance: AppTest, sample: Workspace) -> None:
    before = sample.taxonomy()
    balance.select_slider[0].set_value(INF).run()
    balance.button(key="balance-apply").click().run()
    assert not balance.exception
    applied = sample.taxonomy()
    assert applied.settings == replace(before.settings, strength=INF)
    assert applied.has_path
    assert max(c.share_documents for c in applied.clusters) < max(c.share_documents for c in before.clusters)
    balance.run()
    assert "strength exact" in words(balance)
    assert "No changes." in words(balance)
    balance.button(key="balance-undo").click().run()
    assert sample.taxonomy().key == before.key
    balance.button(key="balance-redo").click().run()
    assert sample.taxonomy().key == applied.key


def test_more_clusters_than_documents_says_so_and_the_controls_stay(balance: AppTest, sample: Workspace) -> None:
    balance.number_input[0].set_value(5_000).run()
    assert "between 1 and the number of documents" in words(balance)
    assert measures(balance)["Documents moved"] == "0"
    balance.number_input[0].set_value(sample.taxonomy().settings.n_clusters + 2).run()
    balance.session_state["balance-numbers"] = True
    balance.run()
    table = next(frame.value for frame in balance.dataframe if "Applied" in frame.value)
    assert [name.split(",")[0] for name in table["Cluster"][-2:]] == ["New 12", "New 13"]
    assert list(table["Number"])[-2:] == [12, 13]
    assert sorted(table["Number"])[:12] == [c.number for c in sample.taxonomy().clusters]
    assert table["Preview"].sum() == pytest.approx(1) == pytest.approx(table["Applied"].sum())


def test_own_shares_reach_the_clusters_they_name(sample: Workspace) -> None:
    taxonomy = sample.taxonomy()
    k = len(taxonomy.clusters)
    smallest = int(np.argmin([c.documents for c in taxonomy.clusters]))
    wish = np.full(k, 0.8 / (k - 1))
    wish[smallest] = 0.2
    for seed in range(1, 9):  # another start: for some of these another order
        settings = replace(taxonomy.settings, strength=INF, target=tuple(wish), seed=seed)
        own = align_target_shares(sample, taxonomy, settings)
        if own.target != settings.target:
            break
    assert own.target != settings.target
    draft_preview = preview(sample, taxonomy, settings)
    assert draft_preview.shares[smallest] == pytest.approx(0.2, abs=0.01)
    applied = fit_taxonomy(sample, own)
    assert applied.clusters[smallest].mass == pytest.approx(0.2, abs=1e-4)
    old = set(taxonomy.documents.index[taxonomy.documents["cluster_id"] == smallest])
    new = set(applied.documents.index[applied.documents["cluster_id"] == smallest])
    assert len(old & new) > 0.5 * len(old)
    path = ensure_path(sample).path
    fitted = sample.taxonomy(applied.base)  # the path counts its clusters as the fit did
    there = int(np.bincount(fitted.positions[applied.documents["cluster_id"].to_numpy() == smallest]).argmax())
    assert path.masses[-1][there] == pytest.approx(0.2, abs=1e-4)


def test_shares_pair_across_another_number_of_clusters(sample: Workspace) -> None:
    taxonomy = sample.taxonomy()
    draft_preview = preview(sample, taxonomy, replace(taxonomy.settings, n_clusters=len(taxonomy.clusters) - 3))
    assert sorted(draft_preview.origin) == sorted(set(draft_preview.origin))
    assert draft_preview.origin.min() >= 0
    unmoved = taxonomy.documents["cluster_id"].to_numpy() == draft_preview.origin[draft_preview.assignment.labels]
    assert len(draft_preview.moved_rows) == int((~unmoved).sum())
    assert not unmoved[draft_preview.moved_rows].any()


def test_the_index_of_agreement_is_the_adjusted_rand_index(sample: Workspace) -> None:
    from sklearn.metrics import adjusted_rand_score

    taxonomy = sample.taxonomy()
    draft_preview = preview(sample, taxonomy, replace(taxonomy.settings, strength=16.0))
    assert draft_preview.ari == pytest.approx(
        adjusted_rand_score(taxonomy.documents["cluster_id"], draft_preview.assignment.labels), abs=1e-12
    )


def test_shares_in_tokens_count_tokens(sample: Workspace) -> None:
    draft_preview = preview(sample, sample.taxonomy(), replace(sample.taxonomy().settings, weighting="tokens"))
    tokens = sample.documents["tokens"].to_numpy()
    own = np.array([tokens[draft_preview.assignment.labels == k].sum() for k in range(len(draft_preview.shares))])
    assert draft_preview.shares == pytest.approx(own / tokens.sum())
    assert draft_preview.present == pytest.approx([c.share_tokens for c in sample.taxonomy().clusters])


def test_names_in_charts_cannot_be_markup() -> None:
    figure = balance_charts.shares([balance_charts.ShareRow("<b>x</b>", "#112233", 0.4, 0.5, 0.5)], changed=True)
    assert "&lt;b&gt;x" in figure.to_json().replace("\\u003c", "<").replace("\\u0026", "&")
    assert "<b>x" not in str(figure.layout.yaxis.ticktext)


def test_strength_axis_sets_zero_and_exact_apart() -> None:
    grid = np.array([0.0, 0.1, 1.0, 10.0, INF])
    assert balance_charts.axis_places(grid, grid).tolist() == [-1.4, -1.0, 0.0, 1.0, 1.4]


def test_export_files_can_be_read_back(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(sample, Rename("cluster", 0, "=HYPERLINK(1)"))
    monkeypatch.setattr(sys, "argv", ["main.py", "--workspace", str(sample.root)])
    app = AppTest.from_file(str(APP / "main.py"), default_timeout=60).run()
    app.switch_page("views/export/page.py").run()
    assert not app.exception
    assert app.code[0].value.startswith("gem-explorer fit")
    assert app.dataframe[0].value["label"].iloc[0] == "'=HYPERLINK(1)"
    taxonomy = sample.taxonomy()
    contents = {file.name: file.content(sample, taxonomy, False) for file in FILES}
    table = pd.read_csv(io.BytesIO(contents["taxonomy.csv"]))
    assert table["label"].iloc[0] == "'=HYPERLINK(1)"
    assert table["documents"].sum() == len(sample)
    rows = pd.read_csv(io.BytesIO(contents["assignments.csv"]))
    assert list(rows["cluster_id"]) == list(taxonomy.documents["cluster_id"])
    assert list(pd.read_parquet(io.BytesIO(contents["assignments.parquet"]))["id"]) == list(rows["id"])
    assert pd.read_csv(io.BytesIO(contents["weights.csv"]))["weight"].sum() == pytest.approx(1)
    assert json.loads(contents["receipt.json"])["taxonomy_hash"] == taxonomy.taxonomy_hash
    with zipfile.ZipFile(io.BytesIO(everything(sample))) as archive:
        assert sorted(archive.namelist()) == sorted(contents)
        assert archive.read("taxonomy.csv") == contents["taxonomy.csv"]
        assert archive.read("receipt.json") == contents["receipt.json"]
        hashes = json.loads(contents["receipt.json"])["files"]
        assert hashes == {
            name: hashlib.sha256(content).hexdigest() for name, content in contents.items() if name != "receipt.json"
        }

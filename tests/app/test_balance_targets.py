"""Balance: the target editor, the suggested strength, and the list of documents that would move."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app.components.share_editor import Change, ShareLine, read_change, scale_of
from app.components.share_editor.own_shares import OwnShares
from app.views.balance.draft import BalanceDraft
from gem_core.clustering import suggest_strength
from gem_core.pipeline import Pin, Rename, edit, ensure_path, explain_moves, natural_shares, preview
from gem_core.workspace import Workspace
from tests.helpers.screen import opened, table, words

INF = float("inf")


@pytest.fixture
def balance(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    ensure_path(sample)
    return opened(sample.root, monkeypatch, "balance", timeout=240)


def measures(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def draft(app: AppTest) -> Any:
    return app.session_state["session"].drafts.get(BalanceDraft)


def keyed(items: Any, start: str) -> Any:
    """The widget whose key begins so; the round of the draft ends it."""
    return next(item for item in items if str(item.key).startswith(start))


def choose(app: AppTest, kind: str) -> None:
    keyed(app.button_group, "balance-target-").set_value(kind).run()
    assert not app.exception


def moving(app: AppTest) -> Any:
    return table(app, "balance-moved")


def test_a_floor_lifts_the_smallest_and_can_be_applied(balance: AppTest, sample: Workspace) -> None:
    choose(balance, "floor")
    floor = keyed(balance.number_input, "balance-floor-")
    assert (floor.value, floor.max) == (4.2, 8.33)
    floor.set_value(7.5).run()
    balance.select_slider[0].set_value(INF).run()
    assert draft(balance).settings.target == "floor:0.075"
    draft_preview = preview(sample, sample.taxonomy(), draft(balance).settings)
    assert draft_preview.fit.masses.min() == pytest.approx(0.075, abs=1e-6)
    assert measures(balance)["Smallest"] == f"{100 * draft_preview.shares.min():.1f}%"
    balance.button(key="balance-apply").click().run()
    assert not balance.exception
    assert sample.taxonomy().settings.target == "floor:0.075"
    balance.run()
    assert keyed(balance.number_input, "balance-floor-").value == 7.5
    assert "No changes." in words(balance)
    balance.button(key="balance-undo").click().run()
    assert sample.taxonomy().settings.target == "uniform"


def test_own_shares_start_natural_and_renormalise_around_locks(balance: AppTest, sample: Workspace) -> None:
    choose(balance, "own")
    natural = natural_shares(sample, sample.taxonomy())
    assert draft(balance).settings.target == pytest.approx(natural)
    own = draft(balance).own
    own.change(Change(3, lock=True))
    locked_share = own.shares[3]
    own.change(Change(0, value=0.4))
    balance.run()
    shares = np.array(draft(balance).settings.target)
    assert shares[[0, 3]].tolist() == pytest.approx([0.4, locked_share])
    assert shares.sum() == pytest.approx(1)
    draft_preview = preview(sample, sample.taxonomy(), draft(balance).settings)
    assert measures(balance)["Largest"] == f"{100 * draft_preview.shares.max():.1f}%"
    keyed(balance.button, "balance-own-equal-").click().run()
    assert draft(balance).settings.target == pytest.approx([1 / 12] * 12)
    assert not any(draft(balance).own.locked)
    keyed(balance.button, "balance-own-natural-").click().run()
    assert draft(balance).settings.target == pytest.approx(natural)
    balance.button(key="balance-reset").click().run()
    assert draft(balance).settings == sample.taxonomy().settings


def test_a_share_beyond_what_the_locks_leave_is_cut_and_said() -> None:
    own = OwnShares()
    own.start((0.5, 0.3, 0.2))
    own.change(Change(0, lock=True))
    own.change(Change(1, value=0.9))
    assert own.shares == pytest.approx((0.5, 0.5, 0.0))
    assert own.note == "At most 50.0%: locked shares take the rest."
    own.change(Change(0, value=0.1))
    assert own.shares == pytest.approx((0.5, 0.5, 0.0))
    assert own.note.startswith("A share that is set must not be locked")
    own.change(Change(0, lock=False))
    own.change(Change(0, value=-3.0))
    assert own.shares == pytest.approx((0.0, 1.0, 0.0))
    assert own.note == ""


@pytest.mark.parametrize(
    ("message", "change"),
    [
        ({"at": 1, "value": 0.25}, Change(1, value=0.25)),
        ({"at": 2, "lock": True}, Change(2, lock=True)),
        ({"at": 3, "value": 0.2}, None),
        ({"at": -1, "value": 0.2}, None),
        ({"at": True, "value": 0.2}, None),
        ({"at": 0, "value": float("nan")}, None),
        ({"at": 0, "value": "1"}, None),
        ({"value": 0.2}, None),
        (None, None),
        ([1], None),
        ({"at": 0, "value": True}, None),
    ],
)
def test_what_the_browser_says_is_input(message: Any, change: Change | None) -> None:
    assert read_change(message, 3) == change


def test_the_sliders_end_beyond_the_largest_share() -> None:
    lines = [ShareLine("a", "#000000", share, natural, False) for share, natural in ((0.02, 0.04), (0.09, 0.05))]
    assert scale_of(lines) == pytest.approx(0.2)
    assert scale_of([replace(lines[0], natural=0.7)]) == 1.0


def test_the_suggestion_sets_the_slider_and_says_why(balance: AppTest, sample: Workspace) -> None:
    suggestion = suggest_strength(sample.taxonomy().path)
    assert suggestion.sentence not in words(balance)
    keyed(balance.button, "balance-suggest-").click().run()
    assert balance.select_slider[0].value == suggestion.strength
    assert suggestion.sentence in words(balance)
    balance.select_slider[0].set_value(INF).run()
    assert suggestion.sentence not in words(balance), "the reason is for the strength it names"
    choose(balance, "natural")
    assert keyed(balance.button, "balance-suggest-").disabled, "the path is not that of another target"


def test_a_flat_path_suggests_nothing(balance: AppTest, sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.views.balance import controls as screen

    flat = replace(suggest_strength(sample.taxonomy().path), strength=None, reason="flat", furthest=0.12)
    monkeypatch.setattr(screen, "suggest_strength", lambda path: flat)
    balance.run()
    keyed(balance.button, "balance-suggest-").click().run()
    assert balance.select_slider[0].value == sample.taxonomy().settings.strength
    assert "Strength hardly matters here: at every one, all clusters are within 12% of their targets." in words(balance)


def test_the_list_says_why_and_can_be_narrowed(balance: AppTest, sample: Workspace) -> None:
    balance.select_slider[0].set_value(INF).run()
    taxonomy = sample.taxonomy()
    draft_preview = preview(sample, taxonomy, replace(taxonomy.settings, strength=INF))
    moves = explain_moves(sample, taxonomy, draft_preview)
    table = moving(balance)
    assert list(table["Why"]) == [moves.words(at) for at in range(len(moves.rows))]
    assert list(table["Margin"]) == pytest.approx(moves.margin_before)
    assert list(table["New cosine"]) == pytest.approx(moves.cosine_after)
    number = int(np.bincount(moves.leaves).argmax())
    keyed(balance.selectbox, "balance-from").set_value(number).run()
    inside = moves.leaves == number
    assert len(moving(balance)) == int(inside.sum()) < len(moves.rows)
    assert set(moving(balance)["From"]) == {taxonomy.cluster(number).label}
    joined = int(moves.joins[inside][0])
    keyed(balance.selectbox, "balance-to").set_value(joined).run()
    assert len(moving(balance)) == int((inside & (moves.joins == joined)).sum())
    balance.select_slider[0].set_value(0.0).run()  # another list: a choice it does not have is dropped
    assert not balance.exception


def test_new_clusters_and_those_that_go_are_named(balance: AppTest, sample: Workspace) -> None:
    taxonomy = sample.taxonomy()
    balance.number_input[0].set_value(10).run()
    assert "2 gone" in words(balance)
    assert "The others keep their numbers and colors." in words(balance)
    balance.number_input[0].set_value(13).run()
    assert "Clusters: 1 new" in words(balance)
    fresh = [name for name in moving(balance)["To"] if name.startswith("New 12, from ")]
    assert fresh
    assert any(c.label == fresh[0].removeprefix("New 12, from ") for c in taxonomy.clusters)


def test_clusters_that_pins_keep_are_counted(balance: AppTest, sample: Workspace) -> None:
    number = sample.taxonomy().clusters[-1].number
    edit(sample, Rename("cluster", number, "Mine: *all* of it"), Pin(number))
    balance.run()
    balance.select_slider[0].set_value(INF).run()
    assert not balance.exception
    assert "1 locked cluster is kept" in words(balance)
    note = next(item for item in balance.caption if "locked cluster" in item.value)
    assert "\\*all\\*" in note.help

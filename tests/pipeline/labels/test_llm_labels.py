"""Labels by a language model through the whole pipeline, against a real server that behaves as told."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gem_core.errors import Cancelled, EndpointError, WorkspaceError
from gem_core.llm.endpoint import Endpoint
from gem_core.pipeline import Rename, edit, model_of, name_clusters, naming_plan
from gem_core.pipeline.labels.llm_labels import JOURNAL
from gem_core.pipeline.labels.relatedness import find_unrelated
from gem_core.taxonomy.labels import capital
from gem_core.workspace import Workspace
from tests.helpers.chat_server import Reply, chat_server, keywords_of, refuses, says
from tests.helpers.cli_process import facts, refusal, run, start, wait_for

SECRET = "sk-very-secret-0123456789"


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GEM_LLM_API_KEY", "GEM_LLM_BASE_URL", "GEM_LLM_MODEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("gem_core.llm.client.TICK", 0.01)


def numbered(index: int, body: dict[str, Any]) -> Reply:
    """Answer with the first keywords and the number of the request: related to the cluster and unlike any other."""
    return says(f"{keywords_of(body)} {index}")


def two_then_slow(index: int, body: dict[str, Any]) -> Reply:
    return says("Too late", wait=60) if index == 2 else numbered(index, body)


def answer_of(workspace: Workspace, number: int, index: int) -> str:
    """The label that `numbered` gives a cluster in request `index`."""
    words = " ".join(term for term, _ in workspace.taxonomy().cluster(number).keywords[:2])
    return capital(f"{words} {index}")


def labels(workspace: Workspace) -> dict[int, tuple[str, str]]:
    return {c.number: (c.label, c.label_source) for c in workspace.taxonomy().clusters}


def steps(workspace: Workspace) -> int:
    return workspace.history().position


def test_clusters_are_named_in_one_step_and_undone_as_one(sample: Workspace) -> None:
    before, at = labels(sample), steps(sample)
    key = sample.taxonomy().key
    with chat_server(numbered) as server:
        naming = name_clusters(sample, Endpoint(server.url, "gemma"))
    numbers = sorted(before)
    assert labels(sample) == {n: (answer_of(sample, n, i), "llm") for i, n in enumerate(numbers)}
    assert [(n.number, n.before, n.outcome, n.note) for n in naming.labels] == [
        (n, before[n][0], "named", "") for n in numbers
    ]
    assert (naming.requests, naming.model, naming.host) == (len(numbers), "gemma", f"127.0.0.1:{server.port}")
    assert steps(sample) == at + 1
    assert model_of(sample, sample.taxonomy().cluster(numbers[3])) == "gemma"
    assert sample.undo()
    assert labels(sample) == before
    assert sample.taxonomy().key == key
    assert model_of(sample, sample.taxonomy().cluster(numbers[3])) == ""


def test_what_is_shown_is_what_is_sent(sample: Workspace) -> None:
    plan = naming_plan(sample)
    with chat_server(numbered) as server:
        endpoint = Endpoint(server.url, "gemma")
        name_clusters(sample, endpoint)
    assert server.bodies == [endpoint.body(question.messages) for question in plan.questions]
    sent = sum(len(message["content"]) for body in server.bodies for message in body["messages"])
    assert (plan.requests, plan.characters) == (len(server.bodies), sent)
    text = sample.texts([sample.taxonomy().clusters[0].exemplars[0]])[0]
    assert text[:80] in plan.questions[0].text
    assert all(term in plan.questions[0].text for term, _ in sample.taxonomy().clusters[0].keywords)


def test_a_persons_label_is_never_asked_for(sample: Workspace) -> None:
    edit(sample, Rename("cluster", 2, "Mine"))
    plan = naming_plan(sample, [2, 3])
    assert ([q.number for q in plan.questions], plan.skipped) == ([3], ((2, "named by a person"),))
    with chat_server([says("Mine")]) as server:
        naming = name_clusters(sample, Endpoint(server.url, "gemma"), again=True)
    assert labels(sample)[2] == ("Mine", "person")
    assert len(server.bodies) == len(labels(sample)) - 1
    assert naming.skipped == ((2, "named by a person"),)
    assert {n.note for n in naming.labels} == {f"the same answer for {len(labels(sample)) - 1} clusters"}


def test_a_person_who_names_a_cluster_meanwhile_wins(sample: Workspace) -> None:
    def meanwhile(index: int, body: dict[str, Any]) -> Reply:
        if index == 1:
            edit(Workspace(sample.root), Rename("cluster", 0, "Mine"), Rename("cluster", 1, twin))
        return numbered(index, body)

    before, twin = labels(sample), answer_of(sample, 2, 2)
    with chat_server(meanwhile) as server:
        naming = name_clusters(sample, Endpoint(server.url, "gemma"), [0, 1, 2])
    now = labels(sample)
    assert [now[n] for n in (0, 1, 2)] == [("Mine", "person"), (twin, "person"), before[2]]
    assert [(n.outcome, n.note) for n in naming.labels] == [("kept", "changed by somebody meanwhile")] * 2 + [
        ("kept", f"the answer {twin!r} is another cluster's label")
    ]


def test_one_answer_for_many_clusters_names_none(sample: Workspace) -> None:
    before = labels(sample)
    with chat_server([says("rivers")]) as server:
        naming = name_clusters(sample, Endpoint(server.url, "gemma"))
    assert labels(sample) == before
    assert {n.note for n in naming.labels} == {f"the same answer for {len(before)} clusters"}


def test_two_clusters_of_one_answer_are_told_apart_by_a_keyword(sample: Workspace) -> None:
    taxonomy = sample.taxonomy()
    cosines = taxonomy.fit.centers @ taxonomy.fit.centers.T - 9 * np.eye(len(taxonomy.clusters))
    pair = [taxonomy.clusters[int(i)] for i in np.sort(np.unravel_index(cosines.argmax(), cosines.shape))]
    answer = capital(" and ".join(cluster.keywords[0][0] for cluster in pair))
    with chat_server([says(answer)]) as server:
        name_clusters(sample, Endpoint(server.url, "gemma"), [cluster.number for cluster in pair])
    expected = [answer, f"{answer}: {pair[1].keywords[0][0]}"]
    assert [labels(sample)[cluster.number][0] for cluster in pair] == expected


def test_an_answer_unrelated_to_its_cluster_is_refused(sample: Workspace) -> None:
    before, taxonomy = labels(sample), sample.taxonomy()
    cosines = taxonomy.fit.centers @ taxonomy.fit.centers[4]
    farthest = taxonomy.clusters[int(cosines.argmin())]
    answers = ["Quantum chromodynamics", capital(" ".join(term for term, _ in farthest.keywords[:3]))]
    for answer in answers:
        with chat_server([says(answer)]) as server:
            naming = name_clusters(sample, Endpoint(server.url, "gemma"), [taxonomy.clusters[4].number])
        assert [(n.outcome, n.note) for n in naming.labels] == [
            ("kept", f"the answer {answer!r} is unrelated to the cluster")
        ]
    assert labels(sample) == before


def test_a_label_that_fits_far_less_than_the_present_name_is_refused(sample: Workspace) -> None:
    taxonomy = sample.taxonomy()
    numbers = {cluster.label: cluster.number for cluster in taxonomy.clusters}
    weak = {numbers["Gardening"]: "Trainers", numbers["Stargazing and telescopes"]: "Mirror and glass"}
    assert find_unrelated(sample, taxonomy, weak) == set(weak)
    good = {numbers["Sports"]: "Youth football matches", numbers["Cooking"]: "Home cooking tips"}
    assert find_unrelated(sample, taxonomy, good) == set()


def test_the_proposal_of_the_vocabulary_goes_along(sample: Workspace) -> None:
    (question,) = naming_plan(sample, [4]).questions
    assert f"Proposal of a vocabulary, often too broad: {sample.taxonomy().cluster(4).label}" in question.text
    edit(sample, Rename("cluster", 4, "Bakers", source="llm"))
    (question,) = naming_plan(sample, [4], again=True).questions
    assert "Proposal of a vocabulary" not in question.text


def test_groups_are_named_too_when_wanted(sample: Workspace) -> None:
    groups = [group for group in sample.taxonomy().groups if len(group.children) > 1]
    edit(sample, Rename("parent", groups[0].number, "Mine"))
    plan = naming_plan(sample, [], groups=True)
    assert [(q.kind, q.number) for q in plan.questions] == [("parent", group.number) for group in groups[1:]]
    with chat_server(lambda i, body: says(f"{keywords_of(body, 1)} and more")) as server:
        naming = name_clusters(sample, Endpoint(server.url, "gemma"), [], groups=True)
    assert [n.outcome for n in naming.labels] == ["named"] * (len(groups) - 1)
    after = {group.number: (group.label, group.label_source) for group in sample.taxonomy().groups}
    assert after[groups[0].number] == ("Mine", "person")
    assert all(after[n.number] == (n.after, "llm") for n in naming.labels)
    assert sample.undo()


@pytest.mark.parametrize(
    ("answer", "note"),
    [
        ("England, England, England", "repeats itself"),
        ("User", "is no subject"),
        ("Keywords and documents group", "is no subject"),
        ("Name what the documents have in common", "repeats the request"),
    ],
)
def test_the_answer_of_a_weak_model_is_refused_and_shown(sample: Workspace, answer: str, note: str) -> None:
    before = labels(sample)
    with chat_server([says(answer)]) as server:
        naming = name_clusters(sample, Endpoint(server.url, "gemma"), [0])
    assert labels(sample) == before
    assert [(n.outcome, note in n.note) for n in naming.labels] == [("kept", True)]


def test_an_answer_nearly_another_clusters_label_is_refused(sample: Workspace) -> None:
    before = labels(sample)
    twin = before[3][0].upper() + "s"
    with chat_server([says(twin)]) as server:
        naming = name_clusters(sample, Endpoint(server.url, "gemma"), [0])
    assert labels(sample) == before
    assert "another cluster's label" in naming.labels[0].note


def test_one_slow_answer_is_set_aside_and_the_run_goes_on(sample: Workspace) -> None:
    def slow(index: int, body: dict[str, Any]) -> Reply:
        return says("Too late", wait=20) if index in (1, 2) else numbered(index, body)

    with chat_server(slow) as server:
        naming = name_clusters(sample, Endpoint(server.url, "gemma", timeout=1), [0, 1, 2])
    assert [n.outcome for n in naming.labels] == ["named", "kept", "named"]
    assert "no answer within 1 s, twice" in naming.labels[1].note
    assert len(server.bodies) == 4


def test_an_answer_without_a_label_leaves_the_keywords(sample: Workspace) -> None:
    words = " ".join(term for term, _ in sample.taxonomy().cluster(6).keywords[:3])
    answers = [
        says(""),
        says(None, "length"),
        says("I'm sorry, I cannot."),
        says("\u202e" * 50 + "x" * 10_240),
        refuses(400, "content filter"),
        says("Railway travel"),
        says(f"<img src=x onerror=alert(1)>\n**Good**\u202e {words}"),
    ]
    before = labels(sample)
    with chat_server(answers) as server:
        naming = name_clusters(sample, Endpoint(server.url, "gemma"), [0, 1, 2, 3, 4, 5, 6])
    assert [n.note for n in naming.labels] == [
        "empty answer",
        "all tokens used before the answer",
        "no label in the answer",
        "no label in the answer",
        "refused: status 400 (content filter)",
        "an example repeated",
        "",
    ]
    now = labels(sample)
    assert [now[n] for n in range(6)] == [before[n] for n in range(6)]
    assert now[6] == (f"Good {words}", "llm")


def test_when_every_request_is_refused_the_run_ends(sample: Workspace) -> None:
    at = steps(sample)
    with chat_server([refuses(400, "unknown field")]) as server, pytest.raises(EndpointError, match="unknown field"):
        name_clusters(sample, Endpoint(server.url, "gemma"))
    assert len(server.bodies) == 3
    assert steps(sample) == at


def test_a_failure_keeps_what_came_and_the_next_run_asks_for_the_rest(sample: Workspace) -> None:
    at, count = steps(sample), len(labels(sample))

    def failing(index: int, body: dict[str, Any]) -> Reply:
        return numbered(index, body) if index < 3 else refuses(401, "expired")

    with chat_server(failing) as server, pytest.raises(EndpointError) as caught:
        name_clusters(sample, Endpoint(server.url, "gemma"))
    assert str(caught.value).endswith(
        "start gem-explorer again; 3 new labels that came before are kept, the same command asks for the rest."
    )
    assert [source for _, source in labels(sample).values()].count("llm") == 3
    assert steps(sample) == at + 1
    with chat_server(lambda i, body: says(f"{keywords_of(body)} later")) as server:
        naming = name_clusters(sample, Endpoint(server.url, "gemma"))
    assert len(server.bodies) == naming.requests == count - 3
    assert {source for _, source in labels(sample).values()} == {"llm"}
    assert steps(sample) == at + 2


def test_a_cancel_during_a_slow_answer_keeps_what_came(sample: Workspace) -> None:
    looks: list[int] = []

    def progress(step: str, completed: int, total: int) -> None:
        looks.append(completed)
        if looks.count(2) > 3:
            raise Cancelled

    with chat_server(two_then_slow) as server, pytest.raises(Cancelled):
        name_clusters(sample, Endpoint(server.url, "gemma"), progress=progress)
    assert sorted(label for label, source in labels(sample).values() if source == "llm") == sorted(
        answer_of(sample, n, n) for n in (0, 1)
    )
    assert not (sample.root / JOURNAL).exists()


def test_named_clusters_are_asked_again_only_when_wanted(sample: Workspace) -> None:
    with chat_server(numbered) as server:
        endpoint = Endpoint(server.url, "gemma")
        name_clusters(sample, endpoint, [0, 1])
        assert name_clusters(sample, endpoint, [0, 1]).skipped == (
            (0, "named by a model already"),
            (1, "named by a model already"),
        )
        assert len(server.bodies) == 2
        name_clusters(sample, endpoint, [0], again=True)
    assert labels(sample)[0] == (answer_of(sample, 0, 2), "llm")


def test_a_cluster_that_is_not_there(sample: Workspace) -> None:
    with pytest.raises(WorkspaceError, match="no cluster 99"):
        naming_plan(sample, [99])


def command(workspace: Workspace, url: str, *more: str) -> tuple[str, ...]:
    return "name", str(workspace.root), "--base-url", url, "--model", "gemma", *more


def test_the_command(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "GEM_LLM_API_KEY", SECRET)
    monkeypatch.setattr("tests.helpers.cli_process.QUIET", {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])})
    before = labels(sample)
    with chat_server(lambda i, body: says(f"Good\u202e \x1b[2J{keywords_of(body)}")) as server:
        dry = run(*command(sample, server.url, "--dry-run", "--clusters", "1,2"))
        requests = facts(run(*command(sample, server.url, "--dry-run", "--clusters", "1,2", "--json")))
        assert server.bodies == []
        result = facts(run(*command(sample, server.url, "--clusters", "1,2", "--json")))
    assert "2 requests with" in dry.stdout
    assert "Nothing was sent." in dry.stdout
    assert [question["body"] for question in requests["questions"]] == server.bodies
    assert all(
        text in dry.stdout
        for body in server.bodies
        for text in body["messages"][1]["content"].split("\n")
        if text.isprintable()
    )
    assert {headers["authorization"] for headers in server.headers} == {f"Bearer {SECRET}"}
    words = {n: " ".join(term for term, _ in sample.taxonomy().cluster(n).keywords[:2]) for n in (1, 2)}
    assert [(n["number"], n["before"], n["after"], n["outcome"]) for n in result["labels"]] == [
        (1, before[1][0], f"Good {words[1]}", "named"),
        (2, before[2][0], f"Good {words[2]}", "named"),
    ]
    everything = b"".join(path.read_bytes() for path in sample.root.rglob("*") if path.is_file())
    assert SECRET.encode() not in everything
    assert SECRET not in dry.stdout + json.dumps(requests) + json.dumps(result)


def test_the_command_refuses_in_three_parts(sample: Workspace) -> None:
    assert "need an endpoint; got none. Give --base-url" in refusal(run("name", sample.root))
    assert "A server must listen at http://127.0.0.1:9/v1" in refusal(run(*command(sample, "http://127.0.0.1:9/v1")))
    assert "--clusters must be numbers" in refusal(run("name", sample.root, "--clusters", "a"))


def test_a_signal_during_a_slow_answer_keeps_what_came(sample: Workspace) -> None:
    with chat_server(two_then_slow) as server:
        child = start(*command(sample, server.url))
        wait_for(lambda: len(server.bodies) == 3)
        child.send_signal(signal.SIGTERM)
        _, err = child.communicate(timeout=30)
    assert child.returncode == 130, err
    assert "the same command goes on from there" in err
    assert sorted(label for label, source in labels(sample).values() if source == "llm") == sorted(
        answer_of(sample, n, n) for n in (0, 1)
    )


def test_a_killed_run_has_not_asked_for_nothing(sample: Workspace) -> None:
    count = len(labels(sample))
    with chat_server(two_then_slow) as server:
        child = start(*command(sample, server.url))
        wait_for(lambda: len(server.bodies) == 3)
        child.kill()
        child.communicate(timeout=30)
        assert {source for _, source in labels(sample).values()} == {"vocabulary"}
        port = server.port
    with chat_server(
        lambda i, body: says(f"{keywords_of(body)} later"), port=port
    ) as server:  # the same address: the same question
        naming = name_clusters(sample, Endpoint(server.url, "gemma"))
    assert len(server.bodies) == naming.requests == count - 2
    now = {label for label, _ in labels(sample).values()}
    assert {answer_of(sample, 0, 0), answer_of(sample, 1, 1)} <= now
    assert sum(label.endswith(" later") for label in now) == count - 2
    assert not (sample.root / JOURNAL).exists()


@pytest.mark.parametrize("damage", [b"", b"[]", b'{"x": 3}', b'{"x": {"label": 3}}', b"\xff"])
def test_a_damaged_journal_is_no_trouble(sample: Workspace, damage: bytes) -> None:
    (sample.root / JOURNAL).write_bytes(damage)
    with chat_server(numbered) as server:
        name_clusters(sample, Endpoint(server.url, "gemma"), [0])
    assert labels(sample)[0] == (answer_of(sample, 0, 0), "llm")

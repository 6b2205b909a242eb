"""Name clusters with an LLM: requests are shown first and sent only when a person presses Send."""

import os
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from app.components.reliable_button import reliable_button
from app.data import cached_results
from app.jobs import runner
from app.jobs.panel import duration, job_panel
from app.state.session import Session
from app.ui.errors import guarded, refusal
from app.ui.text import escape, short
from gem_core._formatting import count
from gem_core.errors import EndpointError
from gem_core.llm.endpoint import BASE_URL, KEY, MODEL, Endpoint, has_key
from gem_core.pipeline import NamingPlan


@dataclass
class RequestPreview:
    """Digest of the requests that are on the screen."""

    digest: str = ""


TOKEN = 4  # characters, about


def naming(session: Session) -> None:
    """Fields, what would be sent, the button that sends it; above them the job and what it brought."""
    job = runner.find(session.root, "name")
    state = job_panel(session, job, _result, key_prefix="naming")
    if job is not None and state is not None and state.state == "finished":
        _table(job, (state.result or {}).get("labels", []))
    with st.expander("Name clusters with an LLM", icon=":material/label:", key="naming"), guarded():
        if state is not None and not state.ended:
            st.caption("One run at a time. Wait for the run above to end.")
            return
        _offer(session)


def _offer(session: Session) -> None:
    workspace, taxonomy = session.workspace, session.taxonomy
    st.caption(
        "Works with any server that has an OpenAI-compatible API: Ollama, vLLM, llama.cpp or a hosted one. "
        "Nothing is sent until you press Send."
    )
    left, right = st.columns([1.5, 1])
    url = left.text_input(
        "Base URL",
        os.environ.get(BASE_URL, ""),
        key="naming_url",
        persist_state="session",
        placeholder="http://localhost:11434/v1",
        help="Address of the server; usually ends in /v1.",
    )
    model = right.text_input(
        "Model",
        os.environ.get(MODEL, ""),
        key="naming_model",
        persist_state="session",
        placeholder="gemma3",
        help="Name of the model on the server.",
    )
    st.caption(
        f":material/key: A key is set in {KEY}; it is sent with the requests and never shown or stored."
        if has_key()
        else f":material/key_off: No key in {KEY}. A server on this machine usually needs none. For others, set "
        "it before you start the app."
    )
    again = any(cluster.label_source == "llm" for cluster in taxonomy.clusters) and st.checkbox(
        "Include clusters that an LLM has named", key="naming_again"
    )
    groups = st.checkbox(
        "Name groups too", key="naming_groups", help="One more request for each group of several clusters."
    )
    tokens = st.number_input(
        "Max tokens per answer",
        20,
        20_000,
        Endpoint.max_tokens,
        key="naming_tokens",
        width=220,
        persist_state="session",
        help="A label needs ten. A reasoning model needs thousands; with fewer its answer is empty.",
    )
    preview = session.drafts.get(RequestPreview)
    if st.button("Preview requests", key="naming_show", icon=":material/visibility:"):
        preview.digest = cached_results.naming_plan(workspace, taxonomy, again=again, groups=groups).digest
    if not preview.digest:
        return
    plan = cached_results.naming_plan(workspace, taxonomy, again=again, groups=groups)
    if preview.digest != plan.digest:
        st.caption(
            ":orange[:material/warning:] Names or clusters have changed. Preview the requests again before you send."
        )
        return
    _requests(plan, int(tokens))
    if plan.requests:
        _send(session, plan, url or "", model or "", int(tokens), again=again, groups=groups)


def _requests(plan: NamingPlan, tokens: int) -> None:
    """Show the exact text of every request, one at a time."""
    people = sum("person" in reason for _, reason in plan.skipped)
    others = len(plan.skipped) - people
    left_out = [
        text
        for many, text in ((people, f"{count(people)} named by a person"), (others, f"{count(others)} named already"))
        if many
    ]
    skipped = f". Not asked for: {' and '.join(left_out)}" if left_out else ""
    st.markdown(
        f"**{count(plan.requests)} requests, {count(plan.characters)} characters** "
        f":gray[about {count(float(f'{plan.characters / TOKEN:.1g}'))} tokens{skipped}]"
    )
    if not plan.requests:
        return
    request_index = st.selectbox(
        "Request",
        range(plan.requests),
        key="naming_request",
        label_visibility="collapsed",
        format_func=lambda i: f"{i + 1} of {plan.requests}: {short(plan.questions[i].label)}",
    )
    question = plan.questions[request_index if request_index is not None and request_index < plan.requests else 0]
    st.code(question.text, language=None, wrap_lines=True, height=260)
    st.caption(
        "Rules, two examples, the keywords and the first 400 characters of up to five exemplars. With it go the "
        f"model's name, temperature 0 and the limit of {count(tokens)} tokens."
    )


def _send(session: Session, plan: NamingPlan, url: str, model: str, tokens: int, *, again: bool, groups: bool) -> None:
    try:
        endpoint = Endpoint(url, model)
    except EndpointError as error:
        if url or model:
            refusal("This endpoint cannot be used", str(error))
        else:
            st.caption("Enter a base URL and a model to send the requests.")
        return
    if endpoint.exposes_key:
        st.caption(
            f":orange[:material/warning:] The key would be sent unencrypted to {escape(endpoint.host)}: "
            "its address begins with http."
        )

    def send() -> None:
        session.drafts.get(RequestPreview).digest = ""
        old = runner.find(session.root, "name")
        try:
            runner.start(
                f"Labels by {short(model, 40)}",
                [
                    "name",
                    str(session.root),
                    f"--base-url={endpoint.base_url}",
                    f"--model={endpoint.model}",
                    f"--max-tokens={tokens}",
                    *(["--again"] if again else []),
                    *(["--groups"] if groups else []),
                ],
                session.root,
            )
        finally:
            if old is not None:  # its table is replaced by the new one
                runner.forget(old)

    requests = f"{count(plan.requests)} requests" if plan.requests > 1 else "1 request"
    if reliable_button(
        session,
        f"Send {requests} to {escape(short(endpoint.host, 40))}",
        key="naming_send",
        type="primary",
        icon=":material/send:",
    ):
        send()
        st.rerun(scope="app")


def _result(job: runner.Job, state: runner.Status) -> None:
    """Say what a run brought; the table stands below, as wide as the panel."""
    result: dict[str, Any] = state.result or {}
    labels = result.get("labels", [])
    named_count = sum(label["outcome"] == "named" for label in labels)
    st.markdown(
        f":material/check_circle: **{count(named_count)} of {count(len(labels))} names given by "
        f"{escape(short(str(result.get('model', '')), 40))}** :gray[in {duration(state.seconds)}]"
    )
    st.caption("One step: Undo restores all of them." if named_count else "No label was changed.")


def _table(job: runner.Job, labels: list[dict[str, Any]]) -> None:
    """Before and after, label by label."""
    if not labels:
        return
    any_kept = any(label["outcome"] == "kept" for label in labels)
    st.dataframe(
        pd.DataFrame(
            {
                "Before": [label["before"] for label in labels],
                "After": [label["after"] if label["outcome"] == "named" else "(kept)" for label in labels],
                "Why kept": [label["note"] for label in labels],
            }
        ),
        hide_index=True,
        key=f"naming_result_{job.folder.name}",
        row_height=32,
        height=min(len(labels), 8) * 32 + 38,
        alt="Labels before and after",
        column_order=("Before", "After", *(["Why kept"] if any_kept else [])),
        column_config={
            "Before": st.column_config.TextColumn(width=170),
            "After": st.column_config.TextColumn(width=200),
        },
    )

"""Tools that state goals, weigh clusters for a training mixture, and save both."""

from typing import Annotated

from pydantic import BaseModel, Field

from gem_core.commands.agents.answers import GoalAnswer, GoalRow, GoalsAnswer, WeightsAnswer
from gem_core.commands.agents.session import AgentSession
from gem_core.commands.mixing.goals import optimum_facts
from gem_core.commands.mixing.mixture import mix_settings, weights_facts
from gem_core.errors import InputError
from gem_core.export.saved_mix import mix_names, save_mix
from gem_core.mixing import Weights
from gem_core.mixing.goals import Goal
from gem_core.pipeline.mixing.domains import domains_of
from gem_core.pipeline.mixing.goal_optimum import goal_proxy, optimize_goal
from gem_core.pipeline.mixing.goal_store import compose_goal, goal_names, read_goal, save_goal
from gem_core.pipeline.mixing.strategies import Strategy, indistinguishable_pairs, weights_by
from gem_core.pipeline.mixing.token_pool import read_limits

Tokens = Annotated[float | None, Field(description="number of tokens, such as 1e10", gt=0)]
Epochs = Annotated[float | None, Field(description="read no cluster more often than this", gt=0)]


class GoalRequest(BaseModel):
    """Which held-out loss a mixture should lower. Give clusters or groups with weights, or natural = 1."""

    clusters: dict[int, float] = Field(default={}, description="weights of clusters, by number")
    groups: dict[int, float] = Field(default={}, description="weights of cluster groups, by number")
    natural: float | None = Field(
        default=None, ge=0, le=1, description="part of the goal that is the whole corpus; 1 if nothing else is given"
    )
    budget_tokens: Tokens = None
    max_epochs: Epochs = None
    pull: float = Field(default=0.0, ge=0, description="penalty on the KL divergence from natural shares, in nats")


class MixRequest(BaseModel):
    """How to weigh the clusters."""

    strategy: Strategy = Field(
        default="natural",
        description="natural: token shares as they are; uniform; temperature: share^tau; balanced: masses of the fit; "
        "custom; goal: best predicted mixture for a saved goal; others need finished proxy runs",
    )
    tau: float = Field(default=0.5, description="exponent of temperature: 1 = natural, 0 = uniform")
    custom: dict[int, float] = Field(default={}, description="fixed weights (fractions) by cluster; strategy custom")
    budget_tokens: Tokens = None
    pool_tokens: Annotated[Tokens, Field(description="tokens of the pool this corpus is a sample of")] = None
    max_epochs: Epochs = None
    floor: float = Field(default=0.0, ge=0, lt=1, description="smallest weight of a cluster, a fraction")
    fold: float = Field(default=0.0, ge=0, lt=1, description="clusters of a smaller share count as one")
    goal: str = Field(default="corpus", description="name of a saved goal; strategies goal and mixmin")
    pull: float = Field(
        default=0.0, ge=0, description="penalty of goal and mixmin on the KL divergence from natural shares, nats"
    )
    part: float = Field(default=1.0, ge=0, le=1, description="part of the way from natural shares to the optimum")


class MixingTools:
    """Tools that change neither goals nor mixes; token probabilities are stored as a cached result."""

    def __init__(self, session: AgentSession) -> None:
        self._session = session

    def list_goals(self) -> GoalsAnswer:
        """List the saved goals of mixtures: which held-out losses are to fall, with which weights."""
        workspace = self._session.workspace
        domains = domains_of(workspace, self._session.taxonomy)
        goals = [read_goal(workspace, domains, name) for name in ("corpus", *goal_names(workspace, domains))]
        return GoalsAnswer(
            goals=[
                GoalRow(name=goal.name, clusters=dict(goal.clusters), natural=goal.natural, files=len(goal.files))
                for goal in goals
            ]
        )

    def state_goal(self, goal: GoalRequest) -> GoalAnswer:
        """State a goal and see the best mixture for it as n-gram models predict, and its price. Nothing is saved."""
        return answer_goal(self._session, goal)

    def weigh(self, mix: MixRequest) -> WeightsAnswer:
        """Compute mixing weights of the clusters (fractions that sum to 1) by a strategy. Nothing is saved."""
        return answer_weights(weigh_clusters(self._session, mix), self._session)


class MixingEditTools:
    """Tools that save goals and mixes."""

    def __init__(self, session: AgentSession) -> None:
        self._session = session

    def save_goal(
        self,
        name: Annotated[str, Field(description="letters, digits, dots and dashes")],
        goal: GoalRequest,
    ) -> GoalAnswer:
        """Save a goal under a name, for the strategy goal; an agent does not replace a goal that exists."""
        return answer_goal(self._session, goal, name)

    def save_mix(
        self,
        name: Annotated[str, Field(description="letters, digits, spaces, dots and dashes", min_length=1)],
        mix: MixRequest,
    ) -> WeightsAnswer:
        """Save weights as a named mix, which the Mixing view shows; an agent does not replace a mix that exists."""
        session = self._session
        weights = weigh_clusters(session, mix)
        refuse_replacing("mix", name, mix_names(session.workspace, session.taxonomy))
        options = {"tau": mix.tau, "goal": mix.goal, "part": mix.part, "pool": ""}
        save_mix(session.workspace, weights, mix_settings(weights, mix.strategy, options), name)
        return answer_weights(weights, session, name)


def answer_goal(session: AgentSession, request: GoalRequest, name: str = "") -> GoalAnswer:
    """Return the best mixture for a goal, which is saved when it has a name."""
    workspace, taxonomy = session.workspace, session.taxonomy
    domains = domains_of(workspace, taxonomy)
    goal: Goal = compose_goal(taxonomy, domains, name, request.clusters, request.groups, request.natural)
    limits = read_limits(domains, _amount(request.budget_tokens), request.max_epochs, None)
    optimum = optimize_goal(
        goal_proxy(workspace, domains, goal, progress=session.progress),
        goal.shares(domains.numbers, domains.natural),
        domains.natural,
        caps=limits.caps(domains.tokens),
        pull=request.pull,
    )
    if name:
        refuse_replacing("goal", name, ("corpus", *goal_names(workspace, domains)))
        save_goal(workspace, domains, goal)
    facts = optimum_facts(domains, goal.name, optimum)
    return GoalAnswer.model_validate({**facts, **facts["predicted"], "saved": bool(name)})


def weigh_clusters(session: AgentSession, request: MixRequest) -> Weights:
    """Return the weights that a request describes."""
    workspace, taxonomy = session.workspace, session.taxonomy
    limits = read_limits(
        domains_of(workspace, taxonomy),
        _amount(request.budget_tokens),
        request.max_epochs,
        _amount(request.pool_tokens),
        request.floor,
        request.fold,
    )
    return weights_by(
        workspace,
        taxonomy,
        request.strategy,
        tau=request.tau,
        fixed=request.custom,
        limits=limits,
        goal=request.goal,
        pull=request.pull,
        part=request.part,
    )


def answer_weights(weights: Weights, session: AgentSession, name: str = "") -> WeightsAnswer:
    """Return weights as an answer."""
    facts = weights_facts(session.taxonomy, weights, indistinguishable_pairs(session.workspace, weights))
    return WeightsAnswer.model_validate({**facts, "saved_as": name})


def refuse_replacing(kind: str, name: str, names: tuple[str, ...]) -> None:
    """Refuse a name that is used.

    Raises
    ------
    InputError
    """
    if name in names:
        raise InputError(f"An agent replaces no saved {kind}", repr(name)[:80], "Choose another name")


def _amount(tokens: float | None) -> str | None:
    """Return a number of tokens as the limits read it: never a path."""
    return None if tokens is None else f"{tokens:.0f}"

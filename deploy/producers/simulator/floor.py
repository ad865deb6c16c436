"""The floor: who is on duty at each moment, in which state, and who takes the next call."""

from collections.abc import Callable, Sequence
from math import ceil, sqrt

from deploy.producers.simulator.agents import Agent, Team, skills_of
from deploy.producers.simulator.calls import Call
from deploy.producers.simulator.choice import between
from deploy.producers.simulator.demand import MINUTE_MS, Demand
from deploy.producers.simulator.incidents import Incident, is_out, staff_factor
from deploy.producers.simulator.profile import named
from deploy.producers.simulator.routing import Queue
from deploy.producers.simulator.truth import TrueAgent
from deploy.producers.simulator.world import World
from streams.contract import AgentState

_PLAN_MS = 30 * MINUTE_MS
_LOOK_MS = 5 * MINUTE_MS
_LONGEST_PUT_OFF_MS = 20 * MINUTE_MS
_SET_ASIDE_MS = (20_000, 40_000)
_FIRST_CALL_MS = 1_000
_SKILLS_CHANGE = 0.03


class Floor:
    """Staffs every queue at every site. `ring(call, agent)` gives a waiting call to a free agent."""

    def __init__(self, world: World, queues: list[Queue], demand: Demand, incidents: Sequence[Incident]) -> None:
        self._world = world
        self._demand = demand
        self._incidents = incidents
        self._queues = queues
        self._told = world.habits.agents_told
        self._teams = {queue.name: [Team(queue, site) for site in world.profile.sites] for queue in queues}
        self._plans: dict[str, tuple[int, int]] = {}
        self._number = 0
        self._opened = False
        self.closed = False
        self.ring: Callable[[Call, Agent], None]

    def staff(self, *, at_once: bool = False) -> None:
        """Every five minutes, or at once: every team to the number it should have, people on breaks and home."""
        now = self._world.now
        if now % _LOOK_MS and not at_once and self._opened:
            return
        for place, queue in enumerate(self._queues):
            begin = now - now % _PLAN_MS
            plan_of, planned = self._plans.get(queue.name, (-1, 0))
            if plan_of != begin:
                planned = self._plan(queue, begin)
                self._plans[queue.name] = begin, planned
            staff = int(planned * staff_factor(self._incidents, queue.name, now))
            teams = self._teams[queue.name]
            for number, team in enumerate(teams):
                share = (staff + (place + number) % len(teams)) // len(teams)
                out = is_out(self._incidents, team.site.source, now)
                want = 0 if out else share
                self._relieve(team)
                if plan_of != begin or want < team.planned:
                    self._dismiss(team, want, all_out=out)
                team.planned = want
                self._fill(team)
        self._opened = True

    def close(self) -> None:
        """Nobody calls any more: everyone logs out."""
        self.closed = True
        for teams in self._teams.values():
            for team in teams:
                for agent in list(team.on):
                    self._log_out(agent)

    def enter(self, agent: Agent, state: AgentState, queue: str = "", call: str = "", reason: str = "") -> None:
        """The agent changes state now."""
        now = self._world.now
        if self._told:
            self._write(agent, now)
        was, agent.state, agent.since = agent.state, state, now
        agent.queue, agent.call, agent.reason = queue, call, reason
        if state == "available":
            for own in agent.queues:
                (own.own if own is agent.team.queue else own.helpers)[agent] = None
        elif was == "available":
            for own in agent.queues:
                (own.own if own is agent.team.queue else own.helpers).pop(agent, None)
        if self._told:
            self._tell(agent)

    def free(self, agent: Agent) -> None:
        """The agent is done with a call or a break: home, to a break, or to the call that waits longest."""
        if self._goes(agent):
            self._fill(agent.team)
        elif not self._offer(agent):
            self.enter(agent, "available")

    def set_aside(self, agent: Agent, call: Call) -> None:
        """The agent did not answer: no calls for a moment."""
        self.enter(agent, "ring_no_answer", call.queue.name, call.id)
        self._world.at(self._world.now + between(self._world.random, *_SET_ASIDE_MS), self._back, (agent, agent.since))

    def on_duty(self, source: str) -> list[Agent]:
        """The agents logged in at a source."""
        teams = [team for teams in self._teams.values() for team in teams if team.site.source == source]
        return [agent for team in teams for agent in team.on]

    def so_far(self) -> list[TrueAgent]:
        """The intervals that last."""
        if not self._told:
            return []
        return [self._interval(agent, None) for teams in self._teams.values() for team in teams for agent in team.on]

    def _offer(self, agent: Agent) -> bool:
        """Give the agent the call that waits longest, of the own queue first; whether there was one."""
        for queue in agent.queues:
            call = queue.next_waiting()
            if call is not None:
                self.ring(call, agent)
                return True
        return False

    def _offer_first(self, agent: Agent) -> None:
        if agent.state == "available":
            self._offer(agent)

    def _plan(self, queue: Queue, begin: int) -> int:
        """Agents for the load that supervisors see coming in the half hour from `begin` (square-root staffing).

        a = arrivals x (talk + after-call work) in erlangs; agents = a + comfort x sqrt(a), rounded up.
        """
        profile, times = queue.profile, (begin, begin + _PLAN_MS // 2, begin + _PLAN_MS)
        peak = max(self._demand.planned(profile, self._demand.local(at)) for at in times)
        load = peak * (1 - self._world.profile.menu_end) * (profile.talk_s + profile.acw_s) * 1_000
        return max(1, ceil(load + self._world.profile.comfort * sqrt(load)))

    def _fill(self, team: Team) -> None:
        """Log in as many as are missing: first those who were about to leave, then whoever is rested, then new ones."""
        missing = team.planned - team.working()
        if missing <= 0 or self.closed:
            return
        for agent in team.on:
            if missing and agent.leaving and agent.shift_ends > self._world.now:
                agent.leaving = False
                missing -= 1
        for _ in range(missing):
            self._log_in(team)

    def _log_in(self, team: Team) -> None:
        now, random = self._world.now, self._world.random
        agent = team.rested(now)
        if agent is None:
            self._number += 1
            skills = skills_of(team.queue, self._queues, self._world.habits.second_skill, random)
            name = named(self._world.profile.sites, team.site, "/", f"a{self._number}")
            agent = Agent(name, team, skills, now)
        agent.begin_shift(now, random, worked=0.0 if self._opened else random.random() * 0.75)
        team.on[agent] = None
        self.enter(agent, "available")
        self._world.at(now + _FIRST_CALL_MS, self._offer_first, agent)

    def _relieve(self, team: Team) -> None:
        """Free agents whose shift is over or whose break is due need no call to end first."""
        for agent in list(team.on):
            if agent.state == "available":
                self._goes(agent)

    def _dismiss(self, team: Team, want: int, *, all_out: bool) -> None:
        """Let go of those too many, who came first before others: free ones now, others after their call."""
        if all_out:
            for agent in [one for one in team.on if one.state == "break"]:
                self._log_out(agent)
        surplus = team.working() - want
        for agent in sorted(team.on, key=lambda one: one.state != "available"):
            if surplus <= 0:
                return
            if agent.state != "break" and not agent.leaving:
                agent.leaving = True
                surplus -= 1
                if agent.state == "available":
                    self._log_out(agent)

    def _goes(self, agent: Agent) -> bool:
        """Send the agent home or on a break if it is time; whether it was."""
        now = self._world.now
        if agent.leaving or now >= agent.shift_ends:
            self._log_out(agent)
            return True
        if not agent.break_due(now) or self.closed:
            return False
        if agent.team.queue.waiting() and now - agent.breaks[0].at < _LONGEST_PUT_OFF_MS:
            return False
        pause = agent.breaks.popleft()
        self.enter(agent, "break", reason=pause.reason)
        self._world.at(now + pause.length_ms, self._back, (agent, now))
        return True

    def _back(self, what: tuple[Agent, int]) -> None:
        agent, since = what
        if agent.since != since or agent.state not in {"break", "ring_no_answer"}:
            return  # logged out meanwhile
        if agent.state == "break" and self._told and self._world.chance(_SKILLS_CHANGE):
            more = self._world.habits.second_skill
            agent.queues = skills_of(agent.team.queue, self._queues, more, self._world.random)
        self.free(agent)

    def _log_out(self, agent: Agent) -> None:
        agent.leaving = False
        del agent.team.on[agent]
        self.enter(agent, "logged_out")
        agent.told_skills = ()
        agent.team.off.append(agent)

    def _tell(self, agent: Agent) -> None:
        skills = agent.skills
        changed = agent.state != "logged_out" and skills != agent.told_skills
        if changed:
            agent.told_skills = skills
        self._world.tell(
            "agent_state",
            agent.site.source,
            agent=agent.id,
            centre=agent.site.centre,
            state=agent.state,
            reason=agent.reason,
            queue=agent.queue,
            call=agent.call,
            skills=list(skills) if changed else None,
        )

    def _write(self, agent: Agent, now: int) -> None:
        if agent.state != "logged_out" and now > agent.since:
            self._world.truth.append(self._interval(agent, now))

    def _interval(self, agent: Agent, until: int | None) -> TrueAgent:
        return TrueAgent(
            agent=agent.id,
            hotline=agent.team.queue.hotline,
            source=agent.site.source,
            centre=agent.site.centre,
            state=agent.state,
            reason=agent.reason,
            queue=agent.queue,
            call=agent.call,
            skills=agent.told_skills,
            since=agent.since,
            until=until,
        )

"""The run of `hotline up`: infrastructure, topics, schema, processes; then watch; then stop in order."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable
from functools import partial
from importlib.metadata import version

from aiokafka.errors import KafkaError

from deploy import topics
from deploy.embedded.child import EmbeddedError
from deploy.embedded.jars import KAFKA, fetched
from deploy.runtime import run_file
from deploy.runtime.plurals import so_many
from deploy.runtime.run_file import RunFile
from deploy.runtime.settings_sources import config_file
from deploy.supervisor.child import Child, Say
from deploy.supervisor.plan import Plan, hotline_command, kind_of
from deploy.supervisor.readiness import problems_of
from sinks.clickhouse.migrate import migrate

INFRASTRUCTURE_WITHIN_S = 240.0
READY_WITHIN_S = 120.0
_ASK_EVERY_S = 0.25
_NEWS_EVERY_S = 10.0
# What feeds the engine ends first, what it rests on last.
_STOP_ORDER = (("simulate",), ("streams",), ("sinks", "alerts", "web"), ("clickhouse",), ("kafka",))


class NotReadyError(EmbeddedError):
    """Something did not become ready; the text names it and shows the end of its log."""


class Supervisor:
    """One Hotline: its children and what the console and `run.json` say about them."""

    def __init__(self, plan: Plan, say: Say) -> None:
        self._plan = plan
        self._say = say
        self._children: dict[str, Child] = {}
        self._ready = False
        self._stopping = asyncio.Event()

    async def run(self, on_ready: Callable[[], None]) -> None:
        """Start everything, call `on_ready`, and go on until SIGTERM or Ctrl-C; everything is stopped at the end.

        Raises EmbeddedError (and NotReadyError) when the start fails.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._stopping.set)
        try:
            if await self._unless_stopped(self._start_all()):
                self._ready = True
                self._write()
                on_ready()
                await self._stopping.wait()
        finally:
            self._say("stopping …")
            await self._stop_all()
            run_file.remove(self._plan.data_dir)
            self._say("stopped")

    async def _unless_stopped(self, work: Awaitable[None]) -> bool:
        """Whether `work` came to its end before somebody asked to stop."""
        task = asyncio.ensure_future(work)
        stop = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if task.done():
            await task
            return True
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        return False

    async def _start_all(self) -> None:
        plan = self._plan
        self._write()
        waits = []
        if plan.kafka:
            if not fetched():
                self._say(f"Kafka {KAFKA}: fetching it from Maven Central (about 45 MB, once on this machine)")
            await self._start("kafka", plan.kafka.command)
            waits.append(self._until_answering("kafka", plan.kafka.answers))
        if plan.clickhouse:
            plan.clickhouse.prepare()
            await self._start("clickhouse", plan.clickhouse.command)
            waits.append(self._until_answering("clickhouse", partial(asyncio.to_thread, plan.clickhouse.answers)))
        await asyncio.gather(*waits)
        await self._make_topics()
        names = await asyncio.to_thread(migrate, plan.settings)
        self._say(f"schema: {so_many(len(names), 'migration')} applied" if names else "schema: up to date")
        for name in plan.processes:
            await self._start(name, hotline_command(kind_of(name)))
        await self._until_ready()
        if plan.demo:
            await self._start("simulate", hotline_command("simulate", "--demo"), may_finish=True)

    async def _start(self, name: str, command: list[str], *, may_finish: bool = False) -> None:
        self._say(f"{name}: starting")
        child = Child(
            name,
            command,
            {**self._plan.env, **self._plan.processes.get(name, {})},
            self._plan.log(name),
            say=self._say,
            changed=self._write,
            may_finish=may_finish,
            # Everything goes at once then: what keeps files closes them; the others, which may be killed at any
            # time, would otherwise wait for a Kafka that is gone.
            orphan_signal=signal.SIGTERM if name in {"kafka", "clickhouse"} else signal.SIGKILL,
        )
        self._children[name] = child
        await child.start()

    async def _until_answering(self, name: str, answers: Callable[[], Awaitable[bool]]) -> None:
        loop = asyncio.get_running_loop()
        began = news = loop.time()
        child = self._children[name]
        while not await answers():
            if child.state == "waiting":
                raise NotReadyError(f"{name} did not start; the end of {child.log}:\n{child.tail()}")
            if loop.time() - began > INFRASTRUCTURE_WITHIN_S:
                raise NotReadyError(
                    f"{name} does not answer after {INFRASTRUCTURE_WITHIN_S:.0f} s; the end of {child.log}:\n{child.tail()}"
                )
            if loop.time() - news > _NEWS_EVERY_S:
                news = loop.time()
                self._say(f"{name}: still starting ({news - began:.0f} s)")
            await asyncio.sleep(_ASK_EVERY_S)
        self._say(f"{name}: ready after {loop.time() - began:.1f} s")

    async def _make_topics(self) -> None:
        settings = self._plan.settings.kafka
        try:
            states = await topics.apply(settings)
        except (KafkaError, OSError) as error:
            raise NotReadyError(f"topics: Kafka at {settings.bootstrap} does not answer: {error!r}") from error
        wrong = [str(state) for state in states if state.wrong]
        if wrong:
            raise NotReadyError("topics:\n" + "\n".join(wrong))
        made = sum(state.state == "created" for state in states)
        self._say(f"topics: {made} created" if made else "topics: as they should be")

    async def _until_ready(self) -> None:
        """As long as what is missing goes on changing: a board with a long day to read is no failure."""
        loop = asyncio.get_running_loop()
        went_on = news = loop.time()
        missing: dict[str, str] = {}
        while problems := await problems_of(self._plan.ready_urls):
            if problems != missing:
                missing, went_on = problems, loop.time()
            if loop.time() - went_on > READY_WITHIN_S:
                raise NotReadyError(self._describe(problems))
            if loop.time() - news > _NEWS_EVERY_S:
                news = loop.time()
                self._say("waiting for " + ", ".join(f"{name} ({problem})" for name, problem in problems.items()))
            await asyncio.sleep(_ASK_EVERY_S)

    def _describe(self, problems: dict[str, str]) -> str:
        parts = [f"nothing has changed for {READY_WITHIN_S:.0f} s and not ready: {', '.join(problems)}"]
        for name, problem in problems.items():
            child = self._children[name]
            parts.append(f"{name}: {problem}; the end of {child.log}:\n{child.tail()}")
        return "\n".join(parts)

    async def _stop_all(self) -> None:
        for group in _STOP_ORDER:
            await asyncio.gather(*(child.stop() for name, child in self._children.items() if kind_of(name) in group))

    def _write(self) -> None:
        run_file.write(
            self._plan.data_dir,
            RunFile(
                demo=self._plan.demo,
                config=str(config.resolve()) if (config := config_file()).is_file() else "",
                pid=os.getpid(),
                version=version("hotline-monitor"),
                ready=self._ready,
                endpoints=self._plan.endpoints,
                health=dict(self._plan.health),
                processes=[child.process_state for child in self._children.values()],
            ),
        )

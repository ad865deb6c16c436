"""One supervised process: started, watched, started again when it dies, stopped when asked."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from deploy.embedded.child import POPEN_OPTIONS, open_log, tail, tied
from deploy.runtime.run_file import ProcessState, State
from deploy.supervisor.backoff import next_pause

Say = Callable[[str], None]
_STOP_WITHIN_S = 20.0
_REFUSED = 2


class Child:
    """`may_finish`: an exit with code 0 is its regular end, not a death.

    `orphan_signal`: what the kernel sends it when the supervisor itself was killed.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        env: Mapping[str, str],
        log: Path,
        *,
        say: Say,
        changed: Callable[[], None],
        may_finish: bool = False,
        orphan_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name = name
        self.log = log
        self.restarts = 0
        self.state: State = "starting"
        self.exit_code: int | None = None
        self._command = tied(command, orphan_signal)
        self._env = dict(env)
        self._say = say
        self._changed = changed
        self._may_finish = may_finish
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if running and self._process else None

    @property
    def process_state(self) -> ProcessState:
        return ProcessState(self.name, self.pid, self.state, self.restarts)

    def tail(self) -> str:
        return tail(self.log)

    async def start(self) -> None:
        """Start it and watch it from now on."""
        await self._spawn()
        self._task = asyncio.create_task(self._watch(), name=f"watch {self.name}")

    async def _spawn(self) -> None:
        with open_log(self.log) as out:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, env=self._env, stdout=out, stderr=asyncio.subprocess.STDOUT, **POPEN_OPTIONS
            )
        self._set("running")

    def _set(self, state: State) -> None:
        self.state = state
        self._changed()

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            assert self._process is not None
            began = loop.time()
            self.exit_code = await self._process.wait()
            if self._stopping.is_set() or (self._may_finish and self.exit_code == 0):
                break
            failures, pause = next_pause(failures, loop.time() - began)
            self._set("waiting")
            # 2 is a refusal of its settings: what it said last is what to do
            why = f": {last[-1]}" if self.exit_code == _REFUSED and (last := self.tail().splitlines()) else ""
            self._say(f"{self.name} {_ended(self.exit_code)}{why}; starting it again in {pause:g} s (log: {self.log})")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
            if self._stopping.is_set():
                break
            self.restarts += 1
            await self._spawn()
        self._set("stopped")

    async def stop(self) -> None:
        """Ask it to end, wait, and kill it if it does not; what was never started is fine."""
        self._stopping.set()
        if self._task is None:
            return
        if self.pid is not None and self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
        try:
            await asyncio.wait_for(asyncio.shield(self._task), _STOP_WITHIN_S)
        except TimeoutError:
            self._say(f"{self.name} did not end within {_STOP_WITHIN_S:.0f} s: killed (log: {self.log})")
            if self._process is not None:
                with contextlib.suppress(ProcessLookupError):
                    self._process.kill()
            await self._task


def _ended(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"

"""Execute one notebook in a kernel of its own, watch its memory, and say in one line why it failed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

from lookinside.course.provenance import cores

# What every kernel of the course gets: quiet TensorFlow, the environment's own kernel rather than a user's.
KERNEL_ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "TF_ENABLE_ONEDNN_OPTS": "1",  # left off on some CPUs, where training then takes 1.6 times as long
    "PYTHONUNBUFFERED": "1",
    "JUPYTER_PREFER_ENV_PATH": "1",
}
MOST_PRINTED = 10_000_000  # characters; a loop that prints for ever does not fill the memory
ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Execution:
    """How it went: wall-clock seconds, peak memory of the kernel's processes in bytes, and the error's one line.

    Where a limit stopped it, `over` is that limit's name, "seconds" or "bytes".
    """

    seconds: float
    peak_bytes: int
    error: str | None = None
    interrupted: bool = False
    over: str = ""


@dataclass(frozen=True)
class Limits:
    """How much a notebook may take; None is as much as it wants. Where it takes more, its kernel is killed."""

    seconds: float | None = None
    bytes: int | None = None


NO_LIMITS = Limits()


class MemoryWatch(threading.Thread):
    """Samples the resident memory of a process and its children five times a second.

    Attributes:
        peak: in bytes.
        broken: which limit was broken, its name and the end of a sentence; None where none was.
    """

    def __init__(self, pid: int, limits: Limits = NO_LIMITS) -> None:
        super().__init__(daemon=True)
        self.peak, self.broken = 0, None
        self._process, self._limits, self._begin = psutil.Process(pid), limits, time.monotonic()
        self._children: set[psutil.Process] = set()
        self._ended = threading.Event()

    def run(self) -> None:
        """Sample until stopped or the process is gone."""
        while not self._ended.wait(0.2):
            total = 0
            try:
                self._children.update(self._process.children(recursive=True))
                for process in (self._process, *filter(psutil.Process.is_running, self._children)):
                    with contextlib.suppress(psutil.Error):
                        total += process.memory_info().rss
            except psutil.Error:
                return
            self.peak = max(self.peak, total)
            self.broken = self._over(total)
            if self.broken:
                self._kill(self._process)
                return

    def _over(self, total):
        seconds, most = self._limits.seconds, self._limits.bytes
        if most is not None and total > most:
            return "bytes", f"it took more than {most / 1e9:.1f} GB of memory"
        if seconds is not None and time.monotonic() - self._begin > seconds:
            return "seconds", f"it took more than {seconds / 60:g} minute{'s' * (seconds != 60)}"
        return None

    def stop(self) -> int:
        """End the sampling, and what the process has started and left behind; return the peak in bytes."""
        self._ended.set()
        self.join()
        if self._limits != NO_LIMITS:
            for child in self._children:
                self._kill(child)
        return self.peak

    @staticmethod
    def _kill(process):
        with contextlib.suppress(psutil.Error):
            process.kill()  # psutil looks whether the number is still that of the same process


class Client(NotebookClient):
    """nbclient, but the error stream is shown while it runs and never stored."""

    def __init__(self, notebook: Any, on_error_text: Callable[[str], None], **options: Any) -> None:
        super().__init__(notebook, **options)
        self._on_error_text, self._printed = on_error_text, 0

    def output(self, outs: list, msg: dict, display_id: str | None, cell_index: int) -> Any:
        """Divert the error stream; join neighbouring pieces of standard output."""
        content = msg["content"]
        if msg["msg_type"] != "stream":
            return super().output(outs, msg, display_id, cell_index)
        if content["name"] == "stderr":
            self._on_error_text(content["text"])
            return None
        self._printed += len(content["text"])
        if self._printed > MOST_PRINTED:
            return None
        last = outs[-1] if outs else None
        if last is not None and last.output_type == "stream" and last.name == content["name"]:
            last.text += content["text"]
            return last
        return super().output(outs, msg, display_id, cell_index)


def execute(
    notebook: Any,
    folder: Path,
    *,
    environment: dict[str, str] | None = None,
    cell_timeout: int | None = None,
    limits: Limits = NO_LIMITS,
    on_cell: Callable[[], None] = lambda: None,
    on_error_text: Callable[[str], None] = lambda text: None,
) -> Execution:
    """Run all code cells in order; outputs are written into `notebook` in place. Never raises for what a cell does.

    Args:
        notebook: an nbformat node.
        folder: where the kernel starts.
        environment: variables for the kernel, on top of this process's own.
        cell_timeout: seconds for one cell; None for no limit.
        limits: of the whole notebook.
        on_cell: called after each code cell.
        on_error_text: called with pieces of the error stream (progress bars, warnings).
    """
    options = {"cell_timeout": cell_timeout, "limits": limits, "on_cell": on_cell, "on_error_text": on_error_text}
    return execute_together([notebook], folder, environment=environment, **options)[0]


def execute_together(
    notebooks: list[Any],
    folder: Path,
    *,
    environment: dict[str, str] | None = None,
    cell_timeout: int | None = None,
    limits: Limits = NO_LIMITS,
    on_cell: Callable[[], None] = lambda: None,
    on_error_text: Callable[[str], None] = lambda text: None,
) -> list[Execution]:
    """Run several notebooks at the same time, each in a kernel of its own; arguments as `execute` takes them."""
    works = [Work(notebook, folder, on_cell=on_cell, on_error_text=on_error_text) for notebook in notebooks]
    options = {"environment": environment, "cell_timeout": cell_timeout, "limits": limits}
    return execute_in_turn(works, len(works), **options)


@dataclass(frozen=True)
class Work:
    """A notebook, the folder where its kernel starts, and who is told how it goes, its end among it."""

    notebook: Any
    folder: Path
    on_start: Callable[[], None] = lambda: None
    on_cell: Callable[[], None] = lambda: None
    on_error_text: Callable[[str], None] = lambda text: None
    on_end: Callable[[Execution], None] = lambda execution: None


def execute_in_turn(
    works: Sequence[Work],
    at_once: int,
    *,
    environment: dict[str, str] | None = None,
    cell_timeout: int | None = None,
    limits: Limits = NO_LIMITS,
) -> list[Execution]:
    """Run notebooks in order, so many of them at once; those whose turn does not come before an interrupt are missing."""
    environment = {**os.environ, **KERNEL_ENVIRONMENT, **(environment or {})}

    async def run(work: Work, turns: asyncio.Semaphore) -> Execution:
        async with turns:
            work.on_start()
            options = {"timeout": cell_timeout, "kernel_name": "python3", "record_timing": False}
            client = Client(work.notebook, work.on_error_text, **options)
            execution = await _execute(client, work.folder, environment, limits, work.on_cell)
            work.on_end(execution)
            return execution

    async def all_of_them() -> list[Execution]:
        turns = asyncio.Semaphore(at_once)
        runs = [asyncio.ensure_future(run(work, turns)) for work in works]
        together = asyncio.gather(*runs)
        with contextlib.suppress(NotImplementedError, RuntimeError):  # Windows, or not in the main thread
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, together.cancel)
        try:
            return list(await together)
        except asyncio.CancelledError:
            ended = await asyncio.gather(*runs, return_exceptions=True)
            return [one for one in ended if isinstance(one, Execution)]

    return asyncio.run(all_of_them())


async def _execute(
    client: Client, folder: Path, environment: dict[str, str], limits: Limits, on_cell: Callable[[], None]
) -> Execution:
    begin, watch, error, interrupted, over = time.monotonic(), None, None, False, ""
    me = asyncio.current_task()
    client.shutdown_kernel = "immediate"
    count = 0
    try:
        client.create_kernel_manager()
        await client.async_start_new_kernel(cwd=str(folder), env=environment, stderr=subprocess.DEVNULL)
        watch = MemoryWatch(client.km.provisioner.pid, limits)
        watch.start()
        await client.async_start_new_kernel_client()
        for index, cell in enumerate(client.nb.cells):
            if cell.cell_type == "code" and cell.source.strip():
                count += 1
                await client.async_execute_cell(cell, index, execution_count=count)
                on_cell()
    except asyncio.CancelledError:
        interrupted = True
    except CellExecutionError as failure:
        error = f"In [{count}]: {one_line(failure.ename, failure.evalue)}"
    except DeadKernelError:
        # nbclient says the same for a kernel that died and for a task that Ctrl-C has cancelled.
        interrupted = me.cancelling() > 0
        over, stopped = (watch and watch.broken) or ("", "")
        error = None if interrupted else f"In [{count}]: {f'stopped, {stopped}' if over else await _why_dead(client)}"
    except Exception as failure:  # no kernel, a cell that timed out: one line each, the next chapter goes on
        error = f"In [{count}]: {one_line(type(failure).__name__, str(failure))}"
    finally:
        peak = watch.stop() if watch else 0
        with contextlib.suppress(Exception):
            await client._async_cleanup_kernel()
    return Execution(time.monotonic() - begin, peak, error, interrupted, over)


async def _why_dead(client: Client) -> str:
    code = await client.km.provisioner.poll()
    if code == -signal.SIGKILL:
        return "the kernel was killed, most often because the memory ran out: close programs or use the quick profile"
    return f"the kernel died (exit status {code}), most often for lack of memory"


def most_at_once(jobs: int) -> int:
    """How many of so many notebooks can run at once: one a core, and 3 GB of free memory for each; one at least."""
    most = max(1, min(cores(), psutil.virtual_memory().available // (3 * 1024**3)))
    if jobs > most:
        print(f"JOBS={jobs} is more than cores and memory have room for: {most} at a time.", flush=True)
    return max(1, min(jobs, most))


def one_line(name: str, message: str) -> str:
    """An exception as one line of at most 200 characters; a LookInsideError speaks for itself."""
    message = ANSI.sub("", message).replace(f"{Path(__file__).parents[4]}{os.sep}", "")
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    text = lines[0] if lines else ""
    text = text if name == "LookInsideError" else f"{name}: {text}" if text else name
    return text if len(text) <= 200 else text[:197] + "..."

"""`make run`: execute the chapters in the profile in force, write build/html, print the closing table.

python -m lookinside.course.build.run [CHAPTER] [--jobs 2]
"""

from __future__ import annotations

import argparse
import datetime
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from lookinside.course.build.execution import ANSI, Execution, Work, execute_in_turn, most_at_once
from lookinside.course.build.export import write_page
from lookinside.course.build.pairs import read_source
from lookinside.course.build.start_page import UNFINISHED, write_start_page
from lookinside.course.build.words import with_words
from lookinside.course.places import chapter_sources, repository
from lookinside.course.profiles import profile
from lookinside.course.recording import recorded_result
from lookinside.course.warned import recorded_warnings
from lookinside.data.places import find_set
from lookinside.errors import LookInsideError

INTERRUPTED = 130


@dataclass(frozen=True)
class Line:
    """A chapter's line in the closing table; no execution where its turn did not come."""

    chapter: str
    execution: Execution | None = None
    sentence: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """True where the chapter ran to its end."""
        return self.execution is not None and self.execution.error is None and not self.execution.interrupted

    @property
    def outcome(self) -> str:
        """What came out, in a few words."""
        if self.execution is None:
            return "not run"
        if self.execution.interrupted:
            return "INTERRUPTED"
        if self.execution.error is not None:
            return f"FAILED {self.execution.error}"
        return self.sentence or "ran to its end"

    def cells(self) -> tuple[str, str, str, str, str]:
        """Chapter, minutes, peak memory, number of warnings and what came out."""
        if self.execution is None:
            return self.chapter, "-", "-", "-", self.outcome
        minutes, memory = f"{self.execution.seconds / 60:.1f}", f"{self.execution.peak_bytes / 1e9:.1f} GB"
        return self.chapter, minutes, memory, str(len(self.warnings)), self.outcome


def closing_table(lines: list[Line]) -> str:
    """The table under a run, one line a chapter, and below it what the chapters warned of."""
    rows = [("chapter", "minutes", "memory", "warnings", "main result"), *(line.cells() for line in lines)]
    wide = [max(len(row[column]) for row in rows) for column in range(4)]
    texts = [
        "  ".join([row[0].ljust(wide[0]), *(row[column].rjust(wide[column]) for column in (1, 2, 3)), row[4]])
        for row in rows
    ]
    warned = [
        f"{line.chapter} warned{f' {times} times' if times > 1 else ''}: {' '.join(text.split())}"
        for line in lines
        for text, times in Counter(line.warnings).items()
    ]
    return "\n".join([texts[0], "-" * max(map(len, texts)), *texts[1:], *([""] if warned else []), *warned])


class _Watched:
    """A chapter whose turn it is: a progress bar over its cells, in one of the terminal's rows, then its page."""

    def __init__(self, source: Path, notebook: Any, rows: list[int], end: Callable[[Path, Line], None]) -> None:
        self.notebook, self._source, self._rows, self._end = notebook, source, rows, end

    def work(self, pages: Path, environment: dict[str, str]) -> Work:
        """What is to be executed, and who is told."""
        self._pages, self._environment = pages, environment
        told = {"on_start": self._start, "on_cell": self._cell, "on_error_text": self._show, "on_end": self._finish}
        return Work(self.notebook, self._source.parent, **told)

    def _start(self):
        count = sum(cell.cell_type == "code" and bool(cell.source.strip()) for cell in self.notebook.cells)
        layout = "{desc} {percentage:3.0f}%|{bar}| {n}/{total} cells [{elapsed}]{postfix}"
        options = {"mininterval": 0.2 if sys.stderr.isatty() else 30, "position": self._rows.pop(0)}
        self._bar = tqdm(total=count, desc=self._source.stem, leave=False, bar_format=layout, **options)

    def _cell(self):
        self._bar.update()

    def _show(self, text):
        """A cell's own progress bar stands behind the chapter's."""
        pieces = [piece.strip() for piece in ANSI.sub("", text).replace("\r", "\n").splitlines() if piece.strip()]
        if pieces and "|" in pieces[-1]:
            self._bar.set_postfix_str(pieces[-1][:60], refresh=sys.stderr.isatty())

    def _finish(self, execution):
        self._rows.insert(0, abs(self._bar.pos))
        self._bar.close()
        result = recorded_result(self.notebook)
        sentence = result["sentence"] if result else ""
        line = Line(self._source.stem, execution, sentence, tuple(recorded_warnings(self.notebook)))
        _write_page(self.notebook, line, self._pages, self._environment)
        self._end(self._source, line)


def _write_page(notebook: Any, line: Line, pages: Path, environment: dict[str, str]) -> None:
    """A page for each data set; one that stopped half-way does not take the place of a whole one."""
    dataset = Path(environment.get("COURSE_DATASET") or profile.dataset).name
    whole = "-".join([line.chapter, *([] if dataset == "phantoms" else [dataset])])
    about = {
        "chapter": line.chapter,
        "dataset": dataset,
        "profile": environment.get("COURSE_PROFILE") or profile.name,
        "date": datetime.date.today().isoformat(),
        "seconds": round(line.execution.seconds, 1),
        "peak_bytes": line.execution.peak_bytes,
        "sentence": line.sentence,
        "warnings": len(line.warnings),
        "error": None if line.ok else line.execution.error or "interrupted",
    }
    unfinished = pages / f"{whole}{UNFINISHED}.html"
    write_page(notebook, pages / f"{whole}.html" if line.ok else unfinished, about)
    if line.ok:
        unfinished.unlink(missing_ok=True)  # what had stopped there has now run


def run_chapters(
    sources: list[Path], pages: Path, environment: dict[str, str] | None = None, at_once: int = 1
) -> int:
    """Run chapters in order, so many at once, and print the table, whatever happens. Returns the exit status."""
    begin = time.monotonic()
    lines = {source: Line(source.stem) for source in sources}
    rows = list(range(at_once))

    def end(source: Path, line: Line) -> None:
        lines[source] = line
        write_start_page(pages, _all_beside(sources))

    stopped, works = False, []
    try:
        for source in sources:
            try:
                notebook = with_words(read_source(source), source)  # chapter 0 may have no page beside it
            except LookInsideError as error:
                end(source, Line(source.stem, Execution(0.0, 0, str(error))))
            else:
                works.append(_Watched(source, notebook, rows, end).work(pages, environment or {}))
        execute_in_turn(works, at_once, environment=environment)
    except KeyboardInterrupt:
        stopped = True
    stopped |= any(line.execution is not None and line.execution.interrupted for line in lines.values())
    start = write_start_page(pages, _all_beside(sources))
    minutes = (time.monotonic() - begin) / 60
    print(f"\n{closing_table(list(lines.values()))}\n\nPages: {_from_here(start)} ({minutes:.1f} minutes)", flush=True)
    return INTERRUPTED if stopped else int(not all(line.ok for line in lines.values()))


def _all_beside(sources: list[Path]) -> list[Path]:
    """The chapters of the sources' folder, those that do not run now too."""
    return sorted({*sources, *(path for one in sources for path in one.parent.glob("[0-9][0-9]_*.py"))})


def _from_here(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def main(arguments: list[str] | None = None) -> int:
    """Returns 0 where every chapter ran, 1 where one failed, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="make run", description="Execute the chapters and write build/html.")
    parser.add_argument("--jobs", type=int, default=1, help="chapters at once; each may take 3 GB of memory")
    parser.add_argument("chapter", nargs="?", help="a number (01) or the start of a chapter's name; all without it")
    options = parser.parse_args(arguments)
    try:
        sources = chapter_sources(options.chapter)
        print(f"{len(sources)} chapter{'s' * (len(sources) != 1)}, {profile}", flush=True)
        _ = profile.name  # an unknown profile or set stops here, not in every chapter; some chapters read no set
        if not profile.on_phantoms and Path(profile.dataset).name == profile.dataset:
            find_set(profile.dataset)
        return run_chapters(sources, repository() / "build" / "html", None, most_at_once(options.jobs))
    except LookInsideError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())

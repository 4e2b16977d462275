"""`make run`: execute the chapters in the profile in force, write build/html, print the closing table.

python -m lookinside.course.build.run [CHAPTER]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from lookinside.course.build.execution import ANSI, Execution, execute
from lookinside.course.build.export import write_page
from lookinside.course.build.pairs import read_source
from lookinside.course.places import chapter_sources, repository
from lookinside.course.profiles import profile
from lookinside.course.recording import recorded_result
from lookinside.errors import LookInsideError

INTERRUPTED = 130


@dataclass(frozen=True)
class Line:
    """A chapter's line in the closing table; no execution where its turn did not come."""

    chapter: str
    execution: Execution | None = None
    sentence: str = ""

    @property
    def ok(self) -> bool:
        """True where the chapter ran to its end."""
        return self.execution is not None and self.execution.error is None and not self.execution.interrupted

    def cells(self) -> tuple[str, str, str, str]:
        """Chapter, minutes, peak memory and what came out."""
        if self.execution is None:
            return self.chapter, "-", "-", "not run"
        minutes, memory = f"{self.execution.seconds / 60:.1f}", f"{self.execution.peak_bytes / 1e9:.1f} GB"
        if self.execution.interrupted:
            return self.chapter, minutes, memory, "INTERRUPTED"
        if self.execution.error is not None:
            return self.chapter, minutes, memory, f"FAILED {self.execution.error}"
        return self.chapter, minutes, memory, self.sentence or "ran to its end"


def closing_table(lines: list[Line]) -> str:
    """The table under a run: one line a chapter."""
    rows = [("chapter", "minutes", "memory", "main result"), *(line.cells() for line in lines)]
    wide = [max(len(row[column]) for row in rows) for column in range(3)]
    texts = [f"{row[0]:<{wide[0]}}  {row[1]:>{wide[1]}}  {row[2]:>{wide[2]}}  {row[3]}" for row in rows]
    return "\n".join([texts[0], "-" * max(map(len, texts)), *texts[1:]])


def run_chapter(source: Path, pages: Path, environment: dict[str, str] | None = None) -> Line:
    """Execute one py:percent source, with a progress bar over its cells, and write its page."""
    try:
        notebook = read_source(source)
    except LookInsideError as error:
        return Line(source.stem, Execution(0.0, 0, str(error)))
    count = sum(cell.cell_type == "code" and bool(cell.source.strip()) for cell in notebook.cells)
    patience = 0.2 if sys.stderr.isatty() else 30
    layout = "{desc} {percentage:3.0f}%|{bar}| {n}/{total} cells [{elapsed}]{postfix}"
    with tqdm(total=count, desc=source.stem, leave=False, bar_format=layout, mininterval=patience) as bar:
        execution = execute(
            notebook, source.parent, environment=environment, on_cell=bar.update, on_error_text=_shown_beside(bar)
        )
    result = recorded_result(notebook)
    line = Line(source.stem, execution, result["sentence"] if result else "")
    write_page(notebook, pages / f"{_page_name(source, line, environment or {})}.html")
    return line


def _page_name(source: Path, line: Line, environment: dict[str, str]) -> str:
    """A page for each data set; one that stopped half-way does not take the place of a whole one."""
    dataset = Path(environment.get("COURSE_DATASET") or profile.dataset).name
    parts = [source.stem, *([] if dataset == "phantoms" else [dataset]), *([] if line.ok else ["unfinished"])]
    return "-".join(parts)


def _shown_beside(bar: tqdm) -> Callable[[str], None]:
    """Show a cell's own progress bar behind the chapter's."""

    def show(text: str) -> None:
        pieces = [piece.strip() for piece in ANSI.sub("", text).replace("\r", "\n").splitlines() if piece.strip()]
        if pieces and "|" in pieces[-1]:
            bar.set_postfix_str(pieces[-1][:60], refresh=sys.stderr.isatty())

    return show


def run_chapters(sources: list[Path], pages: Path, environment: dict[str, str] | None = None) -> int:
    """Run chapters one after the other and print the table, whatever happens. Returns the exit status."""
    lines: list[Line] = []
    stopped = False
    try:
        for source in sources:
            lines.append(run_chapter(source, pages, environment))
            if lines[-1].execution.interrupted:
                stopped = True
                break
    except KeyboardInterrupt:
        stopped = True
        lines.append(Line(sources[len(lines)].stem, Execution(0.0, 0, interrupted=True)))
    lines += [Line(source.stem) for source in sources[len(lines) :]]
    print(f"\n{closing_table(lines)}\n\nPages: {_from_here(pages)}/", flush=True)
    return INTERRUPTED if stopped else int(not all(line.ok for line in lines))


def _from_here(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def main(arguments: list[str] | None = None) -> int:
    """Returns 0 where every chapter ran, 1 where one failed, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="make run", description="Execute the chapters and write build/html.")
    parser.add_argument("chapter", nargs="?", help="a number (01) or the start of a chapter's name; all without it")
    options = parser.parse_args(arguments)
    try:
        sources = chapter_sources(options.chapter)
        print(f"{len(sources)} chapter{'s' * (len(sources) != 1)}, {profile}", flush=True)
        _ = profile.name  # an unknown profile stops here, not in every chapter
        return run_chapters(sources, repository() / "build" / "html")
    except LookInsideError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())

"""LaTeX formulas become MathML when a page is built, so that a browser draws them with no script and no network."""

from __future__ import annotations

import re
from html import escape

from math_core import LatexError, LatexToMathML

from lookinside.errors import LookInsideError

_CONVERTER = LatexToMathML(fancy_error=False)
_UNNUMBERED = re.compile(r"\\(begin|end)\{(align|equation|gather)\}")
_NUMBERED_ENVIRONMENT = re.compile(r"\\begin\{(align|equation|gather|multline)\}")


def to_mathml(latex: str, *, block: bool) -> str:
    """A formula as a `<math>` element that also carries its LaTeX for screen readers.

    Args:
        latex: the formula without its dollar signs; `\\tag{3}` puts the paper's number at the right.
        block: True for a formula on lines of its own.

    Raises LookInsideError, which quotes the formula, for a command that cannot be drawn.
    """
    source = latex.strip()
    if r"\tag" in source:
        if not _NUMBERED_ENVIRONMENT.search(source):
            source = rf"\begin{{equation}}{source}\end{{equation}}"
    else:  # numbers are the paper's or none, as in JupyterLab
        source = _UNNUMBERED.sub(r"\\\1{\2*}", source)
    try:
        drawn = _CONVERTER.convert_with_local_state(source, displaystyle=block)
    except LatexError as error:
        reason = str(error).strip().splitlines()[0]
        raise LookInsideError(
            f"The formula {latex.strip()!r} cannot be drawn ({reason}): write it with another command."
        ) from None
    return drawn.replace("<math", f'<math alttext="{escape(latex.strip())}"', 1)

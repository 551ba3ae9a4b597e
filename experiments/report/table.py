"""An HTML table of plain values: missing ones as a dash, whole numbers with their thousands apart."""

import html
from collections.abc import Iterable, Sequence
from typing import Final

#: Characters of a value that stands on one line; a longer one is a sentence, and is broken.
LONGEST_LINE: Final = 36


def table(head: Sequence[str], rows: Iterable[Sequence[object]], *, sorts: bool = True) -> str:
    """The table, in a box that scrolls where it is too wide; one that `sorts` does so at a click on a column's head."""

    def shown(value: object) -> str:
        if value is None:
            return "–"
        return html.escape(f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value))

    def cell(value: object) -> str:
        long = isinstance(value, str) and len(value) > LONGEST_LINE
        return f"<td class=text>{shown(value)}</td>" if long else f"<td>{shown(value)}</td>"

    top = "".join(f"<th>{html.escape(name)}</th>" for name in head)
    body = "".join("<tr>" + "".join(map(cell, row)) + "</tr>" for row in rows)
    kind = ' class="sorts"' if sorts else ""
    return f'<div class="wide"><table{kind}><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'

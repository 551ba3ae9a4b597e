"""Site: the map of one public web site, and the pages that link to it.

Flow: Draws -> the targets of honest requests and their referers, in pools from which `web` takes one of about the
length it needs.

Invariants: some pages hold the words of attacks in honest use ("select", "union", "script", "passwd"): a signature
that stops at a word is wrong, and the benign lines must show it. A pool's choice is a function of the draws and the
length alone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

from loadgen.model.draws import Draws
from loadgen.model.records import words

#: The parts of the site, and the filters of its searches.
SECTIONS = ("garden", "kitchen", "travel", "camera", "music", "winter")
FILTERS = ("color", "material", "condition", "season", "maker", "style", "region", "finish")

FIXED = (
    "/", "/news", "/about", "/blog/", "/docs/", "/feed", "/shop", "/favicon.ico", "/robots.txt", "/login", "/cart",
    "/docs/sql/select-and-union", "/docs/files/etc-passwd-format", "/blog/2025/03/script-tags-explained",
    "/static/js/onload-order.js", "/jobs/system-administrator", "/search?q=union+jack+or+select+tea",
    "/docs/git/configuration", "/search?q=rock+and+roll&sort=price", "/downloads/toolkit-2.4.1.tar.gz",
    "/docs/shell/alias-and-exec", "/docs/environment",
)  # fmt: skip


class Pool:
    """Texts sorted by length, to take one of about a wanted length from."""

    __slots__ = ("_starts", "texts")

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts = sorted(set(texts), key=lambda text: (len(text), text))
        lengths = [len(text) for text in self.texts]
        # At place n: where the texts of n bytes and more begin.
        self._starts = [bisect_left(lengths, length) for length in range(lengths[-1] + 5)]

    def near(self, draws: Draws, length: int) -> str:
        """Gives a text within 3 bytes of this length, or else the next longer one, or else the longest.

        Which of them follows Zipf's law (the place is (width + 1)**u - 1): some pages are asked for much more often.
        """
        last = len(self._starts) - 1
        low = self._starts[min(max(length - 3, 0), last)]
        high = self._starts[min(max(length + 4, 0), last)]
        return self.texts[min(low + int((high - low + 1) ** draws.uniform()) - 1, len(self.texts) - 1)]


def targets(draws: Draws) -> Pool:
    """Gives the targets of the site: pages, pictures, styles, an interface with queries; 1 to about 180 bytes."""
    found = set(FIXED)
    for _ in range(12):
        name = f"{draws.choice(words.NOUNS)}.{words.hex_digits(draws, 8)}.min"
        found.add(f"/static/css/{name}.css" if draws.chance(0.5) else f"/static/js/{name}.js")
    for _ in range(60):
        found.add(f"/{draws.choice(words.NOUNS)}")
        found.add(f"/images/{words.slug(draws, draws.between(1, 3))}.{draws.choice(('png', 'jpg', 'svg', 'webp'))}")
        found.add(f"/api/v{draws.between(1, 3)}/{draws.choice(SECTIONS)}/{draws.between(1, 999999)}")
    for _ in range(140):
        section = draws.choice(SECTIONS)
        month = f"20{draws.between(22, 25)}/{draws.between(1, 12):02d}"
        found.add(f"/blog/{month}/{words.slug(draws, draws.between(1, 4))}")
        found.add(f"/docs/{section}/{words.slug(draws, draws.between(1, 2))}.html")
        found.add(f"/shop/{section}/{words.slug(draws, 2)}-{draws.between(1000, 99999)}")
        filters = [f"{name}={draws.choice(words.QUALITIES)}" for name in FILTERS[: draws.below(len(FILTERS) + 1)]]
        filters += [f"page={draws.between(1, 40)}", f"per_page={draws.choice((20, 50, 100))}"]
        question = words.slug(draws, draws.between(1, 4)).replace("-", "+")
        found.add(f"/search?{'&'.join([f'q={question}', *filters])}")
        found.add(f"/api/v2/{section}?{'&'.join(filters)}&fields=id,name,price&sort=-created_at")
    return Pool(found)


def referers(draws: Draws, pages: Pool) -> Pool:
    """Gives the referers: pages of the site itself and of others, searches among them."""
    linking = [page for page in pages.texts if not page.startswith(("/images", "/static", "/api"))]
    own = [f"https://www.example.com{page}" for page in linking]
    return Pool([*own, *(f"https://{draws.choice(words.SITES)}{draws.choice(linking)}" for _ in range(300))])

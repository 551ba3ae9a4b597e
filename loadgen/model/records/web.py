"""Web: combined access-log lines of one public web site.

Flow: Draws, Stamps -> a population of clients and a site map, made once -> one line a call; `attacks` puts its own
target, referer or user agent into the same frame.

Invariants: `benign` raises no signature of the built-in pack. A line's length is drawn first, and client, target and
referer are chosen to fill it, so nothing is padding. Lengths follow ln N(MU, SIGMA), fitted to the mean, p50, p90 and
p99 of 16,273 real lines of five public access logs (216, 215, 309, 425 bytes); so were the shares of status and
method and the clients' tail.
Source: Apache HTTP Server 2.4 documentation, "Log Files", Combined Log Format.
"""

from __future__ import annotations

from collections.abc import Sequence

from loadgen.model.draws import Draws, weigh
from loadgen.model.records import agents, site, words
from loadgen.model.records.stamps import Stamps

#: exp(MU) = 214 is the median. The fit by moments, ln N(5.42, 0.30), lies 5 % above the measured median: quantiles
#: count here.
MU, SIGMA = 5.365, 0.29

#: Bytes of a line that are neither address, target, referer nor user agent (with a three-digit status, five-digit
#: size).
FRAME_BYTES = len(' - - [12/Jan/2026:10:05:03 +0000] "GET  HTTP/1.1" 200 12345 "" ""')

#: Clients that exist, and how flat the head of their popularity is: rank r has a share near 1 / (r + HEAD). With
#: visits of several requests (below) they give about 1,750 different clients in 10,000 lines, the busiest with some
#: 2 %.
CLIENTS, HEAD = 14000, 6.0

#: Visits in progress, and the chance that a request belongs to one of them. A visitor's requests repeat address, user
#: agent and referer: without visits 100 lines compress 4.9 times, with them 6.1 times, the real ones 6.9 times (gzip
#: level 6).
VISITS, VISIT_RATIO = 5, 0.68

#: Pages that visitors come from.
LANDINGS = 100

#: Bytes that a browser's line needs at least, beside the frame: its address, its name, a short target and referer.
PERSON_BYTES = 135

STATUSES = weigh([("200", 91.2), ("206", 0.5), ("304", 4.0), ("301", 1.6), ("302", 0.5), ("404", 2.05), ("403", 0.15)])
METHODS = weigh([("GET", 99.5), ("HEAD", 0.4), ("POST", 0.08), ("OPTIONS", 0.02)])
VERSIONS = weigh([("HTTP/1.1", 90.0), ("HTTP/2.0", 6.0), ("HTTP/1.0", 4.0)])

#: The answers' sizes in bytes: ln N, median 8 kB.
SIZE = (9.0, 1.6)

#: One line in 5,000 has bytes above 127, as bytes in UTF-8 or Latin-1: engines and encoders must carry them as they
#: are.
ODD_RATIO = 0.0002
ODD_TARGETS = (
    "/blog/caf\xe9-\xe0-la-carte",
    "/search?q=M\xfcnchen+stra\xdfe",
    "/tags/jalape\xf1o",
    "/img/\xc5ngstr\xf6m.png",
)


class Web:
    """The site, its clients, and its access log."""

    def __init__(self, draws: Draws, stamps: Stamps) -> None:
        self._draws = draws
        self._stamps = stamps
        self._targets = site.targets(draws)
        self._referers = site.referers(draws, self._targets)
        # A page has the same size at every request.
        self._sizes = {target: str(int(draws.log_normal(*SIZE))) for target in self._targets.texts}
        browsers = agents.browsers(draws)
        # Every third client is a program, so that both kinds have busy and rare ones. The busiest clients come from the
        # documentation networks, which have only 762 addresses; the rest is behind 10.x.
        self._people: list[tuple[str, str]] = []
        self._robots: list[tuple[str, str]] = []
        for number in range(CLIENTS):
            address = words.public_address(number) if number < 762 else words.private_address(number)
            if number % 3 == 2:
                self._robots.append((address, draws.choice(agents.PROGRAMS)))
            else:
                self._people.append((address, draws.choice(browsers)))
        landings = [referer for referer in self._referers.texts if 28 <= len(referer) <= 90]
        self._landings = [draws.choice(landings) for _ in range(LANDINGS)]
        self._human_visits = [self._visit(self._people) for _ in range(VISITS)]
        self._robot_visits = [self._visit(self._robots) for _ in range(VISITS)]

    def benign(self) -> bytes:
        """Gives a line of honest traffic."""
        draws = self._draws
        room_bytes = int(draws.log_normal(MU, SIGMA)) - FRAME_BYTES
        # A short line is a program's: no browser names itself in less than some 90 bytes.
        person = room_bytes > PERSON_BYTES and draws.chance(0.92)
        visits, clients = (self._human_visits, self._people) if person else (self._robot_visits, self._robots)
        slot = draws.below(VISITS)
        if not draws.chance(VISIT_RATIO):
            visits[slot] = self._visit(clients)
        address, agent, referer = visits[slot]
        room_bytes -= len(address) + len(agent)
        if not 4 <= room_bytes - len(referer) <= 90:
            referer = "-"
            if room_bytes > 120:
                share = 0.4 + 0.3 * draws.uniform()
                referer = self._referers.near(draws, int(room_bytes * share))
        target = self._targets.near(draws, room_bytes - len(referer))
        encoding = "ascii"
        if draws.chance(ODD_RATIO):
            target = draws.choice(ODD_TARGETS)
            encoding = draws.choice(("utf-8", "latin-1"))
        status = draws.weighted(STATUSES)
        method = draws.weighted(METHODS)
        return self.line(address, method, target, status, referer, agent).encode(encoding)

    def hostile(self, target: str, referer: str | None, agent: str | None, method: str = "GET") -> bytes:
        """Gives a line with an attack in it.

        Args:
            target: the request's target as the log shows it: percent-encoded or not, but without a blank or a double
                quote.
            referer: as the log shows it, or None for an honest one.
            agent: likewise the user agent, or None for a browser's.
            method: the request's.
        """
        draws = self._draws
        address, browser = self._client(self._people)
        if referer is None:
            referer = "-" if draws.chance(0.8) else self._referers.near(draws, 40)
        status = draws.choice(("200", "403", "404", "404", "400"))
        return self.line(address, method, target, status, referer, browser if agent is None else agent).encode("ascii")

    def page(self) -> str:
        """Gives the target of an honest short page, for attacks that come in by another field or a parameter."""
        return self._targets.near(self._draws, self._draws.between(5, 12))

    def line(self, address: str, method: str, target: str, status: str, referer: str, agent: str) -> str:
        """Gives a line in the combined format, at the present stamp, with its size of the answer."""
        draws = self._draws
        size = self._sizes.get(target) or str(int(draws.log_normal(*SIZE)))
        if status == "304" or method == "HEAD":
            size = "-"
        request = f"{method} {target} {draws.weighted(VERSIONS)}"
        return f'{address} - - [{self._stamps.web}] "{request}" {status} {size} "{referer}" "{agent}"'

    def _visit(self, clients: Sequence[tuple[str, str]]) -> tuple[str, str, str]:
        """A client with the page that it is on, one of a few that are linked to from everywhere, or none."""
        draws = self._draws
        landing = "-" if draws.chance(0.4) else self._landings[int(len(self._landings) ** draws.uniform()) - 1]
        return (*self._client(clients), landing)

    def _client(self, clients: Sequence[tuple[str, str]]) -> tuple[str, str]:
        # HEAD * ratio**u has a density proportional to 1/x on [HEAD, HEAD + len]: Zipf's law with a flattened head.
        place = int(HEAD * ((len(clients) + HEAD) / HEAD) ** self._draws.uniform() - HEAD)
        return clients[min(place, len(clients) - 1)]

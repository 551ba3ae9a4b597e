"""App: the lines of applications: a message broker, a Java service, a service that writes JSON, and their stack traces.

Flow: Draws, Stamps -> one line a call; `attacks` puts its own message into the same frames.

Invariants: `benign` raises no signature of the built-in pack. A line's length is drawn first and decides what is
told: a short notice, an ordinary message, or one with a list (partitions, attributes) that is told on until the
length is reached. Lengths follow ln N(MU, SIGMA), a fit to 40,922 real application lines (Kafka's and those of other
services), and TRACE_RATIO of the lines are stack traces of 5 to 13 kB: the share of lines of that size among 82,009
real ones of all kinds.
Source: the forms of log4j 1 (Kafka), Spring Boot's Logback default, and JSON lines as structlog and Bunyan write them.
"""

from __future__ import annotations

from loadgen.model.draws import Draws
from loadgen.model.records import words
from loadgen.model.records.stamps import Stamps

MU, SIGMA = 5.12, 0.60

#: The share of the lines that are stack traces, and their length: ln N, kept within the range seen (longest: 12,982
#: bytes).
TRACE_RATIO = 0.006
TRACE_MU, TRACE_SIGMA = 8.85, 0.22
TRACE_BYTES = (5_100, 13_000)

#: As in `web`: one line in 5,000 has bytes above 127.
ODD_RATIO = 0.0002
ODD_NAMES = ("Jos\xe9", "Zo\xeb", "M\xfcller", "Bj\xf6rk")

#: Below SHORT_BYTES a notice is told, below LONG_BYTES an ordinary message; a longer line has a list.
SHORT_BYTES, LONG_BYTES = 84, 165

TOPICS = ("orders", "payments", "shipments", "clicks", "sessions", "inventory", "emails", "audit-trail")
SERVICES = ("checkout", "catalog", "billing", "accounts", "notifier", "search-index")
CLASSES = (
    "OrderController", "PaymentGateway", "StockLedger", "SessionStore", "MailQueue", "PriceRules", "TokenVerifier",
    "ReportJob", "CartService", "SearchIndexer",
)  # fmt: skip
CALLS = (
    "handle", "invoke", "process", "apply", "run", "doFilter", "commit", "resolve", "read", "flush", "accept", "next",
)  # fmt: skip
PACKAGES = (
    "com.example.shop", "com.example.billing", "org.springframework.web.servlet", "org.apache.kafka.clients.consumer",
    "java.util.concurrent", "io.netty.channel", "org.hibernate.engine", "com.zaxxer.hikari.pool",
)  # fmt: skip
FAULTS = (
    "java.net.SocketTimeoutException: Read timed out", "java.lang.IllegalStateException: order is closed already",
    "java.sql.SQLTransientConnectionException: connection is not available, request timed out after 30000ms",
    "org.apache.kafka.common.errors.TimeoutException: expiring 12 record(s)",
)  # fmt: skip
EVENTS = (
    "request done", "cache miss", "order placed", "payment captured", "mail queued", "token verified",
    "user selected a plan", "script of migrations is up to date", "update of the index from the replica",
    "union of 2 result sets", "job executed",
)  # fmt: skip


class App:
    """The applications and their logs."""

    def __init__(self, draws: Draws, stamps: Stamps) -> None:
        self._draws = draws
        self._stamps = stamps

    def benign(self) -> bytes:
        """Gives a line of ordinary operation."""
        draws = self._draws
        if draws.chance(TRACE_RATIO):
            low, high = TRACE_BYTES
            return self._trace(min(max(int(draws.log_normal(TRACE_MU, TRACE_SIGMA)), low), high)).encode("ascii")
        if draws.chance(ODD_RATIO):
            name = draws.choice(ODD_NAMES)
            line = self.java("INFO", "SessionStore", f"session {words.hex_digits(draws, 12)} of {name} opened")
            return line.encode(draws.choice(("utf-8", "latin-1")))
        length = int(draws.log_normal(MU, SIGMA))
        if length < SHORT_BYTES:
            line = self._notice(length)
        elif length < LONG_BYTES:
            line = self._message()
        else:
            line = self._listing(length) if draws.chance(0.5) else self._json(length)
        return line.encode("ascii")

    def hostile(self, message: str) -> bytes:
        """Gives a line with this message, an attack's, in one of the three forms.

        Args:
            message: ASCII; in JSON its quotes and backslashes are escaped.
        """
        draws = self._draws
        form = draws.below(3)
        if form == 0:
            line = self.kafka("INFO", "SocketServer", message, "kafka.network.Processor")
        elif form == 1:
            line = self.java("WARN", draws.choice(CLASSES), message)
        else:
            line = self.json("warning", message.replace("\\", "\\\\").replace('"', '\\"')) + "}"
        return line.encode("ascii")

    def kafka(self, level: str, component: str, message: str, logger: str) -> str:
        """Gives a line in the form of Kafka's own server.log."""
        stamps = self._stamps
        return f"[{stamps.iso},{stamps.milli:03d}] {level} [{component}]: {message} ({logger})"

    def java(self, level: str, name: str, message: str) -> str:
        """Gives a line in the form of a Spring Boot service."""
        draws, stamps = self._draws, self._stamps
        thread = f"[nio-8080-exec-{draws.between(1, 20)}]"
        return f"{stamps.iso}.{stamps.milli:03d}  {level} 7 --- {thread} c.example.shop.{name} : {message}"

    def json(self, level: str, message: str) -> str:
        """Gives a JSON line without its closing brace, so that attributes can be added."""
        draws, stamps = self._draws, self._stamps
        stamp = f"{stamps.iso.replace(' ', 'T')}.{stamps.milli:03d}Z"
        return f'{{"ts":"{stamp}","level":"{level}","service":"{draws.choice(SERVICES)}","msg":"{message}"'

    def _notice(self, length: int) -> str:
        draws, stamps = self._draws, self._stamps
        topic = draws.choice(TOPICS)
        if length < 55:
            return (
                f"{stamps.iso} INFO {draws.choice(('flush', 'poll', 'sync', 'tick'))} {topic} ok {draws.below(900)} ms"
            )
        if length < 70:
            return f"{stamps.iso},{stamps.milli:03d} INFO heartbeat {draws.choice(SERVICES)} lag={draws.below(90000)}"
        place = f"{topic}-{draws.below(24)} at offset {draws.below(10**8)}"
        return f"{stamps.iso},{stamps.milli:03d} DEBUG consumer {place} of {topic}"

    def _message(self) -> str:
        draws = self._draws
        topic, name = draws.choice(TOPICS), draws.choice(CLASSES)
        match draws.below(6):
            case 0:
                text = f"Rolled new log segment at offset {draws.below(10**9)} in {draws.below(90)} ms."
                return self.kafka("INFO", f"Log partition={topic}-{draws.below(24)}", text, "kafka.log.Log")
            case 1:
                text = f"Member consumer-{topic}-{draws.below(9)} in group {topic} has left, removing it from the group"
                return self.kafka("INFO", f"GroupCoordinator {draws.below(5)}", text, "kafka.coordinator")
            case 2:
                return self.java("INFO", name, f"{draws.choice(EVENTS)} in {draws.below(4000)} ms")
            case 3:
                return self.java(
                    "WARN",
                    name,
                    f"retry {draws.between(1, 5)} of 5 after {draws.below(900)} ms: connection reset by peer",
                )
            case 4:
                return self.java(
                    "DEBUG",
                    name,
                    f"token of user {draws.between(1000, 99999)} has alg RS256, key id {words.hex_digits(draws, 8)}",
                )
            case _:
                return self.json("info", draws.choice(EVENTS)) + f',"duration_ms":{draws.below(4000)}}}'

    def _listing(self, length: int) -> str:
        """A broker's message about a list of partitions."""
        draws = self._draws
        topic = draws.choice(TOPICS)
        room = length - 141
        number = draws.below(60)
        parts = []
        while room > 0:
            # Partitions are assigned in runs with gaps.
            number += draws.choice((1, 1, 1, 2, 5))
            parts.append(f"{topic}-{number}")
            room -= len(parts[-1]) + 2
        text = f"Removed fetcher for partitions {{{', '.join(parts)}}}"
        return self.kafka(
            "INFO", f"ReplicaFetcherManager on broker {draws.below(5)}", text, "kafka.server.ReplicaFetcherManager"
        )

    def _json(self, length: int) -> str:
        """A service's message with attributes."""
        draws = self._draws
        parts = [self.json("info", draws.choice(EVENTS))]
        room = length - len(parts[0]) - 6
        first = draws.below(4)
        while room > 0:
            # The four usual attributes, each once, in turn; then as many others as the length needs.
            match (first + len(parts)) % 4 if len(parts) <= 4 else 4:
                case 0:
                    part = f',"trace_id":"{words.hex_digits(draws, 16)}"'
                case 1:
                    client = words.private_address(draws.below(4000))
                    part = f',"client":"{client}","status":{draws.choice((200, 200, 201, 304, 404))}'
                case 2:
                    part = (
                        f',"user":"{draws.choice(words.USERS)}","{draws.choice(words.NOUNS)}_id":{draws.below(100000)}'
                    )
                case 3:
                    path = f"/api/v2/{draws.choice(words.NOUNS)}"
                    part = f',"path":"{path}","method":"GET","duration_ms":{draws.below(4000)}'
                case _:
                    part = f',"{draws.choice(words.NOUNS)}_{len(parts)}":"{draws.choice(words.QUALITIES)}"'
            parts.append(part)
            room -= len(part)
        return "".join(parts) + "}"

    def _trace(self, length: int) -> str:
        """A stack trace in one line, its line breaks escaped as log shippers write them."""
        draws = self._draws
        parts = [self.java("ERROR", draws.choice(CLASSES), f"request failed: {draws.choice(FAULTS)}")]
        room = length - len(parts[0])
        while room > 0:
            name = draws.choice(CLASSES)
            part = (
                f"\\n\\tat {draws.choice(PACKAGES)}.{name}.{draws.choice(CALLS)}({name}.java:{draws.between(20, 900)})"
            )
            parts.append(part)
            room -= len(part)
        return "".join(parts)

"""Words: the names, addresses and small texts from which log lines are made.

Flow: constants and a few functions of `Draws` -> the kinds of record (`web`, `sshd`, `app`) and the attacks.

Invariants: every public address is of a documentation network (RFC 5737: 192.0.2.0/24, 198.51.100.0/24,
203.0.113.0/24), every other one of 10.0.0.0/8 (RFC 1918); host names end in example.com, .org or .net (RFC 2606);
nothing is copied from a real log. So no line points at a machine or a person of this world.
"""

from __future__ import annotations

from loadgen.model.draws import Draws

USERS = (
    "deploy", "jenkins", "alice", "svc-backup", "bob", "carla", "dmitri", "emma", "farid", "grace", "hugo", "ingrid",
    "kenji", "lucia", "maria", "nadia", "olga", "postgres", "quentin", "rosa", "tomas", "ubuntu", "vera", "wei",
    "ximena", "yusuf",
)  # fmt: skip

HOSTS = (
    "web-eu-west-1a-01", "ip-10-20-1-17", "web-eu-west-1b-02", "db-main", "bastion", "api-1", "worker-eu-west-1a",
    "worker-eu-west-1b", "db-replica-2", "ip-10-20-4-201", "api-2", "mail", "cache-eu-1", "ci-runner-7", "files",
    "web-03",
)  # fmt: skip

NOUNS = (
    "account", "archive", "article", "basket", "bridge", "camera", "catalog", "chapter", "cluster", "coffee",
    "column", "compass", "contract", "country", "cushion", "delivery", "diagram", "drawer", "engine", "event",
    "festival", "forest", "gallery", "garden", "guitar", "harbor", "history", "invoice", "island", "journal",
    "kernel", "kettle", "ladder", "language", "lantern", "lesson", "library", "machine", "market", "meadow",
    "measure", "museum", "network", "notebook", "orchard", "order", "painting", "parcel", "pattern", "payment",
    "pencil", "pipeline", "planet", "product", "project", "quarter", "queue", "recipe", "record", "report", "river",
    "sensor", "shelter", "signal", "stream", "student", "summer", "system", "table", "teapot", "ticket", "timber",
    "tower", "traffic", "travel", "valley", "vector", "village", "violin", "weather", "window", "winter", "workshop",
)  # fmt: skip

QUALITIES = (
    "ancient", "blue", "brief", "bright", "calm", "careful", "clear", "common", "curious", "daily", "distributed",
    "early", "easy", "elegant", "final", "fresh", "gentle", "golden", "green", "hidden", "honest", "large", "light",
    "little", "local", "modern", "narrow", "new", "northern", "open", "pale", "patient", "plain", "practical",
    "public", "quiet", "rapid", "rare", "reliable", "round", "second", "simple", "slow", "small", "smooth",
    "southern", "steady", "strong", "sunny", "tall", "useful", "warm", "western", "wide", "wooden", "young",
)  # fmt: skip

SITES = (
    "www.example.com", "example.com", "shop.example.com", "docs.example.org", "blog.example.net", "status.example.com",
    "forum.example.org", "search.example.net", "news.example.org",
)  # fmt: skip

#: The three documentation networks of RFC 5737.
PUBLIC_NETWORKS = ("192.0.2.", "198.51.100.", "203.0.113.")

BASE64_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def public_address(number: int) -> str:
    """Gives one of the 762 documentation addresses: number modulo 762."""
    network, host = divmod(number % 762, 254)
    return f"{PUBLIC_NETWORKS[network]}{host + 1}"


def private_address(number: int) -> str:
    """Gives an address of 10.0.0.0/8; different numbers below 2**24 give different addresses.

    The odd factor scatters neighbours over the network, and being odd it is a permutation modulo 2**24.
    """
    scattered = (number * 10_368_889) & 0xFF_FFFF
    return f"10.{scattered >> 16}.{scattered >> 8 & 255}.{scattered & 255}"


def hex_digits(draws: Draws, count: int) -> str:
    """Gives `count` hexadecimal digits in lower case."""
    return "".join(f"{draws.below(1 << 52):013x}" for _ in range(-(-count // 13)))[:count]


def base64_digits(draws: Draws, count: int) -> str:
    """Gives `count` digits of the base64 alphabet."""
    return "".join(draws.choice(BASE64_DIGITS) for _ in range(count))


def slug(draws: Draws, words: int) -> str:
    """Gives words joined by hyphens: qualities, and a noun at the end."""
    return "-".join([*(draws.choice(QUALITIES) for _ in range(words - 1)), draws.choice(NOUNS)])

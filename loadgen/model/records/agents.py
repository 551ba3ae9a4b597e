"""Agents: the names that the site's clients give themselves in the User-Agent field.

Flow: Draws -> browsers' names (about 80 to 145 bytes) and programs' (1 to 75), of which `web` gives each client one.

Invariants: all are honest ones, feed readers, monitors and plain command-line clients among them: a signature that
takes curl or a crawler for a scanner is wrong. Versions are drawn, so that no list of them grows old here.
Source: RFC 9110 section 10.1.5; the frozen forms of Chromium's User-Agent reduction.
"""

from __future__ import annotations

from loadgen.model.draws import Draws

BROWSER_COUNT = 36

SYSTEMS = (
    "Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64", "Windows NT 6.1; WOW64",
    "X11; Ubuntu; Linux x86_64", "Linux; Android 10; K",
)  # fmt: skip

PROGRAMS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
    "DuckDuckBot/1.1; (+http://duckduckgo.com/duckduckbot.html)",
    "FeedFetcher-Google; (+http://www.google.com/feedfetcher.html)",
    "Tiny Tiny RSS/23.11 (http://tt-rss.org/)",
    "NewsBlur Feed Fetcher - 12 subscribers",
    "Apache-HttpClient/4.5.14 (Java/17.0.9)",
    "python-requests/2.31.0",
    "Go-http-client/1.1",
    "Prometheus/2.48.1",
    "kube-probe/1.28",
    "okhttp/4.12.0",
    "Wget/1.21.4",
    "curl/8.5.0",
    "-",
)


def browsers(draws: Draws) -> tuple[str, ...]:
    """Gives the names of the browsers in use, half of them Chrome."""
    return tuple(_browser(draws) for _ in range(BROWSER_COUNT))


def _browser(draws: Draws) -> str:
    system = draws.choice(SYSTEMS)
    version = draws.between(100, 131)
    chrome = f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 Safari/537.36"
    kind = draws.below(10)
    if kind < 5:
        return chrome
    if kind < 6:
        return f"{chrome} Edg/{version}.0.{draws.between(1000, 2999)}.{draws.below(99)}"
    if kind < 7:
        phone = f"iPhone; CPU iPhone OS 1{draws.between(4, 7)}_{draws.below(7)} like Mac OS X"
        return f"Mozilla/5.0 ({phone}) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.6 Mobile/15E148 Safari/604.1"
    return f"Mozilla/5.0 ({system}; rv:{version}.0) Gecko/20100101 Firefox/{version}.0"

"""The built-in pack: its list of ids, its examples, and silence on ordinary lines."""

import re
import time

import pytest

from system.engine.equality import lay_out
from system.engine.registry import SCANNING, build
from system.signatures.dialect import canonical, parse
from system.signatures.loaders import load
from system.signatures.model import Signature

PACK = load(("builtin",))

IDS = [
    "web.sqli.union-select",
    "web.sqli.tautology",
    "web.sqli.time-based",
    "web.sqli.stacked-drop",
    "web.sqli.information-schema",
    "web.xss.script-tag",
    "web.xss.event-handler",
    "web.xss.javascript-uri",
    "web.traversal.dot-dot",
    "web.traversal.etc-passwd",
    "web.traversal.win-ini",
    "web.rce.log4shell",
    "web.rce.shellshock",
    "web.rce.command-chain",
    "web.rce.php-wrapper",
    "web.rce.spring4shell",
    "web.rce.thinkphp",
    "web.ssti.expression",
    "web.xxe.entity",
    "web.probe.dotenv",
    "web.probe.git-config",
    "web.probe.wp-login",
    "web.probe.xmlrpc",
    "web.probe.phpmyadmin",
    "web.probe.actuator",
    "web.probe.server-status",
    "web.probe.backup-file",
    "web.probe.cgi-bin",
    "web.webshell.access",
    "web.scanner.sqlmap",
    "web.scanner.nikto",
    "web.scanner.nmap",
    "web.scanner.nuclei",
    "web.scanner.masscan",
    "web.scanner.dirbuster",
    "web.ssrf.metadata",
    "web.crlf.injection",
    "auth.ssh.failed-password",
    "auth.ssh.invalid-user",
    "auth.ssh.root-failure",
    "auth.ssh.max-attempts",
    "auth.ssh.preauth-disconnect",
    "auth.ssh.bad-protocol",
    "auth.ssh.no-identification",
    "auth.ssh.breakin-reverse-dns",
    "auth.pam.failure",
    "auth.sudo.not-in-sudoers",
    "auth.sudo.incorrect-password",
    "auth.sudo.shell",
    "auth.su.failure",
    "auth.account.user-added",
    "auth.account.uid-zero",
    "app.deserialization.java",
    "app.secret.aws-key",
    "app.jwt.alg-none",
]

#: Ordinary lines that come near a signature: shared words, the same programs, the same paths.
ORDINARY = (
    r"""192.0.2.1 - - [15/Mar/2025:12:00:00 +0000] "GET / HTTP/1.1" 200 612 "-" "Mozilla/5.0 (Windows NT 10.0; Win64)" """,
    r"""192.0.2.1 - - [15/Mar/2025:12:00:00 +0000] "GET /search?q=select+a+union+flag HTTP/1.1" 200 612 "-" "-" """,
    r"""192.0.2.1 - bob [15/Mar/2025:12:00:00 +0000] "POST /api/v1/items?id=1&or=2 HTTP/2.0" 201 12 "-" "okhttp/4.12.0" """,
    r"""192.0.2.1 - - [15/Mar/2025:12:00:00 +0000] "GET /a/b/../c.css HTTP/1.1" 200 612 "https://example.org/" "-" """,
    r"""2001:db8::1 - - [15/Mar/2025:12:00:00 +0000] "GET /%7Ebob/%20x%2Fy.pdf?d=2025-03-15 HTTP/1.1" 206 90 "-" "-" """,
    r"""192.0.2.1 - - [15/Mar/2025:12:00:00 +0000] "GET /?q=%3Cb%3Ebold%3C%2Fb%3E%0Atext HTTP/1.1" 200 6 "-" "-" """,
    r"""192.0.2.1 - - [15/Mar/2025:12:00:00 +0000] "GET /releases/app-1.2.tar.gz HTTP/1.1" 200 9612 "-" "curl/8.5.0" """,
    r"""192.0.2.1 - - [15/Mar/2025:12:00:00 +0000] "GET /css?family=Lato|Roboto&display=swap HTTP/1.1" 200 9 "-" "-" """,
    r"""192.0.2.1 - - [15/Mar/2025:12:00:00 +0000] "GET /lookup?expr=${user.name} HTTP/1.1" 400 9 "-" "-" """,
    r"""192.0.2.1 - - [15/Mar/2025:12:00:00 +0000] "-" 408 0 "-" "-" """,
    r"""Mar 15 12:00:00 web-01 sshd[100]: Accepted publickey for root from 192.0.2.1 port 5000 ssh2: RSA SHA256:abc""",
    r"""Mar 15 12:00:00 web-01 sshd[100]: Disconnected from user bob 192.0.2.1 port 5000""",
    r"""Mar 15 12:00:00 web-01 sshd[100]: pam_unix(sshd:session): session closed for user bob""",
    r"""Mar 15 12:00:00 web-01 sudo:  bob : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/usr/bin/apt-get update""",
    r"""Mar 15 12:00:00 web-01 CRON[100]: (root) CMD (test -x /usr/sbin/anacron || ( cd / && run-parts /etc/cron.daily ))""",
    r"""Mar 15 12:00:00 web-01 systemd[1]: Started Session 42 of user bob.""",
    r"""2025-03-15T12:00:00.000Z INFO [main] c.e.App - SELECT id FROM users WHERE name = ? and age = 7 took 3 ms""",
    r"""2025-03-15T12:00:00.000Z ERROR [http-1] java.io.FileNotFoundException: /etc/app/config.yml""",
    r"""{"ts":"2025-03-15T12:00:00Z","level":"info","msg":"token eyJhbGciOiJSUzI1NiJ9.e30.c2ln","alg":"RS256"}""",
    r"""\tat org.example.Script.run(Script.java:42)""",
    "",
)


def test_the_pack_has_the_fixed_ids_in_the_fixed_order() -> None:
    assert [signature.id for signature in PACK] == IDS


@pytest.mark.parametrize("signature", PACK, ids=lambda signature: signature.id)
def test_a_signature_is_described_and_shown_by_examples(signature: Signature) -> None:
    assert signature.description.endswith(".")
    assert len(signature.match) >= 2
    assert len(signature.no_match) >= 2
    assert not set(signature.match) & set(signature.no_match)


@pytest.mark.parametrize("engine", SCANNING)
def test_every_signature_matches_its_examples_and_not_its_near_misses(engine: str) -> None:
    lines = [(index, line, True) for index, signature in enumerate(PACK) for line in signature.match]
    lines += [(index, line, False) for index, signature in enumerate(PACK) for line in signature.no_match]
    batch = lay_out([line.encode() for _, line, _ in lines])
    hits = build(engine, PACK).scan(*batch)
    found = set(zip(hits.record.tolist(), hits.signature.tolist(), strict=True))
    wrong = [
        (PACK[index].id, matches, line)
        for record, (index, line, matches) in enumerate(lines)
        if ((record, index) in found) is not matches
    ]
    assert wrong == []


@pytest.mark.parametrize("engine", SCANNING)
def test_ordinary_lines_raise_nothing(engine: str) -> None:
    hits = build(engine, PACK).scan(*lay_out([line.encode() for line in ORDINARY]))
    assert [(ORDINARY[record], PACK[index].id) for record, index in zip(*hits, strict=True)] == []


def test_no_match_example_of_one_signature_is_silent_but_for_what_it_names() -> None:
    """A near miss may belong to a neighbour (a root login that fails by key), but most are ordinary lines."""
    near = [line for signature in PACK for line in signature.no_match]
    hits = build("hyperscan", PACK).scan(*lay_out([line.encode() for line in near]))
    noisy = {near[record] for record in hits.record.tolist()}
    assert len(noisy) <= len(near) // 10, sorted(noisy)


#: A hostile record: linear patterns take 0.1 to 5 ms of it, a quadratic one hundreds.
HOSTILE_BYTES = 16_000
LIMIT_S = 0.1


def slowest_s(pattern: bytes, core: bytes) -> float:
    """CPU seconds of the slowest search over records made of one filler, alone and inside a request."""
    search = re.compile(pattern).search
    fillers = (b" ", b"%20", b"../", b'"GET ', b"a", b"1", b"/a.b", b"&cmd", b"'+or+'", b"/*", b"union+", core)
    slowest = 0.0
    for filler in fillers:
        for record in (filler * HOSTILE_BYTES, b'"GET /' + filler.replace(b'"', b"") * HOSTILE_BYTES):
            began = time.process_time()
            search(record[:HOSTILE_BYTES])
            slowest = max(slowest, time.process_time() - began)
    return slowest


@pytest.mark.parametrize("signature", PACK, ids=lambda signature: signature.id)
def test_a_pattern_stays_linear_on_hostile_records(signature: Signature) -> None:
    parsed = parse(signature)
    found = re.search(parsed.as_written, signature.match[0].encode(), parsed.flags)
    assert found is not None
    assert slowest_s(canonical(parsed, "re"), found[0][:-1]) < LIMIT_S


def test_the_check_for_linear_patterns_sees_a_quadratic_one() -> None:
    assert slowest_s(rb"q*q=", b"q") > LIMIT_S

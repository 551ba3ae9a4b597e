"""Attack templates: that they cover the signatures, keep to the log formats, and take every encoding."""

from urllib.parse import unquote, unquote_plus

import pytest

from loadgen.model.draws import Draws
from loadgen.model.records.app import App
from loadgen.model.records.attacks import ATTACKS, KINDS, SIGNATURES, Attack, Attacker, read_table
from loadgen.model.records.sshd import Sshd
from loadgen.model.records.stamps import Stamps
from loadgen.model.records.web import Web
from loadgen.model.records.web_attacks import ENCODINGS

# The built-in pack's ids, written out: the templates and the patterns must both keep to this list.
WEB = """sqli.union-select sqli.tautology sqli.time-based sqli.stacked-drop sqli.information-schema xss.script-tag
xss.event-handler xss.javascript-uri traversal.dot-dot traversal.etc-passwd traversal.win-ini rce.log4shell
rce.shellshock rce.command-chain rce.php-wrapper rce.spring4shell rce.thinkphp ssti.expression xxe.entity
probe.dotenv probe.git-config probe.wp-login probe.xmlrpc probe.phpmyadmin probe.actuator probe.server-status
probe.backup-file probe.cgi-bin webshell.access scanner.sqlmap scanner.nikto scanner.nmap scanner.nuclei
scanner.masscan scanner.dirbuster ssrf.metadata crlf.injection"""
AUTH = """ssh.failed-password ssh.invalid-user ssh.root-failure ssh.max-attempts ssh.preauth-disconnect
ssh.bad-protocol ssh.no-identification ssh.breakin-reverse-dns pam.failure sudo.not-in-sudoers
sudo.incorrect-password sudo.shell su.failure account.user-added account.uid-zero"""
APP = "deserialization.java secret.aws-key jwt.alg-none"


def attackers() -> dict[str, Attacker]:
    draws, stamps = Draws(1, "test"), Stamps()
    frames: dict[str, Web | Sshd | App] = {
        "web": Web(draws, stamps),
        "sshd": Sshd(draws, stamps),
        "app": App(draws, stamps),
    }
    return {kind: Attacker(kind, draws, frames[kind]) for kind in KINDS}


@pytest.mark.parametrize(("kind", "group", "names"), [("web", "web", WEB), ("sshd", "auth", AUTH), ("app", "app", APP)])
def test_every_signature_has_at_least_two_templates_of_its_kind(kind: str, group: str, names: str) -> None:
    wanted = {f"{group}.{name}" for name in names.split()}
    raised = [name for attack in ATTACKS[kind] for name in attack.raises]
    assert set(raised) == wanted
    assert not [name for name in wanted if raised.count(name) < 2]


def test_the_signatures_are_the_fifty_five_of_the_built_in_pack_sorted() -> None:
    assert len(SIGNATURES) == 55
    assert list(SIGNATURES) == sorted(SIGNATURES)


@pytest.mark.parametrize("kind", KINDS)
def test_every_template_renders_to_one_ascii_line_whatever_is_drawn(kind: str) -> None:
    attacker = attackers()[kind]
    for attack in ATTACKS[kind]:
        for _ in range(20):
            line = attacker.render(attack)
            assert line.isascii()
            assert line.decode().isprintable()
            assert "«" not in line.decode()


def test_web_attacks_stay_inside_their_field_of_the_combined_format() -> None:
    attacker = attackers()["web"]
    for attack in ATTACKS["web"]:
        for _ in range(20):
            line = attacker.render(attack).decode().replace('\\"', "")
            assert line.count('"') == 6, line
            assert len(line.split('"')[1].split(" ")) == 3, line


def test_going_through_the_signatures_reaches_each_of_them_in_one_turn() -> None:
    attacker = attackers()["web"]
    reached = {name for _ in range(len(WEB.split())) for name in attacker.line()[1]}
    assert reached == {f"web.{name}" for name in WEB.split()}


@pytest.mark.parametrize("encode", ENCODINGS)
@pytest.mark.parametrize("text", ['1\' UNION SELECT "a",2-- -', "<a href=x>&#+%\\", "a\r\nb: c/../d|e`f`;$(g)"])
def test_an_encoded_value_decodes_to_the_text_and_holds_nothing_that_ends_it(encode: object, text: str) -> None:
    assert callable(encode)
    value = encode(text)
    assert text in (unquote(value), unquote_plus(value))
    assert not set(value) & set(' "#&\r\n\\')


def test_quotes_of_an_attack_are_escaped_in_json_and_in_header_fields() -> None:
    draws, stamps = Draws(1, "quotes"), Stamps()
    lines = [App(draws, stamps).hostile('say "x"') for _ in range(30)]
    assert all(rb"say \"x\"" in line for line in lines if line.startswith(b"{"))
    assert all(b'say "x"' in line for line in lines if not line.startswith(b"{"))
    attack = Attack(("web.test",), "agent", ('x"y',))
    assert attackers()["web"].render(attack).endswith(rb'"x\"y"')


def test_a_template_with_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValueError, match="names the field «nmae»; the fields are n, number, word"):
        read_table([("web.test", "query", "a«nmae»")])

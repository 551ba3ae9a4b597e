"""Sshd: the lines of auth.log on an ordinary day: logins by key and password, sessions, cron, allowed sudo.

Flow: Draws, Stamps -> a fleet of hosts and people, made once -> one line a call; `attacks` puts its own message into
the same frame.

Invariants: `benign` raises no signature of the built-in pack: nobody fails, nobody becomes a shell, no account is
made. Shares of the programs follow a real auth.log (58 % sshd, 18 % cron, 8 % sudo), lengths ln N(4.69, 0.20) of
9,121 real lines (mean 111 bytes).
Source: the messages are those of OpenSSH 9 (auth.c, session.c, packet.c), Linux-PAM's pam_unix, sudo 1.9 (its syslog
format), systemd-logind and Debian's cron.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from loadgen.model.draws import Draws, weigh
from loadgen.model.records import words
from loadgen.model.records.stamps import Stamps

#: As in `web`: one line in 5,000 has bytes above 127.
ODD_RATIO = 0.0002

#: The share of the lines that hold a command: only these can be odd.
SUDO_RATIO = 0.027
ODD_COMMANDS = (
    "/usr/bin/ls /srv/daten/\xdcbersicht",
    "/usr/bin/cp /srv/caf\xe9/carte.pdf /srv/public/",
    "/usr/bin/du -sh /home/ra\xfal",
)

#: What people are allowed to do as root. Some name a shell or an account file in passing: only running one is an
#: attack.
COMMANDS = (
    "/usr/bin/apt-get update", "/usr/bin/apt-get install bash-completion", "/usr/bin/systemctl restart nginx.service",
    "/usr/bin/systemctl status postgresql", "/usr/bin/journalctl -u nginx --since today",
    "/usr/bin/tail -n 200 /var/log/syslog", "/usr/sbin/nginx -t", "/usr/bin/docker ps",
    "/usr/bin/docker compose -f /srv/shop/compose.yml up -d", "/usr/bin/df -h",
    "/usr/bin/rsync -a --delete /srv/shop/ /backup/shop/", "/usr/bin/certbot renew --quiet", "/usr/sbin/ufw status",
    "/usr/bin/lsof -i :443", "/usr/bin/chown -R www-data /srv/shop/uploads",
    "/usr/bin/tee /etc/apt/sources.list.d/shop.list", "/usr/sbin/logrotate -f /etc/logrotate.d/nginx",
    "/usr/bin/vim /etc/nginx/sites-enabled/shop.conf",
)  # fmt: skip

BUSY_HOSTS = weigh([(host, 1.0 / (number + 1)) for number, host in enumerate(words.HOSTS)])

#: The chance that the next story is another host's: a central auth.log holds runs of lines of one host.
HOST_RATIO = 0.25

HOMES = ("/srv/shop", "/var/log", "/etc/nginx", "/opt/reports/daily")

#: Stories by frequency. A login gives 5 lines of sshd and up to 3 of systemd, cron 2, sudo 3: together the shares
#: above.
STORIES = weigh([("login", 11.6), ("cron", 9.0), ("sudo", 2.7), ("start", 0.3)])


class Person(NamedTuple):
    """An account that may log in, with the key and the place it comes from."""

    name: str
    uid: int
    key: str
    address: str


class Sshd:
    """The hosts, their people, and their auth.log."""

    def __init__(self, draws: Draws, stamps: Stamps) -> None:
        self._draws = draws
        self._stamps = stamps
        self._host = words.HOSTS[0]
        self._pid = 1000
        self._story: deque[tuple[str, str, str]] = deque()
        people = (
            Person(
                name,
                1000 + number,
                f"{draws.choice(('ED25519', 'ED25519', 'RSA', 'ECDSA'))} SHA256:{words.base64_digits(draws, 43)}",
                words.public_address(draws.below(762)) if number % 3 else words.private_address(draws.below(1 << 16)),
            )
            for number, name in enumerate(words.USERS)
        )
        # The first names do most of it, as automation does on real hosts.
        self._people = weigh([(person, 1.0 / (number + 1)) for number, person in enumerate(people)])

    def benign(self) -> bytes:
        """Gives the next line of an ordinary day.

        Lines come as stories (a login with its session and its end), because a story repeats host, process, person
        and address: 100 lines drawn one by one compress 4.5 times, stories 6.4 times, a real auth.log 5 to 20 times
        (gzip level 6).
        """
        if not self._story:
            if self._draws.chance(HOST_RATIO):
                self._host = self._draws.weighted(BUSY_HOSTS)
            match self._draws.weighted(STORIES):
                case "login":
                    self._login()
                case "cron":
                    self._cron()
                case "sudo":
                    self._sudo()
                case _:
                    self._start()
        tag, message, encoding = self._story.popleft()
        return f"{self._stamps.syslog} {self._host} {tag}: {message}".encode(encoding)

    def hostile(self, program: str, message: str) -> bytes:
        """Gives a line of this program with this message: an attack's."""
        return self.line(program, message).encode("ascii")

    def line(self, program: str, message: str) -> str:
        """Gives a line as syslog writes it, of a drawn host: stamp, host, program and process id (sudo has none)."""
        return f"{self._stamps.syslog} {self._draws.choice(words.HOSTS)} {self._tag(program)}: {message}"

    def _tag(self, program: str) -> str:
        if program == "sudo":
            return program
        self._pid = 1000 + (self._pid + self._draws.between(1, 40)) % 31_000
        return f"{program}[{self._pid}]"

    def _tell(self, tag: str, message: str, encoding: str = "ascii") -> None:
        self._story.append((tag, message, encoding))

    def _login(self) -> None:
        """From "Accepted" to "Disconnected", one sshd process; systemd mentions most sessions."""
        draws = self._draws
        name, uid, key, address = draws.weighted(self._people)
        port = draws.between(32768, 60999)
        tag = self._tag("sshd")
        method, proof = ("publickey", f": {key}") if draws.chance(0.85) else ("password", "")
        self._tell(tag, f"Accepted {method} for {name} from {address} port {port} ssh2{proof}")
        self._tell(tag, f"pam_unix(sshd:session): session opened for user {name}(uid={uid}) by (uid=0)")
        if draws.chance(0.5):
            session = draws.between(100, 9999)
            self._tell("systemd-logind[611]", f"New session {session} of user {name}.")
            self._tell(
                self._tag("systemd"),
                f"pam_unix(systemd-user:session): session opened for user {name}(uid={uid}) by (uid=0)",
            )
            self._tell("systemd-logind[611]", f"Session {session} logged out. Waiting for processes to exit.")
        self._tell(tag, f"Received disconnect from {address} port {port}:11: disconnected by user")
        self._tell(tag, f"Disconnected from user {name} {address} port {port}")
        self._tell(tag, f"pam_unix(sshd:session): session closed for user {name}")

    def _cron(self) -> None:
        tag = self._tag("CRON")
        self._tell(tag, "pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)")
        self._tell(tag, "pam_unix(cron:session): session closed for user root")

    def _sudo(self) -> None:
        draws = self._draws
        name, uid, _, _ = draws.weighted(self._people)
        odd = draws.chance(ODD_RATIO / SUDO_RATIO)
        command = draws.choice(ODD_COMMANDS if odd else COMMANDS)
        home = f"/home/{name}" if draws.chance(0.7) else draws.choice(HOMES)
        message = f"{name:>8} : TTY=pts/{draws.below(6)} ; PWD={home} ; USER=root ; COMMAND={command}"
        self._tell("sudo", message, draws.choice(("utf-8", "latin-1")) if odd else "ascii")
        self._tell("sudo", f"pam_unix(sudo:session): session opened for user root(uid=0) by {name}(uid={uid})")
        self._tell("sudo", "pam_unix(sudo:session): session closed for user root")

    def _start(self) -> None:
        tag = self._tag("sshd")
        self._tell(tag, "Server listening on 0.0.0.0 port 22.")
        self._tell(tag, "Server listening on :: port 22.")

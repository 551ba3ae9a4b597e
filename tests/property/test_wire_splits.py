"""Any split of the stream gives the same envelopes, and msgpack's own decoding of the messages agrees with them."""

import itertools
import random

import msgpack
from hypothesis import given, settings
from hypothesis import strategies as st

from system.wire.framing import FrameReader
from system.wire.messages import Envelope, Mode, ProtocolError

LIMIT = 1 << 16

scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats()
values = st.recursive(
    scalars | st.binary(max_size=40) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
tags = st.binary(max_size=40).filter(lambda tag: b"\0" not in tag)
times = st.integers(0, 2**33) | st.binary(min_size=8, max_size=8).map(lambda raw: msgpack.ExtType(0, raw))
options = st.none() | st.fixed_dictionaries(
    {}, optional={"chunk": st.text(max_size=40) | st.binary(max_size=40), "size": values, "compressed": st.just("gzip")}
)
messages = st.one_of(
    st.tuples(tags, st.binary(max_size=400)),
    st.tuples(tags, st.binary(max_size=400), options),
    st.tuples(tags, st.lists(values, max_size=20)),
    st.tuples(tags, st.lists(values, max_size=20), options),
    st.tuples(tags, times, values),
    st.tuples(tags, times, values, options),
)


def read(pieces: list[bytes]) -> list[Envelope]:
    reader = FrameReader(LIMIT)
    return [envelope for piece in pieces for envelope in reader.feed(piece)]


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
    return [stream[start:end] for start, end in itertools.pairwise(edges)]


def expected(message: tuple) -> Envelope:  # type: ignore[type-arg]
    """The envelope, by packing again what the message says."""
    tag, second, *rest = message
    if isinstance(second, bytes):
        packed, mode, option = second, Mode.PACKED, rest
    elif isinstance(second, list):
        packed, mode, option = b"".join(map(msgpack.packb, second)), Mode.FORWARD, rest
    else:
        packed, mode, option = msgpack.packb([second, rest[0]]), Mode.MESSAGE, rest[1:]
    said = (option[0] or {}) if option else {}
    chunk = said.get("chunk")
    ack = None if chunk is None else msgpack.packb({"ack": chunk})
    raw = chunk.encode() if isinstance(chunk, str) else chunk
    return Envelope(tag, packed, "compressed" in said and mode is Mode.PACKED, raw, ack, mode)


@settings(deadline=None)
@given(st.lists(messages, max_size=6), st.lists(st.integers(0, 10**6), max_size=12))
def test_any_split_gives_what_the_messages_say(sent: list[tuple], places: list[int]) -> None:  # type: ignore[type-arg]
    stream = b"".join(map(msgpack.packb, sent))
    assert read(cut(stream, places)) == [expected(message) for message in sent]


@settings(deadline=None)
@given(st.lists(messages, min_size=1, max_size=3))
def test_byte_by_byte_gives_the_same(sent: list[tuple]) -> None:  # type: ignore[type-arg]
    stream = b"".join(map(msgpack.packb, sent))
    assert read([stream[place : place + 1] for place in range(len(stream))]) == read([stream])


@settings(deadline=None, max_examples=300)
@given(st.lists(messages, min_size=1, max_size=3), st.randoms(use_true_random=False), st.lists(st.integers(0, 10**6)))
def test_damaged_streams_give_the_same_envelopes_and_verdict_over_any_split(
    sent: list[tuple],  # type: ignore[type-arg]
    random_: random.Random,
    places: list[int],
) -> None:
    stream = bytearray(b"".join(map(msgpack.packb, sent)))
    for _ in range(random_.randint(1, 4)):
        stream[random_.randrange(len(stream))] = random_.randrange(256)
    whole = outcome([bytes(stream)])
    assert outcome(cut(bytes(stream), places)) == whole


def outcome(pieces: list[bytes]) -> tuple[list[Envelope], str | None]:
    reader = FrameReader(LIMIT)
    envelopes: list[Envelope] = []
    try:
        for piece in pieces:
            envelopes.extend(reader.feed(piece))
    except ProtocolError as error:
        return envelopes, error.reason
    return envelopes, None


# Large bodies, read to their own place


def placed(reader: FrameReader, stream: bytes, draw: random.Random) -> list[Envelope]:
    """Reads as a connection does: to the place where there is one, else by `feed`; now and then by `feed` all the same."""
    found, at = [], 0
    while at < len(stream):
        room = reader.place()
        if room is None or draw.random() < 0.1:
            size = draw.choice([1, 40, 5000, 70_000])
            found += reader.feed(stream[at : at + size])
        else:
            size = min(len(room), len(stream) - at, draw.choice([1, 3000, 10**6]))
            room[:size] = stream[at : at + size]
            envelope = reader.placed(size)
            found += [envelope] if envelope else []
        at += size
    return found


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(st.sampled_from([0, 10, 65_000, 70_000, 262_144, 300_000, 600_000]), st.booleans()),
        min_size=1,
        max_size=4,
    ),
    st.integers(0, 2**32),
)
def test_bodies_read_to_their_place_are_those_that_are_fed(sizes: list[tuple[int, bool]], seed: int) -> None:
    noise = random.Random(5).randbytes(700_000)
    stream = b"".join(
        msgpack.packb(["app", noise[at : at + size], {"chunk": f"{at}"}] if option else ["app", noise[at : at + size]])
        for at, (size, option) in enumerate(sizes)
    )
    fed = list(FrameReader(1 << 20).feed(stream))
    reader = FrameReader(1 << 20)
    assert placed(reader, stream, random.Random(seed)) == fed
    assert reader.between_messages
    assert reader.partial_bytes == 0
    assert len(fed) == len(sizes)

"""Request lines and answer frames."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondsite.connectors.winrm import Script
from secondsite.connectors.winrm.bootstrap import bootstrap_arguments, condense
from secondsite.connectors.winrm.framing import (
    Answer,
    Bad,
    FrameReader,
    Running,
    encode_ask,
    encode_request,
)


def frame(identifier: str, **answer: Any) -> bytes:
    body = {"id": identifier, "ok": True, "phase": "answer", **answer}
    payload = base64.b64encode(json.dumps(body).encode())
    name = identifier.encode()
    return b"<<BEGIN %s %d>>%s<<END %s>>\r\n" % (name, len(payload), payload, name)


def read_all(data: bytes, *, piece_bytes: int = 10_000) -> list[Any]:
    reader = FrameReader()
    pieces = range(0, len(data), piece_bytes)
    return [item for at in pieces for item in reader.feed(data[at : at + piece_bytes])]


@given(st.binary(max_size=200), st.binary(max_size=200), st.integers(1, 50), st.text())
def test_a_frame_is_found_in_any_noise_and_in_any_pieces(
    before: bytes, after: bytes, piece_bytes: int, text: str
) -> None:
    found = read_all(before + frame("ab12", result=[text]) + after, piece_bytes=piece_bytes)

    answers = [item for item in found if isinstance(item, Answer)]
    assert [answer.result for answer in answers] == [(text,)]


@given(st.integers(1, 60), st.integers(1, 20))
def test_a_frame_cut_short_does_not_hide_the_next(cut_bytes: int, piece_bytes: int) -> None:
    data = frame("aa", result=["first"])[:-cut_bytes] + frame("bb", result=["second"])

    found = read_all(data, piece_bytes=piece_bytes)

    assert [item.id for item in found if isinstance(item, Answer)][-1:] == ["bb"]


def test_a_frame_with_a_repeated_piece_is_not_believed() -> None:
    whole = frame("aa", result=["x" * 3000])
    doubled = whole[:1200] + whole[800:1200] + whole[1200:]

    assert read_all(doubled) == []
    assert len(read_all(doubled + whole)) == 1


def test_marks_of_damaged_lines_and_started_scripts_are_seen() -> None:
    assert read_all(b"x<<BAD>>\r\ny<<RUN ab>>\r\n", piece_bytes=3) == [Bad(), Running("ab")]


def test_noise_is_kept_as_evidence_but_bounded() -> None:
    reader = FrameReader()
    list(reader.feed(b"x" * 100_000 + b"the last words" + frame("aa")))

    assert reader.noise.endswith(b"the last words")
    assert len(reader.noise) <= 2_000


def test_a_line_is_ascii_carries_its_length_and_ends_what_was_before() -> None:
    script = Script.from_text("a.ps1", "param($Naïve)")
    line = encode_request("ab", modules=["Hyper-V"], script=script, parameters={"Naïve": "東京"})

    assert line.startswith(b"\n")
    assert line.endswith(b"\n")
    length, payload = line.split()
    assert int(length) == len(payload)
    body = json.loads(base64.b64decode(payload))
    assert body["parameters"] == {"Naïve": "東京"}
    assert body["script"] == "param($Naïve)"
    assert len(encode_ask("ab")) < 100


def test_a_value_that_json_does_not_know_is_refused() -> None:
    script = Script.from_text("a.ps1", "param($Value)")

    with pytest.raises(ValueError, match="JSON"):
        encode_request("ab", modules=[], script=script, parameters={"Value": float("nan")})


def test_the_bootstrap_fits_into_a_command_line_and_never_names_input() -> None:
    arguments = bootstrap_arguments()
    text = base64.b64decode(arguments[-1]).decode("utf-16-le")

    assert len("powershell.exe " + " ".join(arguments)) < 8191
    assert "$input" not in text.lower(), "Windows PowerShell would read standard input itself"
    assert condense(text) == text

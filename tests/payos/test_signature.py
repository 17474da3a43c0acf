"""The signatures, against the vectors of the official SDKs and against the Python SDK itself."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from payos._crypto import CryptoProvider

from app.payos.signature import canonical, sign, sign_create_link, verify

VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_text())["vectors"]
VECTOR_IDS = [vector["id"] for vector in VECTORS]

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
FLAT_VALUES = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT
FLAT = st.dictionaries(st.text("abcXYZ_", min_size=1, max_size=8), FLAT_VALUES, max_size=16)
LISTS = st.lists(FLAT, max_size=3)
PAYLOADS = st.dictionaries(st.text("abcXYZ_", min_size=1, max_size=8), FLAT_VALUES | LISTS)


@pytest.mark.parametrize("vector", VECTORS, ids=VECTOR_IDS)
def test_every_vector_of_the_official_sdks_has_its_signature(vector: dict[str, Any]) -> None:
    if vector["id"].startswith("C"):
        assert sign_create_link(vector["data"], vector["key"]) == vector["signature"]
    else:
        assert canonical(vector["data"]) == vector["canonical"]
        assert sign(vector["data"], vector["key"]) == vector["signature"]


@given(PAYLOADS)
def test_the_official_python_sdk_signs_the_same(data: dict[str, Any]) -> None:
    assert sign(data, "key") == CryptoProvider().create_signature_from_object(data, "key")


@given(FLAT, st.text(min_size=1, max_size=8).map(ascii))
def test_what_was_signed_verifies_and_with_another_key_does_not(
    data: dict[str, Any], key: str
) -> None:
    signature = sign(data, key)
    assert verify(data, signature, [key])
    assert not verify(data, signature, [key + "x"])
    assert not verify(data, signature.upper() + "g", [key])


@pytest.mark.parametrize(
    ("number", "printed"),
    [(50000.0, "50000"), (-0.0, "0"), (0.5, "0.5"), (2**53 - 1, "9007199254740991")],
)
def test_numbers_are_printed_as_by_javascript(number: float, printed: str) -> None:
    assert canonical({"a": number}) == f"a={printed}"
    listed = canonical({"a": [{"b": number}]})
    assert listed == f'a=[{{"b":{printed}}}]'


@pytest.mark.parametrize(
    ("number", "printed"),
    [(1e-5, "0.00001"), (1e-7, "1e-7"), (-1.5e-7, "-1.5e-7"), (1e20, "1" + "0" * 20),
     (1e21, "1e+21"), (1.5e300, "1.5e+300")],
)  # fmt: skip
def test_numbers_of_other_sizes_are_printed_as_by_javascript(number: float, printed: str) -> None:
    assert canonical({"a": number}) == f"a={printed}"


def test_keys_that_look_like_array_indices_come_first_as_in_javascript() -> None:
    data = {"b": 1, "10": 2, "9": 3, "007": 4, "4294967295": 5, "0": 6}
    assert canonical(data) == "0=6&9=3&10=2&007=4&4294967295=5&b=1"


def test_keys_are_ordered_by_utf16_code_unit_as_in_javascript() -> None:
    assert canonical({"\uffee": 1, "😀": 2}) == "😀=2&\uffee=1"


def test_half_a_surrogate_pair_is_signed_as_by_node() -> None:
    by_node = "f8f29cac52c8b03d51a95b5cb820d607aa3017f7e579181aa58bfbd91a3e44fb"
    assert sign({"a": "x\ud800", "b": [{"c": "\ud800"}]}, "k") == by_node


@pytest.mark.parametrize("nothing", [None, "", "null", "undefined"])
def test_nothing_has_four_spellings(nothing: object) -> None:
    assert canonical({"a": nothing}) == "a="


@pytest.mark.parametrize("word", ["NULL", "None", "Undefined", " "])
def test_other_words_for_nothing_are_kept(word: str) -> None:
    assert canonical({"a": word}) == f"a={word}"


NESTED_IN_NODE = [
    ({}, "[object Object]"),
    ({"b": {"a": 1}}, "[object Object]"),
    (["ab", "😀"], r'[{"0":"a","1":"b"},{"0":"\ud83d","1":"\ude00"}]'),
    ([1, True, ["x", 2.0]], '[{},{},{"0":"x","1":2}]'),
    ([{"b": {"d": 1.0, "c": "\ud800"}, "a": None}], r'[{"a":null,"b":{"d":1,"c":"\ud800"}}]'),
]


@pytest.mark.parametrize(("value", "printed"), NESTED_IN_NODE, ids=repr)
def test_what_is_nested_is_printed_as_by_node(value: object, printed: str) -> None:
    assert canonical({"odd": value}) == f"odd={printed}"


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        ({"b": [1, "đ"], "a": {"d": 0, "c": 1}}, '{"b":[1,"đ"],"a":{"d":0,"c":1}}'),
        ({"b": [1, "đ"], "a": {"d": 0, "c": 1}}, '{"a":{"d":0,"c":1},"b":[1,"đ"]}'),
        ({"b": 1, "a": True}, "{'b': 1, 'a': True}"),
        (["text", 1, None], '["text",1,null]'),
        ([None], "[null]"),
    ],
    ids=repr,
)
def test_what_is_nested_may_be_signed_in_other_ways_as_well(value: object, printed: str) -> None:
    flat = sign({"amount": 1, "odd": printed}, "key")
    assert verify({"amount": 1, "odd": value}, flat, ["other", "key"]) == 2
    assert verify({"amount": 1, "odd": value}, flat, ["other"]) is None
    assert verify({"amount": 2, "odd": value}, flat, ["key"]) is None


def test_every_key_of_a_rotation_is_accepted_and_named_by_its_position_and_no_key_is_none() -> None:
    data = {"amount": 1}
    keys = ["newest", "newer", "old", "oldest"]
    for position, key in enumerate(keys, 1):
        assert verify(data, sign(data, key), keys) == position
    assert verify(data, sign(data, "older"), keys) is None
    assert verify(data, sign(data, ""), []) is None


def test_every_key_is_tried_even_when_the_first_has_signed() -> None:
    tried = []

    def keys() -> Iterator[str]:
        for key in ("new", "old", "older"):
            tried.append(key)
            yield key

    assert verify({"amount": 1}, sign({"amount": 1}, "new"), keys()) == 1
    assert tried == ["new", "old", "older"]


@pytest.mark.parametrize("signature", ["", "đ", "\ud800", "0" * 64, "A" * 64])
def test_a_signature_of_any_text_is_only_wrong(signature: str) -> None:
    assert not verify({"amount": 1}, signature, ["key"])


def test_an_upper_case_signature_is_wrong() -> None:
    signature = sign({"amount": 1}, "key")
    assert signature != signature.upper()
    assert not verify({"amount": 1}, signature.upper(), ["key"])

"""An answer in the words of an earlier one is what it is when read item by item."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from hypothesis import given
from hypothesis import strategies as st

from syncer.core.change import Change, Key
from syncer.core.ports.wire import Reply
from syncer.remotes.clarifai.codec import Clarifai
from syncer.remotes.clarifai.stored import LEARNT_MAX, StoredItems
from tests.remotes.made import change

STATUS = '"status":{"code":24150,"description":"Ok"}'
HEAD, NEXT, TAIL = '{"status":{"code":10000},"annotations":[', ",", "]}"


def compact(input_id: str, id: str) -> str:
    return f'{{"id":"{id}","input_id":"{input_id}",{STATUS}}}'


def answer(keys: Sequence[Key], item: Callable[[str, str], str] = compact) -> bytes:
    return (HEAD + NEXT.join(item(*key) for key in keys) + TAIL).encode()


FIRST = [("i1", "a1"), ("i1", "a2")]
SECOND = [("i2", "a3"), ("i3", "a4"), ("\u00e9", "a5")]


def test_an_answer_in_known_words_is_told_from_its_end() -> None:
    stored = StoredItems()
    assert stored.without(FIRST, answer(FIRST)) is None
    stored.learn(FIRST, answer(FIRST))
    assert stored.without(SECOND, answer(SECOND)) == (HEAD + TAIL).encode()
    assert stored.without(SECOND, answer(SECOND[::-1])) is None
    assert stored.without(SECOND, answer(SECOND[1:])) is None
    assert stored.without([("i", 'a"')], answer([("i", 'a"')])) is None
    assert stored.without([("i", "\ud800")], answer(FIRST)) is None


def test_words_are_learnt_in_any_spelling_and_order() -> None:
    stored = StoredItems()

    def spaced(input_id: str, id: str) -> str:
        return f'{{ "input_id" : "{input_id}", {STATUS}, "x": [1], "id": "{id}" }}'

    stored.learn(FIRST, answer(FIRST, spaced))
    assert stored.without(SECOND, answer(SECOND, spaced)) == (HEAD + TAIL).encode()


def test_nothing_is_learnt_where_words_differ_and_not_for_ever() -> None:
    stored = StoredItems()
    shown = answer(FIRST, lambda input_id, id: compact(input_id, id)[:-1] + f',"x":"{id}"}}')
    for _ in range(LEARNT_MAX):
        stored.learn(FIRST, shown)
        assert stored.without(FIRST, shown) is None
    stored.learn(FIRST, answer(FIRST))
    assert stored.without(FIRST, answer(FIRST)) is None


# --- any answers ----------------------------------------------------------------------

PLAIN = ["a", "b", "c1", "status", "24150", "\u00e9", "\x7f"]
SHARP = ['"', "\\", "\x01", '","input_id":"', 'a","x":"', "\\u0061", "id", ":", ",", "}]"]


def keys_of(ids: list[str]) -> st.SearchStrategy[list[Key]]:
    some = st.sampled_from(ids)
    return st.lists(st.tuples(some, some), min_size=1, max_size=3, unique=True)


def sent_for(key: Key) -> Change:
    return change({"input_id": key[0], "id": key[1]})


Form = Callable[[str, str], str]


def escaped(item: Form) -> Form:
    return lambda *key: item(*(json.dumps(part)[1:-1] for part in key))


FORMS: list[Form] = [
    compact,
    lambda input_id, id: f'{{"input_id":"{input_id}","id":"{id}",{STATUS}}}',
    lambda input_id, id: f'{{"id": "{id}", "input_id": "{input_id}", {STATUS}}}',
    lambda input_id, id: f'{{"id":"{id}","input_id":"{input_id}",{STATUS},"id":"{id}"}}',
    lambda input_id, id: f'{{"x":"\\"id":"{id}","input_id":"{input_id}",{STATUS}}}',
    lambda input_id, id: f'{{"d":{{"id":"{id}"}},"id":"a","input_id":"{input_id}",{STATUS}}}',
    lambda input_id, id: f'{{"id":"{id}","input_id":"{input_id}"}}',
    lambda input_id, id: f'{{"id":"{id}","input_id":"{input_id}","status":{{"code":24152}}}}',
    lambda input_id, id: f'{{"id":"{id}","input_id":"{input_id}","status":{{"code":"24150"}}}}',
    lambda input_id, id: f'"{id}","{input_id}"',
]
FORMS += list(map(escaped, FORMS[:3]))
BEGINNINGS = [
    '{"status":{"code":10010},"annotations":[',
    '{"status":{"code":"10000"},"annotations":[',
    '{"status":{"code":24152},"annotations":[',
    '{"status":{"code":10000},"x,"annotations":[',
    '{"status":{"code":10000},"annotations":[],"x\\"annotations":[',
    '{"status":{"code":10000},"annotations":[],"x\\",\\"annotations":[',
    '{"status":{"code":10000},"annotations":[{}],"annotations":[',
    '{"status":{"code":10000},"x":"',
    '{"status":{"code":10000,"annotations":[',
    '{"annotations":[',
    '[{"status":{"code":10000},"annotations":[',
]
ENDINGS = ['],"status":{"code":24152}}', "]", "]}}", '"}', "]} "]
TOLD = [sorted, lambda keys: keys[1:], lambda keys: [*keys, keys[0]]]
Drawn = tuple[list[Key], str, Form, str, int, Callable[[list[Key]], list[Key]]]


@st.composite
def answers(draw: st.DrawFn) -> list[Drawn]:
    """Answers of a service that has a way to say it, and leaves it now and then."""
    form = draw(st.sampled_from(FORMS))
    drawn: list[Drawn] = [(draw(keys_of(PLAIN)), HEAD, form, TAIL, 200, list)]
    for _ in range(draw(st.integers(1, 3))):
        usual = [draw(keys_of(PLAIN)), HEAD, form, TAIL, 200, list]
        others = [
            *(keys_of(PLAIN + SHARP), st.sampled_from(BEGINNINGS), st.sampled_from(FORMS)),
            *(st.sampled_from(ENDINGS), st.sampled_from([202, 429, 500]), st.sampled_from(TOLD)),
        ]
        for at in draw(st.sets(st.integers(0, 5), max_size=2)):
            usual[at] = draw(others[at])
        drawn.append(tuple(usual))
    return drawn


@given(answers())
def test_answers_mean_the_same_after_any_others(drawn: list[Drawn]) -> None:
    knowing = Clarifai("u", "a")
    for keys, beginning, form, ending, status, told in drawn:
        body = beginning + NEXT.join(form(*key) for key in told(keys)) + ending
        reply, sent = Reply(status, body.encode()), list(map(sent_for, keys))
        assert knowing.decode("post", sent, reply) == Clarifai("u", "a").decode("post", sent, reply)

"""Calls that are laid by: nothing of them is lost, and they are due when they were."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from deploy.runtime.processor import Record
from deploy.runtime.settings import Settings
from streams import call_book
from streams.bundle import Bundle
from streams.call_book import CallBook
from streams.calls import Call, Fact
from streams.contract.topics import CALLS, PARTIALS
from streams.packed_calls import OpenStay, Words, pack, standing, unpack
from streams.processors import factory
from streams.rows import CALL_ATTRIBUTES
from streams.schedule import Schedule

T = 1_790_816_400_000
times = st.integers(0, 2**42)
texts = st.sampled_from(["", "water", "housing-zh", "\u6c34", "k1:c5cbb3dd7c391f112ca8eb81"])
facts = st.builds(
    Fact, times, st.integers(0, 14), texts, st.integers(0, 3), st.integers(-1, 9_000), st.integers(-1, 9), texts
)
names = st.sampled_from([*CALL_ATTRIBUTES, "centre", "skill@water", "extra.colour", "extra.a@b"])
calls = st.builds(
    Call,
    texts,
    st.lists(facts, unique=True, max_size=6).map(sorted),
    st.dictionaries(names, st.tuples(times, texts), max_size=8),
    st.sampled_from(["", "test"]),
    times,
    times,
)


@given(st.lists(calls, min_size=1, max_size=5), times, st.lists(st.builds(OpenStay, texts, texts, st.none() | times)))
def test_a_packed_call_is_the_call(many: list[Call], due: int, still_open: list[OpenStay]) -> None:
    words = Words()
    packed = [pack(call, due, tuple(still_open), words) for call in many]
    again = Words()
    again.load(list(words.texts))
    assert [unpack(one, again) for one in packed] == many
    its = standing(packed[0])
    assert its.due == due
    assert [(again.text(queue), at) for queue, at in its.open] == [stay[1:] for stay in still_open]


def test_calls_of_which_nothing_more_is_expected_are_laid_by_first(monkeypatch) -> None:
    monkeypatch.setattr(call_book, "IN_USE", 2)
    book = CallBook(lambda _id: (0, ()))
    for name in "abcde":
        book.put(name, Call(name))
    for name in "ced":
        book.set_aside(name)
    book.open("c")  # something came after all
    book.drop("e")
    assert book.lay_by() == ["d", "a"]
    assert book.lay_by() == []
    assert [book.get(name) for name in "abcd"] == [Call(name) for name in "abcd"]
    assert book.lay_by() == ["b", "c"], "those that were used longest ago"


def test_what_was_laid_by_stays_as_it_is_until_something_comes_of_it(monkeypatch) -> None:
    monkeypatch.setattr(call_book, "IN_USE", 2)
    monkeypatch.setattr(call_book, "SHELF_CALLS", 8)
    book = CallBook(lambda _id: (0, ()))
    for number in range(26):
        book.put(f"c{number}", Call("h", [Fact(T + number, 0)]))
        book.lay_by()
    before = book.parts()
    assert before.keys() == {"0", "1", "2", "used", "words"}
    found = book.open("c3")
    assert found is not None
    found.tell(Fact(T + 1_000, 0))
    book.lay_by()
    after = book.parts()
    assert {name for name in before if before[name] == after[name]} == {"1", "2", "words"}
    assert book.changes() == after
    book.open("c17")
    changes = book.changes()
    assert dict.fromkeys("013") | {name: book.parts()[name] for name in ("2", "used", "words")} == changes
    assert [call.facts[0].time - T for call in book.begun_before(T + 3)] == [0, 1, 2]

    for number in [*range(3), *range(4, 7)]:  # the first shelf is nearly empty: what is left of it moves on
        book.drop(f"c{number}")
    assert "0" not in book.parts()
    again = CallBook(lambda _id: (0, ()))
    again.load(book.parts())
    assert sorted(again) == sorted(book) == sorted({f"c{number}" for number in (3, *range(7, 26))})
    assert len(again) == len(book) == 20
    assert {call_id: again.get(call_id) for call_id in again} == {call_id: book.get(call_id) for call_id in book}


def test_words_beyond_the_most_stay_as_they_are(monkeypatch) -> None:
    monkeypatch.setattr("streams.packed_calls.MOST_WORDS", 1)
    words = Words()
    assert [words.number("water"), words.number("housing"), words.number("water")] == [0, "housing", 0]
    assert [words.text(0), words.text("housing")] == ["water", "housing"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5_000))), st.lists(st.integers(0, 6_000)))
def test_a_call_is_taken_once_when_its_last_due_passes(puts: list[tuple[str, int]], clocks: list[int]) -> None:
    schedule = Schedule()
    due: dict[str, int] = {}
    for call_id, at in puts:
        due[call_id] = at
        schedule.put(call_id, at)
    for clock in sorted(clocks):
        taken = []
        for call_id in schedule.take(clock, due.get):
            taken.append(call_id)
            del due[call_id]
        assert all(at > clock for at in due.values())
        assert len(taken) == len(set(taken))


def test_a_promise_that_changed_holds_for_calls_that_wait_already() -> None:
    queued = {"type": "queued", "time": T, "call": "c1", "hotline": "city", "queue": "water"}
    before: Any = factory(Settings(demo=True))(CALLS, 0, None)
    before.apply([Record(0, T, b"c1", msgspec.json.encode(queued))])
    before.outputs()
    after: Any = factory(Settings(demo=True, hotline_defaults={"thresholds_s": [60]}))(CALLS, 0, before.snapshot())
    expired = []
    for seconds in (30, 59, 61):
        after.tick(T + seconds * 1000, caught_up=True)
        bundles = [msgspec.json.decode(it.value, type=Bundle) for it in after.outputs() if it.topic == PARTIALS]
        shares = [share.counts for bundle in bundles for feed in bundle.feeds for share in feed.shares]
        expired.append(sum(counts.get("event_expired.60", 0) for counts in shares))
    assert expired == [0, 0, 1]

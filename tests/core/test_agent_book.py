"""Agents in a checkpoint: what is taken up again is what was there, and what did not change is not packed anew."""

import msgspec

from streams.agent_book import SHELF_MS, AgentBook
from streams.agents import Agent, AgentFact

T = 1_700_000_000_000 // SHELF_MS * SHELF_MS
BEGIN = T // SHELF_MS


def tell(book: AgentBook, number: str, second: int, state: str, **told: object) -> None:
    agent = book.agents.setdefault(number, Agent("h", "north", "pbx"))
    fact = AgentFact(T + second * 1000, state, **told)  # type: ignore[arg-type]
    agent.tell(fact)
    book.told(fact.time)


def again(book: AgentBook) -> AgentBook:
    other = AgentBook()
    other.load(book.parts())
    return other


def facts(book: AgentBook) -> dict[str, list[AgentFact]]:
    return {number: list(agent.facts) for number, agent in book.agents.items()}


def test_only_the_minutes_that_something_was_told_of_are_packed_anew() -> None:
    book = AgentBook()
    for minute in range(9):
        tell(book, "ann", 60 * minute, "available")
        tell(book, "bob", 60 * minute + 30, "on_call", queue="water")
    before = book.parts()
    assert before.keys() == {"heads", *(str(BEGIN + number) for number in range(5))}
    tell(book, "ann", 200, "break", reason="lunch")
    after = book.parts()
    assert {name for name, packed in after.items() if packed is not before[name]} == {"heads", str(BEGIN + 1)}
    assert facts(again(book)) == facts(book)


def test_what_is_settled_lies_with_the_agents_who_keep_it() -> None:
    book = AgentBook()
    tell(book, "ann", 0, "available", skilled=True, skills=("water", "roads"))
    for second in (100, 200, 250, 400):
        tell(book, "ann", second, "on_call", queue="water")
    book.parts()
    book.agents["ann"].settle_before(T + 300_000)
    book.let_go(T + 300_000)
    assert [fact.time for fact in facts(book)["ann"]] == [T, T + 250_000, T + 400_000]
    assert book.parts().keys() == {"heads", str(BEGIN + 2), str(BEGIN + 3)}
    restored = again(book)
    assert facts(restored) == facts(book)
    tell(restored, "bob", 10, "break")  # nobody was remembered in those minutes any more
    assert facts(again(restored)) == facts(restored)


def test_who_comes_anew_after_being_forgotten_has_nothing_of_the_former() -> None:
    book = AgentBook()
    tell(book, "ann", 0, "available")
    tell(book, "bob", 10, "available")
    book.parts()
    book.drop("ann")
    assert facts(again(book)) == facts(book)
    tell(book, "ann", 20, "on_call")
    assert (
        facts(again(book))
        == facts(book)
        == {"bob": [AgentFact(T + 10_000, "available")], "ann": [AgentFact(T + 20_000, "on_call")]}
    )
    book.drop("ann")
    book.drop("bob")
    assert book.parts() == {}


def test_a_feed_may_begin_in_1970() -> None:
    book = AgentBook()
    for second in (-100, 0, 100, 130):
        tell(book, "ann", second - T // 1000, "available")
    assert book.parts().keys() == {"heads", "-1", "0", "1"}
    assert facts(again(book)) == facts(book)


def test_agents_of_a_former_format_are_taken_up() -> None:
    its = [AgentFact(T, "available", skilled=True, skills=("water",)), AgentFact(T + 500_000, "on_call", queue="roads")]
    former = {"hotline": "h", "centre": "north", "source": "pbx", "facts": its, "last_at": T + 500_000}
    former |= {"described_at": T, "gone_at": 0, "counted_from": T + 60_000}
    book = AgentBook()
    book.load({"0": msgspec.msgpack.encode({"ann": former})})
    assert book.agents["ann"].counted_from == T + 60_000
    assert facts(book) == facts(again(book)) == {"ann": its}

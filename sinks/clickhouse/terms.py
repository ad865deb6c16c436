"""The terms of a call's text: the words that `v_emerging` counts callers by. Pure.

Chinese is cut into words by the library rjieba, with its dictionary alone: words that it would only guess are as often
names as news, so new ones come with a site's own dictionary. What may name or number a person is no term: names,
whatever has digits, addresses of mail and web, what a mask has touched. A few names get through whatever is done, so
views show a term only once several callers have used it.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import NamedTuple

MOST_TERMS = 100
"""Terms of one text, the first ones: a text of 32,768 characters is a document, not a matter."""
LONGEST_TEXT = 32_768
"""As the contract has it; a character may become eighteen plain ones."""
SHORTEST_HAN, SHORTEST, LONGEST = 2, 3, 40
_LONGEST_ACRONYM = 5
_LONGEST_PHRASE = 5

_HAN = re.compile(r"[\u3400-\u9fff]")
_NO_WORD = re.compile(
    r"""(?<![\w.+-])[\w.+-]++[ ]?@(?:[ ]?[^\W_]++(?:[.-][^\W_]++|[ ][.][ ]?[^\W_]++)*)?  # an address of mail, spaced too
    | @[\w.-]++                                                         # an account
    | (?<!\w)wxid_\w++
    | (?:https?://|www\.)[!-~]+
    | (?<![\w.-])[\w-]++(?:\.[\w-]++)*\.(?:com|cn|org|net|gov|edu|io)\b  # of a site
    | (?<![\w-])[\w-]*+\*[\w*-]*+                                       # masked""",
    re.ASCII | re.VERBOSE,
)
"""Each begins at an edge and gives nothing back, so that a long text without a space takes no longer than another."""
_UNSEEN = re.compile("[\\u00ad\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u2064\\ufeff]")
"""What stands in a word and is not seen: it would cut an address in two."""
_SPOKEN = frozenset(
    ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "double", "triple"]
)
_HAN_DIGITS = frozenset("零〇一二三四五六七八九十百千万两幺")
_RUN = re.compile(r"[^\W_]+(?:[-'’/_.#][^\W_]+)*")
_SENTENCE_ENDS = frozenset(".!?;。\n")  # the others have become these by normalising; a name may follow a colon

_NO_TERMS = frozenset("mqrpcuyeodxfkhw")
"""First letters of the tags of numbers, pronouns, particles, adverbs and whatever else carries no matter."""
_SURNAMES = frozenset(
    "王李张刘陈杨黄赵周吴徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔"
    "钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
) | {"欧阳", "司马", "上官", "诸葛", "司徒", "东方", "夏侯", "皇甫"}  # fmt: skip
_INTRODUCES = frozenset({"姓名", "联系人", "来电人", "叫", "姓"})
_HONOURS = frozenset({"先生", "女士", "小姐", "太太"})
_TITLES = frozenset({"mr", "mrs", "ms", "miss", "dr", "prof", "st", "sir", "madam"})
_SAYS = frozenset({
    "called", "calls", "says", "said", "reports", "reported", "asks", "asked", "wants", "wanted", "needs",
    "needed", "complains", "complained", "claims", "claimed", "states", "stated", "rang", "phoned", "writes",
    "wrote", "requests", "requested", "lives", "lived", "has", "had", "would", "thinks", "believes", "told",
})  # fmt: skip

Tagger = Callable[[str, bool], list[tuple[str, str]]]
"""(text, guess at unknown words) -> words with their tags."""


class _Run(NamedTuple):
    """Letters and digits without a space, and what stands before them."""

    text: str
    gap: str


class Terms:
    """Text -> its terms, each once, in the order they come first.

    `words`: a site's own, places for instance: always terms, as they are written here; a word in Latin letters may be
    a phrase (`Elm Street`) and is found in any case. `stop_words`: never terms, unless they are own. `no_names`:
    ordinary words that the dictionary takes for names.
    """

    def __init__(self, words: Iterable[str] = (), stop_words: Iterable[str] = (), no_names: Iterable[str] = ()) -> None:
        self._own = {word.lower(): word for word in map(_normal, words) if word}
        self._han = [word for word in self._own.values() if _HAN.search(word) and " " not in word]
        self._stop = frozenset(_normal(word).lower() for word in stop_words)
        self._no_names = frozenset(no_names)
        self._tagger: Tagger | None = None

    def __call__(self, text: str) -> tuple[str, ...]:
        if not text or text.isspace():
            return ()
        clean = _NO_WORD.sub(" * ", _normal(text)[:LONGEST_TEXT])
        shouted = not any(map(str.islower, clean)) and not _HAN.search(clean)
        runs, end = [], 0
        for found in _RUN.finditer(clean):
            runs.append(_Run(found[0], clean[end : found.start()]))
            end = found.end()
        terms: dict[str, None] = {}
        place = 0
        while place < len(runs) and len(terms) < MOST_TERMS:
            own, length = self._own_at(runs, place)
            if own:
                terms[own] = None
            elif _HAN.search(runs[place].text):
                terms |= dict.fromkeys(self._of_chinese(runs[place].text))
            else:
                terms |= dict.fromkeys(self._of_letters(runs, place, shouted=shouted))
            place += length
        return tuple(terms)[:MOST_TERMS]

    def _own_at(self, runs: list[_Run], place: int) -> tuple[str, int]:
        """The longest own word or phrase that begins with a run, and how many runs it takes; else empty and 1."""
        if not self._own:
            return "", 1
        key, best = "", ("", 1)
        for length, run in enumerate(runs[place : place + _LONGEST_PHRASE], start=1):
            if length > 1 and not run.gap.isspace():
                break
            key = f"{key} {run.text.lower()}" if key else run.text.lower()
            if key in self._own:
                best = self._own[key], length
        return best

    def _of_chinese(self, run: str) -> list[str]:
        """Of a run with Chinese in it; Latin words inside are terms too, names and codes are not."""
        found: list[str] = []
        named = follows = False  # the next word may be a name; the last one found stands right before
        for word, tag in self._tag(run):
            was_named, named = named, word in _SURNAMES or word in _INTRODUCES
            if word in _HONOURS:
                del found[len(found) - follows :]
                follows = False
                continue
            follows = False
            if own := self._own.get(word.lower()):
                found.append(own)
            elif not _HAN.search(word):
                found += self._of_letters([_Run(word, "")], 0, shouted=False, begins=False)
            elif (
                SHORTEST_HAN <= len(word) <= LONGEST
                and not _HAN_DIGITS.issuperset(word)
                and not named
                and not (was_named and len(word) <= SHORTEST_HAN)
                and tag[:1] not in _NO_TERMS
                and not self._is_name(word, tag)
                and word.lower() not in self._stop
            ):
                found.append(word)
                follows = True
        return found

    def _of_letters(self, runs: list[_Run], place: int, *, shouted: bool, begins: bool | None = None) -> list[str]:
        """Of a run of letters. `shouted`: the whole text is in capitals, so that they tell nothing."""
        run = runs[place]
        if any(map(str.isdigit, run.text)):
            return []
        if begins is None:
            begins = place == 0 or not _SENTENCE_ENDS.isdisjoint(run.gap)
        after = runs[place + 1] if place + 1 < len(runs) and runs[place + 1].gap.isspace() else None
        before = runs[place - 1].text.lower() if place else ""
        found = []
        for number, part in enumerate(re.split(r"[/_.#]", run.text)):
            word, _, owned = part.replace("’", "'").partition("'")
            named = before in _TITLES or bool(owned) or (after is not None and _goes_on(after.text))
            if _may_be_said(word, begins=begins and not number and not named, shouted=shouted):
                term = word.lower()
                if SHORTEST <= len(term) <= LONGEST and term not in self._stop and term not in _SPOKEN:
                    found.append(term)
        return found

    def _is_name(self, word: str, tag: str) -> bool:
        """The dictionary calls thousands of words names that are none, 幼儿园 for one: longer ones need a surname."""
        if not tag.startswith("nr") or word in self._no_names:
            return False
        return tag == "nrt" or len(word) == SHORTEST_HAN or word[0] in _SURNAMES or word[:2] in _SURNAMES

    def _tag(self, run: str) -> list[tuple[str, str]]:
        if self._tagger is None:
            import rjieba  # noqa: PLC0415  (a seventh of a second and 30 MiB, for whoever is told Chinese texts)

            if self._han:
                cutter = rjieba.Jieba()
                for word in self._han:
                    cutter.add_word(word, None, None)
            self._tagger = cutter.tag if self._han else rjieba.tag
        return self._tagger(run, False)  # no guesses


def _normal(text: str) -> str:
    """Full-width letters, digits, stops and spaces become plain ones."""
    return unicodedata.normalize("NFKC", _UNSEEN.sub("", text)).strip()


def _goes_on(word: str) -> bool:
    """Whether the word before it, with a capital at the beginning of a sentence, is a name: John Smith, John called."""
    return word[0].isupper() or word.lower() in _SAYS


def _may_be_said(word: str, *, begins: bool, shouted: bool) -> bool:
    """Whether a word is no name by its capitals: only at the beginning of a sentence, or a short one all in capitals."""
    if not word or not word[0].isupper():
        return bool(word)
    if word.isupper() and len(word) > 1:
        return not shouted and len(word) <= _LONGEST_ACRONYM
    return begins

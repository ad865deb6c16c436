"""Which words of a text are terms: Chinese, English and both; no stop words, numbers, codes or names."""

import subprocess
import sys
from random import Random

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import deploy.cli.terms
from deploy.cli.check import CHECKS
from deploy.cli.main import cli
from deploy.runtime.settings import Settings, SettingsError, TermWords
from sinks.clickhouse.term_words import terms_by
from sinks.clickhouse.terms import LONGEST, MOST_TERMS, Terms

TERMS = terms_by(TermWords())


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("自来水停水三天了，小区没有人管", ["自来水", "停水", "小区"]),
        ("您好，请问公交什么时候恢复运行？", ["公交", "恢复", "运行"]),
        ("Water pipe burst on the corner, no water since Monday.", ["water", "pipe", "burst", "corner"]),
        ("The DMV is closed; residence-permit expired", ["dmv", "closed", "residence-permit", "expired"]),
        ("居留许可 residence permit 过期", ["居留", "许可", "residence", "permit", "过期"]),
        ("小区wifi坏了，U盘和Ｔ恤退款", ["小区", "wifi", "U盘", "T恤", "退款"]),
        ("井盖丢失，幼儿园工作许可证被洪水冲走", ["井盖", "丢失", "幼儿园", "工作", "许可证", "洪水", "冲走"]),
        ("проблема с водой", ["проблема", "водой"]),
        ("停水！停水！停水！", ["停水"]),
        ("", []),
        ("  \n", []),
        ("您好 谢谢 please call me", []),
    ],
)
def test_words_in_the_order_they_come_first(text: str, terms: list[str]) -> None:
    assert list(TERMS(text)) == terms


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("电话13800138000或者１３８００１３８０００，尾号8099", ["尾号"]),
        ("call 138****8099, passport E*******, ABC***", ["passport"]),
        ("身份证440305199001011234，车牌粤B12345", ["身份证", "车牌"]),
        ("case AB-123-CD, INV/2026/ABC, A1234567, 3.5 km", ["case"]),
        ("write to wang.fang@example.com or https://example.org/burst?x=leak or example.net", ["write"]),
        ("邮箱wang@example.cn请回复", ["邮箱"]),
        ("fang @ example . com - leak. Water", ["leak", "water"]),
        ("fang.li@例子.cn", ["例子"]),
        ("fa\u200bng@exa\u00admple.com leak", ["leak"]),  # what stands there is not seen
        ("@fangli 漏水，微信wxid_fangli", ["漏水"]),
        ("one three eight double zero, 电话一三八零零漏水", ["漏水"]),
    ],
)
def test_numbers_codes_and_addresses_are_none(text: str, terms: list[str]) -> None:
    assert list(TERMS(text)) == terms


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("张伟先生和李小明反映漏水", ["漏水"]),
        ("联系人明静，文华先生要求退款", ["退款"]),
        ("宋文华投诉，赵雅琳也投诉扰民", ["扰民"]),
        ("欧阳娜娜说漏水", ["漏水"]),
        ("Maria called: water leak at John Smith's flat", ["water", "leak", "flat"]),
        ("Mr. Jones and Dr. House want their rent back", ["rent"]),
        ("John Smith has no water. Pothole. Noise at night", ["water", "pothole", "noise"]),
        ("Caller: Maria, husband: John; tel: none", ["husband", "tel", "none"]),
        ("MARIA SMITH HAS NO WATER", []),
    ],
)
def test_names_are_none(text: str, terms: list[str]) -> None:
    assert list(TERMS(text)) == terms


def test_few_chinese_names_get_through() -> None:
    random = Random(1)
    surnames, given = (
        "王李张刘陈杨黄赵周吴徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹",
        "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰雅琳",
    )
    said = ("{}先生反映小区漏水", "市民{}来电投诉噪音", "请联系{}处理", "{}说自来水停了", "来电人{}要求退款")
    names = [random.choice(surnames) + "".join(random.sample(given, random.choice((1, 2, 2)))) for _ in range(3_000)]
    through = [name for name in names for term in TERMS(random.choice(said).format(name)) if len({*term} & {*name}) > 1]
    assert len(through) < 0.02 * len(names), through


def test_a_sites_own_words_are_terms_as_they_are_written() -> None:
    words = ["香蜜湖街道", "5G基站", "Elm Street", "12345热线", "猴痘", "Wi-Fi", "WiFi6"]
    terms = Terms(words, ["on"])
    assert terms("香蜜湖街道5G基站，猴痘疫苗，wi-fi on elm  street. Elm tree. 12345热线没有wifi6") == (
        "香蜜湖街道", "5G基站", "猴痘", "疫苗", "Wi-Fi", "Elm Street", "elm", "tree", "12345热线", "没有", "WiFi6",
    )  # fmt: skip
    assert not set(TERMS("香蜜湖街道5G基站，猴痘疫苗 on elm street")) & set(words)


def test_own_words_of_one_are_not_those_of_another() -> None:
    assert "猴痘" in Terms(["猴痘"])("猴痘")
    assert "猴痘" not in Terms()("猴痘")


def test_a_document_has_no_more_terms_than_a_matter() -> None:
    words = ["".join("abcdefghij"[int(digit)] for digit in f"{number:04}") for number in range(500)]
    assert TERMS(" ".join(words)) == tuple(words[:MOST_TERMS])
    assert TERMS("x" * (LONGEST + 1)) == ()


@given(st.text(max_size=300) | st.text(alphabet="停水王文华 aB1*@.-'\n张", max_size=80))
def test_whatever_is_told_gives_short_words_without_digits_and_the_same_again(text: str) -> None:
    terms = TERMS(text)
    assert terms == TERMS(text) == tuple(dict.fromkeys(terms))
    assert not [term for term in terms if any(map(str.isdigit, term)) or len(term) > LONGEST or " " in term]


def test_nobody_waits_for_the_dictionary_who_tells_no_chinese() -> None:
    code = (
        "import sys; from sinks.clickhouse.terms import Terms; assert Terms()('no water') == ('no', 'water')[1:]; "
        "assert Terms()('') == (); assert 'rjieba' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_settings_name_files_of_words(tmp_path) -> None:
    own, stop = tmp_path / "own.txt", tmp_path / "stop.txt"
    own.write_text("\ufeff# places\nElm   Street  # in the south\n\n香蜜湖街道\n", encoding="utf-8")
    stop.write_text("漏水\n", encoding="utf-8")
    terms = terms_by(TermWords(dictionary=own, stop_words=stop))
    assert terms("香蜜湖街道漏水停水 elm street") == ("香蜜湖街道", "停水", "Elm Street")
    with pytest.raises(SettingsError, match=r"terms.dictionary: .*none.txt cannot be read: No such file"):
        terms_by(TermWords(dictionary=tmp_path / "none.txt"))
    own.write_bytes("香蜜湖".encode("gb18030"))
    with pytest.raises(SettingsError, match=r"terms.dictionary: .*own.txt is not UTF-8"):
        terms_by(TermWords(dictionary=own))


def test_the_command_tries_a_text(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(deploy.cli.terms, "current", Settings)
    assert CliRunner().invoke(cli, ["terms", "of", "自来水停水，water leak"]).output.split() == [
        "自来水",
        "停水",
        "water",
        "leak",
    ]
    missing = Settings(terms=TermWords(stop_words=tmp_path / "none.txt"))
    monkeypatch.setattr(deploy.cli.terms, "current", lambda: missing)
    refused = CliRunner().invoke(cli, ["terms", "of", "停水"])
    assert (refused.exit_code, "cannot be read" in refused.output) == (2, True)


def test_hotline_check_says_which_file_cannot_be_read(tmp_path) -> None:
    check = {it.__name__: it for it in CHECKS}["_terms"]
    (tmp_path / "own.txt").write_text("猴痘\n", encoding="utf-8")
    assert str(check(Settings())) == "ok     terms       no words of its own"
    assert check(Settings(terms=TermWords(dictionary=tmp_path / "own.txt"))).ok
    wrong = check(Settings(terms=TermWords(stop_words=tmp_path / "none.txt")))
    assert (wrong.ok, "terms.stop_words" in wrong.text) == (False, True)

"""House rules that no linter knows: what lies where, what is named nowhere, what needs a reason beside it."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOP_LEVEL = {
    "streams", "sinks", "alerts", "deploy", "tests", "pyproject.toml", "docker-compose.yml", "README.md", "Makefile",
    "LICENSE", "CHANGELOG.md", "uv.lock",
}  # fmt: skip
LINES_TO_LOOK_AT, LINES_TOO_MANY = 400, 500

# Addresses of package registries belong to the lock file, paths of somebody's machine to nobody's.
ELSEWHERE = re.compile(
    r"(pypi|npmjs|pythonhosted|golang|crates)\.(org|com|io)\b|repo1?\.maven|(ghcr|quay)\.io|(?<![\w.])/(work|root|home|Users)/\w"
)
OUTSIDE = re.compile(r"\bshared/")
EXCUSE = re.compile(r"#\s*(noqa|type: ignore)(?P<rest>.*)")
NAMES_ITS_RULE = re.compile(r": [A-Z]+\d+|\[[a-z-]+")
BROAD = re.compile(r"\bexcept( Exception| BaseException|:)|suppress\((Base)?Exception")
REASON = re.compile(r"noqa: BLE001\s+[(#].{8,}")
FAUST = re.compile(r"^\s*(?:import|from) faust\b", re.MULTILINE)
MAY_IMPORT_FAUST = re.compile(r"\w+/app\.py|deploy/runtime/(transport|worker)\.py")


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("no git checkout: there is no list of what belongs to the project")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def lines(paths: list[Path], *suffixes: str) -> Iterator[tuple[str, str]]:
    """(place, line) of every text line, this file left out: it has to name what it looks for."""
    for path in paths:
        if (
            path == Path(__file__)
            or path.name in {"uv.lock", "go.mod", "go.sum"}
            or (suffixes and path.suffix not in suffixes)
        ):
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # pictures and fonts
        for number, line in enumerate(text.splitlines(), start=1):
            yield f"{path.relative_to(ROOT)}:{number}", line


def test_the_top_level_holds_what_was_agreed(tracked: list[Path]) -> None:
    names = {path.relative_to(ROOT).parts[0] for path in tracked}
    assert {name for name in names - TOP_LEVEL if not name.startswith(".")} == set()


def test_nothing_points_at_a_registry_or_at_one_machine(tracked: list[Path]) -> None:
    assert [f"{place}: {line.strip()}" for place, line in lines(tracked) if ELSEWHERE.search(line)] == []


def test_only_tests_look_beside_the_checkout_and_only_for_data(tracked: list[Path]) -> None:
    found = [(place, line) for place, line in lines(tracked) if OUTSIDE.search(line)]
    assert [place for place, line in found if not (place.startswith("tests/") and "shared/data" in line)] == []


def test_modules_stay_small_enough_to_be_read(tracked: list[Path]) -> None:
    sizes = {path: len(path.read_bytes().splitlines()) for path in tracked if path.suffix == ".py"}
    for path, size in sizes.items():
        if size > LINES_TO_LOOK_AT:
            print(f"{path.relative_to(ROOT)} has {size} lines: is it two things?")  # noqa: T201  (for whoever reads -rP)
    assert {str(path.relative_to(ROOT)): size for path, size in sizes.items() if size > LINES_TOO_MANY} == {}


def test_every_excuse_names_its_rule(tracked: list[Path]) -> None:
    excuses = [(place, found["rest"]) for place, line in lines(tracked, ".py") if (found := EXCUSE.search(line))]
    assert [place for place, rest in excuses if not NAMES_ITS_RULE.match(rest)] == []


def test_whoever_catches_everything_says_why(tracked: list[Path]) -> None:
    broad = [(place, line) for place, line in lines(tracked, ".py") if BROAD.search(line)]
    assert [f"{place}: {line.strip()}" for place, line in broad if not REASON.search(line)] == []


def test_faust_is_known_to_the_shell_alone(tracked: list[Path]) -> None:
    importing = {
        str(path.relative_to(ROOT))
        for path in tracked
        if path.suffix == ".py" and FAUST.search(path.read_text(encoding="utf-8"))
    }
    assert {
        name for name in importing if not name.startswith("tests/") and not MAY_IMPORT_FAUST.fullmatch(name)
    } == set()

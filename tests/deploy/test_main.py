"""What a command that cannot go on says, and its exit code."""

import errno
import os
import sys

import pytest

from deploy.cli.main import main


def failing(monkeypatch: pytest.MonkeyPatch, problem: OSError) -> None:
    def command() -> None:
        raise problem

    monkeypatch.setitem(main.__globals__, "cli", command)
    monkeypatch.setattr(sys, "argv", ["hotline", "up"])


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_a_place_that_cannot_be_used_is_named(monkeypatch, capsys, number) -> None:
    failing(monkeypatch, OSError(number, os.strerror(number), "/mnt/.hotline"))
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    said = f"{os.strerror(number)}; name another place, or let whoever runs this use it"
    assert capsys.readouterr().err == f"hotline: /mnt/.hotline cannot be used: {said}\n"


@pytest.mark.parametrize("problem", [OSError(errno.EADDRINUSE, "in use"), FileNotFoundError(errno.ENOENT, "none", "x")])
def test_what_is_no_such_place_is_not_taken_for_one(monkeypatch, problem) -> None:
    failing(monkeypatch, problem)
    with pytest.raises(OSError, match=problem.strerror):
        main()

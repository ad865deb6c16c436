"""Runs a command that gets a signal from the kernel when its parent is gone (Linux).

    python -I -S tied.py PARENT_PID SIGNAL COMMAND...

A program of its own, and not a function between fork and exec: that is unsafe beside threads. It becomes
the command, so the process id stays the same.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Tie this process to its parent, then become the command."""
    parent, number, *command = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(number))
        if os.getppid() != int(parent):  # it went before we could ask
            sys.exit(f"{command[0]}: the process that started it is gone")
    os.execv(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main()

"""The command line: `hotline`. One module per command, imported only when it is asked for."""

from deploy.cli.main import main

__all__ = ["main"]

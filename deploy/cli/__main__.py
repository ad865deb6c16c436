"""`python -m deploy.cli`: the same as the console script `hotline`."""

from deploy.cli.main import main

main()

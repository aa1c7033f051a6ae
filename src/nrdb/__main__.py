"""`python -m nrdb` is the `nrdb` command, for where scripts are not on the path."""

from nrdb.cli import main

main()

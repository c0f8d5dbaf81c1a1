"""`python -m jojo_cli` is `jojo`."""

from jojo_cli.cli import main

if __name__ == "__main__":
    main()

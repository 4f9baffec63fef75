"""``python -m lienthong``: the same as the console script."""

from .gateway.cli.entry import main

if __name__ == "__main__":
    main()

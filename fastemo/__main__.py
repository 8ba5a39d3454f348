"""`python -m fastemo` is the command line."""

from fastemo.cli import main

if __name__ == "__main__":
    main()

"""The command line: `fastemo demo | train | evaluate | decode | stream | extract | info | bench | doctor`."""

from __future__ import annotations

import os
import sys

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: with 0, or with one sentence and 1 on an error, 2 on wrong usage.

    Parameters
    ----------
    arguments : list of str, optional
        Those of the process if not given.
    """
    import typer

    from fastemo.cli import decoding, demonstration, inspecting, timing, training
    from fastemo.cli._common import complain

    app = typer.Typer(
        help="Decode emotional states from brain signals.",
        epilog="Add --debug to any command to see the whole traceback of an error.",
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
    )
    for module in (demonstration, training, decoding, inspecting, timing):
        for name, command in module.COMMANDS.items():
            app.command(name)(command)

    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    given = [argument for argument in given if argument != "--debug"] or ["--help"]
    try:
        sys.exit(app(given, prog_name="fastemo", standalone_mode=False) or 0)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has had enough; Python must not complain when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if debug:
            raise
        complain(error)
        sys.exit(getattr(error, "exit_code", 1))

"""The command line: `fastemo demo | train | evaluate | decode | extract | info | doctor`."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; on an error, say it in one sentence and exit with status 1 (2 for wrong usage).

    Parameters
    ----------
    arguments : list of str, optional
        Those of the process if not given.
    """
    import typer

    from fastemo.cli import decoding, demonstration, inspecting, training
    from fastemo.cli._common import DEBUG, complain

    app = typer.Typer(
        name="fastemo",
        help="Decode emotional states from brain signals.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for module in (demonstration, training, decoding, inspecting):
        for name, command in module.COMMANDS.items():
            app.command(name)(command)

    @app.callback()
    def options(
        debug: bool = typer.Option(False, "--debug", help="Show the whole traceback of an error."),
    ) -> None:
        DEBUG.shown = debug

    try:
        app(arguments)
    except Exception as error:
        if DEBUG.shown:
            raise
        complain(error)
        sys.exit(1)

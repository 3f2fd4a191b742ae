"""The command line: ``cxrlab`` and its subcommands, thin skins on the library.

Nothing here, nor in a subcommand's module, imports TensorFlow or pandas at its top: help is
instant. A :class:`cxrlab.errors.CXRLabError` becomes its message on standard error and exit code 1.
"""

from __future__ import annotations

import typer

from cxrlab.cli import course, data, runs
from cxrlab.cli.shared import PlainErrors

app = typer.Typer(
    cls=PlainErrors,
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help: quick, and good to listen to
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def show_version(wanted: bool) -> None:
    """Print the version and stop."""
    if wanted:
        from cxrlab import __version__

        typer.echo(f"cxrlab {__version__}")
        raise typer.Exit


@app.callback()
def cxrlab(
    version: bool = typer.Option(
        False, "--version", callback=show_version, is_eager=True, help="Show the version and stop."
    ),
) -> None:
    """Chest X-rays, a convolutional network and honest numbers: a course you run.

    Without real X-rays it works on phantoms, simulated X-rays that it makes itself.
    The environment variables CXRLAB_DATA (folder of real X-rays), CXRLAB_BUDGET (smoke, class or
    full) and CXRLAB_WORKSPACE (where results are kept) say the same as the options.

    Not for medical use.
    """


for command in (course.doctor, course.run, course.lab, course.progress, course.publish):
    app.command()(command)
app.add_typer(data.data_app, name="data")
for command in (runs.train, runs.tune, runs.evaluate, runs.predict, runs.repairs, runs.report):
    app.command()(command)


def main() -> None:
    """What the command ``cxrlab`` calls."""
    app(prog_name="cxrlab")

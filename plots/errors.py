"""What goes wrong in ways that the user can mend, and what is no error."""


class PlotError(Exception):
    """Ends a script with status 1. Its text is one line: what was attempted, what happened, what to do."""


class Skip(Exception):
    """A chart for which a result has no data. Its text says what is missing, after "because"."""

"""What can go wrong while starting, said in a sentence with its mend."""


class StartError(Exception):
    """A start that cannot go on; the text is shown to the person as it is."""


class StopRequested(BaseException):
    """Ctrl-C or a signal asked for an orderly stop; not an Exception, so that nothing swallows it."""

"""The one way to say no. Free of Django: the process that parses uploads knows it, too."""


class Refused(Exception):
    """A rule forbids the act. The text is a Chinese sentence that says what to do."""

    def __init__(self, message: str, code: str = "refused"):
        super().__init__(message)
        self.message = message
        self.code = code

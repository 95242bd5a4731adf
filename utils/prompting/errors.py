"""Errors in prompts, with messages that say how to repair them."""


class PromptError(ValueError):
    """A template, label words or a sentence with blanks that cannot be used; the message says how to repair it."""

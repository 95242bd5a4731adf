"""What is wrong with a prompt, said so that its author can repair it."""


class PromptError(ValueError):
    """A template, label words or a sentence with blanks that cannot be asked; the message says how to repair it."""

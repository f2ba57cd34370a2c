"""What a case of a writer may yield instead of a word of what it just did."""


class Reference(str):
    """A branch or a tag is to be looked at."""


class Refused(str):
    """The table is to be refused, with these words in the reason."""

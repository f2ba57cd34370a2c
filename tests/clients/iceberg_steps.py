"""What a case of a writer may yield instead of a word of what it just did."""


class Reference(str):
    """A branch or a tag is to be looked at."""


class Allowed(str):
    """The table is to be looked at where its share allows this place."""


class ForAll(str):
    """The table is to need nothing that the Python client does not list."""


class Refused(str):
    """The table is to be refused, with these words in the reason."""

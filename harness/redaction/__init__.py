"""No secret value reaches a byte that we write: this package is the only maker of what may be written.

Bytes are redacted in memory and then written; there is no raw temporary file. Known values are searched in all the
forms that can be spelt in advance, in fragments, and in views of the text with escapes undone, separators removed and
encodings opened. A second scanner, which shares no code with the redactor, reads the result again.

What no matcher finds is an encrypted copy of a secret, or one in a form that nobody thought of. Canaries and
allow-listed fields answer to that, not this package.
"""

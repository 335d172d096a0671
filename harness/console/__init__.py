"""The evidence console: stored and running runs in a browser, on this machine alone, and nothing that changes them.

Each page is a document first; the same document is drawn as HTML and given as JSON, so that people and programs are
told the same. Evidence is hostile input: it is looked up by names that a run lists, and shown as text.
"""

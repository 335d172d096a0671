"""Reads pages as a browser would: elements by test id, cells of tables, and text."""

from html.parser import HTMLParser

VOID = {"meta", "link", "input", "col", "br", "hr", "img"}

ENDED_BY = {
    "td": {"td", "th", "tr", "tbody"},
    "th": {"td", "th", "tr", "tbody"},
    "tr": {"tr", "tbody"},
    "thead": {"tbody"},
    "li": {"li"},
}
"""Element → what ends it when it begins; HTML asks for no end tag of these."""


class Page(HTMLParser):
    """A parsed page."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.root = Node("root", {})
        self._open = [self.root]
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        while tag in ENDED_BY.get(self._open[-1].tag, ()):
            self._open.pop()
        node = Node(tag, dict(attrs))
        self._open[-1].children.append(node)
        if tag not in VOID:
            self._open.append(node)

    def handle_endtag(self, tag):
        while len(self._open) > 1:
            if self._open.pop().tag == tag:
                return

    def handle_data(self, data):
        self._open[-1].children.append(data)

    def by_id(self, test_id):
        return next((node for node in self.root.walk() if node.attrs.get("data-testid") == test_id), None)

    def all(self, tag):
        return [node for node in self.root.walk() if node.tag == tag]


class Node:
    """An element."""

    def __init__(self, tag, attrs):
        self.tag, self.attrs, self.children = tag, attrs, []

    def walk(self):
        for child in self.children:
            if isinstance(child, Node):
                yield child
                yield from child.walk()

    @property
    def text(self):
        return "".join(child if isinstance(child, str) else child.text for child in self.children)

    def rows(self):
        """The cells of each row of the table's body."""
        bodies = [node for node in self.walk() if node.tag == "tbody"]
        rows = [node for body in bodies for node in body.walk() if node.tag == "tr"]
        return [[" ".join(each.text.split()) for each in row.children if isinstance(each, Node)] for row in rows]

    @property
    def caption(self):
        return next(" ".join(node.text.split()) for node in self.walk() if node.tag == "caption")

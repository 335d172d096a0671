"""Base URLs, and paths that go out as they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.senses.address import Address

HOST = Address.parse("http://localhost:8000")


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/p/files/%2e%2e%2Fetc%2Fpasswd",
        "/api/v1/p/files/%2Fetc%2Fpasswd",
        "/api/v1/p/files/../../etc/passwd",
        "/api/v1/p/files//etc/passwd",
        "//etc/passwd",
        "/a/./b/",
        "/a%00b",
        "/a?x=1&y=%20#part",
        "/C:\\x",
    ],
)
def test_a_path_is_sent_exactly_as_written(path):
    assert HOST.target(path) == path.encode()


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/a b", b"/a%20b"),
        ("/é", b"/%C3%A9"),
        ("/a HTTP/1.1\r\nX: y\r\n\r\n", b"/a%20HTTP/1.1%0D%0AX:%20y%0D%0A%0D%0A"),
        ("/\x00\x7f", b"/%00%7F"),
        ("docs", b"/docs"),
    ],
)
def test_only_what_a_request_line_cannot_carry_is_encoded(path, target):
    assert HOST.target(path) == target


@given(st.text())
def test_no_text_can_end_the_request_line(path):
    target = HOST.target(path)
    assert target.startswith(b"/")
    assert all(0x21 <= byte <= 0x7E for byte in target)


@pytest.mark.parametrize(
    ("base_url", "server", "target"),
    [
        ("http://localhost:8000", ("http", "localhost", 8000), b"/docs"),
        ("http://localhost:8000/", ("http", "localhost", 8000), b"/docs"),
        ("https://Example.org/stack/", ("https", "example.org", 443), b"/stack/docs"),
        ("http://[::1]:8000/a", ("http", "::1", 8000), b"/a/docs"),
        ("http://127.0.0.1", ("http", "127.0.0.1", 80), b"/docs"),
    ],
)
def test_paths_are_joined_to_the_base_url(base_url, server, target):
    address = Address.parse(base_url)
    assert (address.scheme, address.host, address.port) == server
    assert address.target("/docs") == target


@pytest.mark.parametrize(
    ("base_url", "host"),
    [
        ("http://localhost:8000/a", "localhost:8000"),
        ("http://Example.org", "example.org"),
        ("http://example.org:80", "example.org"),
        ("https://example.org:443", "example.org"),
        ("https://example.org:80", "example.org:80"),
        ("http://[::1]:8000", "[::1]:8000"),
        ("http://[::1]", "[::1]"),
        ("http://bücher.example:8000", "xn--bcher-kva.example:8000"),
    ],
)
def test_the_host_is_named_with_its_port_where_that_is_not_the_schemes_own(base_url, host):
    assert Address.parse(base_url).host_header == host


@pytest.mark.parametrize(
    "base_url",
    [
        "localhost:8000",
        "/api",
        "ftp://localhost",
        "http://",
        "http://user:hunter2@localhost",
        "http://localhost/?a=1",
        "http://localhost/#a",
        "http://localhost:port",
        "http://localhost:99999",
        "http://localhost:0",
        "http://exa mple",
        "http://[::1",
        "http://" + "a" * 80 + ".example",
        "",
    ],
)
def test_what_is_no_base_url_is_refused_and_not_repeated(base_url):
    with pytest.raises(UsageError) as refused:
        Address.parse(base_url)
    assert refused.value.reference == "bad-base-url"
    assert "hunter2" not in refused.value.render()

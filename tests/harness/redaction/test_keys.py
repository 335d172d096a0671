"""Names that announce a secret, and names and values that only look like it."""

import pytest

from harness.redaction.keys import announces_secret, states_presence, words


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "proxy-authorization",
        "Cookie",
        "Set-Cookie",
        "X-Api-Key",
        "token",
        "accessToken",
        "HTTPToken",
        "client_secret",
        "dbPassword",
        "OPENAI_API_KEY",
        "apiKey",
        "apikey",
        "api-key",
        "Env",
        "container_env",
        "TOKEN2",
    ],
)
def test_a_name_that_announces_a_secret(name):
    assert announces_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        "total_tokens",
        "promptTokens",
        "tokenizer",
        "secretary",
        "environment",
        "passwordless",
        "author",
        "keyboard",
        "key",
        "api",
        "monkey_api",
        "api_version",
        "project_id",
        "no_secrets",
        "cookies_accepted",
        "",
    ],
)
def test_a_name_that_only_looks_like_it(name):
    assert not announces_secret(name)


def test_names_are_split_at_signs_and_humps():
    assert words("OPENAI_API_KEY") == ["openai", "api", "key"]
    assert words("myHTTPToken-2x") == ["my", "http", "token", "2", "x"]


@pytest.mark.parametrize("value", ["present", "absent", "OPENAI_API_KEY=present", "OPENAI_ORG_ID=absent", ""])
def test_statements_of_presence(value):
    assert states_presence(value)


@pytest.mark.parametrize("value", ["presentXYZ", "OPENAI_API_KEY=presentXYZ", "Present!", "absent present"])
def test_what_only_begins_like_presence(value):
    assert not states_presence(value)

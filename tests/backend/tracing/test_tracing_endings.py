"""Ends that no database of the tests can show: prepared transactions, drivers that say nothing of themselves."""

from types import SimpleNamespace

import pytest
from observed_database import PLACE, Sink

from backend.tracing.capture import _around_commit, _around_prepare, _around_rollback
from backend.tracing.endings import Endings
from backend.tracing.records import Op
from backend.tracing.statements import Deed, Statement
from backend.tracing.transactions import Entry, Origin

IDLE, IN_TRANSACTION, UNKNOWN = 0, 2, 4


@pytest.fixture
def endings():
    return Endings(Sink())


def connection(endings, status=IN_TRANSACTION):
    """A pool's connection in a transaction that wrote once."""
    said = SimpleNamespace(transaction_status=status)
    driver = SimpleNamespace() if status is None else SimpleNamespace(info=said)
    fairy = SimpleNamespace(info={}, driver_connection=driver, said=said)
    statement = Statement(Deed.WRITE, Op.INSERT, ("a",))
    endings.begin(fairy.info).add(Entry(statement, None, Origin(PLACE, "postgresql", 1, 0, 0)))
    return fairy


def leaving(fairy, status):
    """A method of the dialect that leaves the connection so."""

    def method(target, *_given, **_named):
        assert target is fairy
        fairy.said.transaction_status = status
        return "answer"

    return method


def outcomes(endings):
    return [str(write.outcome) for write in endings._sink.writes]


@pytest.mark.parametrize(("wrapper", "outcome"), [(_around_commit, "committed"), (_around_rollback, "rolled_back")])
def test_a_prepared_transaction_waits_for_its_second_phase(endings, wrapper, outcome):
    fairy = connection(endings)
    _around_prepare(endings, leaving(fairy, IDLE))(fairy, "xid")
    assert endings.look(fairy) is not None
    assert outcomes(endings) == []
    assert wrapper(endings, leaving(fairy, IDLE))(fairy, "xid", True) == "answer"
    assert outcomes(endings) == [outcome]


@pytest.mark.parametrize("event", ["checked_in", "closed"])
def test_a_prepared_transaction_outlives_its_connection(endings, event):
    fairy = connection(endings)
    _around_prepare(endings, leaving(fairy, IDLE))(fairy, "xid")
    getattr(endings, event)(object(), fairy)
    assert outcomes(endings) == ["open"]


def test_a_commit_of_a_recovered_transaction_undoes_what_the_connection_had_begun(endings):
    fairy = connection(endings)
    _around_commit(endings, leaving(fairy, IDLE))(fairy, "of another", recover=True)
    assert outcomes(endings) == ["rolled_back"]


@pytest.mark.parametrize(("wrapper", "outcome"), [(_around_commit, "committed"), (_around_rollback, "rolled_back")])
def test_of_a_driver_that_says_nothing_the_call_is_believed(endings, wrapper, outcome):
    fairy = connection(endings, status=None)
    wrapper(endings, leaving(fairy, None))(fairy)
    assert outcomes(endings) == [outcome]


def test_a_rollback_that_fails_decides_nothing_while_the_transaction_stands(endings):
    fairy = connection(endings)

    def refuse(_fairy):
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        _around_rollback(endings, refuse)(fairy)
    assert outcomes(endings) == []
    endings.closed(object(), fairy, None)
    assert outcomes(endings) == ["rolled_back"]


def test_a_commit_that_is_interrupted_may_have_been_sent(endings):
    fairy = connection(endings)

    def interrupt(_fairy):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _around_commit(endings, interrupt)(fairy)
    assert outcomes(endings) == ["open"]


def test_ends_of_connections_that_wrote_nothing_pass_through(endings):
    fairy = SimpleNamespace(info={}, driver_connection=None, said=SimpleNamespace())
    for wrapper in (_around_commit, _around_rollback):
        assert wrapper(endings, leaving(fairy, IDLE))(fairy) == "answer"
    assert (outcomes(endings), endings._sink.drops) == ([], [])

"""Signals: the first ends what is waited for and nothing else, a second ends everything."""

import signal

import pytest

from harness.runner.interrupts import SIGNALS, AbandonedError, ForcedError, Interrupts


@pytest.fixture
def interrupts():
    return Interrupts()


def waiting(interrupts):
    with interrupts.may_end(), interrupts.waiting():
        interrupts.arrive()


def test_a_first_signal_ends_a_wait_that_it_may_end(interrupts):
    with pytest.raises(KeyboardInterrupt):
        waiting(interrupts)
    assert not interrupts.take()


def test_a_first_signal_during_a_wait_that_must_be_finished_is_only_taken_note_of(interrupts):
    with interrupts.waiting():
        interrupts.arrive()
    assert interrupts.take()
    assert not interrupts.take()


def test_a_first_signal_between_waits_ends_the_next_one_before_it_begins(interrupts):
    begun = []
    interrupts.arrive()
    with pytest.raises(KeyboardInterrupt), interrupts.may_end():
        interrupts.waits(begun.append)(1)
    assert begun == []


def test_a_signal_that_was_honoured_does_not_end_what_comes_after_it(interrupts):
    with pytest.raises(KeyboardInterrupt):
        waiting(interrupts)
    with interrupts.may_end():
        assert interrupts.waits(lambda: 7)() == 7


@pytest.mark.parametrize("block", [Interrupts.may_end, Interrupts.waiting])
def test_a_second_signal_ends_everything_wherever_it_comes(interrupts, block):
    interrupts.arrive()
    interrupts.take()
    with pytest.raises(ForcedError), block(interrupts):
        interrupts.arrive()


def test_nobody_who_catches_faults_or_ctrl_c_catches_a_second_signal():
    assert not issubclass(ForcedError, (Exception, KeyboardInterrupt))


def test_while_a_folder_is_being_closed_every_signal_waits(interrupts):
    interrupts.hold()
    interrupts.arrive()
    interrupts.arrive()
    assert interrupts.take()


def test_a_wait_that_was_left_is_no_wait_any_more(interrupts):
    with interrupts.may_end():
        with pytest.raises(ValueError, match="broken"), interrupts.waiting():
            raise ValueError("broken")
        interrupts.arrive()
    assert interrupts.take()


def test_signals_are_taken_over_and_given_back(interrupts):
    before = [signal.getsignal(each) for each in SIGNALS]
    with interrupts.installed():
        assert signal.getsignal(signal.SIGTERM) == interrupts.arrive
    assert [signal.getsignal(each) for each in SIGNALS] == before


def test_signals_are_given_back_after_a_fault(interrupts):
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(ForcedError), interrupts.installed():
        raise ForcedError
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_signal_that_the_caller_ignores_stays_ignored(interrupts):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interrupts.installed():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_run_that_was_abandoned_ends_with_the_code_of_an_interrupt():
    assert AbandonedError("run-abandoned", "interrupted twice").exit_code == 130

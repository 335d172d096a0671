"""Requests that wait for a job's end."""

import asyncio
import threading

from backend.signals import JobSignals


def run(scenario):
    asyncio.run(asyncio.wait_for(scenario, 30))


def from_a_thread(action):
    thread = threading.Thread(target=action)
    thread.start()
    thread.join()


def test_everybody_who_waits_for_a_job_is_woken_from_its_thread():
    async def scenario():
        signals = JobSignals()
        with signals.subscribe("job") as one, signals.subscribe("job") as other, signals.subscribe("else") as third:
            waiting = [asyncio.create_task(one.wait(30)), asyncio.create_task(other.wait(30))]
            await asyncio.to_thread(signals.ended, "job")
            assert await asyncio.gather(*waiting) == [True, True]
            assert await third.wait(0) is False

    run(scenario())


def test_an_end_between_the_look_and_the_wait_is_not_missed():
    async def scenario():
        signals = JobSignals()
        with signals.subscribe("job") as subscription:
            from_a_thread(lambda: signals.ended("job"))
            assert await subscription.wait(30) is True

    run(scenario())


def test_an_end_before_the_subscription_is_not_told():
    async def scenario():
        signals = JobSignals()
        signals.ended("job")
        with signals.subscribe("job") as subscription:
            assert await subscription.wait(0.01) is False

    run(scenario())


def test_closing_wakes_present_and_future_waiters():
    async def scenario():
        signals = JobSignals()
        with signals.subscribe("job") as present:
            from_a_thread(signals.close)
            assert await present.wait(30) is True
        with signals.subscribe("another") as future:
            assert await future.wait(30) is True

    run(scenario())


def test_a_stop_signal_may_interrupt_a_subscription():
    """Its handler runs on the event loop's own thread, between any two steps of it."""
    signals, closed = JobSignals(), threading.Event()

    def interrupted():
        with signals._lock:
            signals.close()
        closed.set()

    threading.Thread(target=interrupted, daemon=True).start()
    assert closed.wait(30)


def test_nobody_is_kept_who_waits_no_more():
    async def scenario():
        signals = JobSignals()
        with signals.subscribe("job"), signals.subscribe("job"):
            assert len(signals._waiting["job"]) == 2
        assert signals._waiting == {}

    run(scenario())


def test_a_waiter_whose_loop_is_gone_hinders_nobody():
    signals, kept = JobSignals(), []

    async def leave_open():
        kept.append(signals.subscribe("job"))
        kept[0].__enter__()

    asyncio.run(leave_open())
    assert len(signals._waiting["job"]) == 1
    signals.ended("job")
    signals.close()


def test_a_waiter_that_hangs_up_leaves():
    async def scenario():
        signals = JobSignals()

        async def wait():
            with signals.subscribe("job") as subscription:
                await subscription.wait(30)

        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert signals._waiting == {}

    run(scenario())

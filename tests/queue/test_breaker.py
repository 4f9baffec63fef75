"""The breaker's rules against a model that only remembers what happened; time and chance are handed in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lienthong.queue.backoff import Backoff
from lienthong.queue.breaker import TABLE, Breaker, BreakerSettings, ChannelState, Happening, Moment, after, unsteady

START = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
RULES = BreakerSettings(failures=3, cooling=Backoff(base=10.0, ceiling=60.0, jitter=0.2))
LEASE = 30.0
PROCESSES = ("một", "hai", "ba")


@dataclass(slots=True)
class Stage:
    """A breaker, a clock, calls on their way (with the generation they began under), probes that were given out."""

    breaker: Breaker = field(default_factory=lambda: Breaker(state=ChannelState.CLOSED, since=START))
    now: datetime = START
    calls: list[int] = field(default_factory=list)
    probes: dict[int, datetime] = field(default_factory=dict)

    def happens(self, happening: Happening, *, generation: int | None = None, process: str = "", chance: float = 0.5):
        moment = Moment(now=self.now, chance=chance, settings=RULES, process=process, lease=LEASE)
        found = after(self.breaker, happening, moment, generation=generation)
        self.breaker = found or self.breaker
        return found is not None

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def begin(self) -> None:
        if self.breaker.state is ChannelState.CLOSED:
            self.calls.append(self.breaker.generation)

    def fail(self, times: int) -> None:
        for _ in range(times):
            self.happens(Happening.FAILED, generation=self.breaker.generation)

    def probe(self, process: str = "một") -> int | None:
        taken = self.happens(Happening.TAKEN, process=process)
        if taken:
            self.probes[self.breaker.generation] = self.now + timedelta(seconds=LEASE)
        return self.breaker.generation if taken else None


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_it_opens_at_the_last_failure_in_a_row_that_is_borne(stage: Stage) -> None:
    stage.fail(2)
    stage.happens(Happening.SUCCEEDED, generation=0)
    stage.fail(2)
    assert (stage.breaker.state, stage.breaker.failures) == (ChannelState.CLOSED, 2)
    stage.fail(1)
    assert (stage.breaker.state, stage.breaker.openings) == (ChannelState.OPEN, 1)
    assert stage.breaker.probe_at == stage.now + timedelta(seconds=10)


def test_many_failures_at_one_moment_open_it_once(stage: Stage) -> None:
    for _ in range(16):
        stage.happens(Happening.FAILED, generation=0)
    assert (stage.breaker.state, stage.breaker.openings, stage.breaker.failures) == (ChannelState.OPEN, 1, 3)


def test_one_probe_at_a_time_and_a_failed_one_cools_longer_up_to_the_ceiling(stage: Stage) -> None:
    stage.fail(3)
    waits = []
    for _ in range(5):
        waits.append((stage.breaker.probe_at - stage.now).total_seconds())
        stage.passes(waits[-1] - 0.1)
        assert stage.probe() is None, "not before its time"
        stage.passes(0.1)
        probe = stage.probe("một")
        assert probe is not None
        assert stage.probe("hai") is None, "one at a time"
        stage.happens(Happening.FAILED, generation=probe)
    assert waits == [10, 20, 40, 60, 60]


def test_a_killed_prober_loses_its_lease_and_then_its_say(stage: Stage) -> None:
    stage.fail(3)
    stage.passes(10)
    lost = stage.probe("một")
    stage.passes(LEASE)
    second = stage.probe("hai")
    assert second is not None
    assert stage.breaker.probe_by == "hai"
    assert not stage.happens(Happening.FAILED, generation=lost)
    assert stage.happens(Happening.SUCCEEDED, generation=second)
    assert (stage.breaker.state, stage.breaker.failures) == (ChannelState.CLOSED, 0)


def test_one_that_fails_again_soon_cools_longer_and_one_that_held_starts_anew(stage: Stage) -> None:
    stage.fail(3)
    for openings, held in ((2, 5.0), (3, 19.0), (1, 40.0)):
        stage.passes((stage.breaker.probe_at - stage.now).total_seconds())
        stage.happens(Happening.SUCCEEDED, generation=stage.probe())
        stage.passes(held)
        stage.fail(3)
        assert stage.breaker.openings == openings


def test_it_is_unsteady_until_it_held_as_long_as_it_had_cooled(stage: Stage) -> None:
    def shaky() -> bool:
        return unsteady(stage.breaker, Moment(now=stage.now, chance=0.9, settings=RULES))

    stage.fail(2)
    assert not shaky(), "failures before any opening may be the packages'"
    stage.fail(1)
    assert shaky()
    stage.passes(10)
    stage.happens(Happening.SUCCEEDED, generation=stage.probe())
    stage.passes(9)
    assert shaky()
    stage.passes(1)
    assert not shaky()


def test_late_outcomes_of_an_earlier_generation_change_nothing(stage: Stage) -> None:
    stage.fail(3)
    stage.happens(Happening.RESUMED)
    before = stage.breaker
    assert not stage.happens(Happening.FAILED, generation=0)
    assert not stage.happens(Happening.REFUSED, generation=0), "the key of that call was changed since"
    assert stage.breaker == before


def test_a_person_hurries_the_probe_but_never_a_second_one(stage: Stage) -> None:
    stage.fail(3)
    assert stage.probe() is None
    assert stage.happens(Happening.HURRIED)
    probe = stage.probe()
    assert probe is not None
    assert stage.happens(Happening.HURRIED)
    assert stage.probe("hai") is None
    assert stage.happens(Happening.SUCCEEDED, generation=probe)


def test_a_process_that_was_cut_off_takes_its_own_probe_again(stage: Stage) -> None:
    stage.fail(3)
    stage.passes(10)
    lost = stage.probe("một")
    assert stage.probe("hai") is None
    assert stage.probe("một") is not None
    assert not stage.happens(Happening.SUCCEEDED, generation=lost)


def test_a_probe_given_back_is_due_at_once_without_cooling_longer(stage: Stage) -> None:
    stage.fail(3)
    stage.passes(10)
    assert stage.happens(Happening.GIVEN_BACK, generation=stage.probe())
    assert stage.breaker.openings == 1
    assert stage.probe("hai") is not None


def test_only_a_person_ends_a_pause(stage: Stage) -> None:
    stage.happens(Happening.REFUSED, generation=0)
    assert stage.breaker.state is ChannelState.PAUSED
    stage.passes(10_000)
    for happening in Happening:
        if happening not in (Happening.RESUMED, Happening.STOPPED):
            assert not stage.happens(happening, generation=stage.breaker.generation), happening
    assert stage.happens(Happening.RESUMED)
    assert (stage.breaker.state, stage.breaker.failures) == (ChannelState.CLOSED, 0)


# What may come next, by number: calls end in any order, clocks jump, people and processes interfere.
STEPS = st.one_of(
    st.tuples(st.just("begin")),
    st.tuples(st.just("end"), st.integers(0, 9), st.sampled_from(["succeeded", "failed", "refused"])),
    st.tuples(st.just("tick"), st.floats(0, 90)),
    st.tuples(st.just("probe"), st.sampled_from(PROCESSES)),
    st.tuples(st.just("probe ends"), st.integers(0, 9), st.sampled_from(["succeeded", "failed", "given_back"])),
    st.tuples(st.just("person"), st.sampled_from(["stopped", "resumed", "hurried"])),
)


@dataclass(slots=True)
class Model:
    """What the story says: failures since the last good news, whether a person must act, which generation is heard."""

    row: int = 0
    paused: bool = False
    closed: bool = True

    def outcome(self, word: str) -> None:
        if word == "refused":
            self.paused, self.closed = True, False
        elif word == "succeeded":
            self.row = 0
        else:
            self.row += 1
            self.closed = self.row < RULES.failures

    def probed(self, word: str) -> None:
        self.closed = word == "succeeded"
        self.row = 0 if self.closed else self.row + (word == "failed")

    def person(self, word: str) -> None:
        if word == "stopped":
            self.paused, self.closed = True, False
        elif word == "resumed" and not self.closed:
            self.paused, self.closed, self.row = False, True, 0


@settings(max_examples=300, deadline=None)
@given(st.lists(STEPS, max_size=60))
def test_any_story_of_calls_probes_and_people_ends_as_the_model_says(steps: list[tuple]) -> None:
    stage, model = Stage(), Model()
    for step in steps:
        _play(stage, model, step)
        state = stage.breaker.state
        assert (state is ChannelState.CLOSED) == model.closed
        assert (state is ChannelState.PAUSED) == model.paused
        assert stage.breaker.failures == model.row
        assert (state is ChannelState.OPEN) == (stage.breaker.probe_at is not None)
        assert (state is ChannelState.HALF_OPEN) == (stage.breaker.probe_until is not None)
        current = [g for g, until in stage.probes.items() if g == stage.breaker.generation and until > stage.now]
        assert len(current) <= 1, "one probe at a time"


def _play(stage: Stage, model: Model, step: tuple) -> None:
    match step:
        case ("begin",):
            stage.begin()
        case ("tick", seconds):
            stage.passes(seconds)
        case ("end", place, word) if stage.calls:
            generation = stage.calls.pop(place % len(stage.calls))
            if stage.happens(Happening(word), generation=generation):
                model.outcome(word)
        case ("probe", process):
            before, others = stage.breaker, stage.breaker.probe_by not in (None, process)
            if stage.probe(process) is not None and others:
                assert before.probe_until is not None
                assert before.probe_until <= stage.now, "only a lease that ran out goes to another"
        case ("probe ends", place, word) if stage.probes:
            generation = sorted(stage.probes)[place % len(stage.probes)]
            if stage.happens(Happening(word), generation=generation):
                model.probed(word)
                del stage.probes[generation]
        case ("person", word):
            if stage.happens(Happening(word)):
                model.person(word)


def test_every_state_has_a_way_on_and_only_people_leave_a_pause() -> None:
    assert set(TABLE) == set(ChannelState)
    assert {h for h, state in TABLE[ChannelState.PAUSED].items() if state is not ChannelState.PAUSED} == {
        Happening.RESUMED
    }

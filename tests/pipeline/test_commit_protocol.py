"""The commit of a scene under every interleaving: an explicit-state check of the real `Store`.

Writers run the real code against objects that let one call happen at a time. What a writer does
next is decided by the answers it has had, so a state is the content of the store and each writer's
answers, and all states are visited, breadth first. A crash is a writer that is not chosen again, a
zombie one that is chosen late; an answer is lost where a call takes effect and its writer, who
does not know, makes it again. A rerun may happen once, in any state, between any two calls; and of
two writers one request may come a second time at any later moment, as networks let it.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any, NamedTuple

import msgspec
import pytest

import westsea.store
from westsea.objects import Outcome
from westsea.records import FAILED, JOURNAL, REFUSED, Journal, Parameters, SceneKey, Status
from westsea.schema import TABLES
from westsea.store import PARAMETERS, Store
from westsea_catalog.errors import WestseaError

SCENE = SceneKey("sentinel-1-rtc", "S1A_1", date(2024, 5, 1), "item-1")
PLACES = {name: SCENE.table(name) for name in ("detections", "pairs", "scenes")}
PINNED = Parameters("1", {}, None, "coast", "even")

Content = frozenset[tuple[str, bytes]]
Answers = tuple[Any, ...]


class Call(NamedTuple):
    name: str
    key: str = ""
    data: bytes = b""


class Pause(BaseException):
    def __init__(self, call: Call) -> None:
        self.call = call


class BrokenError(Exception):
    """The protocol is."""


@dataclass
class Scripted:
    """`Objects` that give the answers they are told, and stop at the first call without one."""

    answers: Answers
    n_calls: int = 0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *arguments: self.answer(Call(name, *arguments))

    def answer(self, call: Call) -> Any:
        if self.n_calls == len(self.answers):
            raise Pause(call)
        self.n_calls += 1
        return self.answers[self.n_calls - 1]


@cache
def perform(call: Call, content: Content) -> tuple[Any, Content]:
    """The answer to a call, and what the store holds then."""
    held = dict(content)
    standing = held.get(call.key)
    match call.name:
        case "get":
            return standing, content
        case "exists":
            return standing is not None, content
        case "list":
            return tuple(sorted(key for key in held if key.startswith(f"{call.key}/"))), content
        case "clean":
            return None, content
        case "put":
            return None, frozenset((held | {call.key: call.data}).items())
        case "put_new" if standing is None:
            return Outcome.CREATED, frozenset((held | {call.key: call.data}).items())
        case "put_new":
            return Outcome.SAME if standing == call.data else Outcome.CONFLICT, content
        case "delete":
            held.pop(call.key, None)
            return None, frozenset(held.items())
    raise AssertionError(call)


def files_of(letter: str) -> dict[str, bytes]:
    """What a writer has made: its tables are these bytes."""
    return {name: f"{name} of {letter}".encode() for name in TABLES}


def commits(store: Store, letter: str) -> Any:
    return store.commit(SCENE, files_of(letter))


def runs(store: Store, letter: str) -> Any:
    """A whole run: what a sweep does with its store and a scene."""
    store.prepare()
    if store.status(SCENE) is Status.DONE:
        return None
    return store.commit(SCENE, files_of(letter))


Deed = Callable[[Store, str], Any]


@dataclass
class Writer:
    """Someone who does a deed.

    A place in it is a number, and stands for the answers that led there: `steps` has what is called
    there, or what the deed returned.
    """

    kind: type[Store]
    deed: Deed
    letter: str
    answers: list[Answers] = field(default_factory=lambda: [()])
    steps: list[Any] = field(default_factory=list)
    then: dict[tuple[int, Any], int] = field(default_factory=dict)
    """The place that an answer at a place leads to."""

    def __post_init__(self) -> None:
        self.steps.append(self.step(()))

    def step(self, answers: Answers) -> Any:
        try:
            return self.deed(self.kind(Scripted(answers), PINNED), self.letter)
        except Pause as pause:
            return pause.call
        except WestseaError as error:
            raise BrokenError("a writer finds what cannot be") from error

    def after(self, place: int, answer: Any) -> int:
        """The place after an answer."""
        if (place, answer) not in self.then:
            answers = (*self.answers[place], answer)
            self.then[place, answer] = len(self.steps)
            self.answers.append(answers)
            self.steps.append(self.step(answers))
        return self.then[place, answer]

    def go(self, place: int, content: Content) -> tuple[int, Content]:
        """Where the writer is after a call, and after all that nobody else could notice."""
        call = self.steps[place]
        while isinstance(call, Call):
            answer, content = perform(call, content)
            place = self.after(place, answer)
            call = self.steps[place]
            if not (isinstance(call, Call) and _is_unseen(call, content)):
                break
        return place, content


def _is_unseen(call: Call, content: Content) -> bool:
    """Whether it makes no difference when the call happens.

    Records are read by none of the writers, and what is committed never changes, which is checked.
    """
    reads = call.name == "get" and call.key in PLACES.values() and committed(content) is not None
    return reads or call.key.startswith((f"{FAILED}/", f"{REFUSED}/")) or call.name == "clean"


class State(NamedTuple):
    content: Content
    places: tuple[int, ...]
    is_rerun: bool = False
    late: Call | None = None
    """A request on its way a second time; `NONE` once it has come, or where there is none."""


NONE = Call("none")


@dataclass
class Checker:
    """Visits all states of some writers of a scene."""

    writers: list[Writer]
    rerun: Writer
    late: Call | None = NONE
    """None: some request comes twice."""
    contents: dict[Content, Content] = field(default_factory=dict)
    """What a rerun makes of each."""

    def visit(self) -> int:
        """The number of states; BrokenError where one of them must not be."""
        pinned = perform(Call("put_new", PARAMETERS, _pinned()), frozenset())[1]
        first = State(pinned, (0,) * len(self.writers), late=self.late)
        seen, waiting = {first}, deque([first])
        while waiting:
            state = waiting.popleft()
            for other in self.next(state):
                if other not in seen:
                    self.check(state, other)
                    seen.add(other)
                    waiting.append(other)
        return len(seen)

    def next(self, state: State) -> Iterator[State]:
        content, places, is_rerun, late = state
        for number, writer in enumerate(self.writers):
            call = writer.steps[places[number]]
            if isinstance(call, Call):
                place, after = writer.go(places[number], content)
                there = (*places[:number], place, *places[number + 1 :])
                yield State(after, there, is_rerun, late)
                yield State(perform(call, content)[1], places, is_rerun, late)  # no answer comes
                if late is None and call.name in ("put", "put_new", "delete"):
                    yield State(after, there, is_rerun, call)
        after = self.rerun_from(content)
        if not is_rerun:
            yield State(after, places, True, late)
        if late is not None and late is not NONE:
            yield State(perform(late, content)[1], places, is_rerun, NONE)

    def rerun_from(self, content: Content) -> Content:
        """What a rerun, with nobody else at work, makes of a store that crashed runs left."""
        if content not in self.contents:
            place, after = 0, content
            while isinstance(self.rerun.steps[place], Call):
                place, after = self.rerun.go(place, after)
            if committed(after) is None:
                raise BrokenError("a rerun ends, and the scene is not committed")
            if any(key.startswith(JOURNAL) for key, _ in after):
                raise BrokenError("a rerun leaves the journal")
            if committed(content) not in (None, committed(after)):
                raise BrokenError("a rerun changes what is committed")
            self.contents[content] = after
        return self.contents[content]

    def check(self, before: State, state: State) -> None:
        there = committed(state.content)
        if committed(before.content) not in (None, there):
            raise BrokenError("what is committed changes")
        ends = [
            (writer.letter, end)
            for writer, place in zip(self.writers, state.places, strict=True)
            if not isinstance(end := writer.steps[place], Call)
        ]
        if ends and there is None:
            raise BrokenError("a writer says it is done, and nothing is committed")
        receipts = [(letter, end) for letter, end in ends if end is not None]
        if [end.outcome for _, end in receipts].count(Outcome.CREATED) > 1:
            raise BrokenError("two writers say that they committed the scene")
        for letter, end in receipts:
            stands = files_of(letter)["detections"] == there
            if (end.outcome is not Outcome.CONFLICT) != stands:
                raise BrokenError("a writer says of its files what is not so")
            if end.sha256 != hashlib.sha256(there or b"").hexdigest():
                raise BrokenError("a writer reports another file than stands")


@cache
def committed(content: Content) -> bytes | None:
    """The detections file that stands; BrokenError where the others are not of its writer."""
    held = dict(content)
    there = held.get(PLACES["detections"])
    if there is not None:
        letter = there.decode()[-1]
        if {name: held.get(key) for name, key in PLACES.items()} != files_of(letter):
            raise BrokenError("files of two writers stand")
    return there


def _pinned() -> bytes:
    """What pins the parameters."""
    with pytest.raises(Pause) as pause:
        Store(Scripted(()), PINNED).prepare()
    assert (pause.value.call.name, pause.value.call.key) == ("put_new", PARAMETERS)
    return pause.value.call.data


@pytest.fixture(autouse=True)
def plain_files(monkeypatch):
    """Tables are bytes here, as they are."""
    monkeypatch.setattr(westsea.store, "encode", lambda table, rows, provenance: rows)
    monkeypatch.setattr(westsea.store, "count_rows", len)


def checker(kind: type[Store], letters: str, *deeds: Deed) -> Checker:
    writers = [Writer(kind, deed, each) for each, deed in zip(letters, deeds, strict=True)]
    return Checker(writers, Writer(kind, runs, letters[0]))


@pytest.mark.parametrize("letters", ["ABC", "AAB", "AAA"])
def test_every_interleaving_of_three_writers(letters):
    """Two in the midst of a run, one that starts its run meanwhile, and a rerun."""
    assert checker(Store, letters, commits, commits, runs).visit() > 5_000


@pytest.mark.parametrize("deeds", [(commits, commits), (commits, runs)])
def test_a_request_that_comes_twice(deeds):
    check = checker(Store, "AB", *deeds)
    check.late = None
    assert check.visit() > 1_000


class Mutant(Store):
    """The protocol as it is, for others to change a step of."""

    def commit(self, scene, tables):
        created = False
        if not self._committed(scene):
            self._begin(scene.journal, msgspec.msgpack.encode(Journal(scene, dict(tables))))
            created = self._replay(scene.journal)
        return self._receipt(scene, tables, tables, created)

    def _replay(self, key):
        files = self._files(key)
        if files is None:
            return False
        if not self._committed(SCENE):
            self._place(files)
        return self._end(key, files)

    def _begin(self, key, data):
        self.objects.put_new(key, data)

    def _files(self, key):
        data = self.objects.get(key)
        return data and msgspec.msgpack.decode(data, type=Journal).files

    def _place(self, files):
        for name in ("pairs", "scenes"):
            self.objects.put(PLACES[name], files[name])

    def _end(self, key, files):
        outcome = self.objects.put_new(PLACES["detections"], files["detections"])
        self.objects.delete(key)
        return outcome is Outcome.CREATED


class LooksBeforeItReads(Mutant):
    def _replay(self, key):
        is_committed = self._committed(SCENE)
        files = self._files(key)
        if files is None:
            return False
        if not is_committed:
            self._place(files)
        return self._end(key, files)


class DoesNotLook(Mutant):
    def _replay(self, key):
        files = self._files(key)
        if files is None:
            return False
        self._place(files)
        return self._end(key, files)


class DeletesTheJournalFirst(Mutant):
    def _end(self, key, files):
        self.objects.delete(key)
        outcome = self.objects.put_new(PLACES["detections"], files["detections"])
        return outcome is Outcome.CREATED


class ReplacesTheJournal(Mutant):
    def _begin(self, key, data):
        self.objects.put(key, data)


class CommitsFirst(Mutant):
    def _place(self, files):
        self.objects.put_new(PLACES["detections"], files["detections"])
        super()._place(files)


class LeavesTheJournal(Mutant):
    def _replay(self, key):
        if self._committed(SCENE):
            return False
        return super()._replay(key)


class HasNoJournal(Mutant):
    def commit(self, scene, tables):
        created = False
        if not self._committed(scene):
            self._place(tables)
            created = self._end(scene.journal, tables)
        return self._receipt(scene, tables, tables, created)


def test_the_unchanged_mutant_is_sound():
    assert checker(Mutant, "AB", commits, runs).visit() > 500


@pytest.mark.parametrize(
    "kind",
    [
        LooksBeforeItReads,
        DeletesTheJournalFirst,
        ReplacesTheJournal,
        CommitsFirst,
        DoesNotLook,
        LeavesTheJournal,
        HasNoJournal,
    ],
)
def test_a_broken_protocol_is_found(kind):
    with pytest.raises(BrokenError):
        checker(kind, "ABC", commits, commits, runs).visit()

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from westsea_kernels.joins import same_things


def reference(first, second, is_sure, source):
    things = [{k} for k in range(len(source))]

    def lists(thing):
        return {source[k] for k in thing}

    for i, j, sure in zip(first, second, is_sure, strict=True):
        one, two = (next(thing for thing in things if k in thing) for k in (i, j))
        if one is two:
            continue
        if sure:
            apart = bool(lists(one) & lists(two))
        else:
            apart = source[j] in lists(one) and source[i] in lists(two)
        if not apart:
            things.remove(two)
            one |= two
    return [min(next(thing for thing in things if k in thing)) for k in range(len(source))]


@st.composite
def entries(draw):
    source = draw(st.lists(st.integers(0, 3), min_size=1, max_size=12))
    index = st.integers(0, len(source) - 1)
    edges = draw(st.lists(st.tuples(index, index, st.booleans()), max_size=30))
    edges = [edge for edge in edges if source[edge[0]] != source[edge[1]]]
    return source, sorted(edges, key=lambda edge: not edge[2])


@given(entries())
def test_as_the_reference(drawn):
    source, edges = drawn
    first, second, sure = (
        (list(column) for column in zip(*edges, strict=True)) if edges else [[]] * 3
    )
    found = same_things(
        np.array(first, np.int64),
        np.array(second, np.int64),
        np.array(sure, np.bool_),
        np.array(source, np.int64),
    )
    assert found.tolist() == reference(first, second, sure, source)


def test_two_of_one_list_are_never_surely_the_same():
    # 0 and 1 are of one list; 2, of another, looks most like 1.
    ends = np.array([1, 0]), np.array([2, 2])
    source = np.array([0, 0, 1])
    assert same_things(*ends, np.array([True, True]), source).tolist() == [0, 1, 1]
    assert same_things(*ends, np.array([True, False]), source).tolist() == [0, 0, 0]

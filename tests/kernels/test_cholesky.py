import numpy as np
import pytest

from westsea_kernels.cholesky import LANES, deviations, factorize, products, solve


@pytest.mark.parametrize("n", [0, 1, LANES - 1, LANES, LANES + 1, 5 * LANES + 3])
def test_products_are_those_of_any_two_rows(n):
    rows = np.random.default_rng(n).normal(size=(7, n))
    out = np.full((7, 7), 99.0)
    products(rows, out)
    lower = np.tril_indices(7)
    np.testing.assert_allclose(out[lower], (rows @ rows.T)[lower], rtol=1e-12, atol=1e-12)
    assert (out[np.triu_indices(7, 1)] == 99.0).all()


@pytest.mark.parametrize("n", [1, 2, 6, 11])
def test_a_system_is_solved_and_its_inverse_has_those_deviations(n):
    rng = np.random.default_rng(n)
    rows, b = rng.normal(size=(n, 3 * n)), rng.normal(size=n)
    matrix = rows @ rows.T
    factor, found, sd = np.tril(matrix), b.copy(), np.empty(n)
    assert factorize(factor)
    solve(factor, found)
    deviations(factor, sd)
    np.testing.assert_allclose(found, np.linalg.solve(matrix, b), rtol=1e-9)
    np.testing.assert_allclose(sd, np.sqrt(np.diag(np.linalg.inv(matrix))), rtol=1e-9)


@pytest.mark.parametrize("matrix", [[[1.0, 0.0], [2.0, 1.0]], [[np.nan, 0.0], [0.0, 1.0]]])
def test_what_is_not_positive_is_not_factorized(matrix):
    assert not factorize(np.array(matrix))

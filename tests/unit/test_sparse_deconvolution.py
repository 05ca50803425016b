"""Sparse deconvolution: the operator, the solver and its bound, penalties, and least squares on the support."""

import numpy as np
import pytest
from scipy.optimize import minimize

from fsl_mrs_dl.data import Complex
from fsl_mrs_dl.fit import reconstruction as sparse
from fsl_mrs_dl.fit.reconstruction.partners import filtered, low_rank, tikhonov
from fsl_mrs_dl.fit.reconstruction.penalty import lowest
from fsl_mrs_dl.physics import fid_to_spectrum

N, DT = 64, 2e-3
TIME = np.arange(N) * DT


def white(rng: np.random.Generator, *shape: int) -> Complex:
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


def grid(*, precision: type = np.complex128, oversampling: int = 2) -> sparse.GridOperator:
    """Lines of 3 Hz with an eddy-current phase, cut after 50 points."""
    decay = np.exp(-3 * np.pi * TIME + 2j * np.exp(-TIME / 0.02)) * (np.arange(N) < 50)
    wanted = np.exp(-1 * np.pi * TIME)
    return sparse.GridOperator(*(a.astype(precision)[None, None] for a in (decay, wanted)), oversampling)


def broad(*, precision: type = np.complex128) -> sparse.GridOperator:
    """The lines of :func:`grid`, and broad ones."""
    lines_alone = grid(precision=precision)
    return sparse.GridOperator(
        lines_alone.decay, lines_alone.target, 2, sparse.broad_decay(3.0, DT, N).astype(precision).real
    )


def matrix_of(operator: sparse.Operator) -> Complex:
    """The operator as a matrix, shape (time, atom)."""
    return operator.forward(np.eye(operator.n_atoms)[:, None].astype(complex))[:, 0].T


def atoms(rng: np.random.Generator) -> sparse.AtomOperator:
    inside = np.abs(np.arange(N) - 30) < 15
    return sparse.AtomOperator(white(rng, 7, N), grid().decay, grid().target, inside)


def lines(hz: tuple[float, ...], amplitudes: tuple[float, ...]) -> Complex:
    return np.exp(2j * np.pi * np.outer(TIME, hz)) @ np.array(amplitudes) * grid().decay[0, 0]


@pytest.mark.parametrize("kind", ["grid", "broad", "atoms"])
class TestOperators:
    def operator(self, kind: str, rng: np.random.Generator) -> sparse.Operator:
        return {"grid": grid, "broad": broad, "atoms": lambda: atoms(rng)}[kind]()

    def test_adjoint(self, kind: str, rng: np.random.Generator) -> None:
        operator = self.operator(kind, rng)
        s, y = white(rng, 3, 2, operator.n_atoms), white(rng, 3, 2, N)
        assert np.vdot(operator.forward(s), y) == pytest.approx(np.vdot(s, operator.adjoint(y)), rel=1e-12)

    def test_norms_and_largest_eigenvalue_against_the_matrix(
        self, kind: str, rng: np.random.Generator
    ) -> None:
        operator = self.operator(kind, rng)
        columns = operator.forward(np.eye(operator.n_atoms)[:, None].astype(complex))[:, 0]
        np.testing.assert_allclose(
            np.broadcast_to(operator.norms, (1, 1, operator.n_atoms))[0, 0],
            np.linalg.norm(columns, axis=1),
            rtol=1e-12,
        )
        largest = np.linalg.norm(columns, 2) ** 2
        bound = sparse.largest_eigenvalue(operator, 1)[0, 0, 0]
        assert largest <= bound <= 1.05 * largest

    def test_near_is_a_ridge_regression(self, kind: str, rng: np.random.Generator) -> None:
        operator, ridge = self.operator(kind, rng), 0.3
        v, y = white(rng, 1, 1, operator.n_atoms), white(rng, 1, 1, N)
        columns = matrix_of(operator)
        normal = columns.conj().T @ columns + ridge * np.eye(operator.n_atoms)
        expected = np.linalg.solve(normal, columns.conj().T @ y[0, 0] + ridge * v[0, 0])
        near = operator.near(v, y, np.full((1, 1, 1), ridge))
        np.testing.assert_allclose(near[0, 0], expected, rtol=1e-9, atol=1e-9)

    def test_neighbourhood_weighs_by_squared_overlaps(self, kind: str, rng: np.random.Generator) -> None:
        operator = self.operator(kind, rng)
        columns, sizes = matrix_of(operator), np.abs(white(rng, 1, 1, operator.n_atoms))
        norms = np.linalg.norm(columns, axis=0)
        overlaps = np.abs(columns.conj().T @ columns) ** 2 / np.outer(norms, norms)
        if kind == "broad":  # lines and broad lines say nothing of each other
            n = operator.n_lines
            overlaps[:n, n:] = overlaps[n:, :n] = 0
        signal = operator.neighbourhood(sizes)[0, 0]
        np.testing.assert_allclose(signal, overlaps @ sizes[0, 0], rtol=1e-9, atol=1e-12)


def test_broad_lines_are_eight_times_as_wide() -> None:
    """Their decay times that of the lines is that of one line of the width of both."""
    extra = sparse.broad_decay(3.0, DT, N)[0, 0]
    np.testing.assert_allclose(
        extra * np.exp(-np.pi * 3.0 * TIME[: len(extra)]),
        np.exp(-np.pi * 24.0 * TIME[: len(extra)]),
        rtol=1e-5,
    )


def test_a_line_on_the_grid_is_one_atom() -> None:
    operator = grid()
    s = np.zeros((1, 1, operator.n_atoms), complex)
    s[0, 0, 10] = np.sqrt(operator.n_atoms)
    hz = 10 / (operator.n_atoms * DT)
    np.testing.assert_allclose(operator.forward(s)[0, 0], lines((hz,), (1.0,)), atol=1e-12)
    np.testing.assert_allclose(
        operator.restored(s)[0, 0], np.exp((2j * np.pi * hz - np.pi) * TIME), atol=1e-12
    )


class TestSolver:
    def objective(self, operator: sparse.Operator, y: Complex, s: Complex, penalty: float) -> float:
        return float((np.abs(y - operator.forward(s)) ** 2).sum() / 2 + penalty * sparse.magnitude(s).sum())

    def test_closed_form_of_an_orthogonal_operator(self, rng: np.random.Generator) -> None:
        one = np.ones((1, 1, N), complex)
        operator, y = sparse.GridOperator(one, one, 1), white(rng, 4, 1, N)
        solution = sparse.solve(operator, y, np.full(4, 1.1), gap=1e-14)
        z = np.fft.fft(y, axis=-1, norm="ortho")
        expected = z * np.maximum(1 - 1.1 / np.abs(z), 0)
        np.testing.assert_allclose(solution.amplitudes, expected, atol=1e-6)

    def test_minimum_of_a_generic_optimiser(self, rng: np.random.Generator) -> None:
        operator = atoms(rng)
        y, penalty = white(rng, 1, 1, N) + 3 * operator.atoms[2] * operator.decay, 12.0
        smooth = 1e-7

        def value(parts: np.ndarray) -> float:
            s = (parts[:7] + 1j * parts[7:])[None, None]
            left = (np.abs(y - operator.forward(s)) ** 2).sum() / 2
            return float(left + penalty * np.sqrt(np.abs(s) ** 2 + smooth**2).sum())

        best = min(
            minimize(
                value, rng.standard_normal(14), method="Powell", options={"xtol": 1e-10, "maxiter": 400}
            ).fun
            for _ in range(3)
        )
        solution = sparse.solve(operator, y, np.array([penalty]), iterations=5000, gap=1e-12)
        ours = self.objective(operator, y, solution.amplitudes, penalty)
        assert ours <= best + 7 * penalty * smooth
        assert best - ours < 1e-3 * best  # the optimiser is near, so that the comparison means something
        assert 0 < (solution.amplitudes != 0).sum() < 7

    @pytest.mark.parametrize("iterations", [1, 5, 20, 100])
    def test_the_gap_bounds_the_distance_to_the_minimum(
        self, iterations: int, rng: np.random.Generator
    ) -> None:
        operator, y = grid(), lines((20.0, -90.0), (5.0, 3.0)) + white(rng, 1, 1, N) / 4
        penalty = np.array([0.8])
        best = sparse.solve(operator, y, penalty, iterations=20_000, gap=1e-13)
        early = sparse.solve(operator, y, penalty, iterations=iterations, gap=0)
        values = [self.objective(operator, y, s.amplitudes, 0.8) for s in (early, best)]
        above = values[0] - values[1]
        assert -1e-12 * values[1] <= above <= early.gap[0] * y.size + 1e-12 * values[1]
        assert best.gap[0] < 1e-9

    def test_nothing_is_left_at_the_largest_penalty(self, rng: np.random.Generator) -> None:
        operator, y = grid(), white(rng, 3, 2, N)
        largest = sparse.largest_penalty(operator, y)
        assert not sparse.solve(operator, y, largest * 1.0001).amplitudes.any()
        assert sparse.solve(operator, y, largest * 0.98).amplitudes.any(axis=(1, 2)).all()

    def test_alone_or_among_others(self, rng: np.random.Generator) -> None:
        operator = grid(precision=np.complex64)
        y = (lines((20.0,), (5.0,)) * np.linspace(0.1, 3, 70)[:, None, None] + white(rng, 70, 1, N)).astype(
            np.complex64
        )
        penalty = np.full(70, 2.0)
        together = sparse.solve(operator, y, penalty)
        assert len(set(together.iterations)) > 1  # some stop before others
        for row in (0, 33, 69):
            alone = sparse.solve(operator, y[row : row + 1], penalty[:1])
            np.testing.assert_allclose(alone.amplitudes[0], together.amplitudes[row], atol=1e-5)
            assert alone.iterations[0] == together.iterations[row]

    def test_lineshapes_of_their_own(self, rng: np.random.Generator) -> None:
        shapes = np.exp(-np.array([2.0, 9.0])[:, None, None] * TIME).astype(complex)
        y = white(rng, 2, 1, N)
        both = sparse.solve(sparse.GridOperator(shapes, shapes), y, np.full(2, 1.0), gap=1e-8)
        for row in range(2):
            one = sparse.GridOperator(shapes[row : row + 1], shapes[row : row + 1])
            alone = sparse.solve(one, y[row : row + 1], np.ones(1), gap=1e-8)
            np.testing.assert_allclose(alone.amplitudes[0], both.amplitudes[row], atol=1e-9)

    def test_fids_of_a_set_share_their_support(self, rng: np.random.Generator) -> None:
        operator = grid()
        phases = np.exp(1j * rng.uniform(0, 6, (1, 5, 1)))
        y = lines((20.0,), (5.0,)) * phases + 0.5 * white(rng, 1, 5, N)
        solution = sparse.solve(operator, y, np.array([4.0]))
        used = solution.amplitudes[0] != 0
        assert used.any()
        assert (used == used[0]).all()

    def test_single_precision_is_enough_beside_water(self, rng: np.random.Generator) -> None:
        """A line a hundred thousand times the noise: its rounding errors must not hide the rest."""
        double, single = broad(), broad(precision=np.complex64)
        y = lines((1.0, 90.0), (1e5, 20.0)) + white(rng, 1, 1, N)
        solutions = [
            sparse.solve(operator, y.astype(precision), np.ones(1), iterations=300, gap=0)
            for operator, precision in ((double, np.complex128), (single, np.complex64))
        ]
        left = double.forward(solutions[0].amplitudes - solutions[1].amplitudes)
        # A point of 1e5 is rounded to 1e5 * 6e-8 = 0.006, at each of 300 iterations: 0.1; the noise is 1.4.
        assert np.abs(left).max() < 0.3
        assert solutions[1].gap[0] < 2 * solutions[0].gap[0] + 0.01


class TestPasses:
    def world(self, rng: np.random.Generator, n: int = 40) -> tuple[Complex, Complex]:
        """Lines and a broad one, with noise."""
        truth = lines((20.0, -90.0), (20.0, 6.0)) + 8 * np.exp((2j * np.pi * 40 - 60) * TIME) * (
            np.arange(N) < 50
        )
        return np.broadcast_to(truth, (n, 1, N)), truth + white(rng, n, 1, N)

    def test_second_pass_is_nearer_to_the_truth_with_fewer_atoms(self, rng: np.random.Generator) -> None:
        """One pass comes nearer at half the penalty, but then takes noise for lines."""
        truth, y = self.world(rng)
        operator = broad()
        penalty = sparse.universal_penalty(operator, np.ones(len(y)))
        first, second = sparse.two_passes(operator, y, penalty)
        half = sparse.solve(operator, y, penalty / 2)
        one, two, less = (
            np.linalg.norm(operator.forward(s.amplitudes) - truth) for s in (first, second, half)
        )
        assert two < 0.8 * one
        assert two < less
        assert (second.amplitudes != 0).sum() < 0.8 * (half.amplitudes != 0).sum()

    def test_weights_leave_noise_and_spare_signal(self) -> None:
        operator = grid()
        s = np.zeros((1, 1, operator.n_atoms), complex)
        s[..., 30] = 50
        weights = sparse.weights_after(operator, s, np.array([2.0]))[0, 0]
        norm = operator.norms.item()
        assert weights[30] == pytest.approx(2 / (2 + 50 * norm**2), rel=1e-6)
        assert weights.argmin() == 30
        assert weights.max() > 0.9
        nothing = sparse.weights_after(operator, 0 * s, np.array([2.0]))
        np.testing.assert_array_equal(nothing, 1)

    def test_weighted_problem_is_the_problem_of_scaled_atoms(self, rng: np.random.Generator) -> None:
        """With weights w, amplitudes are those of the atoms over w without weights, over w."""
        operator = atoms(rng)
        y, weights = white(rng, 1, 1, N) * 3, rng.uniform(0.3, 1, (1, 1, 7))
        scaled = sparse.AtomOperator(
            operator.atoms / weights[0, 0][:, None], operator.decay, operator.target, operator.inside
        )
        options = {"iterations": 5000, "gap": 1e-13}
        weighted = sparse.solve(operator, y, np.array([5.0]), weights=weights, **options)
        plain = sparse.solve(scaled, y, np.array([5.0]), **options)
        assert weighted.amplitudes.any()
        np.testing.assert_allclose(weighted.amplitudes, plain.amplitudes / weights, atol=1e-6)

    def test_broad_lines_take_what_is_broad(self, rng: np.random.Generator) -> None:
        _, y = self.world(rng)
        chosen = []
        for operator in (grid(), broad()):
            penalty = sparse.universal_penalty(operator, np.ones(len(y)))
            amplitudes = sparse.two_passes(operator, y, penalty)[1].amplitudes
            chosen.append((amplitudes != 0).sum() / len(y))
        assert chosen[1] < 0.8 * chosen[0]


class TestPenalties:
    def test_universal_penalty_is_what_noise_seldom_exceeds(self, rng: np.random.Generator) -> None:
        operator = grid(oversampling=1)
        noise = 0.7 * white(rng, 2000, 1, N)
        penalty = sparse.universal_penalty(operator, np.full(2000, 0.7))
        assert penalty[0] == pytest.approx(0.7 * operator.norms.item() * np.sqrt(2 * np.log(N)), rel=1e-6)
        above = (sparse.largest_penalty(operator, noise) > penalty).mean()
        # The exceedances of 64 atoms are 1 in the mean; neighbours are alike, so that fewer FIDs have them.
        assert 0.2 < above < 0.7

    def test_noise_takes_four_fifths_of_it(self) -> None:
        operator = grid(oversampling=1)
        penalty = sparse.noise_penalty(operator, np.full(1, 0.7))
        assert penalty[0] == pytest.approx(
            0.8 * 0.7 * operator.norms.item() * np.sqrt(2 * np.log(N)), rel=1e-6
        )

    def test_a_network_changes_it_by_a_quarter_at_most(self) -> None:
        penalty = sparse.near_noise(np.array([0.2, 2.2, 30.0]), np.full(3, 2.0))
        np.testing.assert_allclose(penalty, [1.6, 2.2, 2.5])

    def test_lowest_of_a_parabola(self) -> None:
        """In the logarithm, between two places and beyond the last."""
        places = np.geomspace(3.0, 0.1, 12)
        wanted = np.array([0.37, 1.9, 0.01])
        curves = np.log(places[:, None] / wanted) ** 2
        np.testing.assert_allclose(lowest(curves, places), [0.37, 1.9, 0.1], rtol=1e-9)

    def test_universal_penalty_of_several_fids(self, rng: np.random.Generator) -> None:
        operator = grid(oversampling=1)
        noise = white(rng, 1500, 4, N)
        size = sparse.magnitude(operator.adjoint(noise))
        penalty = sparse.universal_penalty(operator, np.ones(1500), 4)
        # Each atom exceeds it with 1 / M: 1 500 expected, SD below 1 500 / sqrt(1 500 / 5) with 5 atoms alike
        assert (size > penalty[0]).sum() == pytest.approx(1500, abs=4 * np.sqrt(1500 * 5))

    def test_discrepancy_leaves_the_noise(self, rng: np.random.Generator) -> None:
        operator = grid()
        y = lines((20.0, -90.0), (8.0, 4.0)) + 0.2 * white(rng, 6, 1, N)
        penalty = sparse.discrepancy_penalty(operator, y, np.full(6, 0.2), N)
        solution = sparse.two_passes(operator, y, penalty, iterations=2000, gap=1e-6)[1]
        left = (np.abs(y - operator.forward(solution.amplitudes)) ** 2).sum(axis=(1, 2))
        expected = 2 * 0.2**2 * N
        reached = left > 0.9 * expected
        # Where a residual of that size exists, it is found to within the steps of the path.
        assert reached.sum() >= 3
        np.testing.assert_allclose(left[reached], expected, rtol=0.1)

    def test_sure_is_near_the_best(self, rng: np.random.Generator) -> None:
        operator = grid()
        truth = np.broadcast_to(lines((20.0, -90.0, 130.0), (8.0, 4.0, 1.5)), (40, 1, N))
        y = truth + 0.4 * white(rng, 40, 1, N)
        penalty = sparse.sure_penalty(operator, y, np.full(40, 0.4), rng)

        def error(weight: np.ndarray) -> float:
            s = sparse.two_passes(operator, y, weight)[1].amplitudes
            return float((np.abs(operator.forward(s) - truth) ** 2).sum())

        largest = sparse.largest_penalty(operator, y)
        fixed = [error(ratio * largest) for ratio in sparse.RATIOS]
        # Each FID has a penalty of its own, and the estimate of its error has noise.
        assert error(penalty) < 1.5 * min(fixed) < 0.05 * max(fixed)


class TestSupport:
    def test_least_squares_on_the_support(self, rng: np.random.Generator) -> None:
        operator = atoms(rng)
        y = white(rng, 1, 2, N)
        s = np.zeros((1, 2, 7), complex)
        s[..., [1, 4]] = 0.1
        found = sparse.debias(operator, y, s)
        columns = operator.forward(np.eye(7)[[1, 4], None].astype(complex))[:, 0].T
        expected = np.linalg.lstsq(columns, y[0].T, rcond=None)[0].T
        np.testing.assert_allclose(found[0][:, [1, 4]], expected, rtol=1e-3)
        assert not found[..., [0, 2, 3, 5, 6]].any()

    def test_shrinkage_is_undone(self, rng: np.random.Generator) -> None:
        operator, truth = grid(), lines((20.0, -90.0), (8.0, 4.0))
        y = truth + 0.05 * white(rng, 1, 1, N)
        s = sparse.solve(operator, y, np.array([4.0])).amplitudes
        first, second = (
            np.linalg.norm(operator.forward(part)[0, 0] - truth)
            for part in (s, sparse.debias(operator, y, s))
        )
        assert second < 0.4 * first

    def test_sd_of_the_spectrum(self, rng: np.random.Generator) -> None:
        operator = grid()
        s = np.zeros((1, 1, operator.n_atoms), complex)
        s[..., [10, 60]] = 5
        sd = sparse.spectrum_sd(operator, s, 0.3)
        y = operator.forward(s) + 0.3 * white(rng, 2000, 1, N)
        again = sparse.debias(operator, y, np.broadcast_to(s, (2000, 1, operator.n_atoms)))
        spread = fid_to_spectrum(operator.restored(again))[:, 0].real.std(axis=0)
        # The SD of 2 000 draws is known to 1 / sqrt(2 * 2000) = 1.6 %; 64 bins, so 4 SDs.
        np.testing.assert_allclose(sd, spread, rtol=4 * 0.016)


class TestPartners:
    def test_matched_filter_leaves_no_phase_of_eddy_currents(self) -> None:
        operator = grid()
        decay = np.exp(-3 * np.pi * TIME) * (np.arange(N) < 50)
        np.testing.assert_allclose(filtered(operator.decay, operator)[0, 0], decay**2, atol=1e-12)

    def test_tikhonov_solves_the_regularised_problem(self, rng: np.random.Generator) -> None:
        operator = grid()
        y = lines((20.0, -90.0), (8.0, 4.0)) + 0.2 * white(rng, 1, 1, N)
        found = tikhonov(y, operator, np.array([0.2]))[0, 0]
        power = np.abs(operator.decay[0, 0]) ** 2
        size = ((np.abs(y[0, 0]) ** 2 - 2 * 0.2**2) * power).sum() / (power**2).sum()
        matrix = operator.forward(np.eye(operator.n_atoms)[:, None].astype(complex))[:, 0].T
        normal = matrix.conj().T @ matrix + 2 * 0.2**2 / size * np.eye(operator.n_atoms)
        s = np.linalg.solve(normal, matrix.conj().T @ y[0, 0])
        np.testing.assert_allclose(found, operator.restored(s[None, None])[0, 0], rtol=1e-9, atol=1e-9)

    def test_low_rank_keeps_the_rank_and_takes_the_noise(self, rng: np.random.Generator) -> None:
        left, right = white(rng, 40, 3), white(rng, 3, 300)
        noise = white(rng, 40, 300)
        kept, rank = low_rank(left @ right + noise)
        assert rank == 3
        assert np.linalg.norm(kept - left @ right) < 0.45 * np.linalg.norm(noise)
        assert low_rank(noise)[1] <= 1

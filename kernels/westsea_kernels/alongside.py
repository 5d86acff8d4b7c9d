"""Everything about a blob that tells one hull from several: its fit, its sections, its picture."""

import numpy as np

from westsea_kernels import sections, smears, two_hulls
from westsea_kernels.arrays import Float32, Float64, Int64
from westsea_kernels.jit import kernel

LEAST_PIXELS = 20
"""A chip with fewer says nothing."""

FIT_REACH_M = 32.0
"""Beyond a blob's side, how far pixels are fitted: three deviations of the blur. Sections reach
farther."""

# Columns of a guess.
EAST, NORTH, HEADING, LENGTH, WIDTH, LEVEL = range(6)
N_GUESS = 6


@kernel
def _near(chip: Float64, guess: Float64, out: Float64) -> int:
    """Fill `out` with place and mean contrast of the pixels about the guess; their number."""
    sine, cosine = np.sin(guess[HEADING]), np.cos(guess[HEADING])
    n, n_bands = 0, chip.shape[1] - 2
    for k in range(chip.shape[0]):
        across = (chip[k, 0] - guess[EAST]) * cosine - (chip[k, 1] - guess[NORTH]) * sine
        if abs(across) > 0.5 * guess[WIDTH] + FIT_REACH_M:
            continue
        out[n, 0], out[n, 1] = chip[k, 0], chip[k, 1]
        out[n, 2] = chip[k, 2:].sum() / n_bands
        n += 1
    return n


@kernel
def describe_blobs(
    numbers: Int64,
    rows: Int64,
    cols: Int64,
    guess: Float64,
    slots: Int64,
    contrast: Float32,
    owner: Int64,
    jacobian: Float64,
    blur: Float64,
    azimuth: Float64,
    model: Float64,
    floor: float,
    fit: Float64,
    statistics: Float64,
    picture: Float64,
    two: Float64,
) -> None:
    """Describe each of n blobs.

    Parameters
    ----------
    numbers, rows, cols : (n,)
        The blob's number in `owner`, and a pixel of it.
    guess : (n, N_GUESS)
        East and north of that pixel (m), heading (radians), length and width (m), and contrast.
    slots, contrast, owner
        As of `sections.collect`.
    jacobian : (n, 2, 2)
        Metres (east, north) per step of (column, row).
    blur, azimuth, model
        As of `smears.fit_smeared`.
    floor
        As of `sections.describe_sections`.
    fit : (n, smears.N_FITTED), out
        NaN for a blob with too few pixels or that cannot be fitted; so are the others.
    statistics : (n, 1 + bands, sections.N_STATISTICS), out
    picture : (n, bands, sections.N_ALONG, sections.N_ACROSS), out
    two : (n, 1 + 2 x two_hulls.N_FITTED), out
        Gain of two hulls over one, and both fits; without columns they are not made. All 0 for a
        blob no wider than one hull: it takes most of the time, and of the blobs of several
        hulls one in 50 is so narrow.
    """
    n_bands = contrast.shape[1]
    chip = np.empty((sections.MOST_PIXELS, 2 + n_bands))
    joint = np.empty((sections.MOST_PIXELS, 3))
    first, whole = np.empty(smears.N_PARAMETERS), np.empty(5)
    vary = np.array([model[smears.CONSTANT], model[smears.SQUARE], model[smears.PER_CELL]])
    for k in range(rows.size):
        fit[k], statistics[k], picture[k], two[k] = np.nan, np.nan, np.nan, np.nan
        g = guess[k]
        n = sections.collect(
            rows[k], cols[k], g[EAST], g[NORTH], g[HEADING], g[LENGTH], numbers[k], slots,
            contrast, owner, jacobian[k], chip,
        )  # fmt: skip
        if not LEAST_PIXELS <= n <= sections.MOST_PIXELS:
            continue
        n_near = _near(chip[:n], g, joint)
        first[smears.EAST], first[smears.NORTH] = g[EAST], g[NORTH]
        first[smears.HEADING] = g[HEADING]
        first[smears.LOG_LENGTH], first[smears.LOG_WIDTH] = np.log(g[LENGTH]), np.log(g[WIDTH])
        first[smears.LOG_LEVEL] = np.log(max(g[LEVEL], smears.LEAST_LEVEL))
        if not smears.fit_smeared(joint[:n_near], first, blur, azimuth, model, fit[k]):
            fit[k] = np.nan
            continue
        east, north, heading = fit[k, smears.EAST], fit[k, smears.NORTH], fit[k, smears.HEADING]
        length = max(np.exp(fit[k, smears.LOG_LENGTH]), sections.SLICE_M)
        sections.describe_sections(chip[:n], east, north, heading, length, floor, statistics[k])
        sections.draw_level(chip[:n], east, north, heading, length, picture[k])
        if two.shape[1] > 0:
            two[k] = 0.0
            narrow = np.exp(fit[k, smears.LOG_WIDTH]) < smears.expected_beam(length)
        if two.shape[1] > 0 and not narrow:
            whole[0], whole[1], whole[2], whole[3] = east, north, heading, length
            whole[4] = np.exp(fit[k, smears.LOG_LEVEL])
            one_end = 1 + two_hulls.N_FITTED
            two[k, 0] = two_hulls.fit_one_and_two(
                joint[:n_near], whole, blur, vary, two[k, 1:one_end], two[k, one_end:]
            )

"""Exponential values out of generator words, the same bits on every machine.

-log(1 - u) is computed with additions, multiplications and divisions alone, which IEEE 754 rounds in one way only.
Refused: `numpy.log1p`. With numpy 2.4 its last bits differ between a processor with AVX-512 and one without (seen by
switching the feature off), so a schedule sealed on one machine would have another fingerprint on the next.
Refused: the generator's own exponential, whose stream may change with numpy's version.

Source: the `log` of fdlibm (Sun Microsystems, 1993, e_log.c): its reduction, its coefficients, error below 1 ulp.
"""

import numpy as np
from numpy.typing import NDArray

#: log(2) in two parts: the first has its low 32 bits zero, so that its products with exponents are exact.
LN2_HIGH = 6.93147180369123816490e-01
LN2_LOW = 1.90821492927058770002e-10

#: The coefficients of z, z**2 ... z**7 in log(1 + f) = 2s + s * R(z), with s = f / (2 + f) and z = s * s.
COEFFICIENTS = (
    6.666666666666735130e-01,
    3.999999999940941908e-01,
    2.857142874366239149e-01,
    2.222219843214978396e-01,
    1.818357216161805012e-01,
    1.531383769920937332e-01,
    1.479819860511658591e-01,
)


#: Values computed at a time: a dozen arrays of 64 KiB stay in the second-level cache, and malloc keeps their memory.
#: Whole blocks of 65,536 would be mapped and cleared anew for each operation, half as fast on a busy 2-core
#: machine.
CHUNK = 8_192


def exponential(words: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Gives -log(1 - u) for each word, u = its upper 53 bits / 2**53: exponential values of mean 1, in [0, 36.8).

    Args:
        words: uniform 64-bit words; an empty array gives an empty one.
    """
    values = np.empty(len(words))
    for begin in range(0, len(words), CHUNK):
        values[begin : begin + CHUNK] = _exponential(words[begin : begin + CHUNK])
    return values


def _exponential(words: NDArray[np.uint64]) -> NDArray[np.float64]:
    # 1 - u is a multiple of 2**-53 in (0, 1], hence exact, and 0 never occurs.
    mantissa, exponent = np.frexp(1.0 - (words >> np.uint64(11)) * 2.0**-53)
    low = mantissa < np.sqrt(0.5)
    k = exponent - low  # 1 - u = (1 + f) * 2**k, with 1 + f in [sqrt(1/2), sqrt(2))
    f = np.ldexp(mantissa, low.astype(np.int32)) - 1.0
    s = f / (2.0 + f)
    z = s * s
    r = z * COEFFICIENTS[-1]
    for coefficient in reversed(COEFFICIENTS[:-1]):
        r += coefficient
        r *= z
    half_square = 0.5 * f * f
    values: NDArray[np.float64] = ((half_square - (s * (half_square + r) + k * LN2_LOW)) - f) - k * LN2_HIGH
    return values

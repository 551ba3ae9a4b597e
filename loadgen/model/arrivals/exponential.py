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


#: The bits of 1.0 and of the square root of 1/2, and those of a double below its exponent.
_ONE = 0x3FF0000000000000
_ROOT_HALF = 0x3FE6A09E667F3BCD
_BELOW_EXPONENT = 0x000FFFFFFFFFFFFF

#: Values computed at a time: the five arrays of 32 KiB stay in the second-level cache. 2-core EPYC, ns a value: 28 at
#: 2,048, 20 at 4,096, 21 at 8,192; 35 with new arrays for each operation, and frexp and ldexp instead of the bits.
CHUNK = 4_096


def exponential(words: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Gives -log(1 - u) for each word, u = its upper 53 bits / 2**53: exponential values of mean 1, in [0, 36.8).

    Args:
        words: uniform 64-bit words; an empty array gives an empty one.
    """
    values = np.empty(len(words))
    work = np.empty((5, min(len(words), CHUNK)))
    for begin in range(0, len(words), CHUNK):
        some = words[begin : begin + CHUNK]
        _exponential(some, values[begin : begin + CHUNK], work[:, : len(some)])
    return values


def _exponential(words: NDArray[np.uint64], values: NDArray[np.float64], work: NDArray[np.float64]) -> None:
    """Every operation writes into one of five arrays, whose names change with what they hold."""
    one, two, three, four, k = work
    bits, drawn = one.view(np.int64), two.view(np.int64)
    # 1 - u is a multiple of 2**-53 in (0, 1], hence exact, and 0 never occurs.
    np.right_shift(words, np.uint64(11), out=one.view(np.uint64))
    np.multiply(bits, 2.0**-53, out=two)
    np.subtract(1.0, two, out=two)
    # 1 - u = (1 + f) * 2**k, with 1 + f in [sqrt(1/2), sqrt(2)): the exponent counts from the root of 1/2 on.
    np.add(drawn, _ONE - _ROOT_HALF, out=drawn)
    np.right_shift(drawn, 52, out=bits)
    np.subtract(bits, 1023, out=bits)
    np.copyto(k, bits, casting="unsafe")
    np.bitwise_and(drawn, _BELOW_EXPONENT, out=drawn)
    np.add(drawn, _ROOT_HALF, out=drawn)
    f = np.subtract(two, 1.0, out=two)
    s = np.add(f, 2.0, out=three)
    np.divide(f, s, out=s)
    z = np.multiply(s, s, out=one)
    r = np.multiply(z, COEFFICIENTS[-1], out=four)
    for coefficient in reversed(COEFFICIENTS[:-1]):
        np.add(r, coefficient, out=r)
        np.multiply(r, z, out=r)
    half_square = np.multiply(f, 0.5, out=one)
    np.multiply(half_square, f, out=half_square)
    # ((half_square - (s * (half_square + r) + k * LN2_LOW)) - f) - k * LN2_HIGH
    np.add(half_square, r, out=r)
    np.multiply(s, r, out=r)
    np.multiply(k, LN2_LOW, out=s)
    np.add(r, s, out=r)
    np.subtract(half_square, r, out=r)
    np.subtract(r, f, out=r)
    np.multiply(k, LN2_HIGH, out=k)
    np.subtract(r, k, out=values)

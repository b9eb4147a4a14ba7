"""Numbers too small to matter, and the time they take.

A recursive filter that runs on into the silence behind a word decays through the denormal floats
(below 1e-38 in single precision), which x86 processors handle up to a hundred times slower than
others. P.862's C code spends three quarters of a wide-band run on them. `flushed` has the processor
take them for zero for a while.
"""

import contextlib
import ctypes
import functools
import platform
import sys
from collections.abc import Iterator

# Of the register MXCSR: flush-to-zero, denormals-are-zero.
_FLUSH_BITS = 0x8040
# Its place in the C library's fenv_t of x86-64.
_MXCSR_WORD = 7
# Set in it unless somebody unmasked exceptions.
_DEFAULT_MASKS = 0x1F80


@contextlib.contextmanager
def flushed() -> Iterator[None]:
    """A context in which this thread's denormal floats are zero.

    It needs Linux on x86-64 with the GNU C library. Elsewhere the context does nothing, and nothing
    but time is lost.
    """
    library = _math_library()
    saved = (ctypes.c_uint32 * 8)()
    if library is None or library.fegetenv(saved) or saved[_MXCSR_WORD] & 0x1F80 != _DEFAULT_MASKS:
        yield
        return
    changed = type(saved)(*saved)
    changed[_MXCSR_WORD] |= _FLUSH_BITS
    library.fesetenv(changed)
    try:
        yield
    finally:
        library.fesetenv(saved)


@functools.cache
def _math_library():
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return None
    try:
        return ctypes.CDLL("libm.so.6")
    except OSError:
        return None

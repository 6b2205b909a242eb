"""Regenerate tests/golden/vmf.json: `python tests/golden/regenerate_vmf.py` (about 10 seconds, needs mpmath).

The power series DLMF 10.25.2, summed outwards from its largest term in 60-digit arithmetic: all terms are positive,
so nothing cancels. It shares no formula with gem_core.geometry (there: uniform expansion and downward recurrence).
"""

import json
import platform
from pathlib import Path

import mpmath as mp

DIMENSIONS = (2, 3, 8, 64, 384, 768, 1024, 4096)
CONCENTRATIONS = ("1e-3", "1e-2", "0.1", "1", "10", "100", "900", "1e4", "1e5", "1e6")
WORKING_DIGITS, KEPT_DIGITS = 60, 50


def log_bessel(nu: mp.mpf, x: mp.mpf) -> mp.mpf:
    """Log of sum_m (x/2)^(2m+nu) / (m! Gamma(m+nu+1))."""
    quarter, tiny = x * x / 4, mp.mpf(10) ** (2 - WORKING_DIGITS)
    peak = int(mp.floor((mp.sqrt(nu * nu + x * x) - nu) / 2))
    total = mp.mpf(1)
    term, m = mp.mpf(1), peak
    while term > tiny:
        m += 1
        term *= quarter / (m * (nu + m))
        total += term
    term, m = mp.mpf(1), peak
    while m > 0 and term > tiny:
        term *= m * (nu + m) / quarter
        m -= 1
        total += term
    return (2 * peak + nu) * mp.log(x / 2) - mp.loggamma(peak + 1) - mp.loggamma(nu + peak + 1) + mp.log(total)


def ratio(d: int, kappa: mp.mpf) -> mp.mpf:
    """A_d(kappa)."""
    return mp.exp(log_bessel(mp.mpf(d) / 2, kappa) - log_bessel(mp.mpf(d) / 2 - 1, kappa))


def inverse(d: int, resultant: mp.mpf, start: mp.mpf) -> mp.mpf:
    """Kappa with A_d(kappa) = resultant, by Newton from a start that is already close."""
    kappa = start
    for _ in range(4):
        a = ratio(d, kappa)
        kappa -= (a - resultant) / (1 - a * a - (d - 1) / kappa * a)
    return kappa


def main() -> None:
    mp.mp.dps = WORKING_DIGITS
    rows = []
    for d in DIMENSIONS:
        for text in CONCENTRATIONS:
            kappa, nu = mp.mpf(float(text)), mp.mpf(d) / 2 - 1
            log_i, a = log_bessel(nu, kappa), ratio(d, kappa)
            rounded = float(a)  # the inverse is asked about this float64 exactly
            rows.append(
                {
                    "dimension": d,
                    "concentration": float(text),
                    "log_bessel": mp.nstr(log_i, KEPT_DIGITS),
                    "log_normaliser": mp.nstr(
                        nu * mp.log(kappa) - mp.mpf(d) / 2 * mp.log(2 * mp.pi) - log_i, KEPT_DIGITS
                    ),
                    "mean_resultant": mp.nstr(a, KEPT_DIGITS),
                    "resultant": rounded.hex(),
                    "concentration_from_resultant": mp.nstr(inverse(d, mp.mpf(rounded), kappa), KEPT_DIGITS),
                }
            )
    provenance = (
        f"tests/golden/regenerate_vmf.py, power series DLMF 10.25.2, {WORKING_DIGITS} digits, "
        f"mpmath {mp.__version__}, Python {platform.python_version()}"
    )
    text = json.dumps({"provenance": provenance, "rows": rows}, indent=1)
    Path(__file__).with_name("vmf.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

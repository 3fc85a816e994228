"""Quantities as people read them, in the way the program prints them: three digits and a fitting unit."""
import math

DURATIONS = ((1, "ns"), (1e3, "µs"), (1e6, "ms"), (1e9, "s"))
MINUTE_NS = 60e9
BYTES = ((1, "B"), (1024, "KiB"), (1024**2, "MiB"), (1024**3, "GiB"), (1024**4, "TiB"))


def _round_to_digits(value, digits):
    if value == 0:
        return 0.0
    return round(value, digits - 1 - math.floor(math.log10(abs(value))))


def _digits(value):
    """Three digits, without a point where they are whole."""
    value = _round_to_digits(value, 3)
    size = abs(value)
    if size >= 100:
        return f"{value:.0f}"
    if size >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if size >= 1 or value == 0 else f"{value:#.3g}"


def _in_unit(value, units):
    factor, name = next((unit for unit in reversed(units) if abs(value) >= unit[0]), units[0])
    return f"{_digits(value / factor)} {name}"


def duration(ns):
    """0.25 → "0.250 ns", 10_100_000 → "10.1 ms", 76_400_000_000 → "1 min 16 s"."""
    rounded = _round_to_digits(ns, 3)
    if abs(rounded) < MINUTE_NS:
        return _in_unit(rounded, DURATIONS)
    seconds = round((rounded if abs(ns) < MINUTE_NS else ns) / 1e9)
    if seconds < 3600:
        return f"{seconds // 60} min" + (f" {seconds % 60} s" if seconds % 60 else "")
    minutes = seconds % 3600 // 60
    return f"{seconds // 3600} h" + (f" {minutes} min" if minutes else "")


def size(count):
    """Bytes: 8 → "8 B", 8_800 → "8.59 KiB"."""
    if abs(count) < 1024 and count == round(count):
        return f"{count:.0f} B"
    return _in_unit(count, BYTES)


def count(value):
    """30_000 → "30,000"; 2_500_000 → "2.50 M"; below 100 three digits."""
    if abs(value) < 100 and value != round(value):
        return _digits(value)
    if round(abs(value)) < 1e6:
        return f"{round(value):,}"
    return _in_unit(_round_to_digits(value, 3), ((1e6, "M"), (1e9, "G")))


def ratio(value):
    """1.206 → "1.21×", 0.0321 → "0.032×"."""
    return f"{value:#.2g}×" if _round_to_digits(value, 2) < 1 else f"{_digits(max(value, 1.0))}×"


def change(ratio_to_before):
    """1.206 → "+21%", 0.8 → "−20%"."""
    percents = (ratio_to_before - 1) * 100
    sign = "−" if percents < 0 else "+"
    return f"{sign}{abs(percents):.{0 if abs(percents) >= 10 else 1}f}%"


def percent(value):
    """Of a value that is in percent already."""
    return f"{value:.2g}%" if 0 < abs(value) < 9.95 else f"{value:.0f}%"


def short_duration(ns):
    """For the ticks of an axis: "10 ms", "2.5 s"."""
    factor, name = next((unit for unit in reversed(DURATIONS[:4]) if abs(ns) >= unit[0] * 0.999), DURATIONS[0])
    return f"{ns / factor:g} {name}"


def short_ratio(value):
    """For the ticks of an axis: "0.5×", "10×"."""
    return f"{value:g}×"


def short_size(value):
    """For the ticks of an axis: "64 KiB"; powers of ten become "98 KiB"."""
    factor, name = next((unit for unit in reversed(BYTES) if abs(value) >= unit[0]), BYTES[0])
    return f"{value / factor:.3g} {name}"


def short_count(value):
    """For the ticks of an axis: "10k", "2M"."""
    for factor, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= factor:
            return f"{value / factor:g}{name}"
    return f"{value:g}"

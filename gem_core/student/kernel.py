"""The compiled functions of the student. They hold no lock of Python and allocate nothing that grows with a text.

All of them stand in this one file: a compiled function is kept on disk under the time stamp of its own file, and
would not notice a change of another.
"""

# mypy: allow-untyped-defs, allow-incomplete-defs, no-check-untyped-defs
# (numba finds the types of compiled functions)

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from gem_core._machine_code import compiled

BASIS, PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)  # of FNV-1a
MIX, PAIR = np.uint64(0xD6E8FEB86659FD93), np.uint64(0x9E3779B97F4A7C15)
HALF = np.uint64(32)
SPAN = 64  # words that are hashed before their rows are asked for
COLLECTED = 4096  # rows that are collected before they are added: 256 KiB for up to 32 clusters, in the second cache
TINY = np.float32(1e-30)  # protects the logarithm of a share that rounds to 0


@compiled()
def decode(data, at, end):
    """Read the character that begins at a byte from 128 on: (code, length), or (-1, 1) where it is not UTF-8."""
    first = np.int64(data[at])
    if first < 0xC2 or first > 0xF4:
        return np.int64(-1), np.int64(1)
    length = np.int64(2) if first < 0xE0 else (np.int64(3) if first < 0xF0 else np.int64(4))
    if at + length > end:
        return np.int64(-1), np.int64(1)
    code = first & (0x7F >> length)
    for i in range(1, length):
        byte = np.int64(data[at + i])
        if byte & 0xC0 != 0x80:
            return np.int64(-1), np.int64(1)
        code = (code << 6) | (byte & 0x3F)
    # Surrogates are breaks by the table. What could be written shorter is no UTF-8.
    if (length == 3 and code < 0x800) or (length == 4 and (code < 0x10000 or code > 0x10FFFF)):
        return np.int64(-1), np.int64(1)
    return code, length


@compiled()
def add_character(value, code):
    """Continue a hash by the UTF-8 bytes of a character."""
    code = np.uint64(code)
    six, low, top = np.uint64(6), np.uint64(0x3F), np.uint64(0x80)
    if code < np.uint64(0x80):
        return (value ^ code) * PRIME
    if code < np.uint64(0x800):
        value = (value ^ (np.uint64(0xC0) | (code >> six))) * PRIME
    else:
        if code < np.uint64(0x10000):
            value = (value ^ (np.uint64(0xE0) | (code >> np.uint64(12)))) * PRIME
        else:
            value = (value ^ (np.uint64(0xF0) | (code >> np.uint64(18)))) * PRIME
            value = (value ^ (top | ((code >> np.uint64(12)) & low))) * PRIME
        value = (value ^ (top | ((code >> six) & low))) * PRIME
    return (value ^ (top | (code & low))) * PRIME


@compiled()
def hash_words(data, at, end, ascii_, page, entry, hashes):
    """Hash words from byte `at` until the text ends or `hashes` is full: (words, where to go on)."""
    count, value, inside = 0, BASIS, 0  # inside: 0 no word, 1 a run of letters, 2 a single
    while at < end:
        low = ascii_[data[at]]
        if low > 1:
            if inside == 2:
                hashes[count] = value
                count, value, inside = count + 1, BASIS, 0
                if count == hashes.size:
                    return count, at
            inside = 1
            while True:
                value = (value ^ np.uint64(low)) * PRIME
                at += 1
                if at == end:
                    break
                low = ascii_[data[at]]
                if low <= 1:
                    break
            continue
        code, length, kind = 0, 1, 0
        if low == 1:
            code, length = decode(data, at, end)
            if code >= 0:
                packed = np.int64(entry[page[code >> 8] + (code & 255)])
                code, kind = packed >> 3, packed & 7
        if inside != 0 and (kind == 0 or kind == 2 or (kind == 1 and inside == 2)):
            hashes[count] = value
            count, value, inside = count + 1, BASIS, 0
            if count == hashes.size:
                return count, at
        if kind == 1 or kind == 2:
            inside = kind
            value = add_character(value, code)
        elif kind == 3 and inside != 0:
            value = add_character(value, code)
        at += length
    if inside != 0:
        hashes[count] = value
        count += 1
    return count, at


@compiled()
def bucket(value, shift):
    """Bucket of a hash: its best-mixed bits."""
    value = (value ^ (value >> HALF)) * MIX
    value = (value ^ (value >> HALF)) * MIX
    return np.int32(value >> shift)


@compiled()
def word_rows(hashes, count, previous, joined, shift, rows):
    """Turn hashes of words into row numbers: of every word, and of every pair with the word before it.

    `joined` says whether `previous` is the hash of a word right before the first. Returns how many rows there are.
    """
    for i in range(count):
        rows[i] = bucket(hashes[i], shift)
    size = count
    if joined and count > 0:
        rows[size] = bucket(previous * PAIR + hashes[0], shift)
        size += 1
    for i in range(1, count):
        rows[size + i - 1] = bucket(hashes[i - 1] * PAIR + hashes[i], shift)
    return size + max(count - 1, 0)


@intrinsic
def fetch(context, weights, row, column):
    """Ask for the cache line of weights[row, column] without waiting for it (the processor's prefetch instruction)."""

    def generate(context, builder, signature, arguments):
        array = cgutils.create_struct_proxy(signature.args[0])(context, builder, arguments[0])
        indices = [
            context.cast(builder, value, kind, types.intp)
            for value, kind in zip(arguments[1:], signature.args[1:], strict=True)
        ]
        spot = cgutils.get_item_pointer(context, builder, signature.args[0], array, indices)
        spot = builder.bitcast(spot, ir.IntType(8).as_pointer())
        word = ir.IntType(32)
        function = builder.module.declare_intrinsic(
            "llvm.prefetch", (spot.type,), ir.FunctionType(ir.VoidType(), [spot.type, word, word, word])
        )
        builder.call(function, [spot, word(0), word(3), word(1)])  # to read, keep, data
        return context.get_dummy_value()

    return types.void(weights, row, column), generate


@compiled()
def add_rows(weights, rows, sums):
    """Add rows of int16 (padded to a multiple of 32), no more than 65,536, into sums of int64.

    Four rows a turn: only so does the compiler keep to vector instructions.
    """
    part, whole = np.empty(32, dtype=np.int32), rows.size // 4 * 4
    for base in range(0, sums.size, 32):
        part[:] = 0
        for i in range(0, whole, 4):
            a, b, c, d = rows[i], rows[i + 1], rows[i + 2], rows[i + 3]
            for j in range(base, base + 32):
                part[j - base] += (np.int32(weights[a, j]) + np.int32(weights[b, j])) + (
                    np.int32(weights[c, j]) + np.int32(weights[d, j])
                )
        for i in range(whole, rows.size):
            for j in range(32):
                part[j] += weights[rows[i], base + j]
        for j in range(32):
            sums[base + j] += part[j]


@compiled()
def best_two(sums, words, scale, heat, bias, cluster, second, margin, evidence, at):
    """Write down for document `at` its best cluster, the second best and the distance; the lower of equals first."""
    unit = scale / np.sqrt(max(2.0 * words - 1.0, 1.0))
    best, next_, high, low = 0, 0, -np.inf, -np.inf
    for k in range(bias.size):
        similarity = sums[k] * unit
        if evidence.size > 0:
            evidence[at, k] = similarity
        logit = similarity * heat + bias[k]
        if logit > high:
            best, next_, high, low = k, best, logit, high
        elif logit > low:
            next_, low = k, logit
    cluster[at], second[at], margin[at] = best, next_, high - low


@compiled()
def score_documents(
    offsets,
    data,
    valid,
    ascii_,
    page,
    entry,
    shift,
    weights,
    scale,
    heat,
    bias,
    rates,
    cluster,
    second,
    margin,
    words,
    tokens,
    evidence,
):
    """Best and second-best cluster, their distance, words and tokens of every document; evidence where it has room.

    Rows are collected for several documents, and asked for while the next words are read; they are added when some
    thousands are there. By then most have come from memory.
    """
    hashes, rows = np.empty(SPAN, dtype=np.uint64), np.empty(COLLECTED, dtype=np.int32)
    stops, sums = np.empty(COLLECTED, dtype=np.int64), np.zeros(weights.shape[1], dtype=np.int64)
    n, reading, scored = words.size, 0, 0
    at, end, previous = np.int64(0), np.int64(-1), np.uint64(0)
    while scored < n:
        used, whole = 0, 0
        while reading < n and whole < stops.size and used + 2 * SPAN <= rows.size:
            if end < 0:  # a new document
                at, end, words[reading] = np.int64(offsets[reading]), np.int64(offsets[reading + 1]), 0
                if valid.size > 0 and not valid[reading]:
                    end = at
                tokens[reading] = end - at
            count, at = hash_words(data, at, end, ascii_, page, entry, hashes)
            size = word_rows(hashes, count, previous, words[reading] > 0, shift, rows[used:])
            for i in range(used, used + size):
                for base in range(0, weights.shape[1], 32):
                    fetch(weights, rows[i], base)
            used += size
            words[reading] += count
            if count > 0:
                previous = hashes[count - 1]
            if at >= end:
                stops[whole] = used
                whole, reading, end = whole + 1, reading + 1, np.int64(-1)
        start = 0
        for i in range(whole):
            add_rows(weights, rows[start : stops[i]], sums)
            best_two(sums, words[scored], scale, heat, bias, cluster, second, margin, evidence, scored)
            rate = rates[cluster[scored]]
            tokens[scored] = np.int64(np.rint(rate[0] * words[scored] + rate[1] * tokens[scored]))
            sums[:] = 0
            start, scored = stops[i], scored + 1
        add_rows(weights, rows[start:used], sums)


@compiled()
def document_rows(data, at, end, ascii_, page, entry, shift, hashes, rows):
    """Row numbers of one document, as far as `hashes` has room: (rows, words)."""
    count, _ = hash_words(data, at, end, ascii_, page, entry, hashes)
    return word_rows(hashes, count, np.uint64(0), False, shift, rows), count


@compiled()
def count_documents(offsets, data, valid, ascii_, page, entry, shift, hashes, rows, counts, last, first):
    """Add to `counts` in how many documents each row occurs; `last` remembers the document that touched a row."""
    for i in range(offsets.size - 1):
        if valid.size > 0 and not valid[i]:
            continue
        size, _ = document_rows(
            data, np.int64(offsets[i]), np.int64(offsets[i + 1]), ascii_, page, entry, shift, hashes, rows
        )
        for j in range(size):
            if last[rows[j]] != first + i:
                last[rows[j]] = first + i
                counts[rows[j]] += 1


@compiled()
def softmax(logits):
    """Turn logits into shares in place."""
    top = logits.max()
    total = np.float32(0)
    for k in range(logits.size):
        logits[k] = np.exp(logits[k] - top)
        total += logits[k]
    for k in range(logits.size):
        logits[k] /= total


@compiled(fastmath=True)
def learn_document(rows, size, words, value, weights, squares, bias, bias_squares, target, importance, rate, shares):
    """One step of AdaGrad on one document; returns its loss in nats before the step.

    The gradient of row r is x_r g with g = importance (p - y), so one sum of squares a row is enough: the step of a
    row is rate x_r g / sqrt(sum of x_r^2 |g|^2 so far).
    """
    k = target.size
    unit = np.float32(1 / np.sqrt(max(2.0 * words - 1.0, 1.0)))
    shares[:] = 0
    for i in range(size):
        r = rows[i]
        x, row = value[r], weights[r]
        for j in range(k):
            shares[j] += x * row[j]
    for j in range(k):
        shares[j] = shares[j] * unit + bias[j]
    softmax(shares)
    loss, length = np.float32(0), np.float32(0)
    for j in range(k):
        if target[j] > 0:
            loss -= target[j] * np.log(max(shares[j], TINY))
        shares[j] = importance * (shares[j] - target[j])
        length += shares[j] * shares[j]
        bias_squares[j] += shares[j] * shares[j]
        bias[j] -= rate * shares[j] / np.sqrt(bias_squares[j])
    for i in range(size):
        r = rows[i]
        x = value[r] * unit
        squares[r] += x * x * length
        step, row = rate * x / np.sqrt(squares[r]), weights[r]
        for j in range(k):
            row[j] -= step * shares[j]
    return importance * loss


@compiled()
def learn(
    offsets,
    data,
    valid,
    order,
    ascii_,
    page,
    entry,
    shift,
    hashes,
    rows,
    value,
    weights,
    squares,
    bias,
    bias_squares,
    labels,
    soft,
    importance,
    rate,
):
    """One step a document, in the given order; returns the sum of losses."""
    shares = np.empty(bias.size, dtype=np.float32)
    target = np.zeros(bias.size, dtype=np.float32)
    total = 0.0
    for i in order:
        if (valid.size > 0 and not valid[i]) or importance[i] == 0:
            continue
        size, words = document_rows(
            data, np.int64(offsets[i]), np.int64(offsets[i + 1]), ascii_, page, entry, shift, hashes, rows
        )
        if soft.size > 0:
            target[:] = soft[i]
        else:
            target[:] = 0
            target[labels[i]] = 1
        total += learn_document(
            rows, size, words, value, weights, squares, bias, bias_squares, target, importance[i], rate, shares
        )
    return total

"""Arrow tables as plain values, without the libraries that Arrow would call in."""

from __future__ import annotations

import subprocess
import sys

import pyarrow as pa

from clew.traces.table import plain_columns


def test_every_kind_of_column_comes_out_plain_whole_or_in_part() -> None:
    table = pa.table(
        {
            "whole": pa.chunked_array([[1, -2], [3], []], pa.int64()), "some": pa.chunked_array([[1], [None, 3]], pa.int64()),
            "none": pa.array([None] * 3, pa.int64()), "small": pa.array([200, 1, 2], pa.uint8()), "big": pa.array([2**64 - 1, 0, 1], pa.uint64()),
            "text": ["x", "", "退"], "flag": [True, False, True], "list": [["a"], [], ["b", "c"]],
        }
    )  # fmt: skip
    assert plain_columns(table) == table.to_pydict()
    assert plain_columns(table.slice(1, 2)) == table.slice(1, 2).to_pydict()
    assert plain_columns(table.slice(0, 0)) == table.slice(0, 0).to_pydict()


def test_the_first_page_does_not_load_pandas() -> None:
    code = (
        "import sys, pyarrow as pa\nfrom clew.traces.table import plain_columns\n"  # made from memory: pa.array looks for pandas itself
        "whole = pa.Array.from_buffers(pa.int64(), 2, [None, pa.py_buffer(bytes(16))])\n"
        "text = pa.Array.from_buffers(pa.string(), 2, [None, pa.py_buffer(bytes(12)), pa.py_buffer(b'')])\n"
        "assert plain_columns(pa.Table.from_arrays([whole, text], ['a', 'b'])) == {'a': [0, 0], 'b': ['', '']}\n"
        "sys.exit('pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

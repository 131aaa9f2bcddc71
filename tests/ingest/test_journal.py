"""The journal keeps what was accepted, whole or not at all, over crashes and full disks."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.core.errors import StoreFull, StoreReadOnly
from clew.ingest import journal as module
from clew.ingest.journal import Entry, Journal, read_segment, unpack

HEAD_BYTES = 8


def entry(number=1, **changes):
    values = {"signal": "spans", "is_json": False, "received_ns": number, "project": "shop", "encoding": "gzip", "body": b"body" * number}
    return Entry(**{**values, **changes})


@given(
    st.sampled_from(["spans", "logs"]),
    st.booleans(),
    st.integers(0, 2**64 - 1),
    st.text(max_size=50),
    st.sampled_from(["", "gzip", "zstd"]),
    st.binary(),
)
def test_every_entry_comes_back_as_it_was(signal, is_json, received_ns, project, encoding, body):
    made = Entry(signal, is_json, received_ns, project, encoding, body)
    assert unpack(made.packed()[HEAD_BYTES:]) == made


def test_entries_come_back_in_order(tmp_path):
    journal = Journal(tmp_path)
    journal.append([entry(1), entry(2)])
    journal.append([entry(3, signal="logs", is_json=True, project="ünï")])
    (segment,) = journal.left_over()
    assert list(read_segment(segment)) == [entry(1), entry(2), entry(3, signal="logs", is_json=True, project="ünï")]


@pytest.mark.parametrize("cut", [1, 5, HEAD_BYTES, 20])
def test_a_torn_last_record_is_left_out(tmp_path, cut):
    journal = Journal(tmp_path)
    journal.append([entry(1), entry(2)])
    (segment,) = journal.left_over()
    os.truncate(segment, segment.stat().st_size - cut)
    assert list(read_segment(segment)) == [entry(1)]


def test_a_damaged_record_ends_the_reading(tmp_path):
    journal = Journal(tmp_path)
    journal.append([entry(1), entry(2)])
    (segment,) = journal.left_over()
    data = bytearray(segment.read_bytes())
    data[-1] ^= 255
    segment.write_bytes(data)
    assert list(read_segment(segment)) == [entry(1)]


def test_a_segment_goes_only_when_it_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SEGMENT_BYTES", 1)
    journal = Journal(tmp_path)
    numbers = [journal.append([entry(number)]) for number in (1, 2, 3)]
    assert numbers == [1, 2, 3]
    journal.forget(2)
    assert [list(read_segment(path)) for path in journal.left_over()] == [[entry(3)]]
    journal.forget_all()
    assert journal.left_over() == []


def test_a_new_journal_goes_on_behind_what_was_left(tmp_path):
    Journal(tmp_path).append([entry(1)])
    journal = Journal(tmp_path)
    assert journal.append([entry(2)]) == 2
    assert [list(read_segment(path)) for path in journal.left_over()] == [[entry(1)], [entry(2)]]


def test_a_failed_write_leaves_nothing_of_its_group(tmp_path, monkeypatch):
    journal = Journal(tmp_path)
    journal.append([entry(1)])

    def no_space(_file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fdatasync", no_space)
    with pytest.raises(StoreFull):
        journal.append([entry(2)])
    monkeypatch.undo()
    journal.append([entry(3)])
    (segment,) = journal.left_over()
    assert list(read_segment(segment)) == [entry(1), entry(3)]


def test_a_folder_that_cannot_be_written_is_told_without_its_path(tmp_path, monkeypatch):
    journal = Journal(tmp_path)

    def read_only(*_arguments, **_options):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "open", read_only)
    with pytest.raises(StoreReadOnly) as raised:
        journal.append([entry(1)])
    assert str(tmp_path) not in str(raised.value)


def test_customers_words_are_for_the_owner_alone(tmp_path):
    folder = tmp_path / "journal"
    Journal(folder).append([entry(1)])
    assert folder.stat().st_mode & 0o077 == 0
    assert next(folder.glob("*.journal")).stat().st_mode & 0o077 == 0


def test_what_cannot_be_stored_is_kept_apart_and_whole(tmp_path):
    journal = Journal(tmp_path)
    journal.set_aside(entry(7))
    (kept,) = (tmp_path / "unreadable").iterdir()
    assert list(read_segment(kept)) == [entry(7)]

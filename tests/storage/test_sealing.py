"""Sealing: Tink opens what we seal and the other way; damage is refused before its segment is given out."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
import tink
from tink import cleartext_keyset_handle, streaming_aead
from tink.proto import aes_gcm_hkdf_streaming_pb2, common_pb2, tink_pb2

from hub.errors import Unavailable
from storage.identity import IdentityVault
from storage.key_encryption import KeyEncryption
from storage.sealing import SEGMENT, Tampered, new_key, seal, sealed_size, unseal

AAD = "文件编号".encode()
PLAIN = SEGMENT - 16
FIRST = PLAIN - 40
SIZES = [
    0,
    1,
    FIRST - 1,
    FIRST,
    FIRST + 1,
    FIRST + PLAIN - 1,
    FIRST + PLAIN,
    FIRST + PLAIN + 1,
    SEGMENT,
    5 << 20,
]


def content(size: int) -> bytes:
    block = bytes(range(256)) * 16
    return b"".join(n.to_bytes(4, "big") + block[4:] for n in range(size // 4096 + 1))[:size]


def sealed(plain: bytes, key: bytes, *, associated: bytes = AAD, read_at_most: int | None = None) -> bytes:
    stream = io.BytesIO(plain)
    read = (lambda n: stream.read(min(n, read_at_most))) if read_at_most else stream.read
    seen: list[bytes] = []
    result = b"".join(seal(read, key=key, associated=associated, seen=seen.append))
    assert b"".join(seen) == plain
    return result


def opened(data: bytes, key: bytes, *, associated: bytes = AAD) -> bytes:
    return b"".join(unseal(io.BytesIO(data).read, key=key, associated=associated))


@pytest.fixture(scope="module")
def tink_pair() -> tuple[bytes, Any]:
    """A main key of ours and Tink's primitive on the same key."""
    streaming_aead.register()
    key = new_key()
    proto = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingKey(key_value=key)
    proto.params.ciphertext_segment_size = SEGMENT
    proto.params.derived_key_size = 32
    proto.params.hkdf_hash_type = common_pb2.SHA256
    keyset = tink_pb2.Keyset(primary_key_id=1)
    entry = keyset.key.add(key_id=1, status=tink_pb2.ENABLED, output_prefix_type=tink_pb2.RAW)
    entry.key_data.type_url = "type.googleapis.com/google.crypto.tink.AesGcmHkdfStreamingKey"
    entry.key_data.value = proto.SerializeToString()
    entry.key_data.key_material_type = tink_pb2.KeyData.SYMMETRIC
    reader = tink.BinaryKeysetReader(keyset.SerializeToString())
    handle = cleartext_keyset_handle.read(reader)
    return key, handle.primitive(streaming_aead.StreamingAead)


@pytest.mark.parametrize("size", SIZES)
def test_tink_opens_what_we_seal(tink_pair: tuple[bytes, Any], size: int) -> None:
    """Google's own implementation reads our format at every segment boundary."""
    key, primitive = tink_pair
    with primitive.new_decrypting_stream(io.BytesIO(sealed(content(size), key)), AAD) as stream:
        assert stream.read() == content(size)


@pytest.mark.parametrize("size", SIZES)
def test_we_open_what_tink_seals(tink_pair: tuple[bytes, Any], size: int) -> None:
    """What Google's implementation sealed opens here, at every segment boundary."""

    class Kept(io.BytesIO):
        def close(self) -> None:
            """Tink closes its destination; we still want to read it."""

    key, primitive = tink_pair
    kept = Kept()
    with primitive.new_encrypting_stream(kept, AAD) as stream:
        stream.write(content(size))
    assert opened(kept.getvalue(), key) == content(size)


@pytest.mark.parametrize("size", SIZES)
def test_size_is_known_beforehand(size: int) -> None:
    """`sealed_size` is exact, so that the length of an upload can be announced."""
    assert len(sealed(content(size), new_key())) == sealed_size(size)


@pytest.mark.parametrize("at_most", [1000, 4096, 999_983])
def test_short_reads_make_no_difference(at_most: int) -> None:
    """A stream that gives less than asked, as sockets do, is sealed and opened alike."""
    key, plain = new_key(), content(3 << 20)
    data = sealed(plain, key, read_at_most=at_most)
    stream = io.BytesIO(data)
    assert b"".join(unseal(lambda n: stream.read(min(n, at_most)), key=key, associated=AAD)) == plain
    assert len(data) == sealed_size(len(plain))


def segments(data: bytes) -> list[bytes]:
    return [data[at : at + SEGMENT] for at in range(0, len(data), SEGMENT)]


def released(data: bytes, key: bytes) -> Iterator[bytes]:
    return unseal(io.BytesIO(data).read, key=key, associated=AAD)


def test_a_flipped_bit_is_refused_before_its_segment_is_released() -> None:
    """Whatever byte is changed, only whole segments before it come out."""
    key, plain = new_key(), content(FIRST + 2 * PLAIN + 500)
    data = sealed(plain, key)
    for at in [0, 1, 20, 39, 40, 500, SEGMENT - 1, SEGMENT, 2 * SEGMENT + 5, 3 * SEGMENT, len(data) - 1]:
        changed = bytearray(data)
        changed[at] ^= 1
        out: list[bytes] = []
        with pytest.raises(Tampered):
            out.extend(released(bytes(changed), key))
        assert len(out) == at // SEGMENT
        assert b"".join(out) == plain[: max(at // SEGMENT * PLAIN - 40, 0)]


@pytest.mark.parametrize(
    "size", [0, 1, 39, 40, 41, 56, SEGMENT - 1, SEGMENT, SEGMENT + 1, SEGMENT + 16, 2 * SEGMENT]
)
def test_truncation_is_refused(size: int) -> None:
    """Cut anywhere, on a segment boundary too, the stream does not pass for a shorter one."""
    key = new_key()
    data = sealed(content(FIRST + PLAIN + 9), key)
    with pytest.raises(Tampered):
        opened(data[:size], key)


def test_reordered_repeated_and_added_segments_are_refused() -> None:
    """Segments cannot be exchanged, repeated, dropped or followed by more."""
    key = new_key()
    a, b, c, d = segments(sealed(content(FIRST + 2 * PLAIN + 9), key))
    for wrong in (
        [a, c, b, d],
        [a, b, b, c, d],
        [a, c, d],
        [a, b, c, d, d],
        [a, b, c, d + b"x"],
        [b, c, d],
        [d],
    ):
        with pytest.raises(Tampered):
            opened(b"".join(wrong), key)


def test_another_key_or_file_is_refused() -> None:
    """Neither another key nor another associated data opens a stream."""
    key = new_key()
    data = sealed(b"x" * 100, key)
    with pytest.raises(Tampered):
        opened(data, new_key())
    with pytest.raises(Tampered):
        opened(data, key, associated=b"other")


def test_two_seals_of_one_content_differ() -> None:
    """Salt and nonce prefix are fresh each time."""
    key = new_key()
    assert sealed(b"same", key) != sealed(b"same", key)


# Key-encryption keys


def test_rotation_moves_keys_without_files() -> None:
    """After a rotation old blobs open with both keys configured, and rewrapped ones with the new key alone."""
    old, new = new_key(), new_key()
    blob = KeyEncryption(old).wrap(b"secret", context=b"file")
    both = KeyEncryption(new, old)
    assert both.unwrap(blob, context=b"file") == b"secret"
    assert not both.is_current(blob)
    moved = both.rewrap(blob, context=b"file")
    assert both.is_current(moved)
    assert KeyEncryption(new).unwrap(moved, context=b"file") == b"secret"
    with pytest.raises(Unavailable, match="缺少加密密钥"):
        KeyEncryption(new).unwrap(blob, context=b"file")


def test_a_changed_blob_or_context_is_refused() -> None:
    """Every byte of a wrapped key and its context count."""
    kek = KeyEncryption(new_key())
    blob = kek.wrap(b"secret", context=b"file")
    for at in range(len(blob)):
        changed = bytearray(blob)
        changed[at] ^= 1
        with pytest.raises((Tampered, Unavailable)):
            kek.unwrap(bytes(changed), context=b"file")
    for wrong in (b"", blob[:20], blob + b"x"):
        with pytest.raises(Tampered):
            kek.unwrap(wrong, context=b"file")
    with pytest.raises(Tampered):
        kek.unwrap(blob, context=b"other")


def test_keys_have_their_size() -> None:
    """A key of the wrong length is a programming error at once."""
    for make in (lambda: KeyEncryption(b"short"), lambda: IdentityVault(b"short", KeyEncryption(new_key()))):
        with pytest.raises(ValueError, match="32 bytes"):
            make()


# Document numbers


@pytest.fixture
def vault() -> IdentityVault:
    return IdentityVault(b"i" * 32, KeyEncryption(b"k" * 32))


NUMBER = "99010119900101001X"


def test_spellings_of_one_number_are_one_person(vault: IdentityVault) -> None:
    """Lower case, full width, blanks and invisible characters do not make another person; another kind does."""
    for spelling in (
        "99010119900101001x",
        "９９０１０１１９９００１０１００１Ｘ",
        " 990101 19900101 001X\t",
        "\ufeff" + NUMBER,
    ):
        assert vault.digest("1", spelling) == vault.digest("1", NUMBER)
    assert vault.digest("2", NUMBER) != vault.digest("1", NUMBER)
    assert len(vault.digest("1", NUMBER)) == 32
    assert IdentityVault(b"j" * 32, KeyEncryption(b"k" * 32)).digest("1", NUMBER) != vault.digest("1", NUMBER)


def test_numbers_are_sealed_and_come_back(vault: IdentityVault) -> None:
    """A sealed number does not contain it, differs each time, and is read back only by the vault."""
    blob = vault.seal(NUMBER)
    assert NUMBER.encode() not in blob
    assert blob != vault.seal(NUMBER)
    assert vault.unseal(blob) == NUMBER
    with pytest.raises(Unavailable):
        IdentityVault(b"i" * 32, KeyEncryption(b"z" * 32)).unseal(blob)


@pytest.mark.parametrize(("number", "shown"), [
    (NUMBER, "990101********001X"), ("929901010000000001", "929901********0001"), ("E12345678", "E1********78"),
    ("1234567", "1********"), ("12", "********"), ("", "********"),
])  # fmt: skip
def test_masks(vault: IdentityVault, number: str, shown: str) -> None:
    """First 6 and last 4 of a long number; never most of a short one."""
    assert vault.mask(number) == shown

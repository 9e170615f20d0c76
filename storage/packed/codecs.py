"""How chunks of a packed store are compressed, by the names that users know."""

from longstride.storage.errors import StoreError
from longstride.storage.packed.bytes_codec import BytesCodec
from longstride.storage.packed.codec import Codec
from longstride.storage.packed.delta import DeltaCodec
from longstride.storage.packed.pco import PcoCodec

__all__ = ["CODECS", "DEFAULT_CODEC", "check_written", "codec_of"]


def _blosc(compressor: str) -> tuple[str, tuple[tuple[str, object], ...]]:
    return "blosc", (("cname", compressor), ("clevel", 5))


DEFAULT_CODEC = "blosc-zstd"
"""Of what values have no codec of their own for: labels."""
CODECS: dict[str, Codec] = {
    codec.name: codec
    for codec in (
        BytesCodec("blosc-lz4", *_blosc("lz4")),
        BytesCodec(DEFAULT_CODEC, *_blosc("zstd")),
        BytesCodec("zstd", "zstd", (("level", 3),)),
        PcoCodec("pcodec"),
    )
}
"""Those that stores are packed with, by name, the fastest to decode first."""
ONLY_READ = {"delta": DeltaCodec("delta", *_blosc("zstd"))}
"""Those of earlier versions."""


def codec_of(name: str) -> Codec:
    """The codec of a store that is there, by its name. Raises StoreError for an unknown one."""
    found = CODECS.get(name) or ONLY_READ.get(name)
    if found is None:
        raise StoreError(
            f"codec {name!r} is not known: expected {', '.join(CODECS)}; or use a newer version",
            code="codec-unknown",
        )
    return found


def check_written(name: str) -> None:
    """Raise StoreError unless stores are packed with the codec of this name."""
    if name in ONLY_READ:
        raise StoreError(
            f"codec {name!r} is only read, since pcodec packs better: expected {', '.join(CODECS)}",
            code="codec-unknown",
        )
    codec_of(name)

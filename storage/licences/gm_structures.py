"""The structures of GB/T 35275 (GM/T 0010) and GB/T 20518 that asn1crypto does not know, and their names.

Follows published practice; the texts of the standards were not at hand.
"""

from __future__ import annotations

from asn1crypto import algos, cms, core, keys, x509

SM2_CURVE = "1.2.156.10197.1.301"
SM2_SIGNATURE = "1.2.156.10197.1.301.1"
SM2_WITH_SM3 = "1.2.156.10197.1.501"
SM3 = "1.2.156.10197.1.401"
GM_DATA = "1.2.156.10197.6.1.4.2.1"
GM_SIGNED_DATA = "1.2.156.10197.6.1.4.2.2"
CONTENT_TYPE = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
SIGNING_TIME = "1.2.840.113549.1.9.5"

keys.NamedCurve.register("sm2p256v1", SM2_CURVE, 32)


class Algorithm(core.Sequence):  # type: ignore[misc]  # untyped package
    """A name without parameters."""

    _fields = [("algorithm", core.ObjectIdentifier), ("parameters", core.Any, {"optional": True})]  # noqa: RUF012


class Algorithms(core.SetOf):  # type: ignore[misc]
    """Of a SignedData."""

    _child_spec = Algorithm


class Values(core.SetOf):  # type: ignore[misc]
    """Of an attribute."""

    _child_spec = core.Any


class Attribute(core.Sequence):  # type: ignore[misc]
    """One signed attribute."""

    _fields = [("type", core.ObjectIdentifier), ("values", Values)]  # noqa: RUF012


class Attributes(core.SetOf):  # type: ignore[misc]
    """What is signed: its DER, as a SET."""

    _child_spec = Attribute


class Content(core.Sequence):  # type: ignore[misc]
    """What the signature is of; detached: the type alone."""

    _fields = [  # noqa: RUF012
        ("content_type", core.ObjectIdentifier),
        ("content", core.Any, {"explicit": 0, "optional": True}),
    ]


class Sm2Signature(core.Sequence):  # type: ignore[misc]
    """GB/T 35276: r and s."""

    _fields = [("r", core.Integer), ("s", core.Integer)]  # noqa: RUF012


class SignerInfo(core.Sequence):  # type: ignore[misc]
    """Who signed what."""

    _fields = [  # noqa: RUF012
        ("version", core.Integer),
        ("sid", cms.IssuerAndSerialNumber),
        ("digest_algorithm", Algorithm),
        ("signed_attrs", Attributes, {"implicit": 0, "optional": True}),
        ("signature_algorithm", Algorithm),
        ("signature", core.OctetString),
    ]


class SignerInfos(core.SetOf):  # type: ignore[misc]
    """Of a SignedData."""

    _child_spec = SignerInfo


class Certificates(core.SetOf):  # type: ignore[misc]
    """Of the signers."""

    _child_spec = x509.Certificate


class SignedData(core.Sequence):  # type: ignore[misc]
    """GB/T 35275, 9."""

    _fields = [  # noqa: RUF012
        ("version", core.Integer),
        ("digest_algorithms", Algorithms),
        ("content", Content),
        ("certificates", Certificates, {"implicit": 0, "optional": True}),
        ("signer_infos", SignerInfos),
    ]


class ContentInfo(core.Sequence):  # type: ignore[misc]
    """The outermost."""

    _fields = [  # noqa: RUF012
        ("content_type", core.ObjectIdentifier),
        ("content", SignedData, {"explicit": 0}),
    ]


def sm2_key(point: bytes) -> keys.PublicKeyInfo:
    """A public key (04 x y) as X.509 has it."""
    return keys.PublicKeyInfo(
        {
            "algorithm": {"algorithm": "ec", "parameters": keys.ECDomainParameters("named", SM2_CURVE)},
            "public_key": keys.ECPointBitString(point),
        }
    )


def sm2_with_sm3() -> algos.SignedDigestAlgorithm:
    """The algorithm of a certificate's signature."""
    return algos.SignedDigestAlgorithm({"algorithm": SM2_WITH_SM3})

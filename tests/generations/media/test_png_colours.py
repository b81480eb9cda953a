"""What a PNG says beside its pixels: followed where it is about colour, else unable to do harm."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from generations.media.decoder import profiles
from generations.media.reading import PictureRefused, read_picture
from tests.generations.sample_pictures import (
    encoded,
    gps_exif,
    png_chunk,
    png_of,
    quarters,
    red_and_green_swapped_profile,
    with_chunks,
)

SIDE = 256


def flat(value: int | tuple[int, ...], mode: str = "L") -> bytes:
    return encoded(Image.new(mode, (SIDE, SIDE), value), "PNG")


def shown(content: bytes) -> tuple[int, ...]:
    """The upper left pixel of the clean copy."""
    found = decoded(content).getpixel((0, 0))
    assert isinstance(found, tuple)
    return found


def decoded(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(read_picture(content).content))


def broken(chunk: bytes) -> bytes:
    return chunk[:-4] + bytes(byte ^ 0xFF for byte in chunk[-4:])


TWO_MEGABYTES_OF_TEXT = png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(2_000_000)))
UNTIDY = {
    "a text of megabytes": TWO_MEGABYTES_OF_TEXT,
    "much text in all": TWO_MEGABYTES_OF_TEXT * 40,
    "a text that is no zlib stream": png_chunk(b"zTXt", b"Comment\0\0not packed"),
    "a text with a wrong checksum": broken(png_chunk(b"tEXt", b"Title\0A mug")),
    "EXIF with a wrong checksum": broken(png_chunk(b"eXIf", b"MM\0*\0\0\0\x08")),
    "a gamma with a wrong checksum": broken(png_chunk(b"gAMA", struct.pack(">I", 100_000))),
    "a gamma of nothing": png_chunk(b"gAMA", bytes(4)),
    "primaries on one line": png_chunk(b"cHRM", struct.pack(">8I", *[30_000] * 8)),
    "a profile that is no zlib stream": png_chunk(b"iCCP", b"p\0\0not packed"),
    "a chunk that nobody knows": png_chunk(b"abCd", b"?"),
    "code points that are none": png_chunk(b"cICP", bytes([2, 2, 0, 1])),
}


class TestWhatIsThrownAwayAnyway:
    @pytest.mark.parametrize("extra", UNTIDY.values(), ids=UNTIDY)
    def test_does_not_stop_a_good_picture(self, extra: bytes) -> None:
        content = encoded(quarters(), "PNG")

        picture = read_picture(with_chunks(content, extra))

        assert picture == read_picture(content)
        assert decoded(content).tobytes() == quarters().tobytes()

    def test_a_profile_of_megabytes_counts(self) -> None:
        profile = red_and_green_swapped_profile()
        large = profile + np.random.default_rng(3).bytes(3_000_000)
        content = encoded(quarters(), "PNG")
        packed = [png_chunk(b"iCCP", b"p\0\0" + zlib.compress(data)) for data in (profile, large)]

        small_one, large_one = (read_picture(with_chunks(content, chunk)) for chunk in packed)

        assert small_one == large_one != read_picture(content)

    def test_exif_behind_the_pixels_turns_the_picture(self) -> None:
        content = encoded(quarters(), "PNG")
        turned = png_chunk(b"eXIf", gps_exif(6).tobytes()[6:])

        picture = read_picture(content[:-12] + turned + content[-12:])

        assert (picture.width, picture.height) == (320, 480)

    def test_a_header_that_comes_twice_changes_nothing(self) -> None:
        content = encoded(quarters(), "PNG")
        again = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 9000, 9000, 8, 2, 0, 0, 0))

        assert read_picture(with_chunks(content, again)) == read_picture(content)

    def test_pixels_that_are_damaged_do_stop_it(self) -> None:
        content = bytearray(encoded(Image.effect_noise((400, 400), 60), "PNG"))
        content[len(content) // 2] ^= 0xFF

        with pytest.raises(PictureRefused, match="damaged"):
            read_picture(bytes(content))


class TestGreyWithTransparency:
    @pytest.mark.parametrize("depth", [8, 16])
    def test_has_the_colours_of_the_same_grey_without(self, depth: int) -> None:
        profile = profiles.grey_profile(lambda sample: sample**1.8)
        packed = png_chunk(b"iCCP", b"grey\0\0" + zlib.compress(profile))
        step = 257 if depth == 16 else 1
        opaque = png_of(0, depth, np.full((SIDE, SIDE, 1), 100 * step))
        pair = np.full((SIDE, SIDE, 2), 100 * step)
        pair[..., 1] = 128 * step
        see_through = png_of(4, depth, pair)

        plain, with_alpha = (shown(with_chunks(one, packed)) for one in (opaque, see_through))

        assert with_alpha == (*plain, 128)
        expected = 255 * profiles_inverse((100 / 255) ** 1.8)
        assert abs(plain[0] - expected) <= 2


def profiles_inverse(light: float) -> float:
    """The sRGB sample of a light."""
    return light * 12.92 if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055


class TestColourKey:
    @pytest.mark.parametrize("depth", [8, 16])
    def test_of_three_samples(self, depth: int) -> None:
        step = 257 if depth == 16 else 1
        pixels = np.full((SIDE, SIDE, 3), 90 * step)
        key = (90 * step, 90 * step, 90 * step)
        if depth == 16:
            # Alike in the upper bytes and no more: such a pixel is opaque.
            pixels[:, SIDE // 2 :] += 1
        else:
            pixels[:, SIDE // 2 :] = 91
        content = with_chunks(
            png_of(2, depth, pixels), png_chunk(b"tRNS", struct.pack(">3H", *key))
        )

        image = decoded(content)

        assert image.mode == "RGBA"
        assert [image.getpixel((x, 9))[3] for x in (0, SIDE - 1)] == [0, 255]  # type: ignore[index]
        assert image.getpixel((0, 9))[:3] == (90, 90, 90)  # type: ignore[index]

    @pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
    def test_of_grey(self, depth: int) -> None:
        most = (1 << depth) - 1
        pixels = np.full((SIDE, SIDE, 1), most)
        pixels[:, SIDE // 2 :] = most - 1
        content = with_chunks(png_of(0, depth, pixels), png_chunk(b"tRNS", struct.pack(">H", most)))

        image = decoded(content)

        assert [image.getpixel((x, 9))[3] for x in (0, SIDE - 1)] == [0, 255]  # type: ignore[index]


def gamma(value: float) -> bytes:
    return png_chunk(b"gAMA", struct.pack(">I", round(value * 100_000)))


def code_points(*values: int) -> bytes:
    return png_chunk(b"cICP", bytes(values))


DISPLAY_P3 = (31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
P3 = png_chunk(b"cHRM", struct.pack(">8I", *DISPLAY_P3))
SWAPPED = png_chunk(b"iCCP", b"swapped\0\0" + zlib.compress(red_and_green_swapped_profile()))
SRGB = png_chunk(b"sRGB", b"\0")
# Display P3's own values of sRGB colours, by the two standards' matrices.
RED_OF_SRGB_IN_P3 = (234, 51, 35)


class TestColourChunks:
    def test_linear_light_is_brightened(self) -> None:
        found = shown(with_chunks(flat((55, 55, 55), "RGB"), gamma(1.0)))

        assert all(abs(value - 128) <= 1 for value in found)

    def test_grey_of_linear_light_too(self) -> None:
        found = shown(with_chunks(flat(55), gamma(1.0)))

        assert all(abs(value - 128) <= 1 for value in found)

    def test_the_gamma_that_stands_for_srgb_changes_nothing(self) -> None:
        content = encoded(quarters(), "PNG")

        assert read_picture(with_chunks(content, gamma(0.45455))) == read_picture(content)

    @pytest.mark.parametrize(
        "said",
        [gamma(0.45455) + P3, P3, code_points(12, 13, 0, 1), code_points(12, 13, 0, 1) + SRGB],
        ids=["gAMA and cHRM", "cHRM", "cICP", "cICP before sRGB"],
    )
    def test_wide_primaries_are_followed(self, said: bytes) -> None:
        found = shown(with_chunks(flat(RED_OF_SRGB_IN_P3, "RGB"), said))

        assert all(abs(a - b) <= 3 for a, b in zip(found, (255, 0, 0), strict=True))

    @pytest.mark.parametrize(
        ("said", "counts"),
        [
            (code_points(1, 13, 0, 1) + SWAPPED, b""),
            (code_points(2, 13, 0, 1) + SWAPPED, SWAPPED),
            (SWAPPED + gamma(1.0) + P3, SWAPPED),
            (SRGB + gamma(1.0) + P3, b""),
        ],
        ids=["cICP over iCCP", "an unknown cICP", "iCCP over gAMA", "sRGB over gAMA"],
    )
    def test_of_several_the_specification_orders_which_counts(
        self, said: bytes, counts: bytes
    ) -> None:
        content = encoded(quarters(), "PNG")

        assert read_picture(with_chunks(content, said)) == read_picture(
            with_chunks(content, counts)
        )

    def test_narrow_range_is_spread(self) -> None:
        found = shown(with_chunks(flat((235, 16, 16), "RGB"), code_points(1, 13, 0, 0)))

        assert all(abs(a - b) <= 1 for a, b in zip(found, (255, 0, 0), strict=True))

    @pytest.mark.parametrize(("transfer", "white"), [(16, 148), (18, 191)], ids=["PQ", "HLG"])
    def test_the_white_of_high_dynamic_range_is_white(self, transfer: int, white: int) -> None:
        found = shown(
            with_chunks(flat((white, white, white), "RGB"), code_points(9, transfer, 0, 1))
        )

        assert min(found) >= 252

    def test_our_profile_of_srgb_is_that_of_others(self) -> None:
        ours = profiles.rgb_profile(profiles.SRGB, profiles.srgb_curve)
        image = quarters()

        converted = ImageCms.profileToProfile(
            image, ImageCms.ImageCmsProfile(io.BytesIO(ours)), ImageCms.createProfile("sRGB")
        )

        assert converted is not None
        difference = np.abs(np.asarray(converted).astype(int) - np.asarray(image))
        assert difference.max() <= 1


class TestLongSides:
    def test_beyond_what_a_jpeg_can_hold_a_png_is_kept(self) -> None:
        row = Image.linear_gradient("L").resize((65_501, 256)).convert("RGB")

        picture = read_picture(encoded(row, "PNG", compress_level=1))

        assert (picture.format, picture.width, picture.height) == ("PNG", 65_501, 256)

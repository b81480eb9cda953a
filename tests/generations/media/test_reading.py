"""What merchants may upload, and what becomes of it."""

from __future__ import annotations

import io
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from generations.media import reading
from generations.media.reading import read_picture
from tests.generations.media.looking import colour, corners, decoded, near, opacity, refusal
from tests.generations.sample_pictures import (
    BLUE,
    GREEN,
    RED,
    WHITE,
    encoded,
    gps_exif,
    png_of_nothing,
    quarters,
    red_and_green_swapped_profile,
    see_through,
)
from tests.memory import peak_of


class TestAcceptedFormats:
    @pytest.mark.parametrize(
        ("file_format", "told", "kept"),
        [
            ("JPEG", "JPEG", "JPEG"),
            ("PNG", "PNG", "PNG"),
            ("WEBP", "WebP", "JPEG"),
            ("AVIF", "AVIF", "JPEG"),
            ("HEIC", "HEIC", "JPEG"),
        ],
    )
    def test_every_format_arrives_as_a_clean_copy(self, file_format, told, kept):
        picture = read_picture(encoded(quarters(), file_format))

        assert (picture.source_format, picture.format) == (told, kept)
        assert picture.media_type == {"JPEG": "image/jpeg", "PNG": "image/png"}[kept]
        assert (picture.width, picture.height) == decoded(picture).size == (480, 320)
        assert picture.has_alpha is False
        for found, wanted in zip(corners(decoded(picture)), (RED, GREEN, BLUE, WHITE), strict=True):
            assert near(found, wanted, tolerance=16)

    def test_a_file_object_reads_like_its_bytes(self):
        content = encoded(quarters(), "PNG")

        assert read_picture(io.BytesIO(content)) == read_picture(content)

    def test_the_checksum_is_that_of_the_copy(self):
        picture = read_picture(encoded(quarters(), "PNG"))

        assert picture.sha256 != read_picture(encoded(quarters().rotate(180), "PNG")).sha256
        assert picture.sha256 == read_picture(picture.content).sha256

    def test_a_lossless_webp_stays_lossless(self):
        picture = read_picture(encoded(quarters(), "WEBP", lossless=True))

        assert picture.format == "PNG"
        assert corners(decoded(picture)) == [RED, GREEN, BLUE, WHITE]

    def test_a_large_lossless_picture_becomes_a_jpeg(self):
        picture = read_picture(png_of_nothing(2600, 2000))

        assert picture.format == "JPEG"

    def test_twelve_megapixels_are_read_within_seconds(self):
        content = encoded(quarters(4243, 2829), "JPEG", quality=90)

        started = time.process_time()
        picture = read_picture(content)

        assert (picture.width, picture.height) == (4243, 2829)
        assert time.process_time() - started < 5

    def test_a_jpeg_with_a_second_picture_behind_it_keeps_the_first_only(self):
        both = encoded(quarters(), "MPO", save_all=True, append_images=[quarters().rotate(180)])

        picture = read_picture(both)

        assert near(corners(decoded(picture))[0], RED)
        assert getattr(decoded(picture), "n_frames", 1) == 1


class TestMetadata:
    @pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "AVIF", "HEIC"])
    def test_location_and_camera_are_gone(self, file_format):
        exif = gps_exif()
        content = encoded(quarters(), file_format, exif=exif.tobytes())
        assert b"Pocket Phone 12" in content

        picture = read_picture(content)

        assert b"Pocket Phone" not in picture.content
        assert not decoded(picture).getexif()
        assert decoded(picture).info.keys() <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}

    @pytest.mark.parametrize(
        ("orientation", "upright"),
        [
            (1, [RED, GREEN, BLUE, WHITE]),
            (2, [GREEN, RED, WHITE, BLUE]),
            (3, [WHITE, BLUE, GREEN, RED]),
            (4, [BLUE, WHITE, RED, GREEN]),
            (5, [RED, BLUE, GREEN, WHITE]),
            (6, [BLUE, RED, WHITE, GREEN]),
            (7, [WHITE, GREEN, BLUE, RED]),
            (8, [GREEN, WHITE, RED, BLUE]),
            (9, [RED, GREEN, BLUE, WHITE]),
        ],
    )
    def test_orientation_is_applied(self, orientation, upright):
        content = encoded(quarters(), "PNG", exif=gps_exif(orientation).tobytes())

        picture = read_picture(content)

        assert corners(decoded(picture)) == upright
        size = (320, 480) if orientation in {5, 6, 7, 8} else (480, 320)
        assert (picture.width, picture.height) == decoded(picture).size == size

    def test_a_turned_heic_is_turned_once(self):
        content = encoded(quarters(), "HEIC", exif=gps_exif(6).tobytes())

        picture = read_picture(content)

        assert (picture.width, picture.height) == (320, 480)
        assert near(corners(decoded(picture))[0], BLUE, tolerance=16)

    @pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
    def test_broken_exif_does_no_harm(self):
        content = encoded(quarters(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")

        assert read_picture(content).width == 480

    def test_what_hides_behind_a_picture_is_gone(self):
        content = encoded(quarters(), "JPEG") + b"<script>alert(1)</script>"

        assert b"<script>" not in read_picture(content).content


class TestColours:
    def test_transparency_is_kept(self):
        picture = read_picture(encoded(see_through(), "PNG"))

        image = decoded(picture)
        assert picture.has_alpha
        assert picture.format == "PNG"
        assert [opacity(image, 200, y) for y in (5, 60, 200)] == [0, 128, 255]

    @pytest.mark.parametrize("file_format", ["WEBP", "AVIF", "HEIC"])
    def test_transparency_is_kept_from_lossy_formats(self, file_format):
        picture = read_picture(encoded(see_through(), file_format))

        image = decoded(picture)
        assert picture.has_alpha
        assert opacity(image, 5, 5) < 8
        assert opacity(image, 200, 200) > 247

    def test_a_channel_that_is_opaque_all_over_is_dropped(self):
        picture = read_picture(encoded(quarters().convert("RGBA"), "PNG"))

        assert not picture.has_alpha
        assert decoded(picture).mode == "RGB"

    def test_a_palette_with_a_transparent_colour(self):
        palette = quarters().quantize(4)
        transparent = palette.getpixel((20, 20))

        picture = read_picture(encoded(palette, "PNG", transparency=transparent))

        assert picture.has_alpha
        assert opacity(decoded(picture), 20, 20) == 0
        assert near(corners(decoded(picture))[3], WHITE)

    def test_cmyk_becomes_rgb(self):
        picture = read_picture(encoded(quarters().convert("CMYK"), "JPEG", quality=95))

        assert decoded(picture).mode == "RGB"
        assert near(corners(decoded(picture))[0], RED, tolerance=20)

    def test_greyscale_of_sixteen_bits_keeps_its_greys(self):
        ramp = np.linspace(0, 65535, 300 * 300).reshape(300, 300).astype(np.uint16)

        picture = read_picture(encoded(Image.fromarray(ramp), "PNG"))

        image = decoded(picture)
        assert image.mode == "RGB"
        assert near(colour(image, 150, 150), (128, 128, 128), tolerance=2)

    def test_an_embedded_profile_is_applied_and_dropped(self):
        content = encoded(quarters(), "PNG", icc_profile=red_and_green_swapped_profile())

        picture = read_picture(content)

        red, green, _ = corners(decoded(picture))[0]
        assert green > red, "the profile says that the first channel is green"
        assert "icc_profile" not in decoded(picture).info

    def test_a_profile_that_makes_no_sense_is_passed_over(self):
        content = encoded(quarters(), "PNG", icc_profile=b"not a profile at all")

        assert corners(decoded(read_picture(content)))[0] == RED


class TestRefusals:
    def test_an_empty_file(self):
        assert refusal(b"").code == "empty"

    def test_more_than_25_megabytes(self):
        refused = refusal(b"\xff\xd8\xff" + bytes(30 * 1024 * 1024))

        assert refused.code == "too_large"
        assert str(refused) == "This file has 30.0 MB. At most 25 MB are possible."

    def test_a_stream_is_not_read_past_the_limit(self):
        stream = io.BytesIO(bytes(30 * 1024 * 1024))

        refused = refusal(stream)

        assert refused.code == "too_large"
        assert "25 MB" in str(refused)
        assert stream.tell() == reading.MAX_BYTES + 1

    def test_a_144_megapixel_png_of_400_kilobytes_costs_no_memory(self):
        bomb = png_of_nothing(12_000, 12_000)
        assert len(bomb) < 450_000
        work = (
            "from generations.media.reading import PictureRefused, read_picture\n"
            "try:\n"
            "    read_picture(sys.stdin.buffer)\n"
            "except PictureRefused as refused:\n"
            "    print(refused)\n"
        )

        before, after, sentence = peak_of(work, stdin=bomb)

        assert "12000 by 12000 pixels, which is 144 megapixels" in sentence
        assert "At most 50 megapixels" in sentence
        assert after - before < 20_000_000

    def test_a_webp_canvas_that_is_only_claimed(self):
        content = bytearray(encoded(see_through(), "WEBP"))
        assert content[12:16] == b"VP8X"
        content[24:30] = (16_382).to_bytes(3, "little") * 2

        refused = refusal(bytes(content))

        assert refused.code == "too_many_pixels"
        assert "268 megapixels" in str(refused) or "269 megapixels" in str(refused)

    def test_50_megapixels_are_the_most(self):
        assert refusal(png_of_nothing(10_000, 5_001)).code == "too_many_pixels"

    @pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "AVIF", "HEIC"])
    def test_a_side_under_256_pixels(self, file_format):
        refused = refusal(encoded(quarters(800, 254), file_format))

        assert refused.code == "too_small"
        assert "800 by 254" in str(refused)
        assert "at least 256" in str(refused)

    def test_256_pixels_are_enough(self):
        assert read_picture(encoded(quarters(256, 256), "JPEG")).width == 256

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            (encoded(quarters(), "GIF"), "a GIF file"),
            (encoded(quarters(), "BMP"), "a BMP file"),
            (encoded(quarters(), "TIFF"), "a TIFF file"),
            (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "a PDF file"),
            (b"PK\x03\x04\x14\x00", "a ZIP file"),
            (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing"),
            (b"\n <!DOCTYPE html><html><body>hi</body></html>", "a web page"),
            (b"Dear customer, the photos are attached.", "a text file"),
            ("Wörter, länger als ein Kilobyte. ".encode() * 80, "a text file"),
            (b"\x00\x01\x02\x03" * 50, "a file of unknown type"),
            (b"\xfe\xfa\xff\x81" * 9, "a file of unknown type"),
            (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "a file of unknown type"),
        ],
    )
    def test_other_files_are_named(self, content, told):
        named_jpg = io.BytesIO(content)
        named_jpg.name = "product.jpg"

        refused = refusal(named_jpg)

        assert refused.code == "not_a_picture"
        assert told in str(refused)
        assert "JPEG, PNG, WebP, AVIF or HEIC" in str(refused)

    @pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "AVIF", "HEIC"])
    @pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
    def test_a_file_that_is_cut_off(self, file_format, share):
        noisy = Image.effect_noise((400, 400), 60).convert("RGB")
        content = encoded(noisy, file_format)

        refused = refusal(content[: max(24, int(len(content) * share))])

        assert refused.code in {"damaged", "too_small"}
        if refused.code == "damaged":
            assert "damaged or incomplete" in str(refused)

    def test_a_heic_that_brings_its_decoder_down_is_refused_like_any_damaged_file(self):
        crashing = Path(__file__).with_name("crashes_libheif.heic").read_bytes()

        assert refusal(crashing).code == "damaged"

    def test_a_heic_with_too_many_pixels_is_not_decoded(self, monkeypatch):
        monkeypatch.setattr(reading, "MAX_PIXELS", 100_000)

        refused = refusal(encoded(quarters(), "HEIC"))

        assert refused.code == "too_many_pixels"
        assert "480 by 320 pixels" in str(refused)

    def test_a_png_whose_bytes_were_altered(self):
        content = bytearray(encoded(Image.effect_noise((400, 400), 60).convert("RGB"), "PNG"))
        content[len(content) // 2] ^= 0xFF

        assert refusal(bytes(content)).code == "damaged"

    @pytest.mark.parametrize("file_format", ["WEBP", "PNG", "AVIF"])
    def test_an_animation(self, file_format):
        frames = [quarters().rotate(90 * turn) for turn in range(3)]
        content = encoded(frames[0], file_format, save_all=True, append_images=frames[1:])

        refused = refusal(content)

        assert refused.code == "animated"
        assert "3 frames" in str(refused)

    def test_random_bytes_after_every_magic_are_refused_without_a_crash(self):
        noise = np.random.default_rng(11).bytes(4000)
        beginnings = [
            b"\xff\xd8\xff\xe0",
            b"\x89PNG\r\n\x1a\n",
            b"RIFF\0\0\0\0WEBPVP8X",
            b"RIFF\0\0\0\0WEBPVP8L",
            b"RIFF\0\0\0\0WEBPVP8 ",
            b"\0\0\0\x18ftypavif\0\0\0\0mif1avif",
            b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        ]

        codes = {refusal(beginning + noise).code for beginning in beginnings}

        assert codes <= {"damaged", "too_small", "too_many_pixels"}

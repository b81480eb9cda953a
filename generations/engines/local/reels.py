"""Product Reels and Model Reels: a camera move, and nothing in the picture moves by itself."""

from __future__ import annotations

from typing import ClassVar, cast

from generations.engines.base import Job, Output, Result
from generations.engines.local import pictures, scenes, weights
from generations.engines.local.pixels import brushes, metadata
from generations.engines.local.pixels.metadata import Origin
from generations.engines.local.studio import backdrops, placing, reels
from generations.engines.local.studio.films import Film, Move, Seconds
from generations.engines.local.work import LocalEngine

SIZES = {"9:16": (720, 1280), "16:9": (1280, 720), "1:1": (1080, 1080)}
MOVES: dict[str, Move] = {"push-in": "push", "pan": "slide", "rise": "rise"}
_SECONDS_A_SECOND = 1.6
# The merchant's photo at this class is sharper than a reel shows it.
_CLASS = "2K"


class Reels(LocalEngine):
    """The camera moves over the merchant's photo; with a prompt, over a drawn set."""

    model_name = "Camera move on your photo"
    honest_label = "limited"
    source: ClassVar = "compositeSynthetic"
    weights: ClassVar = (weights.U2NETP,)

    def expected_seconds(self, tool: str, resolution: str, seconds: int | None) -> float:
        """A matte, and the encoding of every frame, measured."""
        return 6.0 + _SECONDS_A_SECOND * (seconds or 4)

    def _work(self, job: Job) -> Result:
        """H.264 in MP4 of the asked size and seconds, with a poster."""
        look = reels.ReelOptions(
            seconds=cast("Seconds", job.seconds),
            move=MOVES[str(job.options["move"])],
            size=SIZES[str(job.options["frame"])],
            seed=job.seed,
        )
        film, model = self._filmed(job, look)
        return self._result(film_output(film, self._origin(model)), model=model)

    def _filmed(self, job: Job, look: reels.ReelOptions) -> tuple[Film, str]:
        source = pictures.opened(job.inputs[0])
        if job.prompt.strip() or pictures.is_cut_out(source):
            [cut] = scenes.products_of(job, _CLASS)
            # What the picture cuts off on two sides would stand sawn off in a set.
            if len(brushes.cut_off_sides(cut[..., 3])) < 2:
                choice = scenes.chosen_set(job)
                scene = backdrops.drawn(choice, look.size, job.seed)
                film = reels.product_reel(
                    [placing.Product(cut)], scene, look, check=job.check_deadline
                )
                return film, f"Camera move, drawn set: {choice.title}"
        photo = source.at(pictures.within(source.size, _CLASS)).on_plain_ground()
        return reels.photo_reel(photo, look, check=job.check_deadline), self.model_name


def film_output(film: Film, origin: Origin) -> Output:
    """The film as an output that says what made it."""
    return Output(
        "video",
        metadata.film_with_origin(film.content, origin),
        "video/mp4",
        *film.size,
        seconds=float(film.seconds),
        poster=metadata.encoded(film.poster, "JPEG", origin),
    )

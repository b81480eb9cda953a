"""The brush on a cut-out: strokes by hand make a further output; the master stays as it was made.

It is free and can be done again: the strokes are kept, and all of them are laid on the master anew.
"""

from __future__ import annotations

import uuid
from typing import IO, Any

from django.db import transaction
from django.utils.translation import gettext as _

from credits.refusals import Refusal
from generations.engines.base import Output
from generations.engines.local.correcting import NotCorrectedError, corrected
from generations.engines.local.pixels.brushes import BadStrokesError
from generations.media import decoding, storage
from generations.models import Generation, Picture

TOOL = "background-removal"
POSITION = 1
# Whole pictures are in memory meanwhile.
turns = decoding.Turns(1, 1)


class BrushRefused(Refusal):
    """Nothing to brush here, or what was sent is no strokes."""

    code = "not_brushed"


def sides(run: Generation) -> tuple[Picture, Picture] | None:
    """The photo and the cut-out made of it; None where there is nothing to brush."""
    if run.tool != TOOL or run.state != Generation.State.SUCCEEDED or run.deleted_at:
        return None
    photo = run.pictures.filter(role=Picture.Role.INPUT).order_by("position").first()
    made = (
        run.pictures.filter(role=Picture.Role.OUTPUT, strokes__isnull=True)
        .order_by("position")
        .first()
    )
    if photo is None or made is None or made.media_type != "image/png":
        return None
    return photo, made


def strokes_of(run: Generation) -> list[Any]:
    """The strokes that were laid on the run's cut-out."""
    found = run.pictures.filter(role=Picture.Role.OUTPUT, strokes__isnull=False).first()
    return list(found.strokes or ()) if found else []


def brush(account_id: int, run_id: uuid.UUID, strokes: Any) -> None:
    """Lay these strokes on the master, in place of earlier ones; none of them is the master alone.

    Raises Generation.DoesNotExist, BrushRefused, and decoding.Busy.
    """
    run = Generation.objects.get(account_id=account_id, pk=run_id, deleted_at=None)
    found = sides(run)
    if found is None:
        raise BrushRefused(_("This result cannot be corrected with the brush."), status=409)
    if strokes == []:
        _replace(run, None)
        return
    photo, master = (storage.copied(picture.file) for picture in found)
    with photo, master:
        made = _corrected(account_id, master, photo, found[0].media_type, strokes)
    output = Output("image", made, "image/png", found[1].width, found[1].height)
    with storage.Undo(account_id) as undo:
        picture = storage.store_output(undo, output, is_ours=False)
        picture.strokes = strokes
        _replace(run, picture)
        undo.keep()


def _corrected(
    account_id: int, master: IO[bytes], photo: IO[bytes], media_type: str, strokes: Any
) -> bytes:
    try:
        with turns.take(account_id):
            return corrected(master, photo, media_type, strokes)
    except BadStrokesError as error:
        raise BrushRefused(_("The strokes could not be read. Reload the page.")) from error
    except NotCorrectedError as error:
        message = _("The strokes could not be laid on just now. Try again in a minute.")
        raise BrushRefused(message, status=503) from error


def _replace(run: Generation, picture: Picture | None) -> None:
    """Put the new picture in place of one that was brushed before."""
    with transaction.atomic():
        Generation.objects.select_for_update().get(pk=run.pk)
        earlier = run.pictures.filter(role=Picture.Role.OUTPUT, strokes__isnull=False)
        names = [name for pair in earlier.values_list("file", "preview") for name in pair if name]
        earlier.delete()
        if picture is not None:
            storage.attach(picture, run, Picture.Role.OUTPUT, POSITION)
        transaction.on_commit(lambda: storage.delete_all(names))

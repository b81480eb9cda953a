"""The brush on a cut-out: strokes by hand make a further output; the master stays as it was made.

It is free and can be done again: the strokes are kept, and all of them are laid on the master anew.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from credits.refusals import Refusal
from generations.engines.base import InputPicture, Output
from generations.engines.local.background_removal import BadStrokesError, brushed
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
    photo, master = found
    try:
        with turns.take(account_id):
            made = brushed(_read(master), _read(photo), strokes)
    except BadStrokesError as error:
        raise BrushRefused(_("The strokes could not be read. Reload the page.")) from error
    output = Output("image", made, "image/png", master.width, master.height)
    with storage.Undo(account_id) as undo:
        picture = storage.store_output(undo, output, is_ours=True)
        picture.strokes = strokes
        _replace(run, picture)
        undo.keep()


def _read(picture: Picture) -> InputPicture:
    return InputPicture(storage.read(picture), picture.media_type)


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

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class AddressField(models.EmailField):  # type: ignore[type-arg]  # Generic to the stubs alone.
    """An address that is one in every spelling: stored, and looked for, in small letters."""

    def to_python(self, value: Any) -> Any:
        """The address in small letters, None for none."""
        value = super().to_python(value)
        return (value.strip().lower() or None) if isinstance(value, str) else value

    def get_prep_value(self, value: Any) -> Any:
        """The same, also of what is looked for."""
        return self.to_python(super().get_prep_value(value))

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:  # noqa: FBT001 - Django's
        """What is stored is what the object says afterwards."""
        address = self.to_python(super().pre_save(model_instance, add))
        setattr(model_instance, self.attname, address)
        return address


class PersonManager(BaseUserManager["Person"]):
    """Makes people; an address exists once, whatever its spelling."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> Person:
        """A person who signs in with `email`; without a password, only through Shopify."""
        person = self.model(email=email, **fields)
        person.set_password(password)
        person.save(using=self._db)
        return person

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> Person:
        """A person with every right in the staff admin, whose address counts as confirmed."""
        # allauth's models lean on this one.
        from allauth.account.models import EmailAddress  # noqa: PLC0415

        person = self.create_user(email, password, is_staff=True, is_superuser=True, **fields)
        EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
        return person

    def get_by_natural_key(self, username: str | None) -> Person:
        return self.get(email=username or "")


class Person(AbstractBaseUser, PermissionsMixin):
    """Somebody who signs in: by e-mail and password on the web, or as staff of a Shopify store."""

    email = AddressField(
        _("email"),
        unique=True,
        null=True,
        blank=True,
        help_text=_("Empty for a store's staff, who come with a session token and no address."),
    )
    emptied_email = models.EmailField(
        _("emptied address"),
        blank=True,
        help_text=_(
            "What the address was before somebody older turned out to have it in another spelling."
        ),
    )
    name = models.CharField(_("name"), max_length=150, blank=True)
    is_staff = models.BooleanField(_("staff"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    date_joined = models.DateTimeField(default=timezone.now)
    former_names = models.JSONField(
        default=list,
        db_default=models.Value([], models.JSONField()),
        editable=False,
        help_text=_("Names and addresses of theirs that have changed: old mails still say them."),
    )
    wants_workspace = models.BooleanField(
        default=True,
        help_text=_("Off for who signs up to join an account: no workspace is opened unasked."),
    )
    last_account = models.ForeignKey(
        "credits.Account",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("Where they worked last on the web, of several accounts."),
    )

    objects = PersonManager()
    read_names: Sequence[str] = ()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints: ClassVar = [
            models.UniqueConstraint(
                Lower("email"),
                name="person_address_once",
                violation_error_message=_("Somebody has this address already."),
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.email or f"Person {self.pk}"

    def get_full_name(self) -> str:
        return str(self)

    @classmethod
    def from_db(cls, *row: Any, **mode: Any) -> Person:
        """As read; what they are called by then is remembered until it is saved."""
        person = super().from_db(*row, **mode)
        person.read_names = [person.__dict__.get(column) or "" for column in ("name", "email")]
        return person

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """What they are not called any more is kept, so that their erasure finds it."""
        known = {"", self.name, self.email, *self.former_names}
        if gone := [word for word in self.read_names if word not in known]:
            self.former_names = [*self.former_names, *gone]
            if update_fields is not None:
                update_fields = {*update_fields, "former_names"}
        super().save(*args, update_fields=update_fields, **kwargs)


class Membership(models.Model):
    """A person's place in an account. The first one of an account is its owner.

    An owner does everything, a maker runs tools and sees usage, a viewer sees.
    """

    class Role(models.TextChoices):
        OWNER = "owner", _("Owner")
        MAKER = "maker", _("Maker")
        VIEWER = "viewer", _("Viewer")

    person = models.ForeignKey(Person, models.CASCADE, related_name="memberships")
    account = models.ForeignKey("credits.Account", models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.OWNER)
    joined_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["person", "account"], name="membership_once"),
        ]

    def __str__(self) -> str:
        return f"{self.person} in {self.account_id}"


class Mailbox(models.Model):
    """A mailbox that has had its workspace, as keyed hash: it gets no second trial."""

    digest = models.CharField(max_length=64, unique=True)
    opened_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "mailboxes"

    def __str__(self) -> str:
        return self.digest[:12]


class Invitation(models.Model):
    """A mail that asks somebody to join an account. Its link is kept as a digest and works once."""

    account = models.ForeignKey("credits.Account", models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=10, choices=Membership.Role)
    token_digest = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "email"],
                condition=models.Q(accepted_at=None),
                name="invitation_open_once",
            ),
        ]

    def __str__(self) -> str:
        return f"Invitation {self.pk} to {self.account_id}"

"""Session tokens: what is believed, what is not, and how long it takes to know."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import time
from typing import Any

import jwt
import pytest
from django.conf import settings as django_settings

from shopify_auth.domains import is_shop_domain
from shopify_auth.frame import session_tokens
from shopify_auth.frame.session_tokens import (
    ForeignSessionToken,
    InvalidSessionToken,
    SessionTokenError,
    StaleSessionToken,
    verify,
)
from tests.embedded import SECOND_SHOP, SHOP, STAFF, claims_of, session_token

OTHER_SECRET = "somebody-elses-secret-of-32-or-more-characters"


def test_a_fresh_token_names_store_and_staff_member():
    token = verify(session_token())
    assert (token.shop, token.user_id) == (SHOP, STAFF)


def test_a_store_is_known_by_its_domain_in_lower_case():
    shop = "Olivias-Mugs.myshopify.com"
    assert verify(session_token(shop)).shop == SHOP


@pytest.mark.parametrize("seconds", [-9, 9])
def test_clocks_may_differ_by_ten_seconds(seconds):
    now = int(time.time())
    stale = {"exp": now + seconds} if seconds < 0 else {"nbf": now + seconds, "iat": now + seconds}
    assert verify(session_token(**stale)).shop == SHOP


@pytest.mark.parametrize(
    "changes",
    [{"exp": -12}, {"nbf": 15}, {"iat": 15}],
    ids=["expired", "not before", "issued in the future"],
)
def test_beyond_ten_seconds_a_token_is_stale(changes):
    now = int(time.time())
    moved = {name: now + seconds for name, seconds in changes.items()}
    with pytest.raises(StaleSessionToken):
        verify(session_token(**moved))


@pytest.mark.parametrize("claim", session_tokens.REQUIRED_CLAIMS)
def test_every_claim_is_required(claim):
    with pytest.raises(InvalidSessionToken):
        verify(session_token(**{claim: None}))


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.com/admin"},
        {"iss": f"https://{SECOND_SHOP}/admin"},
        {"iss": f"https://{SHOP}/admin/"},
        {"iss": f"http://{SHOP}/admin"},
        {"dest": "https://evil.com"},
        {"dest": f"http://{SHOP}"},
        {"dest": f"https://{SHOP}\n", "iss": f"https://{SHOP}\n/admin"},
        {"dest": f"https://{SHOP}.evil.com", "iss": f"https://{SHOP}.evil.com/admin"},
        {"dest": "https://under_score.myshopify.com"},
        {
            "dest": "https://evil.com/x.myshopify.com",
            "iss": "https://evil.com/x.myshopify.com/admin",
        },
        {"dest": ["https://x.myshopify.com"]},
        {"sub": ""},
        {"sub": 902541635},
        {"sub": "9" * 41},
        {"exp": "tomorrow"},
    ],
    ids=str,
)
def test_claims_that_do_not_hold_together_are_refused(changes):
    with pytest.raises(InvalidSessionToken):
        verify(session_token(**changes))


@pytest.mark.parametrize("audience", ["another-app", None, ["development-client-id"], ""])
def test_a_token_of_another_app_is_refused(audience):
    with pytest.raises(InvalidSessionToken):
        verify(session_token(aud=audience))


def test_another_apps_token_is_told_apart_because_a_new_one_would_be_the_same():
    with pytest.raises(ForeignSessionToken):
        verify(session_token(aud="another-app"))


def test_only_hs256_is_accepted():
    unsigned = jwt.encode(claims_of(), None, algorithm="none")
    longer = jwt.encode(
        claims_of(), django_settings.SHOPIFY_API_SECRET.ljust(64, "x"), algorithm="HS512"
    )
    for text in (unsigned, longer):
        with pytest.raises(InvalidSessionToken):
            verify(text)


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "ey" * 4000, "é.é.é", "..", "\x00"])
def test_what_is_no_token_is_refused(text):
    with pytest.raises(InvalidSessionToken):
        verify(text)


def test_a_changed_byte_is_noticed():
    text = session_token()
    head, payload, signature = text.split(".")
    flipped = "A" if payload[10] != "A" else "B"
    changed = f"{head}.{payload[:10]}{flipped}{payload[11:]}.{signature}"
    with pytest.raises(InvalidSessionToken):
        verify(changed)


def test_while_the_secret_rotates_both_are_accepted_and_no_third(settings):
    settings.SHOPIFY_API_SECRET_OLD = "the-secret-before-of-32-or-more-characters"
    assert verify(session_token(secret=settings.SHOPIFY_API_SECRET_OLD)).shop == SHOP
    assert verify(session_token()).shop == SHOP
    with pytest.raises(InvalidSessionToken):
        verify(session_token(secret=OTHER_SECRET))


def test_the_old_secret_counts_for_nothing_once_it_is_taken_out(settings):
    settings.SHOPIFY_API_SECRET_OLD = ""
    with pytest.raises(InvalidSessionToken):
        verify(session_token(secret=OTHER_SECRET))


def test_a_wrong_signature_is_never_called_stale():
    with pytest.raises(InvalidSessionToken):
        verify(session_token(secret=OTHER_SECRET, exp=1))


# --- What ShopifyAPI decides is never wider than our own rule -----------------------------------

SHOP_OF_ONE_LETTER = "o.myshopify.com"
CLAIMS: dict[str, list[Any]] = {
    "iss": [1, [], {}, "https://[", "//", SHOP, f"https://{SHOP}", f"https://{SHOP}:443/admin"],
    "dest": [1, [f"https://{SHOP}"], {}, "https://[", SHOP, f"https://{SHOP}/", f"//{SHOP}"],
    "aud": [1, [], ["development-client-id"], ["development-client-id", "another"], "Another", {}],
    "sub": [1, "", [], True, "9" * 41, " "],
    "exp": [0, True, "soon", float("inf"), float("nan"), [], "9999999999", 1e400, -1],
    "nbf": [9_999_999_999, "soon", float("inf"), [], {}],
    "iat": [9_999_999_999, "soon", float("inf"), [], {}],
    "jti": [None, 1, "", []],
    "sid": [None, 1, ""],
}


def corpus():
    """Tokens signed with our secret in which one claim, or two, are not what Shopify signs."""
    changes = [(name, value) for name, values in CLAIMS.items() for value in (*values, None)]
    for one in changes:
        yield signed(claims_of(**dict([one])))
    for pair in itertools.combinations(changes, 2):
        if pair[0][0] != pair[1][0]:
            yield signed(claims_of(**dict(pair)))
    for shop in ("Olivias-Mugs.myshopify.com", SHOP_OF_ONE_LETTER, "a_b.myshopify.com", "x.dev"):
        yield signed(claims_of(shop))
    payloads: list[Any] = [[], "text", 1, None]
    yield from map(signed, payloads)
    for header in ({"crit": ["b64"], "b64": False}, {"alg": "none"}, {"typ": 1}, {"kid": 1}):
        yield signed(claims_of(), **header)


def signed(payload, **header):
    """Any JSON at all, signed with our secret; PyJWT's own encoder refuses to write some of it."""
    head = {"alg": "HS256", "typ": "JWT", **header}
    text = ".".join(_base64(json.dumps(part).encode()) for part in (head, payload))
    secret = django_settings.SHOPIFY_API_SECRET.encode()
    return f"{text}.{_base64(hmac.new(secret, text.encode(), hashlib.sha256).digest())}"


def _base64(text):
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def allowed_by_our_rule(text):
    """Our rule by PyJWT alone, as it was before ShopifyAPI decoded: the store it lets in, or None."""
    try:
        claims = jwt.decode(
            text,
            django_settings.SHOPIFY_API_SECRET,
            algorithms=["HS256"],
            options={"require": session_tokens.REQUIRED_CLAIMS, "verify_aud": False},
            leeway=10,
        )
    except (jwt.InvalidTokenError, OverflowError):
        return None
    domain = str(claims["dest"]).removeprefix("https://")
    holds = (
        claims["dest"] == f"https://{domain}"
        and is_shop_domain(domain)
        and claims["iss"] == f"https://{domain}/admin"
        and claims["aud"] == django_settings.SHOPIFY_API_KEY
        and 0 < len(claims["sub"]) <= 40
    )
    return domain.lower() if holds else None


def test_nothing_is_accepted_that_our_own_rule_refuses():
    accepted = refused = 0
    for text in corpus():
        try:
            shop = verify(text).shop
        except SessionTokenError:
            refused += 1
            continue
        accepted += 1
        assert shop == allowed_by_our_rule(text)
    assert refused > 1_000
    assert accepted > 2


@pytest.mark.parametrize("changes", [{"jti": None}, {"sid": None}], ids=str)
def test_what_shopify_always_sends_is_required_too(changes):
    assert allowed_by_our_rule(session_token(**changes)) == SHOP
    with pytest.raises(InvalidSessionToken):
        verify(session_token(**changes))


def test_a_header_nested_without_end_is_refused():
    with pytest.raises(InvalidSessionToken):
        verify(f"{_base64(b'[' * 2_500)}.e30.x")


def test_the_old_secret_is_held_to_the_same_rule(settings):
    settings.SHOPIFY_API_SECRET_OLD = "the-secret-before-of-32-or-more-characters"
    old = settings.SHOPIFY_API_SECRET_OLD
    with pytest.raises(StaleSessionToken):
        verify(session_token(secret=old, exp=1))
    with pytest.raises(ForeignSessionToken):
        verify(session_token(secret=old, aud="another-app"))


def test_verification_takes_less_than_a_third_of_a_millisecond():
    text = session_token()
    verify(text)
    best = min(_seconds_for_a_hundred(text) for _ in range(10))
    assert best / 100 < 0.0003


def _seconds_for_a_hundred(text):
    started = time.perf_counter()
    for _ in range(100):
        verify(text)
    return time.perf_counter() - started

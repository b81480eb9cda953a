"""Every address of the product."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from credits.pages import settings_views
from credits.pages import views as credit_views
from ecomvance_app import events, pages, views
from ecomvance_app.page import gallery
from ecomvance_app.staff_admin import close_back_doors
from ecomvance_app.watching import metrics
from generations.media import archives, links, product_photos
from generations.pages import data
from generations.pages.batches import batch_review
from generations.runs.spend_details import describe_spends
from shopify_auth.identity import second_factor, staff_door

close_back_doors()

urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("events", events.stream, name="events"),
    path("api/", include("ecomvance_app.api.urls")),
    path("files/<str:token>", links.serve, name="file"),
    path("archives/<str:token>", archives.serve, name="archive"),
    path("product-photos/<str:token>", product_photos.serve, name="product_photo"),
    path("batch-exports/<str:token>", batch_review.serve_csv, name="batch_csv"),
    path("staff/components", gallery.component_gallery, name="components"),
    path("data-exports/<str:token>", data.download, name="data_export"),
    path("exports/<str:token>", credit_views.export, {"describe": describe_spends}, name="export"),
    path("staff/set-up/<str:token>", staff_door.set_up, name="staff_set_up"),
    path("staff/", admin.site.urls),
    path("dashboard/sign-in/", include("allauth.account.urls")),
    path("dashboard/recipients/<str:token>", settings_views.recipient_page, name="recipient"),
    path("dashboard/", include("shopify_auth.linking.urls")),
    path("dashboard/sign-in/second-factor/recovery-codes/", second_factor.recovery_codes),
    path(
        "dashboard/sign-in/second-factor/recovery-codes/saved",
        second_factor.codes_saved,
        name="codes_saved",
    ),
    path("dashboard/sign-in/second-factor/", include("allauth.mfa.urls")),
    path("dashboard/", include((pages.urlpatterns, "pages"), namespace="web")),
    path("", include("shopify_auth.urls")),
    path("", include((pages.urlpatterns, "pages"), namespace="embedded")),
]
handler400 = "ecomvance_app.views.bad_request"
handler403 = "ecomvance_app.views.permission_denied"
handler404 = "ecomvance_app.views.page_not_found"
handler500 = "ecomvance_app.views.server_error"

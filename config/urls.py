"""Every address of the house: each app offers its pages and its part of the API, put together here."""

from importlib import import_module
from importlib.util import find_spec

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import TemplateView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from config import api, health, job_api, key_pages, mapping_pages, pages, review_api, review_pages

admin.autodiscover()  # here, not in every process: worker and beat need neither of these
import_module("config.openapi")
APPS = ("contacts", "segmentation", "messaging", "flows")


def offered(what: str) -> list[URLPattern | URLResolver]:
    """Gather the addresses of one sort ("pages", "api", "ingest", "public") that the apps offer."""
    modules = [import_module(f"{app}.urls") for app in APPS if find_spec(f"{app}.urls")]
    return [one for module in modules for one in getattr(module, what, [])]


wire = [
    path("progress/", api.ProgressView.as_view(), name="progress"),
    path("keys/", api.KeysView.as_view(), name="api_keys"),
    path("keys/<str:ref>/", api.KeyView.as_view(), name="api_key"),
    path("keys/<str:ref>/rotate/", api.RotateView.as_view(), name="api_key_rotate"),
    path("keys/<str:ref>/revoke/", api.RevokeView.as_view(), name="api_key_revoke"),
    path("jobs/", job_api.JobsView.as_view(), name="api_jobs"),
    path("jobs/<str:ref>/", job_api.JobView.as_view(), name="api_job"),
    path("jobs/<str:ref>/cancel/", job_api.CancelView.as_view(), name="api_job_cancel"),
    path("audit/", api.AuditView.as_view(), name="audit"),
    path("reviews/", review_api.ReviewsView.as_view(), name="api_reviews"),
    path("reviews/<str:ref>/", review_api.ReviewView.as_view(), name="api_review"),
    path("reviews/<str:ref>/submit/", review_api.SubmitView.as_view(), name="api_review_submit"),
    path("reviews/<str:ref>/send-back/", review_api.SendBackView.as_view(), name="api_review_send_back"),
    path("reviews/<str:ref>/approve/", review_api.ApproveView.as_view(), name="api_review_approve"),
    path("reviews/<str:ref>/withdraw/", review_api.WithdrawView.as_view(), name="api_review_withdraw"),
    path("reviews/<str:ref>/comments/", review_api.CommentsView.as_view(), name="api_review_comments"),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
]

urlpatterns = [
    path("", pages.home, name="home"),
    path("settings/", pages.house_settings, name="settings"),
    path("settings/keys/", key_pages.keys, name="keys"),
    path("reviews/", review_pages.queue, name="reviews"),
    path("reviews/badge/", review_pages.badge, name="reviews_badge"),
    path("reviews/ask/", review_pages.ask, name="review_ask"),
    path("reviews/<int:pk>/", review_pages.review, name="review"),
    path("settings/purchases/", mapping_pages.purchase_mapping, name="purchase_mapping"),
    path("", include(offered("pages"))),
    path("v1/", include(offered("ingest"))),
    path("api/v1/", include([*wire, *offered("api")])),
    path("api/v1/", include(offered("ingest"))),
    path("m/", include(offered("public"))),
    path("admin/", admin.site.urls),
    path("account/", include("allauth.urls")),
    path("healthz", health.healthz),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics),
]
if settings.DEBUG:
    urlpatterns.append(path("styleguide/", TemplateView.as_view(template_name="styleguide.html")))
handler400 = "config.pages.bad_request"
handler403 = "config.pages.forbidden"
handler404 = "config.pages.not_found"
handler500 = "config.pages.broken"

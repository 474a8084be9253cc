"""The addresses of segments."""

from django.urls import path

from segmentation import api as wire
from segmentation import (
    contact_api,
    destination_urls,
    doors,
    history_api,
    history_pages,
    movement_pages,
    scenario_api,
    scenario_pages,
    schema_api,
    segment_pages,
    segments_page,
    why_api,
    why_pages,
)
from segmentation import pages as list_pages

pages = [
    path("segments/", segments_page.segments, name="segments"),
    path("segments/reach/", segments_page.reachable, name="segments_reach"),
    path("segments/<int:pk>/members.csv", segments_page.export, name="segment_export"),
    path("segments/new/", list_pages.new, name="segment_new"),
    path("segments/new/<slug:kind>/", list_pages.create, name="segment_create"),
    path("segments/values/", doors.values, name="segments_values"),
    path("segments/catalogue/", doors.catalogue, name="segments_catalogue"),
    path("segments/preview/", doors.preview_door, name="segments_preview"),
    path("segments/preview/reach/", doors.reach_door, name="segments_reach_door"),
    path("segments/preview/scenario/", doors.scenario_door, name="segments_scenario_door"),
    path("segments/overlap/", history_pages.overlaps, name="segments_overlap"),
    path("segments/scenarios/", scenario_pages.scenarios, name="segment_scenarios"),
    path("segments/scenarios/all/", scenario_pages.personas, name="segment_personas"),
    path("segments/scenarios/movement/", movement_pages.movement, name="segment_movement"),
    path("segments/scenarios/movement.json", movement_pages.chart, name="segment_movement_chart"),
    path("segments/scenarios/<slug:slug>/", scenario_pages.scenario, name="segment_scenario"),
    path("segments/<int:pk>/", segment_pages.segment, name="segment"),
    path("segments/<int:pk>/edit/", list_pages.edit, name="segment_edit"),
    path("segments/<int:pk>/stats/", segment_pages.stats, name="segment_stats"),
    path("segments/<int:pk>/growth.json", segment_pages.growth, name="segment_growth"),
    path("segments/<int:pk>/members/", segment_pages.members, name="segment_members"),
    path("segments/<int:pk>/why/", why_pages.why, name="segment_why"),
    path("segments/<int:pk>/used-by/", history_pages.uses, name="segment_uses"),
    path("contacts/<int:pk>/segments/", why_pages.segments_of, name="contact_why"),
    path("contacts/<int:pk>/segments/until/", why_pages.until, name="contact_until"),
    path("segments/<int:pk>/moves/", segment_pages.transitions, name="segment_transitions"),
    path("segments/<int:pk>/evaluations/", segment_pages.evaluations, name="segment_evaluations"),
    *destination_urls.pages,
]

api = [
    path("segments/", wire.SegmentsView.as_view(), name="api_segments"),
    path("segments/preview/", wire.PreviewView.as_view(), name="api_segment_preview"),
    path("segments/scenarios/", scenario_api.ScenariosView.as_view(), name="api_scenarios"),
    path("segments/scenarios/personas/", scenario_api.PersonasView.as_view(), name="api_personas"),
    path(
        "segments/scenarios/personas/preview/", scenario_api.PersonasPreviewView.as_view(), name="api_personas_preview"
    ),
    path("segments/scenarios/<slug:slug>/", scenario_api.ScenarioView.as_view(), name="api_scenario"),
    path(
        "segments/scenarios/<slug:slug>/preview/",
        scenario_api.ScenarioPreviewView.as_view(),
        name="api_scenario_preview",
    ),
    path("contacts/<str:ref>/segments/", contact_api.ContactSegmentsView.as_view(), name="api_contact_segments"),
    path("segments/overlap/", history_api.OverlapView.as_view(), name="api_segment_overlap"),
    path("segments/<str:ref>/", wire.SegmentView.as_view(), name="api_segment"),
    path("segments/<str:ref>/refresh/", wire.RefreshView.as_view(), name="api_segment_refresh"),
    path("segments/<str:ref>/cancel/", wire.CancelView.as_view(), name="api_segment_cancel"),
    path("segments/<str:ref>/duplicate/", wire.DuplicateView.as_view(), name="api_segment_duplicate"),
    path("segments/<str:ref>/archive/", wire.ArchiveView.as_view(), name="api_segment_archive"),
    path("segments/<str:ref>/unarchive/", history_api.UnarchiveView.as_view(), name="api_segment_unarchive"),
    path("segments/<str:ref>/mute/", history_api.MuteView.as_view(), name="api_segment_mute"),
    path("segments/<str:ref>/unmute/", history_api.UnmuteView.as_view(), name="api_segment_unmute"),
    path("segments/<str:ref>/explain/", why_api.ExplainView.as_view(), name="api_segment_explain"),
    path("segments/<str:ref>/history/", history_api.HistoryView.as_view(), name="api_segment_history"),
    path("segments/<str:ref>/freeze/", history_api.FreezeView.as_view(), name="api_segment_freeze"),
    path("segments/<str:ref>/diff/", why_api.DiffView.as_view(), name="api_segment_diff"),
    path("segments/<str:ref>/used-by/", why_api.UsedByView.as_view(), name="api_segment_used_by"),
    path("segments/<str:ref>/members/", wire.MembersView.as_view(), name="api_segment_members"),
    path("segments/<str:ref>/members/remove/", wire.RemoveMembersView.as_view(), name="api_segment_members_remove"),
    path("segments/<str:ref>/transitions/", history_api.TransitionsView.as_view(), name="api_segment_transitions"),
    path("criteria/schema/", schema_api.CriteriaSchemaView.as_view(), name="api_criteria_schema"),
    path("evaluations/", wire.EvaluationsView.as_view(), name="api_evaluations"),
    *destination_urls.api,
]

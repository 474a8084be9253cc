"""The addresses of flows: pages, and the part of the API."""

from django.urls import path, re_path

from flows import api as wire
from flows import (
    comparing,
    hook_door,
    library_pages,
    list_pages,
    people,
    rehearsal_api,
    rule_api,
    rule_pages,
    standstill_api,
    standstill_pages,
    starter_pages,
    state_api,
    trigger_api,
    trigger_pages,
)
from flows import enrollment_api as ways
from flows import pages as views

pages = [
    path("flows/", list_pages.flows, name="flows"),
    path("flow-templates/", library_pages.flow_templates, name="flow_templates"),
    path("flows/start/<slug:slug>/", starter_pages.start, name="flow_start"),
    path("flows/<int:pk>/", views.flow, name="flow"),
    path("flows/<int:pk>/nodes/<slug:key>/", views.flow_node, name="flow_node"),
    path("flows/<int:pk>/nodes/<slug:key>/copy/", views.flow_copy, name="flow_copy"),
    path("flows/<int:pk>/versions/<int:number>/", comparing.flow_version, name="flow_version"),
    path("flows/<int:pk>/dialogs/<slug:name>/", views.flow_dialog, name="flow_dialog"),
    path("flows/<int:pk>/counts/", views.flow_counts, name="flow_counts"),
    path("flows/<int:pk>/totals/", views.flow_totals, name="flow_totals"),
    path("flows/<int:pk>/people/", people.flow_people, name="flow_people"),
    path("flows/<int:pk>/enrol/", trigger_pages.flow_enrol, name="flow_enrol"),
    path("flows/<int:pk>/trigger/", trigger_pages.flow_trigger, name="flow_trigger"),
    re_path(r"^(?:v1/hooks|in)/(?P<token>[A-Za-z0-9._-]{1,200})/?$", hook_door.hear, name="flow_hook"),
    path("enrollments/<int:pk>/", people.enrollment, name="enrollment"),
    path("flows/stuck/", standstill_pages.stuck, name="flows_stuck"),
    path("flows/approvals/", rule_pages.approvals, name="flow_approvals"),
    path("flows/<int:pk>/rules/<slug:key>/", rule_pages.flow_rule, name="flow_rule"),
]

api = [
    path("flows/at-once/", wire.AtOnceView.as_view(), name="api_flows_at_once"),
    path("flows/templates/", library_pages.FlowTemplatesView.as_view(), name="api_flow_templates"),
    path("flows/templates/<slug:slug>/", library_pages.OwnTemplateView.as_view(), name="api_flow_template"),
    path("flows/", wire.FlowsView.as_view(), name="api_flows"),
    path("flows/<str:ref>/", wire.FlowView.as_view(), name="api_flow"),
    path("flows/<str:ref>/check/", wire.CheckView.as_view(), name="api_flow_check"),
    path("flows/<str:ref>/publish/", wire.PublishView.as_view(), name="api_flow_publish"),
    path("flows/<str:ref>/publish-plan/", wire.PublishPlanView.as_view(), name="api_flow_publish_plan"),
    path("flows/<str:ref>/rollback/", wire.RollbackView.as_view(), name="api_flow_rollback"),
    path("flows/<str:ref>/activate/", wire.ActivateView.as_view(), name="api_flow_activate"),
    path("flows/<str:ref>/pause/", wire.PauseView.as_view(), name="api_flow_pause"),
    path("flows/<str:ref>/resume/", wire.ResumeView.as_view(), name="api_flow_resume"),
    path("flows/<str:ref>/drain/", wire.DrainView.as_view(), name="api_flow_drain"),
    path("flows/<str:ref>/archive/", wire.ArchiveView.as_view(), name="api_flow_archive"),
    path("flows/<str:ref>/duplicate/", wire.DuplicateView.as_view(), name="api_flow_duplicate"),
    path("flows/<str:ref>/simulate/", rehearsal_api.SimulateView.as_view(), name="api_flow_simulate"),
    path("flows/<str:ref>/save-as-template/", library_pages.KeepView.as_view(), name="api_flow_keep"),
    path("flows/<str:ref>/versions/", wire.VersionsView.as_view(), name="api_flow_versions"),
    path("flows/<str:ref>/stats/", wire.StatsView.as_view(), name="api_flow_stats"),
    path("flows/<str:ref>/trigger/", trigger_api.TriggerView.as_view(), name="api_flow_trigger"),
    path("flows/<str:ref>/trigger/rotate/", trigger_api.RotateView.as_view(), name="api_flow_trigger_rotate"),
    path("flows/<str:ref>/enrollments/jobs/", trigger_api.JobsView.as_view(), name="api_flow_jobs"),
    path("flows/<str:ref>/enrollments/jobs/<str:job>/", trigger_api.JobView.as_view(), name="api_flow_job"),
    path(
        "flows/<str:ref>/enrollments/jobs/<str:job>/cancel/",
        trigger_api.CancelView.as_view(),
        name="api_flow_job_cancel",
    ),
    path("flows/<str:ref>/enrollments/", ways.FlowEnrollmentsView.as_view(), name="api_flow_enrollments"),
    path("contacts/<str:ref>/enrollments/", ways.ContactEnrollmentsView.as_view(), name="api_contact_enrollments"),
    path("enrollments/", ways.EnrollmentsView.as_view(), name="api_enrollments"),
    path("enrollments/stuck/", standstill_api.StuckView.as_view(), name="api_enrollments_stuck"),
    path("enrollments/at-once/", standstill_api.SweepView.as_view(), name="api_enrollments_at_once"),
    path("enrollments/at-once/<str:job>/", standstill_api.SweepJobView.as_view(), name="api_enrollments_job"),
    path(
        "enrollments/at-once/<str:job>/cancel/",
        standstill_api.SweepCancelView.as_view(),
        name="api_enrollments_job_cancel",
    ),
    path("enrollments/<str:ref>/", ways.EnrollmentView.as_view(), name="api_enrollment"),
    path("enrollments/<str:ref>/steps/", ways.StepsView.as_view(), name="api_enrollment_steps"),
    path("enrollments/<str:ref>/exit/", ways.ExitView.as_view(), name="api_enrollment_exit"),
    path("enrollments/<str:ref>/retry/", ways.RetryView.as_view(), name="api_enrollment_retry"),
    path("enrollments/<str:ref>/skip/", ways.SkipView.as_view(), name="api_enrollment_skip"),
    path("enrollments/<str:ref>/move/", ways.MoveView.as_view(), name="api_enrollment_move"),
    path("enrollments/<str:ref>/approve/", rule_api.ApproveView.as_view(), name="api_enrollment_approve"),
    path("enrollments/<str:ref>/refuse/", rule_api.RefuseView.as_view(), name="api_enrollment_refuse"),
    path("approvals/", rule_api.ApprovalsView.as_view(), name="api_approvals"),
    path("flows/<str:ref>/tests/", rule_api.TestsView.as_view(), name="api_flow_tests"),
    path("flows/<str:ref>/tests/<str:node>/promote/", rule_api.PromoteView.as_view(), name="api_flow_test_promote"),
    path("flows/<str:ref>/tests/<str:node>/withdraw/", rule_api.WithdrawView.as_view(), name="api_flow_test_withdraw"),
]

ingest = [
    path("state/<str:user_id>/token/", state_api.StateTokenView.as_view(), name="api_state_token"),
    path("state/<str:user_id>", state_api.StateView.as_view(), name="api_state"),
]

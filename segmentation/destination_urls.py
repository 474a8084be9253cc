"""The addresses of destinations."""

from django.urls import path

from segmentation import destination_api, destination_pages

pages = [
    path("destinations/", destination_pages.destinations_page, name="destinations"),
    path("destinations/new/", destination_pages.new, name="destination_new"),
    path("destinations/<int:pk>/", destination_pages.destination, name="destination"),
    path("destinations/<int:pk>/edit/", destination_pages.edit, name="destination_edit"),
    path("destinations/<int:pk>/files/<int:delivery>/", destination_pages.file, name="destination_file"),
]

api = [
    path("destinations/", destination_api.DestinationsView.as_view(), name="api_destinations"),
    path("destinations/<str:ref>/", destination_api.DestinationView.as_view(), name="api_destination"),
    path("destinations/<str:ref>/pause/", destination_api.PauseView.as_view(), name="api_destination_pause"),
    path("destinations/<str:ref>/resume/", destination_api.ResumeView.as_view(), name="api_destination_resume"),
    path("destinations/<str:ref>/rotate/", destination_api.RotateView.as_view(), name="api_destination_rotate"),
    path("destinations/<str:ref>/replay/", destination_api.ReplayView.as_view(), name="api_destination_replay"),
    path("destinations/<str:ref>/state/", destination_api.StateView.as_view(), name="api_destination_state"),
    path("destinations/<str:ref>/moves/", destination_api.MovesView.as_view(), name="api_destination_moves"),
    path("destinations/<str:ref>/test/", destination_api.TestView.as_view(), name="api_destination_test"),
    path("destinations/<str:ref>/retry/", destination_api.RetryView.as_view(), name="api_destination_retry"),
    path("destinations/<str:ref>/cancel/", destination_api.CancelView.as_view(), name="api_destination_cancel"),
    path(
        "destinations/<str:ref>/deliveries/",
        destination_api.DeliveriesView.as_view(),
        name="api_destination_deliveries",
    ),
    path(
        "destinations/<str:ref>/deliveries/<str:delivery>/file/",
        destination_api.FileView.as_view(),
        name="api_destination_file",
    ),
]

from django.urls import path

from organizations.views import login

app_name = "organizations"

urlpatterns = [
    path("login/", login.Login.as_view(), name="login"),
    path("logout/", login.logout, name="logout"),
    path("password/", login.password_change, name="password_change"),
]

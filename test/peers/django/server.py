"""Django OAuth Toolkit, the library under CMS Blue Button 2.0, with the paths, the rules and the answers of that source, on a
free port of loopback. The first line on standard output is its address. It ends with its standard input.

What Blue Button adds to the library is here: every client has a secret and sends PKCE; a token answer names the patient and the
end of the consent, and has the lifetime as a decimal number; userinfo names the patient.
"""

import json
import os
import sys
import threading
from datetime import datetime, timedelta, timezone
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
from django.conf import settings
from django.urls import include, path
from jwcrypto import jwk

HOST = "api.bluebutton.cms.gov"  # the provider's setting endpoint_base makes the host the first segment of a path
PATIENT = "-20140000008325"
SCOPES = ["openid", "profile", "launch/patient", "patient/Patient.rs", "patient/Coverage.rs", "patient/ExplanationOfBenefit.rs"]
LOGIN = '<form method="post" action="">{% csrf_token %}{{ form }}</form>'

os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
settings.configure(
    SECRET_KEY="of-this-test",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    PASSWORD_HASHERS=["django.contrib.auth.hashers.PBKDF2PasswordHasher"],
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "oauth2_provider"],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    TEMPLATES=[{
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "OPTIONS": {
            "context_processors": ["django.template.context_processors.request", "django.contrib.auth.context_processors.auth"],
            "loaders": [
                ("django.template.loaders.locmem.Loader", {"registration/login.html": LOGIN}),
                "django.template.loaders.app_directories.Loader",
            ],
        },
    }],
    OAUTH2_PROVIDER={
        "SCOPES": {scope: scope for scope in SCOPES},
        "PKCE_REQUIRED": True,
        "ROTATE_REFRESH_TOKEN": True,
        "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": 0,
        "ALLOWED_REDIRECT_URI_SCHEMES": ["http"],
        "OIDC_ENABLED": True,
        "OIDC_RSA_PRIVATE_KEY": jwk.JWK.generate(kty="RSA", size=2048).export_to_pem(private_key=True, password=None).decode(),
    },
)
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.contrib.auth.views import LoginView  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import JsonResponse  # noqa: E402
from oauth2_provider import views  # noqa: E402
from oauth2_provider.models import get_application_model  # noqa: E402


class Token(views.TokenView):
    """The token endpoint with what Blue Button adds."""

    def post(self, request, *args, **kwargs):
        answer = super().post(request, *args, **kwargs)
        if answer.status_code != 200:
            return answer
        members = json.loads(answer.content)
        end = datetime.now(timezone.utc) + timedelta(days=395)
        members.update(
            patient=PATIENT, expires_in=float(members["expires_in"]), access_grant_expiration=end.strftime("%Y-%m-%d %H:%M:%SZ")
        )
        return JsonResponse(members)


class Userinfo(views.UserInfoView):
    """Userinfo with the patient."""

    def get(self, request, *args, **kwargs):
        answer = super().get(request, *args, **kwargs)
        if answer.status_code != 200:
            return answer
        return JsonResponse({**json.loads(answer.content), "patient": PATIENT})


urlpatterns = [
    path(f"{HOST}/v2/o/authorize/", views.AuthorizationView.as_view()),
    path(f"{HOST}/v2/o/token/", Token.as_view()),
    path(f"{HOST}/v2/o/revoke_token/", views.RevokeTokenView.as_view()),
    path(f"{HOST}/v2/connect/userinfo", Userinfo.as_view()),
    path("accounts/login/", LoginView.as_view()),
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
]


class Quiet(WSGIRequestHandler):
    """Logs nothing: a line would have a code or a token."""

    def log_message(self, *args):
        pass


def main():
    call_command("migrate", verbosity=0)
    person = get_user_model().objects.create_user("anna", password="any")
    get_application_model().objects.create(
        client_id="us", client_secret="of-the-client", client_type="confidential", authorization_grant_type="authorization-code",
        redirect_uris="http://127.0.0.1/callback", algorithm="RS256", user=person, name="humanconnect",
    )
    server = make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=Quiet)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    server.serve_forever()


main()

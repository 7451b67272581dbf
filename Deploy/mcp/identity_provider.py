"""An authorization server made with Authlib, for the end-to-end test of the `oauth:` listener: registration, authorization codes
with PKCE, and access tokens as RFC 9068 has them, for the resource that the client names (RFC 8707).

Usage: identity_provider.py PORT    (loopback)

Whoever asks is `ana`, of the group `analysts`. `POST /rotate` signs with a new key, `POST /withdraw` publishes no other any more,
`POST /lifetime/SECONDS` gives tokens another lifetime from then on. `POST /mint` with `resource` gives a token at once, under
the name of a key that does not exist with `kid`; `GET /asked` says how often the keys were fetched.
"""

import secrets
import sys
import time

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, grants
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from flask import Flask, jsonify, request
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

PORT = int(sys.argv[1])
ISSUER = f"http://127.0.0.1:{PORT}"


def new_key():
    return ECKey.generate_key("P-256", {"kid": secrets.token_hex(4), "use": "sig", "alg": "ES256"})


keys, clients, codes, lifetimes, asked = [new_key()], {}, {}, [600], []


class Ana:
    def get_user_id(self):
        return "u-17"


class Client(ClientMixin):
    def __init__(self, name, redirects):
        self.client_id, self.redirects = name, redirects

    def get_client_id(self):
        return self.client_id

    def get_default_redirect_uri(self):
        return self.redirects[0]

    def get_allowed_scope(self, scope):
        return scope or ""

    def check_redirect_uri(self, redirect_uri):
        return redirect_uri in self.redirects

    def check_client_secret(self, client_secret):
        return False

    def check_endpoint_auth_method(self, method, endpoint):
        return method == "none"

    def check_response_type(self, response_type):
        return response_type == "code"

    def check_grant_type(self, grant_type):
        return grant_type == "authorization_code"


class Code:
    def __init__(self, request):
        data = request.payload.data
        self.client_id = request.client.client_id
        self.redirect_uri = data.get("redirect_uri")
        self.code_challenge = data.get("code_challenge")
        self.code_challenge_method = data.get("code_challenge_method")

    def get_redirect_uri(self):
        return self.redirect_uri

    def get_scope(self):
        return ""


class CodeGrant(grants.AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["none"]

    def save_authorization_code(self, code, request):
        codes[code] = Code(request)

    def query_authorization_code(self, code, client):
        found = codes.get(code)
        return found if found and found.client_id == client.client_id else None

    def delete_authorization_code(self, authorization_code):
        for code in [code for code, held in codes.items() if held is authorization_code]:
            del codes[code]

    def authenticate_user(self, authorization_code):
        return Ana()


class Tokens(JWTBearerTokenGenerator):
    def __init__(self):
        super().__init__(issuer=ISSUER, alg="ES256")

    def get_jwks(self):
        return KeySet([keys[-1]]).as_dict(private=True)

    def get_audiences(self, client, user, scope):
        return [request.form["resource"]]

    def get_extra_claims(self, client, grant_type, user, scope):
        return {
            "groups": ["analysts"], "email": "ana@corp.example", "email_verified": True,
            "exp": int(time.time()) + lifetimes[-1],
        }


app = Flask("identity")
server = AuthorizationServer(app, query_client=clients.get, save_token=lambda token, request: None)
server.register_grant(CodeGrant, [CodeChallenge(required=True)])
server.register_token_generator("default", Tokens())


@app.get("/.well-known/oauth-authorization-server")
def metadata():
    return jsonify(
        issuer=ISSUER, authorization_endpoint=f"{ISSUER}/authorize", token_endpoint=f"{ISSUER}/token",
        registration_endpoint=f"{ISSUER}/register", jwks_uri=f"{ISSUER}/keys", response_types_supported=["code"],
        grant_types_supported=["authorization_code"], code_challenge_methods_supported=["S256"],
        token_endpoint_auth_methods_supported=["none"],
    )


@app.get("/keys")
def published():
    asked.append(time.time())
    return jsonify(KeySet(keys).as_dict(private=False))


@app.post("/rotate")
def rotate():
    keys.append(new_key())
    return ""


@app.post("/withdraw")
def withdraw():
    del keys[:-1]
    return ""


@app.get("/asked")
def how_often():
    return str(len(asked))


@app.post("/mint")
def mint():
    now = int(time.time())
    claims = {
        "iss": ISSUER, "sub": "u-17", "aud": request.form["resource"], "client_id": "client-1", "iat": now,
        "exp": now + lifetimes[-1], "jti": secrets.token_hex(8), "groups": ["analysts"],
    }
    header = {"alg": "ES256", "typ": "at+jwt", "kid": request.form.get("kid", keys[-1].kid)}
    return jwt.encode(header, claims, keys[-1])


@app.post("/lifetime/<int:seconds>")
def lifetime(seconds):
    lifetimes.append(seconds)
    app.config["OAUTH2_TOKEN_EXPIRES_IN"] = {"authorization_code": seconds}
    return ""


@app.post("/register")
def register():
    name = f"client-{len(clients) + 1}"
    clients[name] = Client(name, request.json["redirect_uris"])
    answer = dict(request.json, client_id=name, token_endpoint_auth_method="none", grant_types=["authorization_code"])
    return jsonify(answer), 201


@app.get("/authorize")
def authorize():
    return server.create_authorization_response(grant_user=Ana())


@app.post("/token")
def token():
    return server.create_token_response()


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=PORT, threaded=True)

"""A service client in Python: a token by client credentials, a call, introspection, revocation.

    pip install Authlib requests
    python3 examples/oauth_client.py http://127.0.0.1:8080 CLIENT_ID CLIENT_SECRET

The endpoints are found by the service's metadata (RFC 8414), so the address is all that has to be known.
"""

import sys

import requests
from authlib.integrations.requests_client import OAuth2Session


def main(base: str, client_id: str, client_secret: str) -> None:
    metadata = requests.get(f"{base}/.well-known/oauth-authorization-server", timeout=10).json()
    assert metadata["issuer"] == base, "the metadata belong to another address"

    client = OAuth2Session(
        client_id,
        client_secret,
        token_endpoint=metadata["token_endpoint"],
        # client_secret_post does as well.
        token_endpoint_auth_method="client_secret_basic",
        grant_type="client_credentials",
    )
    token = client.fetch_token()
    print(f"a token for {token['scope']}, for {token['expires_in']} seconds")

    # Authlib asks for the next token by itself when this one has expired.
    providers = client.get(f"{base}/v1/providers?limit=1", timeout=10)
    providers.raise_for_status()
    provider = f"{base}/v1/providers/{providers.json()['data'][0]['slug']}"
    client.get(provider, timeout=10).raise_for_status()
    print(f"read {provider}")

    seen = client.introspect_token(metadata["introspection_endpoint"], token=token["access_token"]).json()
    assert seen["active"] and seen["client_id"] == client_id
    print(f"it holds: {seen['active']}")

    client.revoke_token(metadata["revocation_endpoint"], token=token["access_token"]).raise_for_status()
    refused = client.get(provider, timeout=10)
    assert refused.status_code == 401
    print("after its revocation it is refused")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])

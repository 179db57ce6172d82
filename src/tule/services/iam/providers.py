"""Identity providers: OpenID Connect and SAML.  AWS: IAM user guide, Identity providers and federation."""

from __future__ import annotations

from tule.services.iam import errors
from tule.services.iam.holdings import Shelf
from tule.store.documents import Documents

OIDC = Shelf(
    Documents("iam.oidc-provider"),
    missing=lambda arn: errors.no_such_entity(f"OpenIDConnect Provider not found for arn {arn}"),
    taken=lambda arn: errors.already_exists(f"Provider with url https://{arn.partition('oidc-provider/')[2]} already exists."),
)
SAML = Shelf(
    Documents("iam.saml-provider"),
    missing=lambda arn: errors.no_such_entity(f"Manifest not found for arn {arn}"),
    taken=lambda arn: errors.already_exists(f"A SAML provider with the name {arn.rpartition('/')[2]} already exists."),
)

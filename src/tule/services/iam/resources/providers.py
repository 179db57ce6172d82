"""AWS::IAM::OIDCProvider and AWS::IAM::SAMLProvider.  Ref is the ARN."""

from __future__ import annotations

from tule.platform.resource_type import Properties, Resource, StackContext
from tule.services.iam.resources.calls import call_unless_gone, copied, is_there, retag, tags_of


class OidcProviderType:
    name = "AWS::IAM::OIDCProvider"
    replace_on = frozenset({"Url"})

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        params = {
            "Url": properties.get("Url", ""),
            "ClientIDList": properties.get("ClientIdList", []),
            **copied(properties, "ThumbprintList"),
            "Tags": tags_of(stack, properties),
        }
        arn = (await stack.call("iam", "CreateOpenIDConnectProvider", params))["OpenIDConnectProviderArn"]
        return Resource(arn, {"Arn": arn})

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        who = {"OpenIDConnectProviderArn": physical_id}
        before, after = old.get("ClientIdList", []), new.get("ClientIdList", [])
        for client in [one for one in after if one not in before]:
            await stack.call("iam", "AddClientIDToOpenIDConnectProvider", {**who, "ClientID": client})
        for client in [one for one in before if one not in after]:
            await stack.call("iam", "RemoveClientIDFromOpenIDConnectProvider", {**who, "ClientID": client})
        if old.get("ThumbprintList", []) != new.get("ThumbprintList", []):
            params = {**who, "ThumbprintList": new.get("ThumbprintList", [])}
            await stack.call("iam", "UpdateOpenIDConnectProviderThumbprint", params)
        await retag(stack, "OpenIDConnectProvider", who, new)
        return Resource(physical_id, {"Arn": physical_id})

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await call_unless_gone(stack, "DeleteOpenIDConnectProvider", {"OpenIDConnectProviderArn": physical_id})


class SamlProviderType:
    name = "AWS::IAM::SAMLProvider"
    replace_on = frozenset({"Name"})

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        return await is_there(stack, "GetSAMLProvider", {"SAMLProviderArn": _saml_arn(stack, properties["Name"])})

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        params = {
            "Name": properties.get("Name") or stack.generated_name(128),
            "SAMLMetadataDocument": properties.get("SamlMetadataDocument", ""),
            "Tags": tags_of(stack, properties),
            **copied(properties, "AssertionEncryptionMode"),
        }
        arn = (await stack.call("iam", "CreateSAMLProvider", params))["SAMLProviderArn"]
        return await self._resource(stack, arn)

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        who = {"SAMLProviderArn": physical_id}
        if old.get("SamlMetadataDocument") != new.get("SamlMetadataDocument"):
            await stack.call("iam", "UpdateSAMLProvider", {**who, "SAMLMetadataDocument": new["SamlMetadataDocument"]})
        await retag(stack, "SAMLProvider", who, new)
        return await self._resource(stack, physical_id)

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        arn = physical_id if physical_id.startswith("arn:") else _saml_arn(stack, physical_id)
        await call_unless_gone(stack, "DeleteSAMLProvider", {"SAMLProviderArn": arn})

    async def _resource(self, stack: StackContext, arn: str) -> Resource:
        shape = await stack.call("iam", "GetSAMLProvider", {"SAMLProviderArn": arn})
        return Resource(arn, {"Arn": arn, "SamlProviderUUID": shape["SAMLProviderUUID"]})


def _saml_arn(stack: StackContext, name: str) -> str:
    return f"arn:aws:iam::{stack.account}:saml-provider/{name}"

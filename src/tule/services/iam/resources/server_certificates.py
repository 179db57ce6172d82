"""AWS::IAM::ServerCertificate.  Ref is the name; GetAtt gives Arn."""

from __future__ import annotations

from tule.platform.resource_type import Properties, Resource, StackContext
from tule.services.iam.resources.calls import call_unless_gone, copied, is_there, retag, tags_of


class ServerCertificateType:
    name = "AWS::IAM::ServerCertificate"
    replace_on = frozenset({"ServerCertificateName", "PrivateKey", "CertificateBody", "CertificateChain"})

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        return await is_there(stack, "GetServerCertificate", copied(properties, "ServerCertificateName"))

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        params = {
            "ServerCertificateName": properties.get("ServerCertificateName") or stack.generated_name(128),
            "CertificateBody": properties.get("CertificateBody", ""),
            "PrivateKey": properties.get("PrivateKey", ""),
            **copied(properties, "CertificateChain", "Path"),
        }
        tags = tags_of(stack, properties)
        made = await stack.call("iam", "UploadServerCertificate", {**params, "Tags": tags} if tags else params)
        return self._resource(made["ServerCertificateMetadata"])

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        who = {"ServerCertificateName": physical_id}
        if old.get("Path", "/") != new.get("Path", "/"):
            await stack.call("iam", "UpdateServerCertificate", {**who, "NewPath": new.get("Path", "/")})
        await retag(stack, "ServerCertificate", who, new)
        shape = (await stack.call("iam", "GetServerCertificate", who))["ServerCertificate"]
        return self._resource(shape["ServerCertificateMetadata"])

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await call_unless_gone(stack, "DeleteServerCertificate", {"ServerCertificateName": physical_id})

    def _resource(self, metadata: Properties) -> Resource:
        return Resource(metadata["ServerCertificateName"], {"Arn": metadata["Arn"]})

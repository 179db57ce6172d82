"""Makes clients of the SDK ahead, for what making the first client of a process takes: botocore reads the descriptions of services
and endpoints, more than a megabyte of JSON, and looks through hundreds of directories for it.

What it has read is handed to every session that is begun later, in this process and in those forked from it: the same data that
it would read, as long as no other directory of descriptions is there.  The clients themselves are forgotten.
"""

import os
import sys

SERVICES = ("s3", "dynamodb", "sqs", "sns", "sts", "events", "secretsmanager", "stepfunctions")
RESOURCES = ("s3", "dynamodb")
NOBODY = {"region_name": "us-east-1", "aws_access_key_id": "-", "aws_secret_access_key": "-"}


def steps():
    """What is to be done, in pieces of some milliseconds; nothing where there is no botocore."""
    if "botocore.session" not in sys.modules or "boto3" not in sys.modules:
        return []
    import boto3
    import botocore.loaders
    import botocore.session

    loader = botocore.loaders.create_loader()
    session = botocore.session.Session()
    session.register_component("data_loader", loader)
    maker = boto3.Session(botocore_session=session)
    return (
        [lambda: loader.list_available_services("service-2"), lambda: loader.load_data_with_path("endpoints")]
        + [lambda name=name: maker.client(name, **NOBODY) for name in SERVICES]
        + [lambda name=name: maker.resource(name, **NOBODY) for name in RESOURCES]
        + [lambda: _share(botocore.loaders, botocore.session, loader)]
    )


def _share(loaders, sessions, warm):
    """Loaders begin with what this one has read."""
    create = loaders.create_loader
    read = dict(warm._cache)

    def create_loader(search_path_string=None):
        loader = create(search_path_string)
        if not search_path_string and not _has_more(loader):
            loader._cache.update(read)
        return loader

    create_loader.__doc__ = create.__doc__
    loaders.create_loader = sessions.create_loader = create_loader


def _has_more(loader):
    """Whether somebody put descriptions beside those that come with botocore."""
    return any(os.path.isdir(path) for path in loader.search_paths if path != loader.BUILTIN_DATA_PATH)

"""`tule up`: start a node and serve until told to stop."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import ipaddress
import logging
import resource
import signal
import sys
import tempfile
from contextlib import ExitStack

import click
import uvloop

from tule.core import config as configuration


@click.command()
@click.option("--host", help="Address to listen on; beyond loopback only with --strict and TLS.")
@click.option("--port", type=int, help="Port to listen on; 0 takes a free one.")
@click.option("--data", help="Directory for everything that lasts.")
@click.option("--ephemeral", is_flag=True, default=None, help="Nothing is fsynced and all is gone at the end: for CI.")
@click.option("--store", help="postgresql://... instead of the embedded store.")
@click.option("--strict", is_flag=True, default=None, help="Only known access keys; no reset.")
@click.option("--strict-runtimes", is_flag=True, default=None, help="Refuse a runtime whose version is not installed.")
@click.option("--clock", help="real, frozen, or a speed such as 60.")
@click.option("--access-log", is_flag=True, default=None, help="Write access.log in the data directory.")
@click.option("--tls-certificate", help="PEM file; the node then speaks HTTPS.")
@click.option("--tls-key", help="PEM file of the certificate's key.")
@click.option("--log-level", help="debug, info, warning or error.")
def up(**flags: object) -> None:
    """Start a node.  Prints a line that ends in "Ready." once it serves."""
    try:
        config = configuration.load(flags)
        _check_exposure(config)
    except configuration.ConfigError as error:
        raise click.ClickException(str(error)) from error
    logging.basicConfig(level=config.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    _raise_file_limit()
    with ExitStack() as stack:
        if config.ephemeral and not config.data:
            directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="tule-", ignore_cleanup_errors=True))
            config = dataclasses.replace(config, data=directory)
        runner = stack.enter_context(asyncio.Runner(loop_factory=uvloop.new_event_loop))
        runner.run(_serve(config))


def _raise_file_limit() -> None:
    """Instances, connections and blobs each hold descriptors; the soft limit of most shells (1024) is for programs that hold few."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _check_exposure(config: configuration.Config) -> None:
    """Nothing listens beyond loopback unless asked, and then only in strict mode and with TLS."""
    try:
        loopback = config.host == "localhost" or ipaddress.ip_address(config.host).is_loopback
    except ValueError:
        loopback = False
    if not loopback and not (config.strict and config.tls_certificate):
        raise configuration.ConfigError(f"listening on {config.host} needs --strict, --tls-certificate and --tls-key")


def _spare_the_collector() -> None:
    """What a start has built stays until the end, and what a request builds dies with it, by its references alone: to search
    both for cycles as often as Python does would take a tenth of a small request's time."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


async def _serve(config: configuration.Config) -> None:
    from tule import app
    from tule.store.errors import StoreError

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        node = await app.build(config)
        await node.start()
    except (StoreError, OSError, configuration.ConfigError) as error:
        raise click.ClickException(str(error)) from error
    scheme = "https" if config.tls_certificate else "http"
    click.echo(f"Tule serves {scheme}://{config.host}:{node.port} on {node.node.store.dialect}. Ready.")
    sys.stdout.flush()
    _spare_the_collector()
    sys.setswitchinterval(0.001)  # the store's writer, back from the disk, must not wait 5 ms for the event loop's thread
    await stop.wait()
    await node.stop()

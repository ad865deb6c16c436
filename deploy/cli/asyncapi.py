"""The contract as an AsyncAPI 3 document: topics, what their records are, and who sends and receives them."""

from importlib.metadata import version
from typing import Any

import msgspec

from streams.contract.topics import TOPICS, Topic

_FORMAT = "application/schema+json;version=draft-2020-12"

# record -> (who sends it, who reads it); the topic is `hotline.` and the record's name.
_PARTIES: dict[str, tuple[str, str]] = {
    "calls": ("Telephone systems, `hotline replay`, `hotline simulate`", "`hotline streams`"),
    "visits": ("`hotline streams`", "`hotline sinks`"),
    "cells": ("`hotline streams`", "`hotline sinks`, `hotline alerts`, `hotline web`"),
    "signals": ("`hotline streams`", "`hotline alerts`, `hotline sinks`, `hotline web`"),
    "alerts": ("`hotline alerts`", "`hotline sinks`, `hotline web`"),
    "alert-control": (
        "People, by `hotline alerts` or the wallboard",
        "`hotline alerts`, `hotline sinks`, `hotline web`",
    ),
    "announcements": ("People, by the wallboard or `hotline events`", "`hotline streams`, `hotline web`"),
    "notifications": ("`hotline alerts`", "`hotline sinks`"),
    "dead-letter": ("`hotline streams`", "`hotline sinks`"),
}


def document(records: dict[str, Any]) -> dict[str, Any]:
    """The document; `records`: name of a record -> its type, for the topics that others may read or write."""
    roots, components = msgspec.json.schema_components(
        [records[name] for name in _PARTIES], ref_template="#/components/schemas/{name}/schema"
    )
    topics = {topic.name.removeprefix("hotline."): topic for topic in TOPICS}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Hotline",
            "version": version("hotline-monitor"),
            "description": "Events of telephone hotlines, and what Hotline makes of them. Times are milliseconds since the Unix "
            "epoch or RFC 3339. Producers partition by murmur2 of the key (librdkafka: `partitioner=murmur2_random`).",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {name: _channel(name, topics[name]) for name in _PARTIES},
        "operations": {
            f"{action}-{name}": {
                "action": action,
                "channel": {"$ref": f"#/channels/{name}"},
                "summary": party,
            }
            for name, parties in _PARTIES.items()
            for action, party in zip(("send", "receive"), parties, strict=True)
        },
        "components": {
            "messages": {
                name: {
                    "name": name,
                    "contentType": "application/json",
                    "payload": {"schemaFormat": _FORMAT, "schema": root},
                    "bindings": {
                        "kafka": {"key": {"type": "string", "description": topics[name].key}, "bindingVersion": "0.5.0"}
                    },
                }
                for name, root in zip(_PARTIES, roots, strict=True)
            },
            "schemas": {name: {"schemaFormat": _FORMAT, "schema": schema} for name, schema in components.items()},
        },
    }


def _channel(name: str, topic: Topic) -> dict[str, Any]:
    configuration: dict[str, Any] = {"cleanup.policy": [topic.cleanup]}
    if topic.retention_ms is not None:
        configuration["retention.ms"] = topic.retention_ms
    return {
        "address": topic.name,
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": configuration,
                "bindingVersion": "0.5.0",
            }
        },
    }

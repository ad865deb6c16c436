"""The one settings model: frozen, typed, unknown keys refused, secrets never printed.

Read from `hotline.yaml` (or the file named by `HOTLINE_CONFIG`) and from the environment
(`HOTLINE_KAFKA__BOOTSTRAP=…`, which wins). A secret may be given as a file: `…_FILE`.
"""

import os
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from deploy.runtime import yaml_text
from deploy.runtime.access import Access
from deploy.runtime.address import Address
from deploy.runtime.alerts_settings import Alerts
from deploy.runtime.detection_settings import (
    Abandonment,
    AnswerRate,
    Blocked,
    Concentration,
    Demand,
    NoAgent,
    QueueSilence,
    RingNoAnswer,
)
from deploy.runtime.public_holidays import known_country
from deploy.runtime.section import Section
from deploy.runtime.service_settings import Fraction, Hours, Seconds, ServiceLevel, target_at
from deploy.runtime.settings_sources import (
    CONFIG,
    PREFIX,
    config_file,
    environment_problems,
    with_secrets,
    written,
)
from deploy.runtime.settings_sources import (
    SettingsError as SettingsError,  # noqa: PLC0414  (whoever reads settings finds their error here)
)
from streams.contract.cells import DIMENSIONS

DEFAULT_KEYS = frozenset({"", "changeme", "change-me", "default", "secret", "demo-key-not-for-production"})
DEMO_KEY = "demo-key-not-for-production"


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name!r} is no IANA time zone; write one such as Asia/Shanghai")
    return name


TimeZone = Annotated[str, AfterValidator(_known_zone)]
Country = Annotated[str, AfterValidator(known_country)]


class Kafka(Section):
    """Where Kafka is. Empty `bootstrap`: `hotline up` starts an embedded broker."""

    bootstrap: str = ""
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    key_password: SecretStr | None = None
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    sasl_username: str = ""
    sasl_password: SecretStr | None = None
    replication_factor: Annotated[int, Field(ge=1, le=9)] = 1
    session_timeout_ms: Annotated[int, Field(ge=6_000, le=600_000)] = 30_000
    # A name that stays over restarts, one per process of a kind: a killed process has its partitions back at once
    # instead of after the session timeout. Two processes of a kind with one name end each other.
    group_instance_id: str = ""
    # What the engine's records are packed with. lz4 makes them a tenth smaller than snappy and zstd half as large, for
    # eight and twice the processor time (at the levels that aiokafka chooses).
    compression: Literal["gzip", "snappy", "lz4", "zstd"] = "snappy"

    @model_validator(mode="after")
    def _sasl_is_complete(self) -> Self:
        if self.security_protocol.startswith("SASL") and not (self.sasl_username and self.sasl_password):
            raise ValueError("security_protocol SASL_* needs kafka.sasl_username and kafka.sasl_password")
        return self


class ClickHouse(Section):
    """Where ClickHouse is (HTTP). Empty `url`: `hotline up` starts the embedded engine.

    `cluster`: whose replicas all hold the database, as `remote_servers` names it; empty: one server.
    """

    url: Address = ""
    database: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] = "hotline"
    cluster: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]*$")] = ""
    user: str = "default"
    password: SecretStr = SecretStr("")
    ca_file: Path | None = None
    verify: bool = True


class TermWords(Section):
    """Words of the text of calls, which `v_emerging` counts. `dictionary`: a file of a site's own, places for instance,
    which are always terms; `stop_words`: one of more words that never are; one word or phrase a line.
    """

    dictionary: Path | None = None
    stop_words: Path | None = None


class Pseudonym(Section):
    """The key that callers' numbers are hashed with; `key_id` stands in front of each value."""

    key: SecretStr = SecretStr("")
    key_id: Annotated[str, Field(pattern=r"^[a-z0-9]{1,8}$")] = "k1"


class Queue(Section):
    """One queue. `name` is for people, per language; empty values come from the hotline.

    `hours`: other targets at some hours, the first that holds counts. `centre`: who runs it.
    """

    name: dict[str, str] = {}
    centre: str = ""
    thresholds_s: tuple[Seconds, ...] = ()
    target: Fraction | None = None
    hours: tuple[Hours, ...] = ()


class Hotline(Section):
    """One hotline: its zone, its promise (first threshold and target) and its queues.

    `country`: whose public holidays, and weekend days that are worked instead, demand is expected by (`CN`, `DE-BY`).
    `labels`: what people call a category, district, department or reason of a break (`utilities/water`, `440305`,
    `lunch`), per language.
    """

    name: dict[str, str] = {}
    time_zone: TimeZone = "UTC"
    country: Country = ""
    thresholds_s: Annotated[tuple[Seconds, ...], Field(min_length=1)] = (20,)
    target: Fraction = 0.8
    hours: tuple[Hours, ...] = ()
    short_abandon_s: Seconds = 5
    queues: dict[str, Queue] = {}
    labels: dict[str, dict[str, str]] = {}

    def thresholds(self, queue: str) -> tuple[int, ...]:
        """The thresholds of a queue in seconds, the promised one first."""
        own = self.queues.get(queue)
        return own.thresholds_s if own and own.thresholds_s else self.thresholds_s

    def target_of(self, queue: str) -> float:
        """The promised service level of a queue, as a fraction."""
        own = self.queues.get(queue)
        return own.target if own and own.target is not None else self.target

    def target_at(self, queue: str, at: int) -> float | None:
        """What is promised of a queue at `at` (epoch ms), as a fraction; None: nothing at that hour.

        A queue that has hours or a target of its own does not have the hotline's hours.
        """
        own = self.queues.get(queue)
        hours = own.hours if own and (own.hours or own.target is not None) else self.hours
        if not hours:
            return self.target_of(queue)
        return target_at(hours, datetime.fromtimestamp(at / 1000, self.zone), self.target_of(queue))

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


class Intake(Section):
    allowed_lateness_s: Seconds = 7_200
    future_s: Seconds = 300
    lost_waiting_s: Seconds = 7_200
    lost_talking_s: Seconds = 14_400
    lost_agent_s: Seconds = 43_200
    # A source that sends heartbeats is cut off when it says nothing for longer than this.
    silent_after_s: Seconds = 90
    keep_fields: tuple[str, ...] = ()


class Cells(Section):
    """What cells are broken down by: name -> dimensions, `category/1` for the first level of a path or division code.

    The sets `hotline` and `source` are always there. Sets that settings name stand beside the defaults; one with no
    dimensions (`category_3: []`) is left out. `most_values`: kept apart per hotline and set; the rest is `(other)`.
    """

    dimension_sets: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], tuple[str, ...]] = {
        "queue": ("queue",),
        "queue_language": ("queue", "language"),
        "category_1": ("category/1",),
        "category_2": ("category/2",),
        "category_3": ("category/3",),
        "district_1": ("district/1",),
        "district_2": ("district/2",),
        "district_3": ("district/3",),
        "category_district": ("category/1", "district"),
        "department": ("department",),
        "channel": ("channel",),
        "centre": ("centre",),
    }
    most_values: Annotated[int, Field(ge=1, le=100_000)] = 1_000

    @field_validator("dimension_sets")
    @classmethod
    def _board_needs_queues(cls, sets: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        if sets.get("queue") != ("queue",):
            raise ValueError("keep `queue: [queue]`: promises and the wallboard rest on it")
        for name, parts in sets.items():
            if name in {"hotline", "source"}:
                raise ValueError(f"{name} is always there: leave it out")
            if len({part.partition("/")[0] for part in parts}) != len(parts):
                raise ValueError(f"{name} needs its dimensions each once")
            for part in parts:
                dimension, slash, level = part.partition("/")
                if dimension not in DIMENSIONS:
                    raise ValueError(f"{name}: {dimension} is no dimension; choose from {', '.join(DIMENSIONS)}")
                if slash and (dimension not in {"category", "district"} or level not in set("12345")):
                    raise ValueError(f"{name}: {part}: category and district have the levels 1 to 5, others none")
        return {name: parts for name, parts in sets.items() if parts}


class Web(Section):
    """The wallboard. `map`: the site's districts as GeoJSON, each with `code`, `name` and `population`."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    hotline: str = ""
    external_url: Address = ""
    map: Path | None = None
    access: Access = Access()


class Health(Section):
    """Where streams, sinks and alerts serve /healthz and /metrics; 0: chosen by the system."""

    host: str = "127.0.0.1"
    streams_port: Annotated[int, Field(ge=0, le=65_535)] = 0
    sinks_port: Annotated[int, Field(ge=0, le=65_535)] = 0
    alerts_port: Annotated[int, Field(ge=0, le=65_535)] = 0


_BUILT_IN_HOTLINES = {
    "anonymous-bank": Hotline(
        name={"en": "Anonymous Bank", "zh": "匿名银行"}, time_zone="Asia/Jerusalem", thresholds_s=(20,)
    )
}


class Settings(BaseSettings):
    """All settings of all processes."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
    )

    data_dir: Path = Path(".hotline")
    demo: bool = False
    paging: Literal["hotline", "alertmanager"] = "alertmanager"
    kafka: Kafka = Kafka()
    clickhouse: ClickHouse = ClickHouse()
    terms: TermWords = TermWords()
    pseudonym: Pseudonym = Pseudonym()
    hotline_defaults: Hotline = Hotline()
    hotlines: dict[str, Hotline] = {}
    intake: Intake = Intake()
    cells: Cells = Cells()
    demand: Demand = Demand()
    service_level: ServiceLevel = ServiceLevel()
    concentration: Concentration = Concentration()
    queue_silence: QueueSilence = QueueSilence()
    abandonment: Abandonment = Abandonment()
    blocked: Blocked = Blocked()
    ring_no_answer: RingNoAnswer = RingNoAnswer()
    answer_rate: AnswerRate = AnswerRate()
    no_agent: NoAgent = NoAgent()
    alerts: Alerts = Alerts()
    web: Web = Web()
    health: Health = Health()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del dotenv_settings, file_secret_settings  # the file and the environment are all there is
        assert isinstance(env_settings, EnvSettingsSource)
        env_settings.env_vars = with_secrets(env_settings.env_vars)
        file = InitSettingsSource(settings_cls, written(config_file()))
        return init_settings, env_settings, file

    def hotline(self, name: str) -> Hotline:
        """The settings of a hotline; one that is not configured gets `hotline_defaults`."""
        return self.hotlines.get(name) or _BUILT_IN_HOTLINES.get(name) or self.hotline_defaults

    @property
    def only_hotline(self) -> str:
        """The hotline that settings name, if they name one alone; else empty."""
        return next(iter(self.hotlines)) if len(self.hotlines) == 1 else ""

    def known_hotlines(self) -> Mapping[str, Hotline]:
        """The hotlines that settings (or a built-in mapping) name."""
        return _BUILT_IN_HOTLINES | self.hotlines

    def require_pseudonym_key(self) -> bytes:
        """The pseudonym key; an empty or a default one is refused outside the demo."""
        key = self.pseudonym.key.get_secret_value()
        if self.demo:
            return (key or DEMO_KEY).encode()
        if key in DEFAULT_KEYS or len(key) < 16:
            raise SettingsError(
                "pseudonym.key is empty, a default or shorter than 16 characters: set HOTLINE_PSEUDONYM__KEY "
                "(or HOTLINE_PSEUDONYM__KEY_FILE) to a random text, for instance from `openssl rand -hex 32`"
            )
        return key.encode()


def load(**overrides: Any) -> Settings:
    """Read the settings; raises SettingsError with one line per problem."""
    problems = environment_problems(Settings)
    if problems:
        raise SettingsError("\n".join(problems))
    config = os.environ.get(CONFIG)
    if config and not Path(config).is_file():
        raise SettingsError(f"{CONFIG} names {config}, which is no file")
    try:
        return Settings(**overrides)
    except ValidationError as error:
        raise SettingsError("\n".join(yaml_text.lines(error, Settings, "settings"))) from error


@cache
def current() -> Settings:
    """The settings of this process, read once."""
    return load()

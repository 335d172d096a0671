"""Settings of the backend: the only reader of the environment, ``.env`` and ``.env.live``.

The environment outranks ``.env.live``, which outranks ``.env``; an empty variable counts as unset and an unknown one is
ignored. Lists are written as CSV or as a JSON array. Errors name the setting and never show a value.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from backend.errors import StartupError
from backend.redaction import Secret
from worker.contract import SECRET_NAMES, EngineName


def _split_list(value: object) -> object:
    """Read ``a,b`` or ``["a", "b"]``; anything that is no text is left to the type check.

    Blank items are dropped in both: an empty token would let in whoever sends none.
    """
    if not isinstance(value, str):
        return value
    items = json.loads(value) if value.lstrip().startswith("[") else value.split(",")
    stripped = [item.strip() if isinstance(item, str) else item for item in items]
    return [item for item in stripped if item != ""]


ListSetting = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split_list)]
SecretListSetting = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split_list)]


class Settings(BaseSettings):
    """All settings, by the names of backend-contract §1.5 in lower case.

    Sizes are bytes, durations seconds. Paths may be relative to the working directory and are made absolute.
    """

    model_config = SettingsConfigDict(
        env_file=(".env", ".env.live"),
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    app_name: str = "Workspace Orchestrator"
    api_v1_str: str = Field("/api/v1", pattern=r"^(/[A-Za-z0-9._~-]+)+$")
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    log_format: str = Field("json", pattern="^(json|console)$")

    database_url: str = Field("sqlite:///./codex.db", repr=False)
    workspace_root: Path = Path("./workspaces")
    host_workspaces_dir: str = ""
    state_dir: Path = Path("./state")

    use_dummy_worker: bool = True
    codex_worker_image: str = "codex-worker:latest"
    worker_engine: EngineName = EngineName.TEMPLATE
    sleep_seconds: float = Field(0, ge=0, le=3600, allow_inf_nan=False)
    ladder_instance: str = Field("", max_length=64, pattern=r"^[A-Za-z0-9_.-]*$")

    job_timeout_seconds: float = Field(600, gt=0, le=86400, allow_inf_nan=False)
    job_stop_grace_seconds: float = Field(5, ge=0, le=300, allow_inf_nan=False)
    max_concurrent_jobs: int = Field(4, ge=1, le=256)
    max_queued_jobs: int = Field(64, ge=1, le=10000)
    worker_memory: str = Field("512m", pattern=r"^[1-9][0-9]*[bkmgBKMG]?$")
    worker_cpus: float = Field(1.0, gt=0, le=1024, allow_inf_nan=False)
    worker_pids: int = Field(128, ge=8, le=65536)
    worker_network: str = Field("none", pattern=r"^[A-Za-z0-9_.-]+$")

    max_body_bytes: int = Field(64 * 1024, ge=1024)
    max_file_bytes: int = Field(5 * 1024 * 1024, ge=1024)
    max_result_bytes: int = Field(1024 * 1024, ge=1024)
    max_log_bytes: int = Field(1024 * 1024, ge=1024)
    min_free_bytes: int = Field(64 * 1024 * 1024, ge=0)

    trace_enabled: bool = True
    trace_max_count: int = Field(10_000, ge=1)
    trace_max_age_days: float = Field(30, gt=0, le=3650, allow_inf_nan=False)
    trace_max_records: int = Field(10_000, ge=100, le=1_000_000)
    trace_queue_size: int = Field(10_000, ge=100, le=1_000_000)
    otel_exporter_otlp_endpoint: str = Field("", pattern=r"^(https?://[^\s@]+)?$")

    api_tokens: SecretListSetting = ()
    openai_api_key: SecretStr = SecretStr("")
    openai_org_id: SecretStr = SecretStr("")
    openai_project: SecretStr = SecretStr("")

    allow_origins: ListSetting = ("http://localhost:3000", "http://127.0.0.1:3000")
    allow_methods: ListSetting = ("GET", "POST", "PUT", "DELETE", "OPTIONS")
    allow_headers: ListSetting = ("Authorization", "Content-Type")
    allow_credentials: bool = False

    @model_validator(mode="after")
    def _refuse_the_dummy_engine(self) -> Self:
        if self.worker_engine is EngineName.DUMMY:
            msg = "WORKER_ENGINE=dummy is no engine of a container; set USE_DUMMY_WORKER=True instead"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _refuse_an_unreadable_database_url(self) -> Self:
        try:
            _password(self.database_url)
        except Exception:  # noqa: BLE001  # the original may quote the address, which may hold a password
            msg = (
                "DATABASE_URL cannot be read; write sqlite:////state/ladder.db or postgresql://user:password@host/name"
            )
            raise ValueError(msg) from None
        return self

    @property
    def mode(self) -> str:
        """``mocked`` or ``live``."""
        return "mocked" if self.use_dummy_worker else "live"

    @property
    def worker_secrets(self) -> dict[str, Secret]:
        """The secrets that a worker receives, by name; empty ones are left out, because empty counts as absent."""
        values = {name: Secret(getattr(self, name.lower()).get_secret_value()) for name in SECRET_NAMES}
        return {name: secret for name, secret in values.items() if secret}

    @property
    def all_secrets(self) -> dict[str, Secret]:
        """Everything that must never be stored or printed, by the name of its setting."""
        tokens = {f"API_TOKENS[{n}]": Secret(token.get_secret_value()) for n, token in enumerate(self.api_tokens)}
        password = _password(self.database_url)
        return self.worker_secrets | tokens | ({"DATABASE_URL": Secret(password)} if password else {})


def _password(url: str) -> str | None:
    from sqlalchemy.engine import make_url  # late: whoever only wants a setting need not wait for it

    parsed = make_url(url)
    in_query = parsed.query.get("password")
    return parsed.password or (in_query if isinstance(in_query, str) else None)


def load_settings(**overrides: object) -> Settings:
    """Read all settings once.

    Args:
        overrides: Values that outrank every source, by field name; ``_env_file=None`` reads no file.

    Raises:
        StartupError: ``settings-invalid``; the message names each bad setting and what it must be, never its value.
    """
    try:
        settings = Settings(**overrides)  # type: ignore[arg-type]  # pydantic checks the values
    except (ValueError, OSError) as error:
        raise StartupError("settings-invalid", _explain(error), hint="compare with .env.example") from None
    return settings.model_copy(
        update={
            "workspace_root": settings.workspace_root.absolute(),
            "state_dir": settings.state_dir.absolute(),
        }
    )


def _explain(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return f".env or .env.live cannot be read: {type(error).__name__}"
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, f['loc'])).upper() or 'settings'}: {f['msg']}" for f in faults)

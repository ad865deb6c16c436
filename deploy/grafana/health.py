"""The dashboard "Hotline's own health": are the processes up, do they keep up, does what they say arrive? (Prometheus)"""

from deploy.grafana import frame
from deploy.grafana.parts import Json, promql_target, rows, stat, table, thresholds, timeseries
from deploy.grafana.words import Text

UID = "hotline-health"

_RATE = "[$__rate_interval]"


def lines(title: Text, meaning: Text, expression: str, legend: str, unit: str = "none", **more: float) -> Json:
    return timeseries(title, meaning, [promql_target(expression, legend)], unit=unit, **more)  # type: ignore[arg-type]


def processes() -> Json:
    return lines(
        Text("Processes", "进程"),
        Text("1: Prometheus reached the process at its last visit. 0: it did not.", "1：Prometheus 最近一次访问到该进程。0：未访问到。"),
        'up{job="hotline"}',
        "{{process}}",
        maximum=1,
    )  # fmt: skip


def lag() -> Json:
    return lines(
        Text("Records not yet applied", "未处理的记录"),
        Text("Records appended and not applied, by topic, over all partitions.", "已写入而未处理的记录，按主题，合计所有分区。"),
        'sum by (process, topic) (hotline_engine_lag{job="hotline"})',
        "{{process}} {{topic}}",
    )  # fmt: skip


def behind() -> Json:
    return lines(
        Text("Behind wall time", "落后于当前时间"),
        Text("Wall time minus the lowest partition clock: how old the numbers are.", "当前时间减最落后分区的时钟：数字有多旧。"),
        'time() - min(hotline_engine_clock_seconds{job="hotline", topic="hotline.calls"} > 0)',
        "behind",
        unit="s",
    )  # fmt: skip


def _now() -> list[tuple[int, int, Json]]:
    panels = [
        stat(
            Text("Processes down", "停止的进程"),
            Text("Processes that Prometheus could not reach at its last visit.", "Prometheus 最近一次未能访问的进程。"),
            promql_target('count(up{job="hotline"} == 0) or vector(0)', "down"),
            colors=thresholds("green", (1, "red")),
        ),
        stat(
            Text("Behind wall time", "落后于当前时间"),
            Text("Wall time minus the lowest partition clock: how old the numbers are.", "当前时间减最落后分区的时钟：数字有多旧。"),
            promql_target('time() - min(hotline_engine_clock_seconds{job="hotline", topic="hotline.calls"} > 0)', "behind"),
            unit="s",
            colors=thresholds("green", (15, "orange"), (60, "red")),
        ),
        stat(
            Text("Records missing", "缺失的记录"),
            Text("Input records that the topic no longer had when they were to be read, since the processes started.", "读取时主题已不再保留的输入记录，自进程启动起。"),
            promql_target('sum(hotline_engine_records_missing_total{job="hotline"})', "missing"),
            colors=thresholds("green", (1, "red")),
        ),
        stat(
            Text("Alerts not delivered", "未送达的告警"),
            Text("Alerts that a target has not accepted yet.", "目标尚未接受的告警。"),
            promql_target('sum(hotline_alerts_deliveries_waiting{job="hotline"})', "waiting"),
            colors=thresholds("green", (1, "orange")),
        ),
        stat(
            Text("Rules about Hotline firing", "自身规则告警"),
            Text("Prometheus rules about Hotline itself that fire now (deploy/prometheus/rules).", "当前告警中的、关于 Hotline 自身的 Prometheus 规则。"),
            promql_target('count(ALERTS{alertname=~"Hotline.*", alertstate="firing"}) or vector(0)', "firing"),
            colors=thresholds("green", (1, "red")),
        ),
        stat(
            Text("Screens open", "打开的大屏"),
            Text("Wallboards that hold an event stream open, over all web processes.", "保持事件流的大屏数，合计所有 web 进程。"),
            promql_target('sum(hotline_web_screens{job="hotline"})', "screens"),
        ),
    ]  # fmt: skip
    return [(4, 4, panel) for panel in panels]


def _engine() -> list[list[tuple[int, int, Json]]]:
    job = '{job="hotline"}'
    panels = [
        lines(
            Text("Records applied", "处理速度"),
            Text("Input records applied to a state, per second, by process.", "每秒处理的输入记录，按进程。"),
            f"sum by (process) (rate(hotline_engine_records_applied_total{job}{_RATE}))",
            "{{process}}",
            "wps",
        ),
        lines(
            Text("Checkpoints, p99", "检查点用时 p99"),
            Text("From snapshot to acknowledged manifest: 99 in 100 took at most this long.", "由快照到清单确认：百分之九十九不超过此值。"),
            f"histogram_quantile(0.99, sum by (process, le) (rate(hotline_engine_checkpoint_seconds_bucket{job}{_RATE})))",
            "{{process}}",
            "s",
        ),
        lines(
            Text("Age of the written state", "已写状态的时长"),
            Text("Time since which the last state written knows nothing of the input: what a restart reads again.", "最后写下的状态不含之后的输入的时长：重启时需重读的部分。"),
            f"max by (process) (hotline_engine_state_age_seconds{job})",
            "{{process}}",
            "s",
        ),
        lines(
            Text("Size of the state", "状态大小"),
            Text("Size of the whole state, not compressed, over all partitions.", "全部状态的大小（未压缩），合计所有分区。"),
            f"sum by (process) (hotline_engine_state_bytes{job})",
            "{{process}}",
            "bytes",
        ),
        lines(
            Text("Rows written", "写入的行"),
            Text("Rows that ClickHouse has stored, per second, by table, repeats included.", "每秒写入 ClickHouse 的行，按表，含重复。"),
            f"sum by (table) (rate(hotline_sinks_rows_written_total{job}{_RATE}))",
            "{{table}}",
            "wps",
        ),
        lines(
            Text("Inserts, p99", "写入用时 p99"),
            Text("Time of one insert into ClickHouse: 99 in 100 took at most this long.", "单次写入 ClickHouse 的用时：百分之九十九不超过此值。"),
            f"histogram_quantile(0.99, sum by (le) (rate(hotline_sinks_insert_seconds_bucket{job}{_RATE})))",
            "insert",
            "s",
        ),
        lines(
            Text("Inserts that failed", "写入失败"),
            Text("Inserts that ClickHouse did not take, by table; they are tried again and nothing is lost.", "ClickHouse 未接受的写入，按表；会重试，不丢失。"),
            f"sum by (table) (rate(hotline_sinks_inserts_failed_total{job}{_RATE}))",
            "{{table}}",
            "ops",
        ),
        lines(
            Text("Deliveries of alerts", "告警投递"),
            Text("Tries to deliver an alert, per second, by channel, what came of it and why.", "每秒的告警投递尝试，按渠道、结果与原因。"),
            f"sum by (channel, outcome, reason) (rate(hotline_alerts_deliveries_total{job}{_RATE}))",
            "{{channel}} {{outcome}} {{reason}}",
            "ops",
        ),
        lines(
            Text("Memory", "内存"),
            Text("Resident memory of each process.", "各进程的常驻内存。"),
            f"process_resident_memory_bytes{job}",
            "{{process}}",
            "bytes",
        ),
        lines(
            Text("Processor", "处理器"),
            Text("Cores that each process uses.", "各进程使用的核数。"),
            f"rate(process_cpu_seconds_total{job}{_RATE})",
            "{{process}}",
            "none",
        ),
        lines(
            Text("Started again", "重启"),
            Text("How often each process was started again within the last hour.", "各进程最近一小时内的重启次数。"),
            f"changes(process_start_time_seconds{job}[1h])",
            "{{process}}",
        ),
        lines(
            Text("Open files", "打开的文件"),
            Text("File descriptors each process holds open, of those it may.", "各进程打开的文件描述符占上限的比例。"),
            f"process_open_fds{job} / process_max_fds{job}",
            "{{process}}",
            "percentunit",
        ),
    ]  # fmt: skip
    return [[(8, 7, panel) for panel in panels[first : first + 3]] for first in range(0, len(panels), 3)]


def _rules() -> list[tuple[int, int, Json]]:
    rules = table(
        Text("Rules about Hotline", "关于 Hotline 自身的规则"),
        Text("Prometheus rules about Hotline itself that are pending or firing; the runbook is in each rule's `action`.", "处于待定或告警中的自身规则；处理方法见各规则的 action。"),
        promql_target('ALERTS{alertname=~"Hotline.*"}', "", instant=True),
    )  # fmt: skip
    return [(24, 7, rules)]


def health() -> Json:
    """The dashboard as Grafana's classic JSON."""
    return frame.board(
        UID,
        Text("Hotline's own health", "Hotline 自身健康"),
        Text(
            "Are the processes up, do they keep up, does what they say arrive?",
            "进程是否在运行、是否跟得上、所告是否送达？",
        ),
        variables=(),
        marks=False,
        refresh="30s",
        since="now-3h",
        panels=rows(
            (Text("Now", "此刻"), [_now()]),
            (Text("Keeping up", "是否跟得上"), [[(8, 7, processes()), (8, 7, lag()), (8, 7, behind())]]),
            (Text("The engine", "引擎"), _engine()),
            (Text("Rules", "规则"), [_rules()]),
        ),
    )

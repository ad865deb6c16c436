"""Words that ClickHouse stores, as people read them, with their colours."""

from deploy.grafana.words import Text

SEVERITIES = {
    "info": (Text("info", "提示"), "blue"),
    "warning": (Text("warning", "警告"), "orange"),
    "critical": (Text("critical", "严重"), "red"),
}
ALERT_STATES = {
    "pending": (Text("pending", "待定"), "yellow"),
    "firing": (Text("firing", "告警中"), "red"),
    "resolved": (Text("resolved", "已恢复"), "green"),
}
OUTCOMES = {
    "answered": (Text("answered", "接通"), "green"),
    "abandoned": (Text("abandoned", "放弃"), "red"),
    "flowed_out": (Text("flowed out", "溢出"), "purple"),
    "callback_taken": (Text("callback taken", "登记回呼"), "blue"),
    "lost_track": (Text("lost track", "失去跟踪"), "yellow"),
    "open": (Text("still open", "进行中"), "text"),
}
YES_NO = {
    "0": (Text("no", "否"), "green"),
    "1": (Text("yes", "是"), "red"),
    "false": (Text("no", "否"), "green"),
    "true": (Text("yes", "是"), "red"),
}
FEED_STATES = {
    "running": (Text("running", "进行中"), "blue"),
    "ended": (Text("ended", "已结束"), "green"),
}
SIGNAL_KINDS = {
    "demand_above_expectation": (Text("more calls than usual", "来电高于预测"), "orange"),
    "demand_below_expectation": (Text("fewer calls than usual", "来电低于预测"), "blue"),
    "demand_concentrated": (Text("calls from one place or about one thing", "来电集中"), "orange"),
    "queue_silence": (Text("no call at all", "无来电"), "blue"),
    "service_level_under_target": (Text("service level under target", "服务水平未达标"), "red"),
    "error_budget_fast_burn": (Text("error budget spent fast", "误差预算快速消耗"), "red"),
    "error_budget_slow_burn": (Text("error budget spent slowly", "误差预算持续消耗"), "orange"),
    "waiting_past_threshold": (Text("several wait too long", "多人超时等待"), "red"),
    "abandonment_above_limit": (Text("abandonment above limit", "放弃率超限"), "orange"),
    "answer_rate_below_target": (Text("answer rate below target", "接通率未达标"), "orange"),
    "answer_rate_breach_predicted": (Text("answer rate will fall short", "接通率预计不达标"), "orange"),
    "blocked_above_limit": (Text("calls refused", "打不进超限"), "red"),
    "no_agent_available": (Text("no agent available", "无空闲座席"), "orange"),
    "ring_no_answer": (Text("agents do not answer", "振铃未接超限"), "orange"),
    "dead_feed": (Text("source silent", "数据源中断"), "purple"),
    "doubled_feed": (Text("source sends twice", "数据源重复发送"), "purple"),
}

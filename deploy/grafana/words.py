"""What people read on dashboards, in both languages; `spoken` makes a dashboard of one of them.

Titles and descriptions stand where they are used, as `Text`. Names of columns and series stand in SQL in double quotes
(nothing else does), and have their Chinese here.
"""

import re
from typing import Any, Literal, NamedTuple

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")

_NAME = re.compile(r'"([^"]+)"')
_SHOWN = {"options", "displayName", "legendFormat", "xField"}
"""Keys of Grafana's JSON whose text names a column or series."""

NAMES = {
    "AHT": "平均处理时长",
    "ASA": "平均应答速度",
    "Abandoned in X met": "时限内放弃算达标",
    "Abandoned": "放弃",
    "Abandonment rate": "放弃率",
    "Acknowledged by": "确认人",
    "Agent": "座席",
    "Agents free": "空闲座席",
    "Alerts": "告警数",
    "Answer rate (inbound)": "接通率（全部呼入）",
    "Answer rate (offered)": "接通率（请求人工）",
    "Answer rate": "接通率",
    "Answered": "接通",
    "At": "时刻",
    "Author": "操作人",
    "Began": "开始",
    "Beyond": "超出",
    "Blocked": "打不进",
    "Burn rate": "消耗速度",
    "Call": "来电",
    "Calls abandoned": "放弃的来电",
    "Calls answered": "接通的来电",
    "Calls offered": "请求人工的来电",
    "Category": "诉求分类",
    "Channel": "渠道",
    "Clock offset": "时钟偏差",
    "Completeness": "数据完整率",
    "Counted up to": "统计截至",
    "Day": "日期",
    "Department": "承办单位",
    "District": "区域",
    "Ended in menu": "止于语音导航",
    "Ended": "结束",
    "Episodes": "告警次数",
    "Events": "事件数",
    "Excluding abandoned in X": "剔除时限内放弃",
    "Excluding short abandons": "剔除短时放弃",
    "Expected": "预测",
    "Feed": "数据流",
    "Field": "字段",
    "Fired": "触发时间",
    "From": "起",
    "Generation": "批次",
    "Heard": "收到数据的分钟",
    "Hold": "保持",
    "Kind": "种类",
    "Language": "语言",
    "Last event": "最近事件",
    "Last preview, masked": "最近内容（已脱敏）",
    "Last": "最近一次",
    "Lasted": "持续",
    "Matches": "匹配",
    "Median length": "持续时长中位数",
    "Minutes": "应有分钟",
    "Missed": "未达标",
    "Missing since": "中断起",
    "Never fired": "未触发",
    "Noise": "噪声",
    "Note": "说明",
    "Occupancy": "座席利用率",
    "Of answered": "占接通",
    "Offered": "请求人工",
    "Oldest": "最长等待",
    "Outcome": "结果",
    "Position": "位置",
    "Queryable since": "可查询起",
    "Queue": "队列",
    "Queued": "进队时间",
    "Rating": "评分",
    "Reason": "原因",
    "Repair": "修复",
    "Repeats": "重复记录",
    "Resolved": "恢复时间",
    "Ring, no answer": "振铃未接",
    "Rule": "规则",
    "Seconds": "秒",
    "Sent twice": "重复发送",
    "Service level (15 min)": "服务水平（15 分钟）",
    "Service level (offered)": "服务水平（请求人工）",
    "Service level (today)": "服务水平（今日）",
    "Service level": "服务水平",
    "Severity": "级别",
    "Share of misses": "占未达标",
    "Short": "不足五分钟",
    "Since": "起始",
    "Source": "数据源",
    "Sources": "数据源数",
    "Spent": "已用预算",
    "State": "状态",
    "Step": "升级级数",
    "Still firing": "仍在告警",
    "Summary": "摘要",
    "Taken on": "已确认",
    "Talk": "通话",
    "Threshold": "时限",
    "Time to acknowledge": "确认用时",
    "Time to tell": "送达用时",
    "Time": "时间",
    "To": "止",
    "Told": "通知对象",
    "Transferred": "转出",
    "Until": "至",
    "Value": "值",
    "Verdict": "评价",
    "Visits": "进队次数",
    "Wait": "等待",
    "Waiting past threshold": "超时等待",
    "Waiting": "等待中",
    "Week before": "上周同时段",
    "Why": "缘由",
    "Window": "时段",
    "Within X": "时限内接通",
    "Work after call": "话后处理",
    "a week before": "上周同时段",
    "abandoned": "放弃",
    "after-call": "话后",
    "answered": "接通",
    "available": "空闲",
    "behind": "落后",
    "break": "小休",
    "callback taken": "登记回呼",
    "calls offered": "请求人工的来电",
    "down": "停止",
    "ended in menu": "止于语音导航",
    "expectation": "预测",
    "firing": "告警中",
    "flowed out": "溢出",
    "hold": "保持",
    "insert": "写入",
    "late": "迟到",
    "left": "剩余",
    "lower end": "预测下限",
    "missing": "缺失",
    "occupancy": "座席利用率",
    "of 24 h, worst": "连续 24 小时最低",
    "offered": "请求人工",
    "on call": "通话",
    "p90": "九成等待",
    "promise": "承诺",
    "ratio": "实际÷预测",
    "ring, no answer": "振铃未接",
    "ringing": "振铃",
    "screens": "大屏",
    "service level": "服务水平",
    "talk": "通话",
    "unread": "无法读取",
    "upper end": "预测上限",
    "waiting": "等待",
}
"""English name of a column or series -> Chinese."""


class Text(NamedTuple):
    """What is read, in English and in Chinese."""

    en: str
    zh: str


class UnnamedError(ValueError):
    """A column or series that has no Chinese name yet: add it to NAMES."""


def _named(name: str) -> str:
    if name not in NAMES:
        raise UnnamedError(f"{name!r} has no Chinese name: add it to NAMES in deploy/grafana/words.py")
    return NAMES[name]


def spoken(node: Any, language: Language, key: str = "") -> Any:
    """`node` of a dashboard with every text in one language. Raises UnnamedError."""
    if isinstance(node, Text):
        return getattr(node, language)
    if isinstance(node, dict):
        return {name: spoken(value, language, name) for name, value in node.items()}
    if isinstance(node, list):
        return [spoken(value, language, key) for value in node]
    return _in_chinese(node, key) if isinstance(node, str) and language == "zh" else node


def _in_chinese(text: str, key: str) -> str:
    if key in {"rawSql", "definition"}:
        return _NAME.sub(lambda found: f'"{_named(found[1])}"', text)
    return _named(text) if key in _SHOWN and text and "{{" not in text else text

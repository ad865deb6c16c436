"""What agents write down of a call: one line, in Chinese or English, of three calls in ten; of an incident, its words."""

from collections.abc import Sequence
from zlib import crc32

from deploy.producers.simulator.calls import Call
from deploy.producers.simulator.incidents import Incident, share_said

_IN_TEN = 3
_PLACES = (
    ("小区", "in a housing estate"),
    ("学校门口", "beside a school"),
    ("公交站", "at a bus stop"),
    ("菜市场", "at a market"),
    ("写字楼", "in an office building"),
    ("医院", "beside a hospital"),
    ("公园", "in a park"),
)
ABOUT = {
    "water": ("自来水", "tap water"),
    "electricity": ("供电", "electricity"),
    "gas": ("燃气", "gas"),
    "heating": ("暖气", "heating"),
    "telecom": ("宽带", "broadband"),
    "pension": ("养老金", "pension"),
    "medical-insurance": ("医保", "health insurance"),
    "unemployment": ("失业金", "unemployment benefit"),
    "injury": ("工伤", "work injury"),
    "card": ("社保卡", "social security card"),
    "registration": ("营业执照", "business licence"),
    "tax": ("发票", "tax invoice"),
    "licences": ("审批", "permit"),
    "subsidies": ("补贴", "subsidy"),
    "noise": ("噪音", "noise"),
    "street-trading": ("占道", "street trading"),
    "refuse": ("垃圾", "refuse"),
    "street-lights": ("路灯", "street light"),
    "parks": ("绿化", "green space"),
    "parking": ("停车", "parking"),
    "bus": ("公交", "bus"),
    "metro": ("地铁", "metro"),
    "taxi": ("出租车", "taxi"),
    "road-works": ("修路", "road works"),
    "licence": ("驾驶证", "driving licence"),
    "property-management": ("物业", "property management"),
    "leaks": ("漏水", "leaking roof"),
    "rent": ("租金", "rent"),
    "building-safety": ("墙体", "cracked wall"),
    "purchase": ("购房", "flat purchase"),
    "refund": ("退款", "refund"),
    "quality": ("质量", "faulty goods"),
    "prepaid-cards": ("充值卡", "prepaid card"),
    "food": ("食品", "food"),
    "prices": ("价格", "prices"),
    "visa": ("签证", "visa"),
    "residence": ("居留", "residence permit"),
    "driving": ("驾照", "driving test"),
    "health": ("体检", "health check"),
}
MATTERS = {
    "outage": ("中断", "cut off"),
    "leak": ("渗漏", "leaking"),
    "bill": ("账单", "bill too high"),
    "meter": ("计量", "meter broken"),
    "entitlement": ("资格", "entitlement unclear"),
    "payment": ("缴费", "payment missing"),
    "record": ("记录", "record wrong"),
    "procedure": ("流程", "procedure unclear"),
    "deadline": ("逾期", "deadline passed"),
    "refusal": ("退件", "refused"),
    "complaint": ("扰民", "disturbance"),
    "repair": ("损坏", "repair due"),
    "delay": ("晚点", "delay"),
    "lost-property": ("失物", "lost bag"),
    "conduct": ("拒载", "rude driver"),
    "fare": ("票价", "fare"),
    "dispute": ("纠纷", "dispute"),
    "inspection": ("检查", "inspection"),
    "contract": ("合同", "contract"),
    "online": ("网购", "online shop"),
    "shop": ("商场", "shop"),
    "service": ("售后", "after-sales service"),
    "appointment": ("预约", "appointment"),
}


class Notes:
    """The note of a call follows from its id, so that no draw of chance is another with notes than without."""

    def __init__(self, incidents: Sequence[Incident]) -> None:
        self._said = [incident for incident in incidents if incident.text]

    def of(self, call: Call) -> str:
        """The text that is told at wrap-up; mostly empty."""
        number = crc32(call.id.encode())
        for incident in self._said:
            if incident.holds(call.queue.name, call.arrived_at) and number % 1_000 < 1_000 * share_said(incident):
                return incident.text
        if number % 10 >= _IN_TEN:
            return ""
        _, _, rest = call.category.partition("/")
        about, _, matter = rest.partition("/")
        of_which, where = ABOUT.get(about, ("", "")), _PLACES[number // 10 % len(_PLACES)]
        why = MATTERS.get(matter, ("", ""))
        if call.language in {"", "zh"}:
            return f"来电反映{where[0]}{of_which[0]}{why[0]}，请尽快处理"
        return f"{of_which[1]} {why[1]} {where[1]}, please help"
